//! A service manager in small: it keeps the listening sockets, hands them over, and hears what the daemon tells.
//!
//! Invariant: the sockets live as long as it does, whatever becomes of the daemons.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tminus::shell::clock;
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Far beyond what any of this takes on an idle machine; the tests share it with others.
pub(super) const WITHIN: Duration = Duration::from_secs(30);

/// A shell that becomes the daemon: so its number is known before it runs, and its sockets are 3 and 4.
const HAND_OVER: &str = r#"export LISTEN_PID=$$; exec "$@" 3<&0 4<&1 </dev/null >&2"#;

const SETTINGS: &str = "apiVersion: tminus/v1
kind: Settings
name: test
data: data
documents: [launch.yaml]
tick: 0.5s
halt_file: HALT
";

pub(super) const LAUNCH: &str = r"apiVersion: tminus/v1
kind: Release
name: reader-2.2
app: reader
version: 2.2.0
channels: [release]
released: true
";

/// What a decision is asked with; force, so that a halt shows.
pub(super) const ASK: &str = "/v1/decision?app=reader&version=2.1.0&channel=release&client=c1&force=1";

pub(super) struct Manager {
    pub(super) folder: tempfile::TempDir,
    control: TcpListener,
    decision: TcpListener,
    notify: UnixDatagram,
    /// Variables of the daemon beside those of the sockets.
    pub(super) variables: Vec<(&'static str, String)>,
}

pub(super) struct Daemon {
    pub(super) child: Child,
}

impl Daemon {
    pub(super) fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Asks it to stop and waits until it has.
    pub(super) async fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(timeout(WITHIN, self.child.wait()).await.unwrap().unwrap().success());
    }
}

/// A socket as deep as the unit's.
fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 4_096).unwrap();
    listener
}

impl Manager {
    /// A folder with settings and these documents.
    pub(super) fn new(documents: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tminus.yaml"), SETTINGS).unwrap();
        std::fs::write(folder.path().join("launch.yaml"), documents).unwrap();
        let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let variables = vec![("NOTIFY_SOCKET", folder.path().join("notify").display().to_string())];
        Self { control: listen(), decision: listen(), notify, variables, folder }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn control(&self) -> SocketAddr {
        self.control.local_addr().unwrap()
    }

    pub(super) fn decision(&self) -> SocketAddr {
        self.decision.local_addr().unwrap()
    }

    /// Starts a daemon with both sockets.
    pub(super) fn start(&self) -> Daemon {
        let sockets = [self.control.try_clone().unwrap().into(), self.decision.try_clone().unwrap().into()];
        let mut command = self.command(sockets);
        command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", "control:decision");
        Daemon { child: command.spawn().unwrap() }
    }

    /// The command that hands over two descriptors, as 3 and 4.
    pub(super) fn command(&self, [third, fourth]: [OwnedFd; 2]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", HAND_OVER, "sh", env!("CARGO_BIN_EXE_tminus"), "serve", "--config"]);
        command.arg(self.path().join("tminus.yaml"));
        command.stdin(Stdio::from(third)).stdout(Stdio::from(fourth)).kill_on_drop(true);
        command.envs(self.variables.clone());
        command
    }

    /// The next message, without its last line end; `None` when none comes in time.
    pub(super) async fn told(&self, within: Duration) -> Option<String> {
        let mut bytes = vec![0; 4_096];
        let length = timeout(within, self.notify.recv(&mut bytes)).await.ok()?.unwrap();
        Some(String::from_utf8_lossy(&bytes[..length]).trim_end().to_owned())
    }

    /// Every message up to the first that has this line.
    pub(super) async fn until_told(&self, line: &str) -> Vec<String> {
        let mut messages = Vec::new();
        let deadline = clock::monotonic() + WITHIN;
        while !messages.last().is_some_and(|message: &String| message.lines().any(|told| told == line)) {
            let left = deadline.saturating_duration_since(clock::monotonic());
            let Some(message) = self.told(left).await else { panic!("{line:?} was never told, only {messages:?}") };
            messages.push(message);
        }
        messages
    }

    /// Forgets what was told so far.
    pub(super) fn forget(&self) {
        while self.notify.try_recv(&mut [0; 4_096]).is_ok() {}
    }
}
