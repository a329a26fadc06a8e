//! A folder of documents under a real daemon, and what is asked of it: decisions, status, events, metrics.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tminus::shell::clock;

use super::{Daemon, client, start, verb};

/// A daemon over `docs/` with a tick of three seconds.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub daemon: Daemon,
}

/// Within one tick, with room for a slow machine.
pub const TICK: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(20);

pub fn settings(more: &str) -> String {
    format!("apiVersion: tminus/v1\nkind: Settings\nname: test\ndata: data\ndocuments: [docs]\ntick: 3s\nhalt_file: HALT\n{more}")
}

/// A release that launches at once and stays at its first step.
pub fn release(name: &str, app: &str, more: &str) -> String {
    let launch_at = clock::now() - Duration::from_mins(1);
    format!(
        "apiVersion: tminus/v1\nkind: Release\nname: {name}\napp: {app}\nversion: 2.3.0\nchannels: [release]\n\
         launch_at: {launch_at}\ngo: auto\nrollout: {{steps: [{{percent: 10, dwell: 2h}}, {{percent: 100, bake: 1h}}]}}\n{more}"
    )
}

pub fn throttle(name: &str, percent: &str) -> String {
    format!(
        "apiVersion: tminus/v1\nkind: ThrottlePolicy\nname: {name}\nrules: [{{app: player, version: '1.*', percent: {percent}}}]\n"
    )
}

/// Tells by appending to `told.ndjson`.
pub const NOTIFIER: &str = "apiVersion: tminus/v1\nkind: Notifier\nname: team\nto: [{command: [./tell.sh]}]\n";

impl Place {
    pub async fn new(documents: &[(&str, &str)]) -> Self {
        Self::with(documents, "").await
    }

    pub async fn with(documents: &[(&str, &str)], more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        fs::write(folder.path().join("tminus.yaml"), settings(more)).unwrap();
        tell(&folder.path().join("docs"));
        for (name, text) in documents {
            fs::write(folder.path().join("docs").join(name), text).unwrap();
        }
        let daemon = start(folder.path()).await;
        Self { folder, daemon }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("docs").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Kills the daemon and starts it again over the same folder.
    pub async fn restart(&mut self) {
        self.daemon.child.kill().await.unwrap();
        self.daemon = start(self.folder.path()).await;
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.daemon.control);
        client().get(url).send().await.unwrap().json().await.unwrap()
    }

    pub async fn text(&self, path: &str) -> String {
        client().get(format!("{}{path}", self.daemon.control)).send().await.unwrap().text().await.unwrap()
    }

    pub async fn decide(&self, app: &str) -> Value {
        let url = format!("{}/v1/decision?app={app}&version=1.5&channel=release&client=c1", self.daemon.decision);
        client().get(url).send().await.unwrap().json().await.unwrap()
    }

    pub async fn percent_ppm(&self, app: &str) -> i64 {
        self.decide(app).await["percent_ppm"].as_i64().unwrap()
    }

    pub async fn phase(&self, release: &str) -> String {
        self.get(&format!("/api/v1/releases/{release}")).await["phase"].as_str().unwrap_or("unknown").to_owned()
    }

    pub async fn until_phase(&self, release: &str, wanted: &str) {
        self.until(&format!("{release} is {wanted}"), async || self.phase(release).await == wanted).await;
    }

    /// Polls with a deadline; how long it took.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
        let began = clock::monotonic();
        while !holds().await {
            assert!(began.elapsed() < PATIENCE, "never: {what}; {:#}", self.get("/api/v1/releases").await["documents"]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }

    /// Lets this many looks at the files pass, so that what should not happen had the time to.
    pub async fn ticks(&self, count: u64) {
        let ticks = async || super::ticks(&client(), &self.daemon).await;
        let before = ticks().await;
        self.until("ticks pass", async || ticks().await >= before + count).await;
    }

    pub async fn documents(&self) -> Value {
        self.get("/api/v1/releases").await["documents"].clone()
    }

    pub async fn events(&self, kind: &str) -> Vec<String> {
        let page = self.get("/api/v1/events?limit=1000").await;
        let all = page["events"].as_array().unwrap().iter().filter(|event| event["kind"] == kind);
        all.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn metric(&self, series: &str) -> f64 {
        let text = self.text("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
    }

    pub async fn verb(&self, arguments: &[&str]) -> (Option<i32>, String) {
        verb(&self.daemon, arguments).await
    }

    pub async fn reload(&self) -> (u16, Value) {
        let answer = client().post(format!("{}/-/reload", self.daemon.control)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// What the notifier was told, by what happened.
    pub fn told(&self) -> Vec<String> {
        let lines = fs::read_to_string(self.path("told.ndjson")).unwrap_or_default();
        let what = |line: &str| serde_json::from_str::<Value>(line).unwrap()["what"].as_str().unwrap().to_owned();
        lines.lines().map(what).collect()
    }

    /// As Kubernetes mounts a ConfigMap: names are links through `..data`, which is turned to a new folder whole.
    pub fn mount(&self, version: &str, files: &[(&str, &str)]) {
        let docs = self.folder.path().join("docs");
        fs::create_dir(docs.join(version)).unwrap();
        for (name, text) in files {
            fs::write(docs.join(version).join(name), text).unwrap();
            // There already, from the version before.
            let _ = symlink(Path::new("..data").join(name), docs.join(name));
        }
        symlink(version, docs.join("..data_tmp")).unwrap();
        fs::rename(docs.join("..data_tmp"), docs.join("..data")).unwrap();
    }
}

/// The command of [`NOTIFIER`]: one announcement a line.
fn tell(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let script = folder.join("tell.sh");
    let log = folder.join("told.ndjson");
    fs::write(&script, format!("#!/bin/sh\n(cat; echo) | tr -d '\\n' >> {0}; echo >> {0}\n", log.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
}
