//! The daemon as a process: what it answers, what it keeps over a kill, and that it keeps its pace.

mod aborted;
mod documents;
mod files;
mod people;
mod plans;
mod vanished;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tminus::shell::clock;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const SETTINGS: &str = r"
apiVersion: tminus/v1
kind: Settings
name: test
data: data
documents: [launch.yaml]
tick: TICK
halt_file: HALT
";

const LAUNCH: &str = r"
apiVersion: tminus/v1
kind: Release
name: reader-2.2
app: reader
version: 2.2.0
channels: [release]
released: true
---
apiVersion: tminus/v1
kind: MetricsSource
name: edges
push: {senders: [edge1]}
queries: {requests: {series: requests}}
";

fn client() -> reqwest::Client {
    // Another test may have installed it; any one of them is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

struct Daemon {
    child: Child,
    control: String,
    decision: String,
}

fn settings(tick: &str) -> String {
    SETTINGS.replace("TICK", tick)
}

async fn start(folder: &Path) -> Daemon {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tminus"))
        .args(["serve", "--control", "127.0.0.1:0", "--decision", "127.0.0.1:0", "--config"])
        .arg(folder.join("tminus.yaml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = async |name: &str| {
        let line = lines.next_line().await.unwrap().unwrap_or_default();
        line.strip_prefix(name).unwrap_or_else(|| panic!("{line:?} is not {name}")).trim().to_owned()
    };
    let control = address("control:").await;
    let decision = address("decision:").await;
    Daemon { child, control, decision }
}

impl Daemon {
    async fn reason(&self) -> String {
        let url = format!("{}/v1/decision?app=reader&version=2.1.0&channel=release&client=c1&force=1", self.decision);
        let answer: Value = client().get(url).send().await.unwrap().json().await.unwrap();
        answer["reason"].as_str().unwrap().to_owned()
    }

    async fn until_reason(&self, wanted: &str) {
        let deadline = clock::monotonic() + Duration::from_secs(10);
        while self.reason().await != wanted {
            assert!(clock::monotonic() < deadline, "the reason never became {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A folder with the documents.
fn folder(tick: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tminus.yaml"), settings(tick)).unwrap();
    std::fs::write(folder.path().join("launch.yaml"), LAUNCH).unwrap();
    folder
}

async fn verb(daemon: &Daemon, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let ended = command.args(arguments).args(["--server", &daemon.control]).output().await.unwrap();
    (ended.status.code(), String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halt_is_in_force_at_once_and_survives_a_kill() {
    let folder = folder("10s");
    let mut daemon = start(folder.path()).await;
    assert_eq!(daemon.reason().await, "force");
    let (code, said) = verb(&daemon, &["throttle", "halt", "reader", "--reason", "fire"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(daemon.reason().await, "halt", "acknowledged is in force");
    daemon.child.kill().await.unwrap();

    let daemon = start(folder.path()).await;
    assert_eq!(daemon.reason().await, "halt", "it is halted from the first request after the restart on");
    let (code, said) = verb(&daemon, &["throttle", "lift", "reader", "--reason", "out"]).await;
    assert_eq!((code, daemon.reason().await.as_str()), (Some(0), "force"), "{said}");
    let data = folder.path().join("data");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let verified = verify.args(["audit", "verify", "--data"]).arg(&data).output().await.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_halt_file_halts_without_waiting_for_a_tick() {
    let folder = folder("1h");
    let daemon = start(folder.path()).await;
    assert_eq!(daemon.reason().await, "force");
    std::fs::write(folder.path().join("HALT"), "").unwrap();
    daemon.until_reason("halt").await;
    std::fs::remove_file(folder.path().join("HALT")).unwrap();
    daemon.until_reason("force").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_come_faster_than_ticks_do_not_hold_them_up() {
    let folder = folder("0.5s");
    let daemon = start(folder.path()).await;
    let client = client();
    let before = ticks(&client, &daemon).await;
    let deadline = clock::monotonic() + Duration::from_secs(3);
    while clock::monotonic() < deadline {
        let body = json!({"from": "edge1", "at": "2026-12-01T12:00:00Z", "counts": {"requests": 5}});
        let answer = client.post(format!("{}/api/v1/gates/counts/edges", daemon.control)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    // Six are due; two would already show that pushes do not start the wait anew.
    let after = ticks(&client, &daemon).await;
    assert!(after >= before + 2, "{before} ticks before three seconds of pushes, {after} after");
}

async fn ticks(client: &reqwest::Client, daemon: &Daemon) -> u64 {
    let text = client.get(format!("{}/metrics", daemon.control)).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("tminus_ticks_total ")).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_documents_change_nothing_and_good_ones_are_in_force_at_once() {
    let folder = folder("10s");
    let daemon = start(folder.path()).await;
    let file = folder.path().join("more.yaml");
    let apply = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        verb(&daemon, &["apply", file.to_str().unwrap()]).await
    };
    let policy = "apiVersion: tminus/v1\nkind: ThrottlePolicy\nname: t\nrules: [{app: reader, version: 2.1.0, percnt: 0}]\n";
    let (code, said) = apply(policy).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("percnt") && said.contains("percent"), "{said}");
    let (code, said) = apply(&policy.replace("percnt", "percent")).await;
    assert_eq!(code, Some(0), "{said}");
    let url = format!("{}/v1/decision?app=reader&version=2.1.0&channel=release&client=c1", daemon.decision);
    let answer: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!((answer["serve"].as_bool(), answer["reason"].as_str()), (Some(false), Some("rule")), "{answer}");
}
