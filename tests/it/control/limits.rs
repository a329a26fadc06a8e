//! Limits of the control listener: sizes, times, places, names; and what it says when nobody can answer.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tminus::shell::clock;
use tminus::shell::control::{Ask, BeyondLoopback, Desk, People, View, serve};
use tminus::shell::telemetry::{self, Metric};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::REASON;
use super::fake::{first_view, front, open, person, put, raw, send};

fn desk(view: View, places: usize) -> (Desk, mpsc::Receiver<Ask>) {
    let (asks, asked) = mpsc::channel(places);
    let (sender, view) = watch::channel(Arc::new(view));
    // Views outlive their sender; nothing changes in these tests.
    drop(sender);
    (Desk { asks, view, people: Arc::new(ArcSwap::from_pointee(People::Anybody)) }, asked)
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let (desk, _asked) = desk(first_view(), 1);
    let error = serve(listener, desk, std::future::pending()).await.unwrap_err();
    assert!(error.get_ref().unwrap().is::<BeyondLoopback>(), "{error}");
}

#[tokio::test]
async fn a_name_that_only_resolves_here_is_refused() {
    let room = open(Vec::new()).await;
    for host in ["evil.example", "localhost.evil.example:80", "127.0.0.1.nip.io"] {
        let reply = send(room.address, "GET /api/v1/releases", &[&format!("Host: {host}")], "").await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (403, Some("foreign_host")), "{host}");
    }
    let absolute = send(room.address, "GET http://evil.example/api/v1/releases", &[], "").await;
    assert_eq!(absolute.status, 403);
    let health = send(room.address, "GET /-/healthy", &["Host: evil.example"], "").await;
    assert_eq!(health.status, 403);
    let page = put(room.address, "/api/v1/releases/plain/phases/hold", &["Origin: https://evil.example"], REASON).await;
    assert_eq!(page.status, 403, "a page of another origin gives no orders");
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let room = open(vec![person("ada", &["admin"])]).await;
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x1_0000));
    for (token, expected) in [("ada", 413), ("stranger", 401)] {
        let mut stream = TcpStream::connect(room.address).await.unwrap();
        let head = format!(
            "PUT /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: text/yaml\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let chunk = chunk.clone();
        let sent = tokio::spawn(async move {
            let mut sent = 0_usize;
            // 256 MiB would be far too much; the listener must hang up long before.
            while sent < 4_096 && writer.write_all(chunk.as_bytes()).await.is_ok() {
                sent += 1;
            }
            sent
        });
        let mut answer = [0_u8; 12];
        reader.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {expected}"), "{token}");
        drop(reader);
        assert!(sent.await.unwrap() < 4_096, "the listener went on reading");
    }
    let announced = "PUT /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ada\r\nContent-Type: text/yaml\r\n\
                     Connection: close\r\nContent-Length: 8589934592\r\n\r\n";
    assert_eq!(raw(room.address, announced.as_bytes()).await.status, 413, "it is refused before it is sent");
}

#[tokio::test]
async fn a_slow_head_costs_five_seconds() {
    let room = open(Vec::new()).await;
    let started = clock::monotonic();
    let silent = closed(room.address, "");
    let half = closed(room.address, "GET /-/healthy HTTP/1.1\r\nHost: loc");
    let idle = closed(room.address, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (_, _, answered) = tokio::join!(silent, half, idle);
    let took = clock::monotonic().duration_since(started);
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(15), "{took:?}");
}

/// What comes until the listener closes.
async fn closed(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A reset is as good as an end.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let room = open(Vec::new()).await;
    let long = format!("X-Long: {}", "a".repeat(64 * 1_024));
    assert_eq!(send(room.address, "GET /-/healthy", &[&long], "").await.status, 431);
    let many: Vec<String> = (0..200).map(|number| format!("X-{number}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(send(room.address, "GET /-/healthy", &many, "").await.status, 431);
}

#[tokio::test]
async fn one_connection_carries_any_number_of_requests() {
    let room = open(Vec::new()).await;
    let mut stream = TcpStream::connect(room.address).await.unwrap();
    for _ in 0..2_000 {
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"healthy\n") {
            let mut buffer = [0_u8; 1_024];
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the listener closed the connection");
            answer.extend_from_slice(&buffer[..read]);
        }
    }
}

#[tokio::test]
async fn too_many_connections_are_told_so() {
    let room = open(Vec::new()).await;
    let mut kept = Vec::new();
    for _ in 0..256 {
        let mut stream = TcpStream::connect(room.address).await.unwrap();
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        // Its answer proves that it has its place.
        let mut first = [0_u8; 12];
        stream.read_exact(&mut first).await.unwrap();
        kept.push(stream);
    }
    let turned_away = closed(room.address, "").await;
    assert!(turned_away.starts_with("HTTP/1.1 503") && turned_away.contains("Retry-After: 1"), "{turned_away}");
    drop(kept);
    let deadline = clock::monotonic() + Duration::from_secs(20);
    while !closed(room.address, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .contains("200 OK")
    {
        assert!(clock::monotonic() < deadline, "places were not given back");
    }
}

#[tokio::test]
async fn a_full_desk_says_when_to_come_back() {
    let (desk, asked) = desk(View { ready: false, ..first_view() }, 1);
    let (reply, _unanswered) = tokio::sync::oneshot::channel();
    desk.asks.try_send(Ask::Events { after: 0, limit: 1, reply }).unwrap_or_else(|_| unreachable!("the desk is empty"));
    let room = front(desk).await;
    let hold = "/api/v1/releases/plain/phases/hold";
    let busy = put(room.address, hold, &[], REASON).await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")), "{busy:?}");
    assert_eq!(busy.json()["code"], "busy");
    let ready = send(room.address, "GET /-/ready", &[], "").await;
    assert_eq!((ready.status, ready.json()["code"].as_str()), (503, Some("not_ready")));
    assert_eq!(send(room.address, "GET /-/healthy", &[], "").await.status, 200);
    assert_eq!(send(room.address, "GET /api/v1/releases", &[], "").await.status, 200, "reading needs nobody behind the desk");
    drop(asked);
    assert_eq!(send(room.address, "GET /-/healthy", &[], "").await.status, 503);
    assert_eq!(put(room.address, hold, &[], REASON).await.json()["code"], "stopping");
}

#[tokio::test]
async fn requests_in_hand_are_finished_at_the_stop() {
    let (desk, mut asked) = desk(first_view(), 1);
    let room = front(desk).await;
    let address = room.address;
    let asking = tokio::spawn(async move { send(address, "GET /api/v1/events", &[], "").await });
    let Some(Ask::Events { reply, .. }) = asked.recv().await else { panic!("nothing was asked") };
    let stopping = tokio::spawn(room.stop());
    // The stop is on its way once nobody accepts any more.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    reply.send(Vec::new()).unwrap();
    assert_eq!(asking.await.unwrap().status, 200);
    stopping.await.unwrap().unwrap();
}

#[tokio::test]
async fn metrics_are_those_of_the_table() {
    telemetry::start_metrics();
    telemetry::tick(Duration::from_millis(3));
    telemetry::effect("set_floor", "done");
    telemetry::documents_read("changed");
    let room = open(Vec::new()).await;
    let reply = send(room.address, "GET /metrics", &[], "").await;
    assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"), "{reply:?}");
    let named = |start: &str| {
        let names = reply.body.lines().filter_map(|line| line.strip_prefix(start)?.split(' ').next());
        let names: Vec<String> = names.map(str::to_owned).collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "twice: {names:?}");
        names.into_iter().collect::<BTreeSet<String>>()
    };
    let (typed, helped) = (named("# TYPE "), named("# HELP "));
    assert_eq!(typed, helped, "every metric has a help text");
    // Those of the decision listener appear once one runs; here it may, since tests share the recorder. Those of a gate
    // need one that judges: `deploy::board` looks at them.
    let decisions = [Metric::Decisions, Metric::DecisionRefused, Metric::DecisionConnections];
    let gates = [Metric::GateVerdict, Metric::GateEValue, Metric::GateBound, Metric::GateDataAge, Metric::GateErrorRatio];
    let elsewhere = [&decisions[..], &gates].concat();
    for metric in Metric::ALL {
        assert!(typed.contains(metric.name()) || elsewhere.contains(&metric), "{} is not exposed", metric.name());
    }
    let table: BTreeSet<String> = Metric::ALL.iter().map(|metric| metric.name().into()).collect();
    assert!(typed.is_subset(&table), "not in the table: {:?}", typed.difference(&table));
    assert!(reply.body.contains("tminus_release_percent{release=\"plain\"} 0"), "{}", reply.body);
    assert!(reply.body.contains("tminus_tick_seconds_bucket"), "{}", reply.body);
    assert!(reply.body.contains("tminus_group_in_service_instances{group=\"reader-api\"} 5"), "{}", reply.body);
    for metric in Metric::ALL.into_iter().filter(|metric| !elsewhere.contains(metric)) {
        let series = |line: &&str| line.starts_with(&format!("{}{{", metric.name()));
        let (_, labels) = reply.body.lines().find(series).and_then(|line| line.split_once('{')).unwrap_or_default();
        let (labels, _) = labels.rsplit_once('}').unwrap_or_default();
        let named: Vec<&str> = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name).collect();
        assert_eq!(named, metric.labels(), "labels of {}", metric.name());
    }
}
