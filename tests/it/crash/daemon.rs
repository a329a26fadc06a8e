//! The real daemon as a child process, and its API as people use it.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::documents::{ANN, LEAD};

/// Far beyond a start on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Longest wait for an answer; a daemon that was killed refuses at once.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A running daemon.
pub struct Daemon {
    pub child: Child,
    pub control: String,
    pub decision: String,
    lines: Lines<BufReader<ChildStdout>>,
    client: reqwest::Client,
}

/// Why an order has no answer, or which it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 2xx: the promise is given.
    Promised,
    /// An answer that promises nothing: status and code.
    Refused(StatusCode, String),
    /// The daemon is gone.
    Silence,
}

pub fn client() -> reqwest::Client {
    // Another test may have installed it; any one of them is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).build().unwrap()
}

/// `tminus serve` with its log in the folder, before it is started; what it tells the room names its run.
pub fn command(folder: &Path, room: &str, run: u32) -> Command {
    let log = OpenOptions::new().create(true).append(true).open(folder.join("daemon.log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.arg("serve").arg("--config").arg(folder.join("tminus.yaml"));
    command
        .env("TMINUS_TEST_ROOM", format!("http://{room}/{run}"))
        .env("TMINUS_TEST_RUN", run.to_string())
        .env("TMINUS_LOG", "info")
        .env("NO_COLOR", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
    command
}

impl Daemon {
    /// Starts it and does not wait.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, control: String::new(), decision: String::new(), lines, client: client() }
    }

    /// Waits until it serves; an error when it ended instead.
    pub async fn serves(&mut self) -> Result<(), ExitStatus> {
        self.control = match self.address("control:").await {
            Some(address) => address,
            None => return Err(self.ends().await),
        };
        self.decision = match self.address("decision:").await {
            Some(address) => address,
            None => return Err(self.ends().await),
        };
        Ok(())
    }

    async fn address(&mut self, name: &str) -> Option<String> {
        let line = timeout(STARTS_WITHIN, self.lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("the daemon hangs at its start"))
            .ok()??;
        Some(line.strip_prefix(name).unwrap_or_else(|| panic!("{line:?} is not {name}")).trim().to_owned())
    }

    /// Waits for its end.
    pub async fn ends(&mut self) -> ExitStatus {
        timeout(STARTS_WITHIN, self.child.wait()).await.unwrap_or_else(|_| panic!("the daemon does not end")).unwrap()
    }

    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and sees that it does.
    pub async fn stop(&mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.ends().await.success(), "a daemon that was asked to stop fails");
    }

    /// An order of the lead, with a reason that names it.
    pub async fn order(&self, (method, path): (Method, &str), reason: &str) -> Answer {
        let body = json!({"reason": reason}).to_string();
        let request = self.client.request(method, self.url(path)).bearer_auth(LEAD);
        answer(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    pub async fn sign_off(&self, release: &str, item: &str, reason: &str) -> Answer {
        let path = format!("/api/v1/releases/{release}/sign-offs/{item}");
        let request = self.client.put(self.url(&path)).bearer_auth(ANN).json(&json!({"reason": reason}));
        answer(request).await
    }

    pub async fn apply(&self, text: &str) -> Answer {
        let request = self.client.put(self.url("/api/v1/documents")).bearer_auth(LEAD);
        answer(request.header(CONTENT_TYPE, "text/yaml").body(text.to_owned())).await
    }

    pub async fn push(&self, at: jiff::Timestamp) -> Answer {
        let body = json!({"from": "edge1", "at": at.to_string(), "counts": {"requests": 5_000, "errors": 0}});
        answer(self.client.post(self.url("/api/v1/gates/counts/edges")).bearer_auth(LEAD).json(&body)).await
    }

    /// What a GET answers, as JSON.
    pub async fn get(&self, path: &str) -> Option<Value> {
        self.client.get(self.url(path)).bearer_auth(LEAD).send().await.ok()?.json().await.ok()
    }

    /// Status and text of a GET.
    pub async fn plain(&self, path: &str) -> Option<(StatusCode, String)> {
        let answer = self.client.get(self.url(path)).bearer_auth(LEAD).send().await.ok()?;
        Some((answer.status(), answer.text().await.ok()?))
    }

    /// Why a client of an app is answered as it is.
    pub async fn reason(&self, app: &str) -> Option<String> {
        let url = format!("{}/v1/decision?app={app}&version=0.0.1&channel=release&client=c&force=1", self.decision);
        let answer: Value = self.client.get(url).send().await.ok()?.json().await.ok()?;
        answer["reason"].as_str().map(str::to_owned)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.control)
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let Ok(response) = request.send().await else { return Answer::Silence };
    let status = response.status();
    let Ok(text) = response.text().await else { return Answer::Silence };
    if status.is_success() {
        return Answer::Promised;
    }
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    Answer::Refused(status, problem["code"].as_str().unwrap_or(&text).to_owned())
}
