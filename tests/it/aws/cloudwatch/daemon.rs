//! The real daemon over CloudWatch: an alarm holds its launch and lets it go, a gate judges its counts, and its load is the
//! history of a group.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tminus::shell::clock;

use super::super::fake::cloudwatch::CloudWatch;
use crate::crash::daemon::{Daemon, command};

const SETTINGS: &str = r"
apiVersion: tminus/v1
kind: Settings
name: cloud
data: data
documents: [world.yaml]
listen: {control: '127.0.0.1:0', decision: '127.0.0.1:0'}
tick: 0.5s
";

/// A gate over counts by the second, which are whole at once; a load by the minute.
const WORLD: &str = r#"
apiVersion: tminus/v1
kind: MetricsSource
name: seconds
cloudwatch: {region: us-west-2, endpoint: "ENDPOINT", settles: 1s}
queries:
  errors_new: {namespace: Reader, metric: errors, dimensions: {Version: "${version}"}, statistic: Sum}
  requests_new: {namespace: Reader, metric: requests, dimensions: {Version: "${version}"}, statistic: Sum}
---
apiVersion: tminus/v1
kind: MetricsSource
name: minutes
cloudwatch: {region: us-west-2, endpoint: "ENDPOINT"}
queries:
  load: {namespace: Reader, metric: requests, dimensions: {Fleet: api}, statistic: Sum}
---
apiVersion: tminus/v1
kind: Checklist
name: quiet
items:
  - {id: alarms, title: No alarm is up, every: 1s, check: {alarms: {source: minutes, names: [latency, all-composite]}}}
  - {id: busy, title: There is load, every: 1s, check: {metric: {query: load, above: 49, below: 51, over: 20m}}}
---
apiVersion: tminus/v1
kind: GatePolicy
name: errors
metrics: [{name: failures, candidate: {errors: errors_new, requests: requests_new}}]
slo: {percent: 4}
period: 1s
lag: 1s
no_data: {max_gap: 5s, deadline: 60s, then: hold}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group: {command: {describe: [echo, '{"floor": 4, "ceiling": 40, "desired": 4, "in_service": 4}'], set: ["true"]}}
capacity_per_instance: 250/s
load: {source: minutes, query: load}
limits: {floor: 4, ceiling: 40}
lead: 1s
---
apiVersion: tminus/v1
kind: Release
name: reader-2.3
app: reader
version: 2.3.0
channels: [release]
launch_at: T0
go: auto
checklists: [quiet]
scaling: [api]
gate: errors
rollout: {steps: [{percent: 10, dwell: 4s}, {percent: 100, bake: 2h}]}
audience: {clients: 1k, adoption: {half_life: 6h, ceiling: 60}, requests_per_client: 1}
"#;

const PATIENCE: Duration = Duration::from_secs(40);

async fn world(errors: usize) -> (CloudWatch, tempfile::TempDir, Daemon) {
    let fake = CloudWatch::serve().await;
    {
        let mut sky = fake.sky();
        sky.late = 0;
        sky.add_by(60, ("Reader", "requests", ("Fleet", "api")), |_| vec![3_000.0]);
        sky.add_by(1, ("Reader", "requests", ("Version", "2.3.0")), |_| vec![1.0; 200]);
        sky.add_by(1, ("Reader", "errors", ("Version", "2.3.0")), move |_| vec![1.0; errors]);
        sky.alarm("latency", "ALARM");
        sky.alarm("all-composite", "OK");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tminus.yaml"), SETTINGS).unwrap();
    let t0 = clock::now() + Duration::from_secs(2);
    let text = WORLD.replace("ENDPOINT", &fake.address).replace("T0", &format!("\"{t0}\""));
    std::fs::write(folder.path().join("world.yaml"), text).unwrap();
    let mut command = command(folder.path(), "nobody", 1);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    let mut daemon = Daemon::spawn(command);
    daemon.serves().await.unwrap();
    (fake, folder, daemon)
}

async fn status(daemon: &Daemon) -> Value {
    daemon.get("/api/v1/releases/reader-2.3").await.unwrap_or_default()
}

async fn until(daemon: &Daemon, folder: &Path, (what, holds): (&str, impl Fn(&Value) -> bool)) -> Value {
    let began = clock::monotonic();
    loop {
        let status = status(daemon).await;
        if holds(&status) {
            return status;
        }
        let log = || std::fs::read_to_string(folder.join("daemon.log")).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "never: {what}: {status:#}\n{}", tail(&log()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(40).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn item(status: &Value, id: &str) -> Value {
    let items = status["readiness"]["items"].as_array();
    items.and_then(|items| items.iter().find(|item| item["id"] == id).cloned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_holds_the_launch_and_a_gate_over_cloudwatch_lets_it_go_on() {
    let (fake, folder, mut daemon) = world(0).await;
    let wait = async |what, holds: fn(&Value) -> bool| until(&daemon, folder.path(), (what, holds)).await;
    let red = wait("the alarm is red", |status| item(status, "alarms").to_string().contains("latency is ALARM since")).await;
    assert_eq!(red["readiness"]["word"], "NO-GO", "{red:#}");
    let measured = wait("the load is measured", |status| item(status, "busy").to_string().contains("load is 50")).await;
    assert!(!measured["phase"].as_str().unwrap().contains("rolling"), "{measured:#}");
    fake.sky().alarm("latency", "INSUFFICIENT_DATA");
    let unknown = wait("it is unknown", |status| item(status, "alarms").to_string().contains("INSUFFICIENT_DATA")).await;
    assert_ne!(unknown["readiness"]["word"], "GO", "{unknown:#}");
    fake.sky().alarm("latency", "OK");
    let last = wait("the whole audience", |status| status["phase"] == "baking").await;
    assert!(item(&last, "alarms").to_string().contains("2 alarms are OK"), "{last:#}");
    let group = &last["groups"][0];
    assert!(group["load_per_second"] == 50.0 && group["runway"]["utilisation"] == 0.05, "{group:#}");
    daemon.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_cloudwatch_counts_abort_the_launch() {
    let (fake, folder, mut daemon) = world(60).await;
    fake.sky().alarm("latency", "OK");
    until(&daemon, folder.path(), ("it is aborted", |status: &Value| status["phase"] == "aborted")).await;
    daemon.kill().await;
}
