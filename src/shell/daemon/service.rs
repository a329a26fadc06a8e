//! What a service manager is told, in the protocol of sd_notify(3): ready, how the launch stands, alive, stopping.
//!
//! Without one (no NOTIFY_SOCKET) all of it does nothing. Not here: any timer of its own. Signs of life come from the
//! engine's loop and from nowhere else. Invariants: a loop that is stuck gives no sign of life, and a service manager
//! that does not read holds nobody up.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::pin::pin;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::shell::clock;
use crate::shell::control::{Reading, View};

/// How long work that the loop waits for may go on under signs of life. Every source has 5 s and they are asked at once,
/// so work that takes this long never ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes of a status line; systemctl shows one line.
const LONGEST_STATUS: usize = 300;

/// See the module.
pub(super) struct Service {
    every: Option<Duration>,
    patience: Duration,
    last: Instant,
    status: String,
}

impl Service {
    /// As the environment says: signs of life are due at half the time after which a manager gives up.
    pub(super) fn from_environment() -> Self {
        let every = sd_notify::watchdog_enabled().map(|limit| limit / 2).filter(|every| !every.is_zero());
        Self { every, patience: PATIENCE, last: clock::monotonic(), status: String::new() }
    }

    /// Documents are in force and both listeners accept.
    pub(super) fn ready(&mut self) {
        tell(&[NotifyState::Ready, NotifyState::Status(&self.status)]);
    }

    /// How the nearest release stands, when that has changed.
    pub(super) fn status(&mut self, view: &View) {
        let line = line(view);
        if line != self.status {
            self.status = line;
            tell(&[NotifyState::Status(&self.status)]);
        }
    }

    /// The loop turns. Tells so when it is due.
    pub(super) fn alive(&mut self) {
        if self.every.is_some_and(|every| self.last.elapsed() >= every) {
            tell(&[NotifyState::Watchdog]);
            self.last = clock::monotonic();
        }
    }

    /// Time until the next sign of life is due; an hour when none is wanted.
    pub(super) fn due(&self) -> Duration {
        self.every.map_or(Duration::from_hours(1), |every| every.saturating_sub(self.last.elapsed()))
    }

    /// Waits for work that the loop has to wait for, and gives signs of life meanwhile, but not for ever. It is polled
    /// in the loop's own task: work that blocks the thread is a loop that is stuck.
    pub(super) async fn accompany<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let since = clock::monotonic();
        while since.elapsed() < self.patience {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(self.due()) => self.alive(),
            }
        }
        work.await
    }
}

/// The daemon was asked to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: connections are told, state is kept, instances go on")]);
}

/// Documents are being read again.
pub(super) fn reloading() {
    // Without the time a manager takes the message for a fault; then it is better not to send it.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// Documents were read again, whether they are in force or not.
pub(super) fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// Sends to the manager, if there is one. What it does not take at once is lost, and the next message says it again.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = send(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

fn send(states: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    // A name that begins with @ is in the abstract name space (unix(7)).
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    }?;
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let lines = states.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    socket.send_to_addr(lines.as_bytes(), &address).map(drop)
}

/// The nearest release that is not over, and its word.
fn line(view: &View) -> String {
    let reading = Reading { view, now: view.snapshot.now };
    let list = reading.list();
    let ahead = list.releases.iter().filter(|status| !matches!(status.phase.as_str(), "complete" | "scrubbed"));
    let nearest = ahead.min_by_key(|status| status.clock_secs.unsigned_abs());
    let release = nearest.map_or_else(
        || "no release is ahead".to_owned(),
        |status| {
            let word = match &status.gate {
                Some(gate) => format!("gate {}", gate.verdict),
                None => status.readiness.word.text().to_owned(),
            };
            format!("{} is {} at {} %, {}: {word}", status.release, status.phase, status.percent, status.clock)
        },
    );
    let halts = match reading.halts(None).len() {
        0 => String::new(),
        1 => "; 1 halt in force".into(),
        several => format!("; {several} halts in force"),
    };
    let documents = match list.document_errors {
        0 => "",
        _ => "; documents have errors, older ones are in force",
    };
    one_line(&format!("{release}{halts}{documents}"))
}

/// A newline would begin another assignment of the protocol.
fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut length = 0;
    plain
        .take_while(|c| {
            length += c.len_utf8();
            length <= LONGEST_STATUS
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_short_line() {
        assert_eq!(one_line("a\nREADY=1\u{1b}[0m"), "a READY=1 [0m");
        assert_eq!(one_line(&"é".repeat(400)).len(), LONGEST_STATUS);
    }

    fn beating(patience: Duration) -> Service {
        Service { every: Some(Duration::from_millis(5)), patience, last: clock::monotonic(), status: String::new() }
    }

    #[tokio::test]
    async fn work_that_waits_is_accompanied_and_work_that_never_ends_is_not() {
        let mut service = beating(Duration::from_mins(1));
        let begun = service.last;
        assert_eq!(service.accompany(async { tokio::time::sleep(Duration::from_millis(50)).await }).await, ());
        assert!(service.last > begun + Duration::from_millis(20), "it gave signs of life meanwhile");

        let mut service = beating(Duration::from_millis(20));
        let endless = tokio::time::timeout(Duration::from_millis(200), service.accompany(std::future::pending::<()>())).await;
        assert!(endless.is_err());
        assert!(service.last.elapsed() > Duration::from_millis(100), "it gave none after its patience");
    }

    #[test]
    fn without_a_manager_no_sign_is_due() {
        let mut service = Service { every: None, ..beating(PATIENCE) };
        let begun = service.last;
        service.alive();
        assert_eq!((service.last, service.due()), (begun, Duration::from_hours(1)));
    }
}
