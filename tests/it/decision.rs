//! The decision listener from the outside: a real socket, bytes in and bytes out.
//!
//! Invariant: what is checked is what a client would see; nothing here knows how the listener is built.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;
use tminus::core::throttle::{Halt, HaltTarget, Policy, Rule, Table, TableInput, bucket};
use tminus::core::words::{Name, Percent};
use tminus::shell::clock;
use tminus::shell::decision::{Farewell, Limits, serve_within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Nothing on loopback takes this long; a test that waits so long has failed.
const DEADLINE: Duration = Duration::from_secs(20);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Half of Reader's clients are served.
fn input() -> TableInput {
    let rule = Rule { label: "p/rules[0]".into(), ..Rule::about(name("Reader"), Percent::from_ppm(500_000).unwrap()) };
    let policies = vec![Policy { rules: vec![rule], ..Policy::named(name("p")) }];
    TableInput { policies, revision: "r1".into(), ..TableInput::default() }
}

fn halted() -> TableInput {
    let target = HaltTarget::App { app: name("reader") };
    let at = "2026-12-01T19:00:00Z".parse().unwrap();
    let halt = Halt { target, by: "ann".into(), reason: "crashes".into(), at, lifts: vec![] };
    TableInput { halts: vec![halt], revision: "r2".into(), ..input() }
}

struct Listener {
    address: SocketAddr,
    table: Arc<ArcSwap<Table>>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

async fn start(limits: Limits) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let table = Arc::new(ArcSwap::from_pointee(Table::build(input())));
    let (stop, leaving) = oneshot::channel();
    let (told, over) = oneshot::channel();
    let farewell = Farewell { leaving, told, over };
    let served = tokio::spawn(serve_within(listener, Arc::clone(&table), limits, farewell));
    Listener { address, table, stop, served }
}

struct Client(TcpStream);

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_end()).next()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Client {
    async fn connect(listener: &Listener) -> Self {
        Self(TcpStream::connect(listener.address).await.unwrap())
    }

    /// Sends a head, given without its blank line, and reads the answer.
    async fn ask(&mut self, head: &str) -> Answer {
        self.0.write_all(format!("{head}\r\nhost: tminus\r\n\r\n").as_bytes()).await.unwrap();
        timeout(DEADLINE, self.answer(head.starts_with("HEAD"))).await.unwrap()
    }

    async fn get(&mut self, target: &str) -> Answer {
        self.ask(&format!("GET {target} HTTP/1.1")).await
    }

    async fn answer(&mut self, headless: bool) -> Answer {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(bytes).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").filter(|_| !headless).map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    /// Whether the other side closes, and after how long.
    async fn closed_after(&mut self) -> Duration {
        let start = clock::monotonic();
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = timeout(DEADLINE, self.0.read_to_end(&mut rest)).await.unwrap();
        start.elapsed()
    }
}

const ASK: &str = "/v1/decision?app=Reader&version=2.2.1&channel=release&client=";

#[tokio::test]
async fn a_decision_is_answered_as_the_contract_says() {
    let listener = start(Limits::default()).await;
    let mut client = Client::connect(&listener).await;
    let answer = client.get(&format!("{ASK}a%20b")).await;
    let stands = bucket("reader/2.2.1", "a b");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("retry-after"), None);
    let mut json = answer.json();
    assert!(json["retry_after_secs"].take().as_u64().unwrap() >= 30);
    let expected = serde_json::json!({
        "serve": stands < 500_000, "version": null, "reason": "rule", "rule": "p/rules[0]", "percent_ppm": 500_000,
        "bucket": stands, "retry_after_secs": null, "revision": "r1",
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn the_client_may_stand_in_the_header_and_the_query_wins() {
    let listener = start(Limits::default()).await;
    let mut client = Client::connect(&listener).await;
    let bucket_of = |answer: Answer| answer.json()["bucket"].as_u64().map(|bucket| bucket as u32);
    let header = client.ask(&format!("GET {ASK} HTTP/1.1\r\nX-Tminus-Client: one")).await;
    assert_eq!(bucket_of(header), Some(bucket("reader/2.2.1", "one")));
    let both = client.ask(&format!("GET {ASK}two HTTP/1.1\r\nX-Tminus-Client: one")).await;
    assert_eq!(bucket_of(both), Some(bucket("reader/2.2.1", "two")));
    let none = client.get(ASK).await;
    assert_eq!((none.json()["reason"].as_str(), bucket_of(none)), (Some("no_client_id"), None));
}

#[tokio::test]
async fn a_halt_holds_from_the_next_request_of_an_open_connection() {
    let listener = start(Limits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(Client::connect(&listener).await);
    }
    for round in 0..50 {
        let halt = round % 2 == 1;
        let input = if halt { halted() } else { input() };
        listener.table.store(Arc::new(Table::build(input)));
        for client in &mut clients {
            let answer = client.get(&format!("{ASK}c&force=1")).await;
            let (served, revision) = if halt { (false, "r2") } else { (true, "r1") };
            assert_eq!((answer.json()["serve"].as_bool(), answer.json()["revision"].as_str()), (Some(served), Some(revision)));
        }
    }
}

#[tokio::test]
async fn an_unchanged_decision_is_not_sent_again_but_a_halt_is() {
    let listener = start(Limits::default()).await;
    let mut client = Client::connect(&listener).await;
    let first = client.get(&format!("{ASK}c")).await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = format!("GET {ASK}c HTTP/1.1\r\nIf-None-Match: \"other\", {tag}");
    let same = client.ask(&again).await;
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(tag.as_str())));
    assert_eq!(same.header("cache-control"), Some("private, no-cache"));
    listener.table.store(Arc::new(Table::build(halted())));
    let halted = client.ask(&again).await;
    assert_eq!((halted.status, halted.json()["reason"].as_str()), (200, Some("halt")));
}

#[tokio::test]
async fn head_has_the_head_of_get() {
    let listener = start(Limits::default()).await;
    let mut client = Client::connect(&listener).await;
    let get = client.get(&format!("{ASK}c")).await;
    let head = client.ask(&format!("HEAD {ASK}c HTTP/1.1")).await;
    for name in ["etag", "content-type", "content-length"] {
        assert!(get.header(name).is_some() && get.header(name) == head.header(name), "{name}");
    }
    assert_eq!(client.get("/-/healthy").await.body, "ok\n");
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem_that_names_its_cause() {
    let listener = start(Limits::default()).await;
    for (head, status, words) in [
        ("GET /v1/decision HTTP/1.1", 400, vec!["app: missing", "version: missing", "channel: missing"]),
        ("GET /v1/decision?app=A&version=1%200&channel=c HTTP/1.1", 400, vec!["version: a version is"]),
        ("GET /v1/decision?app=%ff&version=1&channel=c HTTP/1.1", 400, vec!["app: not percent-encoded"]),
        ("GET /v1/decisions HTTP/1.1", 404, vec!["/v1/decision"]),
        ("DELETE /v1/decision HTTP/1.1", 405, vec!["GET"]),
        ("GET /-/healthy HTTP/1.1\r\ncontent-length: 100000", 413, vec!["body"]),
    ] {
        let answer = Client::connect(&listener).await.ask(head).await;
        assert_eq!((answer.status, answer.json()["status"].as_u64()), (status, Some(u64::from(status))), "{head}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{head}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("GET, HEAD"), "{head}");
        assert!(words.iter().all(|word| answer.json()["detail"].as_str().unwrap().contains(word)), "{head}: {}", answer.body);
    }
    let answer = Client::connect(&listener).await.get("/v1/decision?version=1&channel=c").await;
    assert_eq!(answer.json()["errors"], serde_json::json!([{"parameter": "app", "detail": "missing"}]));
}

#[tokio::test]
async fn nobody_is_served_before_documents_are_in_force() {
    let listener = start(Limits::default()).await;
    listener.table.store(Arc::default());
    let answer = Client::connect(&listener).await.get(&format!("{ASK}c&force=1")).await;
    assert_eq!(answer.status, 503);
    assert!((5..=15).contains(&answer.header("retry-after").unwrap().parse::<u32>().unwrap()));
}

#[tokio::test]
async fn a_connection_takes_any_number_of_requests_also_several_at_once() {
    let listener = start(Limits::default()).await;
    let mut client = Client::connect(&listener).await;
    for _ in 0..100 {
        let request = format!("GET {ASK}c HTTP/1.1\r\nhost: tminus\r\n\r\n");
        client.0.write_all(request.repeat(20).as_bytes()).await.unwrap();
        for _ in 0..20 {
            assert_eq!(timeout(DEADLINE, client.answer(false)).await.unwrap().status, 200);
        }
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off_and_a_quiet_connection_is_not() {
    let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
    let listener = start(limits).await;
    let mut quiet = Client::connect(&listener).await;
    assert_eq!(quiet.get(ASK).await.status, 200);
    let mut silent = Client::connect(&listener).await;
    let silent = tokio::spawn(async move { silent.closed_after().await });
    let (mut reading, mut writing) = TcpStream::connect(listener.address).await.unwrap().into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, reading.read_to_end(&mut rest)).await.unwrap();
    trickle.abort();
    assert!(silent.await.unwrap() >= Duration::from_millis(250));
    // The other two were closed by now, so the limit for heads is over for this one as well.
    assert_eq!(quiet.get(ASK).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_stays_quiet_is_closed_in_the_end() {
    let listener = start(Limits { idle: Duration::from_millis(200), ..Limits::default() }).await;
    let mut client = Client::connect(&listener).await;
    assert_eq!(client.get(ASK).await.status, 200);
    assert!(client.closed_after().await < DEADLINE);
}

#[tokio::test]
async fn connections_over_the_limit_are_told_to_come_back() {
    let listener = start(Limits { connections: 2, ..Limits::default() }).await;
    let mut seated = vec![Client::connect(&listener).await, Client::connect(&listener).await];
    for client in &mut seated {
        assert_eq!(client.get(ASK).await.status, 200);
    }
    let mut late = Client::connect(&listener).await;
    let answer = late.get(ASK).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    drop(seated);
    // A seat is free again as soon as its connection is seen to end.
    let free = async {
        while Client::connect(&listener).await.get(ASK).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, free).await.unwrap();
}

#[tokio::test]
async fn a_stop_lets_connections_end_and_comes_back() {
    let listener = start(Limits::default()).await;
    let mut client = Client::connect(&listener).await;
    assert_eq!(client.get(ASK).await.status, 200);
    listener.stop.send(()).unwrap();
    timeout(DEADLINE, listener.served).await.unwrap().unwrap().unwrap();
    assert!(client.closed_after().await < DEADLINE);
    assert!(TcpStream::connect(listener.address).await.is_err());
}

#[tokio::test]
async fn a_stop_waits_only_so_long_for_a_caller_that_does_not_read() {
    let listener = start(Limits { drain: Duration::from_millis(200), ..Limits::default() }).await;
    let mut client = Client::connect(&listener).await;
    // Half a request: the connection is busy and stays so.
    client.0.write_all(b"GET /v1/decision HTTP/1.1\r\n").await.unwrap();
    listener.stop.send(()).unwrap();
    timeout(DEADLINE, listener.served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn garbage_ends_a_connection_and_no_more() {
    let listener = start(Limits { head: Duration::from_millis(500), ..Limits::default() }).await;
    let long = vec![b'A'; 70_000];
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00\x01"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &long] {
        let mut client = Client::connect(&listener).await;
        let _ = client.0.write_all(garbage).await;
        let _ = client.0.shutdown().await;
        client.closed_after().await;
    }
    let endless = format!("GET {ASK}{} HTTP/1.1", "x".repeat(20_000));
    let mut client = Client::connect(&listener).await;
    let _ = client.0.write_all(format!("{endless}\r\n\r\n").as_bytes()).await;
    client.closed_after().await;
    assert_eq!(Client::connect(&listener).await.get(ASK).await.status, 200);
}
