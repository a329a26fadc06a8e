//! The metrics of a launch that is going on, scraped from the real daemon while its gate judges.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tminus::shell::clock;
use tminus::shell::telemetry::Metric;

use super::manager::{LAUNCH, Manager, WITHIN};
use super::service::client;

const ROLLING: &str = r#"---
apiVersion: tminus/v1
kind: Release
name: reader-2.3
app: reader
version: 2.3.0
channels: [release]
launch_at: "AT"
go: auto
gate: errors
rollout:
  steps: [{percent: 10, dwell: 1h}, {percent: 100, bake: 1h}]
---
apiVersion: tminus/v1
kind: MetricsSource
name: edges
push: {senders: [edge1]}
queries:
  errors_new: {series: errors_new}
  requests_new: {series: requests_new}
  errors_old: {series: errors_old}
  requests_old: {series: requests_old}
---
apiVersion: tminus/v1
kind: GatePolicy
name: errors
metrics:
  - name: failed
    candidate: {errors: errors_new, requests: requests_new}
    baseline: {errors: errors_old, requests: requests_old}
slo: {percent: 1}
period: 1s
lag: 1s
"#;

/// The label names and the value of a line.
fn series(line: &str) -> Option<(Vec<&str>, &str)> {
    let (_, labelled) = line.split_once('{')?;
    let (labels, value) = labelled.rsplit_once("} ")?;
    Some((labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect(), value))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_judges_shows_its_evidence_and_what_it_is_made_of() {
    let at = clock::now() - jiff::SignedDuration::from_mins(1);
    let manager = Manager::new(&format!("{LAUNCH}{}", ROLLING.replace("AT", &at.to_string())));
    let _daemon = manager.start();
    manager.until_told("READY=1").await;
    let (client, server) = (client(), format!("http://{}", manager.control()));
    let deadline = clock::monotonic() + WITHIN;
    let text = loop {
        let counts = json!({"errors_new": 2, "requests_new": 100, "errors_old": 5, "requests_old": 1000});
        let body = json!({"from": "edge1", "at": clock::now(), "counts": counts});
        let pushed = client.post(format!("{server}/api/v1/gates/counts/edges")).json(&body).send().await.unwrap();
        assert!(pushed.status().is_success(), "{}", pushed.text().await.unwrap());
        let text = client.get(format!("{server}/metrics")).send().await.unwrap().text().await.unwrap();
        if text.contains("tminus_gate_error_ratio") && text.contains("tminus_gate_data_age_seconds{") {
            break text;
        }
        assert!(clock::monotonic() < deadline, "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    for (line, meaning) in [
        ("tminus_gate_error_ratio{release=\"reader-2.3\",metric=\"failed\",side=\"candidate\"} 0.02", "2 of 100"),
        ("tminus_gate_error_ratio{release=\"reader-2.3\",metric=\"failed\",side=\"baseline\"} 0.005", "5 of 1000"),
        ("tminus_gate_verdict{release=\"reader-2.3\",verdict=\"HOLD\"} 1", "too little yet"),
        ("tminus_gate_e_value_bound{release=\"reader-2.3\",towards=\"abort\"} 100", "1 / 0.01"),
        ("tminus_gate_e_value_bound{release=\"reader-2.3\",towards=\"safe\"} 20", "1 / 0.05"),
        ("tminus_release_percent{release=\"reader-2.3\"} 10", "the first step"),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} ({meaning}) is not in\n{text}");
    }
    let launch = text.lines().find(|line| line.starts_with("tminus_release_launch_timestamp_seconds{release=\"reader-2.3\"}"));
    assert_eq!(launch.and_then(series).map(|(_, value)| value), Some(at.as_second().to_string().as_str()));
    for metric in [Metric::GateVerdict, Metric::GateEValue, Metric::GateBound, Metric::GateDataAge, Metric::GateErrorRatio] {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{}{{", metric.name())));
        let labels: BTreeSet<_> = lines.filter_map(series).map(|(labels, _)| labels).collect();
        assert_eq!(labels, BTreeSet::from([metric.labels().to_vec()]), "labels of {}", metric.name());
    }
}
