//! What is left of an ABORT for people: the gate's word stays, and the report says why and what next.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tminus::shell::clock;

use super::{Daemon, client, folder, start, ticks};

/// Launches at once; a gate over pushed counts of one second, without a wait for late ones.
const RELEASE: &str = r"
---
apiVersion: tminus/v1
kind: Release
name: reader-2.3
app: reader
version: 2.3.0
channels: [release]
launch_at: LAUNCH_AT
go: auto
gate: errors
rollout: {steps: [{percent: 10, dwell: 1m}, {percent: 100, bake: 1m}], on_abort: halt}
---
apiVersion: tminus/v1
kind: GatePolicy
name: errors
metrics: [{name: failures, candidate: {errors: errors_new, requests: requests_new}, baseline: {errors: errors_old, requests: requests_old}}]
slo: {percent: 4}
period: 1s
lag: 1s
no_data: {max_gap: 5s, deadline: 60s, then: hold}
---
apiVersion: tminus/v1
kind: MetricsSource
name: counts
push: {senders: [edge1]}
queries: {errors_new: {series: en}, requests_new: {series: rn}, errors_old: {series: eo}, requests_old: {series: ro}}
";

async fn status(daemon: &Daemon) -> Value {
    client().get(format!("{}/api/v1/releases/reader-2.3", daemon.control)).send().await.unwrap().json().await.unwrap()
}

/// Pushes a bad period each second until the release is aborted.
async fn fails(daemon: &Daemon) {
    let deadline = clock::monotonic() + Duration::from_secs(30);
    while status(daemon).await["phase"] != "aborted" {
        assert!(clock::monotonic() < deadline, "it was never aborted: {}", status(daemon).await);
        let second = clock::now().as_second() - 1;
        let at = jiff::Timestamp::from_second(second).unwrap().to_string();
        let body = json!({"from": "edge1", "at": at, "counts": {"en": 30, "rn": 100, "eo": 0, "ro": 100}});
        let answer = client().post(format!("{}/api/v1/gates/counts/counts", daemon.control)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn until_reported(path: &Path) -> String {
    let deadline = clock::monotonic() + Duration::from_secs(10);
    loop {
        if let Ok(page) = std::fs::read_to_string(path)
            && page.contains("</html>")
        {
            return page;
        }
        assert!(clock::monotonic() < deadline, "there is no report at {}", path.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gates_word_stays_and_the_report_says_why_and_what_next() {
    let folder = folder("0.2s");
    let documents = std::fs::read_to_string(folder.path().join("launch.yaml")).unwrap();
    let release = RELEASE.replace("LAUNCH_AT", &clock::now().to_string());
    std::fs::write(folder.path().join("launch.yaml"), documents + &release).unwrap();
    let mut daemon = start(folder.path()).await;
    fails(&daemon).await;
    let page = until_reported(&folder.path().join("data/reports/reader-2.3.html")).await;
    for needed in ["Verdict", "30 of 100 requests failed", "Up to 10 %", "2.3.0 is halted", "tminus clear reader-2.3"] {
        assert!(page.contains(needed), "the report does not say {needed:?}");
    }
    // No counts come any more, for longer than the gate would go without, also not to the next daemon.
    let until = ticks(&client(), &daemon).await + 10;
    let deadline = clock::monotonic() + Duration::from_secs(30);
    while ticks(&client(), &daemon).await < until {
        assert!(clock::monotonic() < deadline, "the daemon does not tick");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = status(&daemon).await;
    daemon.child.kill().await.unwrap();
    let daemon = start(folder.path()).await;
    for status in [before, status(&daemon).await] {
        assert_eq!((&status["phase"], &status["gate"]["verdict"]), (&json!("aborted"), &json!("ABORT")), "{status}");
        assert!(status["gate"]["sentence"].as_str().unwrap().contains("30 of 100"), "{status}");
    }
}
