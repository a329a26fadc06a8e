//! The lab from the outside: a cache that caches, counts that arrive, and a storm that is one only when unprepared.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tminus::lab::edge::EdgeStats;
use tminus::lab::leash::Leash;
use tminus::lab::swarm::{Second, Swarm, SwarmSpec, SwarmSummary};
use tminus::shell::clock;
use tminus::shell::data::PushedCounts;
use tminus::shell::groups::{Target, Targets};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// Far beyond what any of this takes on an idle machine; the tests share it with others.
const WITHIN: Duration = Duration::from_secs(30);

/// A folder and a leash that ends every process with the test.
struct Stage {
    dir: tempfile::TempDir,
    leash: Leash,
}

impl Stage {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), leash: Leash::hold().unwrap() }
    }

    fn targets(&self) -> PathBuf {
        self.dir.path().join("targets.json")
    }

    /// Starts a part of the lab on a port of its own choice and tells where it listens.
    async fn start(&self, arguments: &[&str]) -> SocketAddr {
        let leash = self.leash.address().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        command.arg("lab").args(arguments).args(["--listen", "127.0.0.1:0", "--leash", &leash]);
        // Without a Child to wait for it the runtime reaps it; the leash ends it.
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        line.strip_prefix("listening on ").unwrap().parse().unwrap()
    }

    async fn origin(&self, arguments: &[&str]) -> SocketAddr {
        self.start(&[&["origin"], arguments].concat()).await
    }

    async fn edge(&self, arguments: &[&str], origins: &[SocketAddr]) -> SocketAddr {
        let target = |address: &SocketAddr| Target { address: *address, zone: "a".into(), instance: address.to_string() };
        let targets = Targets { targets: origins.iter().map(target).collect() };
        std::fs::write(self.targets(), serde_json::to_vec(&targets).unwrap()).unwrap();
        let file = self.targets();
        let edge = self.start(&[&["edge", "--name", "edge1", "--targets", file.to_str().unwrap()], arguments].concat()).await;
        let deadline = clock::monotonic() + WITHIN;
        while stats(edge).await.targets != origins.len() {
            assert!(clock::monotonic() < deadline, "the edge never read its targets");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        edge
    }
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split(':').next().is_some_and(|found| found.eq_ignore_ascii_case(name));
        self.head.lines().find(named).map(|line| line[name.len() + 1..].trim())
    }

    fn cache_status(&self) -> &str {
        self.header("cache-status").unwrap_or_default()
    }
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: content.example.com\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Reply { status: head[9..12].parse().unwrap(), head, body: bytes.split_off(end + 4) }
}

async fn stats(edge: SocketAddr) -> EdgeStats {
    serde_json::from_slice(&get(edge, "/-/stats", "").await.body).unwrap()
}

#[tokio::test]
async fn an_edge_fetches_once_for_all_and_then_answers_itself() {
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0.2s", "--max-age", "1h"]).await;
    let edge = stage.edge(&[], &[origin]).await;
    let path = "/content/o7?v=2.3.0";
    let together = futures_util::future::join_all((0..20).map(|_| get(edge, path, ""))).await;
    assert!(together.iter().all(|reply| reply.status == 200 && reply.body == together[0].body));
    let collapsed = together.iter().filter(|reply| reply.cache_status().contains("; collapsed")).count();
    assert_eq!(collapsed, 19, "{:?}", together.iter().map(Reply::cache_status).collect::<BTreeSet<_>>());
    let after = get(edge, path, "").await;
    assert!(after.cache_status().starts_with("edge1; hit; ttl=3"), "{}", after.cache_status());
    assert!(after.header("age").unwrap().parse::<u64>().unwrap() < 60);
    assert_eq!(after.body, get(origin, path, "").await.body);
    let stats = stats(edge).await;
    assert_eq!((stats.content, stats.hits, stats.collapsed, stats.origin_requests), (21, 1, 19, 1));
}

#[tokio::test]
async fn what_is_stale_is_fetched_again_and_what_may_not_be_stored_never_is() {
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0s", "--max-age", "1s"]).await;
    let edge = stage.edge(&[], &[origin]).await;
    assert_eq!(get(edge, "/content/o1", "").await.cache_status(), "edge1; fwd=uri-miss; fwd-status=200; stored");
    let deadline = clock::monotonic() + WITHIN;
    let mut again = get(edge, "/content/o1", "").await;
    while again.cache_status().contains("; hit") {
        assert!(clock::monotonic() < deadline, "it never went stale");
        tokio::time::sleep(Duration::from_millis(50)).await;
        again = get(edge, "/content/o1", "").await;
    }
    assert_eq!(again.cache_status(), "edge1; fwd=stale; fwd-status=200; stored");
    for _ in 0..2 {
        assert_eq!(get(edge, "/poll", "").await.cache_status(), "edge1; fwd=uri-miss; fwd-status=200");
    }
    let private = get(edge, "/content/o1", "Authorization: Bearer x\r\n").await;
    assert_eq!(private.cache_status(), "edge1; fwd=bypass; fwd-status=200");
    assert_eq!(get(edge, "/content/o999999", "").await.status, 404);
}

#[tokio::test]
async fn encodings_are_kept_apart() {
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0s", "--gzip"]).await;
    let edge = stage.edge(&[], &[origin]).await;
    let gzip = "Accept-Encoding: gzip\r\n";
    let plain = get(edge, "/content/o1", "").await;
    let zipped = get(edge, "/content/o1", gzip).await;
    assert_eq!((plain.header("content-encoding"), zipped.header("content-encoding")), (None, Some("gzip")));
    assert_eq!(zipped.cache_status(), "edge1; fwd=vary-miss; fwd-status=200; stored");
    assert_ne!(plain.body, zipped.body);
    for (headers, body) in [("", &plain.body), (gzip, &zipped.body)] {
        let hit = get(edge, "/content/o1", headers).await;
        assert!(hit.cache_status().contains("; hit") && hit.body == *body);
    }
}

#[tokio::test]
async fn an_overwhelmed_edge_refuses_and_says_when_to_come_back() {
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0.3s"]).await;
    let edge = stage.edge(&["--fetches", "1", "--queue", "1"], &[origin]).await;
    let paths: Vec<_> = (0..8).map(|object| format!("/content/o{object}")).collect();
    let replies = futures_util::future::join_all(paths.iter().map(|path| get(edge, path, ""))).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert_eq!(refused.len(), 6);
    assert!(refused.iter().all(|reply| reply.header("retry-after") == Some("1")));
    assert_eq!(refused[0].cache_status(), "edge1; fwd=uri-miss; detail=overwhelmed");
    assert_eq!(stats(edge).await.refused, 6);
}

#[tokio::test]
async fn an_origin_that_goes_away_costs_no_request() {
    let stage = Stage::new();
    let stays = stage.origin(&["--service-time", "0s"]).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let edge = stage.edge(&[], &[stays, gone]).await;
    for object in 0..10 {
        assert_eq!(get(edge, &format!("/content/o{object}"), "").await.status, 200);
    }
}

#[tokio::test]
async fn the_manifest_proves_every_object() {
    use sha2::Digest;
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0s", "--objects", "5"]).await;
    let manifest = get(origin, "/manifest.ndjson?v=2.3.0&base=http://content.example.com", "").await;
    let lines: Vec<serde_json::Value> =
        String::from_utf8(manifest.body).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for line in lines {
        let path = line["url"].as_str().unwrap().strip_prefix("http://content.example.com").unwrap();
        let body = get(origin, path, "").await.body;
        let digest = sha2::Sha256::digest(&body).iter().fold("sha256:".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!((line["size"].as_u64(), line["digest"].as_str()), (Some(body.len() as u64), Some(digest.as_str())));
    }
}

#[tokio::test]
async fn a_part_without_its_leash_does_not_run() {
    let stage = Stage::new();
    let gone = stage.leash.address().to_string();
    drop(stage.leash);
    let deadline = clock::monotonic() + WITHIN;
    while TcpStream::connect(&gone).await.is_ok() {
        assert!(clock::monotonic() < deadline, "the leash still listens");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.args(["lab", "origin", "--listen", "127.0.0.1:0", "--leash", &gone]).stderr(Stdio::null());
    assert_eq!(command.status().await.unwrap().code(), Some(1));
}

/// A listener that answers each request with the next of what it is given, the last one for ever.
async fn answering(answers: Vec<&'static str>, bodies: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for place in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4_096];
            while !text.ends_with('}') {
                let read = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            bodies.lock().unwrap().push(text);
            let status = answers[place.min(answers.len() - 1)];
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn counts_by_version_arrive_in_order_even_when_the_daemon_is_busy() {
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0s"]).await;
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let daemon = answering(vec!["503 Busy", "404 Not There Yet", "200 OK"], bodies.clone()).await;
    let control = format!("http://{daemon}");
    let edge =
        stage.edge(&["--control", &control, "--source", "edges", "--token", "secret", "--period", "0.2s"], &[origin]).await;
    get(edge, "/content/o1?v=2.3.0", "").await;
    get(edge, "/content/o1?v=2.3.0", "X-Tminus-Prime: 1\r\n").await;
    get(edge, "/poll", "X-Client-Version: 2.2.0\r\n").await;
    let deadline = clock::monotonic() + WITHIN;
    let total = |pushed: &[PushedCounts], series: &str| pushed.iter().filter_map(|one| one.counts.get(series)).sum::<u64>();
    let accepted = loop {
        let texts = bodies.lock().unwrap().clone();
        let parse = |text: &String| serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let accepted: Vec<PushedCounts> = texts.iter().skip(2).map(parse).collect();
        if total(&accepted, "requests.2.3.0") > 0 && total(&accepted, "requests.2.2.0") > 0 && accepted.len() > 3 {
            assert!(texts[0].starts_with("POST /api/v1/gates/counts/edges "), "{}", texts[0]);
            assert!(texts[0].to_lowercase().contains("authorization: bearer secret"), "{}", texts[0]);
            let tries: Vec<PushedCounts> = texts[..3].iter().map(parse).collect();
            assert!(tries.iter().all(|try_| *try_ == tries[0]), "the same period until it is accepted");
            break accepted;
        }
        assert!(clock::monotonic() < deadline, "{accepted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((total(&accepted, "requests.2.3.0"), total(&accepted, "errors.2.3.0")), (1, 0), "primers do not count");
    assert!(accepted.windows(2).all(|pair| pair[1].at.as_millisecond() - pair[0].at.as_millisecond() == 200), "no gap");
}

/// A small scene: 60 clients, 20 files each, and two slots of 20 ms at an origin.
fn small(stage: &Stage, edge: SocketAddr) -> SwarmSpec {
    SwarmSpec {
        clients: 60,
        library: 20,
        own: 5,
        shared: 300,
        file_work: Duration::from_millis(20),
        half_life: Duration::from_millis(500),
        normal_per_second: 10.0,
        retry_every: Duration::from_millis(500),
        ..SwarmSpec::of_the_scene(vec![edge], stage.targets(), None)
    }
}

const SMALL_ORIGIN: [&str; 8] = ["--slots", "2", "--service-time", "0.02s", "--queue", "10", "--objects", "600"];

/// Runs until every client has everything, then a moment longer.
async fn whole_story(spec: SwarmSpec) -> SwarmSummary {
    let swarm = Swarm::start(spec);
    let clients = u64::from(swarm.report().clients);
    let mut news = swarm.news();
    let told = tokio::time::timeout(2 * WITHIN, news.wait_for(|second| second.updated == clients)).await;
    assert!(told.is_ok(), "some clients never got everything: {:?}", *swarm.news().borrow());
    let report = swarm.stop().await;
    report.since(report.started_at)
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_and_everybody_at_once_is_a_storm() {
    let stage = Stage::new();
    let origin = stage.origin(&SMALL_ORIGIN).await;
    let edge = stage.edge(&["--fetches", "4", "--queue", "8"], &[origin]).await;
    let seen = whole_story(small(&stage, edge)).await;
    assert!(seen.peak_failure_ratio.unwrap() >= 0.2, "{seen:?}");
    assert!(seen.peak_per_second.unwrap() >= 100.0, "ten times normal: {seen:?}");
    assert!(seen.requests > 60 * 20 && seen.updated_ratio == Some(1.0), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn primed_and_with_room_it_is_calm() {
    let stage = Stage::new();
    let origins = [stage.origin(&SMALL_ORIGIN).await, stage.origin(&SMALL_ORIGIN).await];
    let edge = stage.edge(&["--fetches", "4", "--queue", "8"], &origins).await;
    let prime = |object: u32| async move {
        let reply = get(edge, &format!("/content/o{object}?v=2.3.0"), "X-Tminus-Prime: 1\r\n").await;
        assert_eq!(reply.status, 200);
    };
    stream::iter(0..600).map(prime).buffer_unordered(4).collect::<()>().await;
    let seen = whole_story(small(&stage, edge)).await;
    assert!(seen.failure_ratio.unwrap() < 0.001, "{seen:?}");
    assert!(seen.edge_hit_ratio.unwrap() >= 0.99, "{seen:?}");
    let stats = stats(edge).await;
    assert_eq!((stats.primed, stats.content), (600, 60 * 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_wait_for_the_decision() {
    let stage = Stage::new();
    let origin = stage.origin(&SMALL_ORIGIN).await;
    let edge = stage.edge(&[], &[origin]).await;
    let asked = Arc::new(AtomicU32::new(0));
    let decision = deciding(asked.clone()).await;
    let swarm = Swarm::start(SwarmSpec { clients: 20, decision: Some(decision), ..small(&stage, edge) });
    let deadline = clock::monotonic() + WITHIN;
    while asked.load(Ordering::Relaxed) < 30 {
        assert!(clock::monotonic() < deadline, "clients do not ask again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut news = swarm.news();
    let told = tokio::time::timeout(WITHIN, news.wait_for(|second| second.updated == 20)).await;
    assert!(told.is_ok(), "{:?}", *swarm.news().borrow());
    let report = swarm.stop().await;
    let early: u64 = report.seconds.iter().take_while(|second| second.exposed == 0).map(|second| second.content).sum();
    assert_eq!(early, 0, "nobody downloads what was not offered");
    assert!(report.seconds.iter().map(|second| second.asked).sum::<u64>() >= 50, "30 refusals and 20 offers");
}

/// Answers the first 30 questions with no, also with a yes to another version, the rest with yes.
async fn deciding(asked: Arc<AtomicU32>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    decide_at(listener, asked);
    address
}

fn decide_at(listener: TcpListener, asked: Arc<AtomicU32>) {
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4_096];
            let read = stream.read(&mut bytes).await.unwrap();
            let question = String::from_utf8_lossy(&bytes[..read]).into_owned();
            assert!(question.starts_with("GET /v1/decision?app=reader&version=2.2.0&channel=release&client=client-00"));
            let body = match asked.fetch_add(1, Ordering::Relaxed) {
                0..15 => r#"{"serve":false,"version":null,"retry_after_secs":1}"#,
                15..30 => r#"{"serve":true,"version":null,"retry_after_secs":1}"#,
                _ => r#"{"serve":true,"version":"2.3.0","retry_after_secs":60}"#,
            };
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
}

#[tokio::test]
async fn credentials_pass_the_edge_and_a_sync_token_breaks_the_origin() {
    let stage = Stage::new();
    let origin = stage.origin(&["--service-time", "0s"]).await;
    let edge = stage.edge(&[], &[origin]).await;
    let path = "/content/o1?v=2.3.0";
    assert_eq!(get(edge, path, "").await.cache_status(), "edge1; fwd=uri-miss; fwd-status=200; stored");
    for (credentials, status) in [("Bearer x", 200), ("Sync 2.3", 500), ("sync 2.3", 500), ("Synchronous 2.3", 200)] {
        let reply = get(edge, path, &format!("Authorization: {credentials}\r\n")).await;
        assert_eq!(reply.status, status, "{credentials}");
        assert_eq!(reply.cache_status(), format!("edge1; fwd=bypass; fwd-status={status}"), "{credentials}");
    }
    assert!(get(edge, path, "").await.cache_status().contains("; hit"), "what is stored is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_version_fails_at_the_origin_however_warm_the_caches_are() {
    let stage = Stage::new();
    let origins = [stage.origin(&SMALL_ORIGIN).await, stage.origin(&SMALL_ORIGIN).await];
    let edge = stage.edge(&["--fetches", "4", "--queue", "40"], &origins).await;
    let prime = |object: u32| async move { get(edge, &format!("/content/o{object}?v=2.3.0"), "X-Tminus-Prime: 1\r\n").await };
    stream::iter(0..600).map(prime).buffer_unordered(4).collect::<Vec<_>>().await;
    // As slow as the origins can follow, so that what fails fails by the token alone.
    let file_work = Duration::from_millis(100);
    let spec = SwarmSpec { clients: 20, slots: 2, file_work, restart_share: 0.0, faulty_share: 0.2, ..small(&stage, edge) };
    let seen = whole_story(spec).await;
    let stats = stats(edge).await;
    let share = seen.failures as f64 / seen.requests as f64;
    assert!((0.1..0.3).contains(&share), "{seen:?}");
    assert_eq!(stats.errors, seen.failures, "each failure is an error that the edge counts");
    assert_eq!(stats.misses, stats.errors, "and nothing else went to the origins");
    assert_eq!(seen.updated_ratio, Some(1.0), "clients get there by asking again");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_keep_what_they_have_while_nobody_answers() {
    let stage = Stage::new();
    let origin = stage.origin(&SMALL_ORIGIN).await;
    let edge = stage.edge(&[], &[origin]).await;
    // A port that was free a moment ago: connections to it are refused until somebody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let swarm = Swarm::start(SwarmSpec { clients: 20, decision: Some(nobody), ..small(&stage, edge) });
    let deadline = clock::monotonic() + WITHIN;
    let total = |swarm: &Swarm, pick: fn(&Second) -> u64| swarm.report().seconds.iter().map(pick).sum::<u64>();
    while total(&swarm, |second| second.unanswered) < 40 {
        assert!(clock::monotonic() < deadline, "clients do not ask again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(total(&swarm, |second| second.content), 0, "nobody updates because nobody answers");
    assert_eq!(total(&swarm, |second| second.failures), 0, "a question without an answer is no failed request");
    assert!(total(&swarm, |second| second.polls) > 0 && swarm.report().exposed.is_empty());
    let asked = Arc::new(AtomicU32::new(30));
    decide_at(TcpListener::bind(nobody).await.unwrap(), asked);
    let mut news = swarm.news();
    let told = tokio::time::timeout(WITHIN, news.wait_for(|second| second.updated == 20)).await;
    assert!(told.is_ok(), "{:?}", *swarm.news().borrow());
    let exposed: BTreeSet<_> = swarm.stop().await.exposed.into_iter().collect();
    assert_eq!(exposed.len(), 20, "each by its name, once");
}
