//! What the daemon tells its service manager, heard on a real socket.

use std::time::Duration;

use rustix::process::Signal;
use tminus::shell::clock;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::manager::{ASK, LAUNCH, Manager, WITHIN};
use super::rig::answer;

/// A group whose load is asked of a metrics source that takes the question and never answers. It is not driven by this
/// version, so nothing else of it is looked at.
const SLOW: &str = r#"---
apiVersion: tminus/v1
kind: MetricsSource
name: slow
prometheus: {url: "http://SOURCE"}
queries: {requests: {promql: "sum(rate(requests[1m]))"}}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group: {aws: {name: api, region: us-west-2}}
capacity_per_instance: 10/s
load: {source: slow, query: requests}
headroom: 30
limits: {floor: 1, ceiling: 2, step: 1}
lead: 20m
"#;

/// A decision on a connection of its own.
async fn decide(manager: &Manager) -> String {
    let mut stream = TcpStream::connect(manager.decision()).await.unwrap();
    stream.write_all(format!("GET {ASK} HTTP/1.1\r\nhost: tminus\r\n\r\n").as_bytes()).await.unwrap();
    timeout(WITHIN, answer(&mut stream)).await.unwrap().unwrap()
}

fn signs(messages: &[String]) -> usize {
    messages.iter().filter(|message| message.lines().any(|line| line == "WATCHDOG=1")).count()
}

/// What is told within this time.
async fn during(manager: &Manager, span: Duration) -> Vec<String> {
    let deadline = clock::monotonic() + span;
    let mut messages = Vec::new();
    while let Some(message) = manager.told(deadline.saturating_duration_since(clock::monotonic())).await {
        messages.push(message);
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_when_it_answers_and_says_how_the_launch_stands() {
    let later = clock::now() + jiff::SignedDuration::from_hours(2);
    let next = format!(
        "{LAUNCH}---\napiVersion: tminus/v1\nkind: Release\nname: reader-2.3\napp: reader\nversion: 2.3.0\n\
         channels: [release]\nlaunch_at: \"{later}\"\nrollout: {{steps: [{{percent: 100, bake: 1h}}]}}\n"
    );
    let manager = Manager::new(&next);
    // This one connects before there is a daemon, and waits.
    let mut early = TcpStream::connect(manager.decision()).await.unwrap();
    early.write_all(format!("GET {ASK} HTTP/1.1\r\nhost: tminus\r\n\r\n").as_bytes()).await.unwrap();
    let daemon = manager.start();
    let told = manager.until_told("READY=1").await;
    let ready = client().get(format!("http://{}/-/ready", manager.control())).send().await.unwrap();
    assert!(ready.status().is_success());
    assert!(decide(&manager).await.starts_with("HTTP/1.1 200"));
    assert!(timeout(WITHIN, answer(&mut early)).await.unwrap().unwrap().starts_with("HTTP/1.1 200"), "{told:?}");
    let status = told.iter().flat_map(|message| message.lines()).rfind(|line| line.starts_with("STATUS=")).unwrap().to_owned();
    assert!(
        status.starts_with("STATUS=reader-2.3 is ") && (status.contains("T-1h59m") || status.contains("T-2h00m")),
        "{status}"
    );

    std::fs::write(manager.path().join("HALT"), "").unwrap();
    let told = during(&manager, Duration::from_secs(3)).await;
    assert!(told.iter().any(|message| message.ends_with("1 halt in force")), "{told:?}");
    daemon.signal(Signal::TERM);
    manager.until_told("STOPPING=1").await;
}

pub(super) fn client() -> reqwest::Client {
    // Another test may have installed it; any one of them is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_announced_and_bad_documents_show_in_the_status() {
    let manager = Manager::new(LAUNCH);
    let daemon = manager.start();
    manager.until_told("READY=1").await;
    std::fs::write(manager.path().join("launch.yaml"), LAUNCH.replace("version: 2.2.0", "verison: 2.2.0")).unwrap();
    daemon.signal(Signal::HUP);
    let told = manager.until_told("RELOADING=1").await;
    assert!(told.last().unwrap().lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{told:?}");
    let mut told = manager.until_told("READY=1").await;
    told.extend(during(&manager, Duration::from_secs(2)).await);
    assert!(told.iter().any(|message| message.ends_with("documents have errors, older ones are in force")), "{told:?}");
    assert!(decide(&manager).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_source_delays_readiness_but_neither_decisions_nor_signs_of_life() {
    let source = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let documents = format!("{LAUNCH}{}", SLOW.replace("SOURCE", &source.local_addr().unwrap().to_string()));
    let mut manager = Manager::new(&documents);
    manager.variables.push(("WATCHDOG_USEC", "400000".into()));
    let daemon = manager.start();
    let begun = clock::monotonic();
    assert!(decide(&manager).await.starts_with("HTTP/1.1 200"));
    let decided = begun.elapsed();
    let told = manager.until_told("READY=1").await;
    let ready = begun.elapsed();
    assert!(ready > Duration::from_secs(5), "the first look waits for the source, {ready:?}");
    assert!(decided + Duration::from_secs(2) < ready, "clients were answered after {decided:?}, it was ready after {ready:?}");
    // Half of 400 ms over 5 s are 25; a loaded machine may be late with some.
    assert!(signs(&told) >= 10, "{told:?}");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_loop_gives_no_sign_of_life_while_clients_are_answered() {
    let mut manager = Manager::new(LAUNCH);
    manager.variables.push(("WATCHDOG_USEC", "300000".into()));
    let daemon = manager.start();
    manager.until_told("READY=1").await;
    assert!(signs(&during(&manager, Duration::from_secs(2)).await) >= 4);

    // Somebody else holds the store: the next commit waits for it, and the loop with the commit.
    let mut other = rusqlite::Connection::open(store(&manager)).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let server = format!("http://{}", manager.control());
    let mut halt = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let halt = halt.args(["throttle", "halt", "reader", "--reason", "fire", "--server", &server]).kill_on_drop(true);
    let mut halt = halt.spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    manager.forget();
    let told = during(&manager, Duration::from_secs(2)).await;
    assert!(told.is_empty(), "a loop that cannot halt anybody says that it lives: {told:?}");
    assert!(decide(&manager).await.starts_with("HTTP/1.1 200"), "the rest of the process lives");

    drop(held);
    assert!(timeout(WITHIN, halt.wait()).await.unwrap().unwrap().success());
    assert!(signs(&during(&manager, Duration::from_secs(2)).await) >= 4);
    drop(daemon);
}

fn store(manager: &Manager) -> std::path::PathBuf {
    let files = std::fs::read_dir(manager.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).unwrap()
}
