//! The daemon as a process, its store backed up, restored and pruned around it, and what it still knows after a kill.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tminus::shell::clock;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::primer::edge::{Edge, Origin};

const SETTINGS: &str = "
apiVersion: tminus/v1
kind: Settings
name: test
data: data
documents: [launch.yaml]
tick: 0.2s
retention: RETENTION
";

const LAUNCH: &str = "
apiVersion: tminus/v1
kind: Release
name: reader-2.3
app: reader
version: 2.3.0
channels: [release]
launch_at: LAUNCH_AT
checklists: [list]
priming: [content]
---
apiVersion: tminus/v1
kind: Checklist
name: list
items:
  - {id: warm, title: It is warm, due: T-5m, check: {primed: {policy: content, coverage: 99}}}
  - {id: signed, title: Somebody signed, due: T-5m, sign_off: {roles: [sre]}}
---
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {urls: ['http://content.example/a', 'http://content.example/b']}
nodes: [{name: edge1, connect: 'NODE'}]
allow: ['http://content.example']
";

struct Daemon {
    child: Child,
    control: String,
    decision: String,
}

/// Writes the documents of a launch in ten minutes, with one cache node.
fn write(folder: &Path, node: &str, retention: &str) {
    let launch_at = clock::now() + Duration::from_mins(10);
    std::fs::write(folder.join("tminus.yaml"), SETTINGS.replace("RETENTION", retention)).unwrap();
    let launch = LAUNCH.replace("NODE", node).replace("LAUNCH_AT", &format!("{launch_at:.0}"));
    std::fs::write(folder.join("launch.yaml"), launch).unwrap();
}

async fn start(folder: &Path) -> Daemon {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tminus"))
        .args(["serve", "--control", "127.0.0.1:0", "--decision", "127.0.0.1:0", "--config"])
        .arg(folder.join("tminus.yaml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
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

async fn get(url: String) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    client.get(url).send().await.unwrap().json().await.unwrap()
}

impl Daemon {
    /// The state of an item, and when it was measured.
    async fn item(&self, id: &str) -> (String, Option<String>) {
        let status = get(format!("{}/api/v1/releases/reader-2.3", self.control)).await;
        let items = status["readiness"]["items"].as_array().unwrap().clone();
        let item = items.into_iter().find(|item| item["id"] == id).unwrap();
        (item["state"].as_str().unwrap().into(), item["measured_at"].as_str().map(str::to_owned))
    }

    async fn until_green(&self, id: &str) -> (String, Option<String>) {
        let deadline = clock::monotonic() + Duration::from_secs(20);
        loop {
            let item = self.item(id).await;
            if item.0 == "green" {
                return item;
            }
            assert!(clock::monotonic() < deadline, "{id} never became green: {item:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn verb(arguments: &[&str]) -> (Option<i32>, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_tminus")).args(arguments).output().await.unwrap();
    (ended.status.code(), String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proven_warm_is_warm_at_once_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let edge = Arc::new(Edge::new("edge1", &Origin::quick()));
    let node = edge.clone().serve().await.to_string();
    write(folder.path(), &node, "400d");
    let mut daemon = start(folder.path()).await;
    let before = daemon.until_green("warm").await;
    daemon.child.kill().await.unwrap();
    let asked = edge.requests.lock().unwrap().len();

    let mut daemon = start(folder.path()).await;
    assert_eq!(daemon.item("warm").await, before, "green from the first answer on, as measured before the kill");
    assert_eq!(edge.requests.lock().unwrap().len(), asked, "and nothing was fetched for it");
    daemon.child.kill().await.unwrap();

    // Another node was never proven to hold anything.
    let other = Arc::new(Edge::new("edge1", &Origin::quick()));
    write(folder.path(), &other.clone().serve().await.to_string(), "400d");
    let daemon = start(folder.path()).await;
    assert_ne!(daemon.item("warm").await, before, "what was proven of the old node is not taken for the new one");
    daemon.until_green("warm").await;
    assert!(!other.requests.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_serving_daemon_brings_a_halt_back() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "127.0.0.1:9", "400d");
    let path = |name: &str| folder.path().join(name).into_os_string().into_string().unwrap();
    let (file, config) = (path("nightly"), path("tminus.yaml"));
    let mut daemon = start(folder.path()).await;
    let url = format!("{}/v1/decision?app=reader&version=2.1.0&channel=release&client=c1&force=1", daemon.decision);
    let halt = ["throttle", "halt", "reader", "--reason", "fire", "--server", &daemon.control];
    assert_eq!(verb(&halt).await.0, Some(0));
    let (code, said) = verb(&["backup", &file, "--config", &config]).await;
    assert_eq!(code, Some(0), "{said}");
    let lift = ["throttle", "lift", "reader", "--reason", "out", "--break-glass", "--server", &daemon.control];
    let (code, said) = verb(&lift).await;
    assert_eq!(code, Some(0), "{said}");
    assert_ne!(get(url).await["reason"], "halt");
    let (code, said) = verb(&["restore", &file, "--config", &config, "--force"]).await;
    assert!(code == Some(1) && said.contains("another tminus (process"), "a folder in use is refused: {said}");
    daemon.child.kill().await.unwrap();

    let (code, said) = verb(&["restore", &file, "--config", &config, "--force"]).await;
    assert_eq!(code, Some(0), "{said}");
    let daemon = start(folder.path()).await;
    let url = format!("{}/v1/decision?app=reader&version=2.1.0&channel=release&client=c1&force=1", daemon.decision);
    assert_eq!(get(url).await["reason"], "halt", "the store is that of the backup");
    let (code, said) = verb(&["audit", "verify", "--config", &config]).await;
    assert!(code == Some(0) && said.contains("is whole"), "it verifies while the daemon serves: {said}");
    let (code, said) = verb(&["audit", "replay", "1", "--config", &config]).await;
    assert!(code == Some(0) && said.contains("REPRODUCED"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_prunes_while_serving_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "127.0.0.1:9", "1s");
    let data = folder.path().join("data").into_os_string().into_string().unwrap();
    let daemon = start(folder.path()).await;
    let deadline = clock::monotonic() + Duration::from_secs(20);
    loop {
        // A hold and its end are two decisions.
        for order in ["hold", "resume"] {
            let (code, said) = verb(&[order, "reader-2.3", "--reason", "try", "--server", &daemon.control]).await;
            assert_eq!(code, Some(0), "{said}");
        }
        let (code, said) = verb(&["audit", "verify", "--data", &data, "-o", "json"]).await;
        let report: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(code, Some(0), "{said}");
        if report["checkpoint"]["removed_to"].as_i64().is_some_and(|removed| removed > 1) {
            break;
        }
        assert!(clock::monotonic() < deadline, "nothing was removed: {said}");
    }
    let (code, said) = verb(&["audit", "replay", "1", "--data", &data]).await;
    assert!(code == Some(1) && said.contains("was removed by `retention`"), "{said}");
}
