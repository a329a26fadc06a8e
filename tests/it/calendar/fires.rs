//! A schedule that fires in the daemon: a real cache before a real origin, a missed run, and the minute that comes.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tminus::core::decide::{Observations, Snapshot, State, decide};
use tminus::shell::clock;
use tminus::shell::settings::load;
use tminus::shell::store::{Commit, Store};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::primer::edge::{Edge, Origin, body_of};

/// The tick is an hour: nothing but the calendar wakes this daemon.
const SETTINGS: &str = "apiVersion: tminus/v1
kind: Settings
name: test
data: data
documents: [content.yaml]
tick: 1h
time_zone: Asia/Kathmandu
";

const POLICY: &str = "apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {file: manifest.ndjson}
schedule: {cron: '* * * * *'}
nodes: [{name: edge1, connect: 'ADDRESS'}]
allow: ['http://content.invalid']
";

async fn documents(folder: &Path) -> Arc<Edge> {
    let edge = Arc::new(Edge::new("edge1", &Origin::quick()));
    let address = Arc::clone(&edge).serve().await;
    let lines: Vec<String> = (0..3)
        .map(|at| {
            format!(r#"{{"url":"http://content.invalid/obj/{at}","size":{}}}"#, body_of(&format!("/obj/{at}"), "none").len())
        })
        .collect();
    std::fs::write(folder.join("manifest.ndjson"), lines.join("\n")).unwrap();
    std::fs::write(folder.join("tminus.yaml"), SETTINGS).unwrap();
    std::fs::write(folder.join("content.yaml"), POLICY.replace("ADDRESS", &address.to_string())).unwrap();
    edge
}

/// A daemon of yesterday: it took the schedule into its books, and then was gone.
fn yesterday(folder: &Path) {
    let config = load(&[folder.join("tminus.yaml"), folder.join("content.yaml")]).documents.config;
    let mut store = Store::open(&folder.join("data")).unwrap();
    let epoch = store.take_epoch().unwrap();
    let now = clock::now() - SignedDuration::from_hours(24);
    let state = State { epoch, ..State::default() };
    let snapshot = Snapshot { config, state, observed: Observations::default(), commands: Vec::new(), now };
    let decision = decide(&snapshot);
    assert!(decision.intents.is_empty() && decision.wake_at.is_some());
    let commit = Commit {
        at: now,
        cause: "start",
        by: None,
        snapshot: &snapshot,
        decision: &decision,
        events: Vec::new(),
        documents: Vec::new(),
        in_force: Vec::new(),
        core_version: "0.1.0",
    };
    store.commit(&commit).unwrap();
}

async fn start(folder: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tminus"))
        .args(["serve", "--control", "127.0.0.1:0", "--decision", "127.0.0.1:0", "--config"])
        .arg(folder.join("tminus.yaml"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let control = line.strip_prefix("control:").unwrap().trim().to_owned();
    // What it says later has to go somewhere.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, control)
}

async fn priming(control: &str) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let answer: Value = client.get(format!("{control}/api/v1/priming")).send().await.unwrap().json().await.unwrap();
    answer["priming"][0].clone()
}

/// The status of the policy once a run that began at or after an instant has ended.
async fn ran_since(control: &str, since: Timestamp) -> Value {
    let deadline = clock::monotonic() + Duration::from_secs(100);
    loop {
        let status = priming(control).await;
        if instant(&status["measured_at"]).is_some_and(|at| at >= since) {
            return status;
        }
        assert!(clock::monotonic() < deadline, "no run since {since}: {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_run_is_caught_up_at_once_and_the_next_minute_fires_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let edge = documents(folder.path()).await;
    yesterday(folder.path());
    let started = clock::now();
    let (_daemon, control) = start(folder.path()).await;

    // A day of minutes was missed, and one run makes up for it.
    let caught_up = ran_since(&control, started).await;
    assert_eq!(caught_up["nodes"]["edge1"], 1.0, "{caught_up}");
    let schedule = &caught_up["schedule"];
    assert_eq!((&schedule["time_zone"], &schedule["description"]), (&"Asia/Kathmandu".into(), &"Every minute.".into()));
    let next = instant(&schedule["next_at"]).unwrap();
    assert_eq!(instant(&caught_up["next_run_at"]), Some(next));
    let minute = started.as_second().div_euclid(60) * 60;
    assert!([60, 120, 180].contains(&(next.as_second() - minute)), "{next} after {started}");
    assert!(schedule["next_local"].as_str().unwrap().ends_with("+0545"), "{schedule}");

    let fired = ran_since(&control, next).await;
    let began = instant(&fired["began_at"]).unwrap();
    let late = began.duration_since(next).as_secs_f64();
    assert!((0.0..20.0).contains(&late), "the fire of {next} began at {began}");
    // The objects were fetched once; later runs only look.
    assert_eq!(edge.origin.fills(), 3);

    let mut status = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let ended = status.args(["status", "--server", &control]).output().await.unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(said.contains("priming") && said.contains("content") && said.contains("next: "), "{said}");
}
