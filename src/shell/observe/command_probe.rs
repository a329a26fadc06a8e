//! The `command` check: a program with arguments, no shell, in time.
//!
//! Green: exit 0. Red: any other exit code, with the first line it wrote. Unknown: it could not be started, was killed
//! by a signal, or did not end in time; then its whole process group is killed. It runs in a group of its own, without
//! input. Invariant: at most [`MOST_OUTPUT`] bytes of its output are held, and nothing of it outlives the time limit.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::core::checklist::Outcome;
use crate::core::words::format_duration;
use crate::shell::data::SERVICE_VARIABLES;

/// Output kept per stream; a line for people is all that is shown.
const MOST_OUTPUT: usize = 4 * 1024;
/// Longest line shown, in characters.
const MOST_SHOWN: usize = 200;
/// After the program ended, what it left running may hold its output open; that is not waited for any longer.
const DRAIN_WITHIN: Duration = Duration::from_millis(200);

pub(super) async fn run(command: &[String], within: Duration) -> (Outcome, String) {
    let Some((program, arguments)) = command.split_first() else {
        return (Outcome::Unknown, "the command is empty".into());
    };
    let mut child = Command::new(program);
    for name in SERVICE_VARIABLES {
        child.env_remove(name);
    }
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = match child.spawn() {
        Ok(child) => child,
        Err(error) => return (Outcome::Unknown, format!("{program} did not start: {error}")),
    };
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = tokio::spawn(async { tokio::join!(head(stdout), head(stderr)) });
    let ended = tokio::time::timeout(within, child.wait()).await;
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return (Outcome::Unknown, format!("{program} could not be waited for: {error}")),
        Err(_) => {
            drop(group);
            return (Outcome::Unknown, format!("{program} did not end within {} and was killed", format_duration(within)));
        }
    };
    // It is reaped: its group may be somebody else's soon and is not ours to kill any more.
    group.0 = None;
    let output = tokio::time::timeout(DRAIN_WITHIN, output).await;
    let (stdout, stderr) = output.ok().and_then(Result::ok).unwrap_or_default();
    verdict(program, status, &first_line(&stderr).or_else(|| first_line(&stdout)).unwrap_or_default())
}

fn verdict(program: &str, status: ExitStatus, line: &str) -> (Outcome, String) {
    let said = if line.is_empty() { String::new() } else { format!(": {line}") };
    match status.code() {
        Some(0) => (Outcome::Green, format!("{program} exits 0{said}")),
        Some(code) => (Outcome::Red, format!("{program} exits {code}{said}")),
        None => (Outcome::Unknown, format!("{program} was killed by a signal{said}")),
    }
}

/// The beginning of a stream; the rest is read and dropped, so that the program is not blocked by us.
async fn head(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut chunk) = (Vec::new(), [0; 1_024]);
    let Some(mut stream) = stream else { return kept };
    while let Ok(read) = stream.read(&mut chunk).await {
        if read == 0 {
            break;
        }
        let room = MOST_OUTPUT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&chunk[..room]);
    }
    kept
}

fn first_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(MOST_SHOWN).collect())
}

/// Kills the group when dropped, so that a probe that is called off leaves nothing behind.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already: nothing is left to kill.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
