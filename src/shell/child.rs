//! Runs a user's program once: an argument list, never a shell, in time, with bounded output.
//!
//! Not here: what its exit code or its words mean. Invariant: when the run is over, however it is over, nothing of the
//! program's process group is left, and no more than was asked for of its output is held.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::core::words::format_duration;
use crate::shell::data::SERVICE_VARIABLES;

/// How long what the program printed last is waited for after it ended.
const AFTER_END: Duration = Duration::from_millis(200);

/// Longest line shown to people, in characters.
const SHOWN: usize = 200;

/// What to run, and how far it may go.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Program and arguments.
    pub command: &'a [String],
    /// What it gets on its standard input; it need not read it.
    pub input: &'a [u8],
    /// For the whole run.
    pub within: Duration,
    /// Most bytes kept of each stream; the rest is read and dropped, so that it never blocks on a full pipe.
    pub kept: usize,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// The beginning of its standard output.
    pub stdout: Vec<u8>,
    /// The beginning of its standard error.
    pub stderr: Vec<u8>,
}

impl Ended {
    /// The first line that says something, of its errors before its output, without what could drive a terminal.
    pub fn line(&self) -> Option<String> {
        first_line(&self.stderr).or_else(|| first_line(&self.stdout))
    }
}

/// Why it did not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is nothing to run.
    #[error("the command is empty")]
    Empty,
    /// It did not start.
    #[error("{program} did not start: {error}")]
    NotStarted {
        /// The program.
        program: String,
        /// Why not.
        error: io::Error,
    },
    /// It was lost sight of.
    #[error("{program} could not be followed: {error}")]
    Lost {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// It took too long.
    #[error("{program} was still running after {} and was killed", format_duration(*.within))]
    Late {
        /// The program.
        program: String,
        /// The limit.
        within: Duration,
    },
}

/// Runs it once, in a process group of its own.
pub async fn run(asked: Run<'_>) -> Result<Ended, RunError> {
    let (program, arguments) = asked.command.split_first().ok_or(RunError::Empty)?;
    let mut child = start(program, arguments).map_err(|error| RunError::NotStarted { program: program.clone(), error })?;
    let _group = Group(child.id());
    match timeout(asked.within, Box::pin(follow(&mut child, asked))).await {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(error)) => Err(RunError::Lost { program: program.clone(), error }),
        Err(_) => Err(RunError::Late { program: program.clone(), within: asked.within }),
    }
}

fn start(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    for name in SERVICE_VARIABLES {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what it starts can be ended with it, and a Ctrl-C here does not end it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Ends the group when the run is over, however it is over: a program that means to leave a process behind loses it.
///
/// The leader may be reaped by then. Its number stays taken while a process of its group lives, and the kernel hands out
/// numbers in turn, so an empty group's is not somebody else's within the microseconds between.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // Nothing left to end is what we want; there is nobody to tell.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

async fn follow(child: &mut Child, asked: Run<'_>) -> io::Result<Ended> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut output = (Vec::new(), Vec::new());
    let status = {
        let keep_out = keep(stdout, (&mut output.0, asked.kept));
        let keep_err = keep(stderr, (&mut output.1, asked.kept));
        let talk = async { tokio::join!(write(stdin, asked.input), keep_out, keep_err) };
        tokio::pin!(talk);
        tokio::select! {
            _ = &mut talk => child.wait().await?,
            ended = child.wait() => {
                // What it printed last is still in the pipes; a process it left behind may hold them open for ever.
                let _ = timeout(AFTER_END, &mut talk).await;
                ended?
            }
        }
    };
    Ok(Ended { status, stdout: output.0, stderr: output.1 })
}

/// A program need not read its input: a closed pipe is no failure.
async fn write(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input).await;
    }
}

/// Keeps the first bytes and drops the rest, to the end.
async fn keep(pipe: Option<impl AsyncRead + Unpin>, (kept, most): (&mut Vec<u8>, usize)) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let room = most.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
}

fn first_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_one_clean_line() {
        for (output, line) in [
            ("", None),
            ("\n\n  no route \n more", Some("no route")),
            ("\u{1b}[31mred\u{7}", Some("[31mred")),
            ("\u{ff}", Some("\u{ff}")),
        ] {
            assert_eq!(first_line(output.as_bytes()).as_deref(), line);
        }
        assert_eq!(first_line(&[b'x'; 5_000]).map(|line| line.len()), Some(SHOWN));
        assert_eq!(first_line(&[0xff, 0xfe]).as_deref(), Some("\u{fffd}\u{fffd}"));
    }

    async fn shell(script: &str, within: Duration) -> Result<Ended, RunError> {
        let command = ["sh", "-c", script].map(String::from);
        run(Run { command: &command, input: b"in", within, kept: 8 }).await
    }

    #[tokio::test]
    async fn its_input_its_output_and_its_end_are_followed() {
        let ended = shell("cat; echo ' is read, and more'; echo oops >&2; exit 3", Duration::from_secs(20)).await.unwrap();
        assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(3), &b"in is re"[..]), "only so much is kept");
        assert_eq!(ended.line().as_deref(), Some("oops"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 300 & echo $! >{}; wait", mark.display());
        let error = shell(&script, Duration::from_secs(2)).await.unwrap_err();
        assert_eq!(error.to_string(), "sh was still running after 2s and was killed");
        let pid = std::fs::read_to_string(&mark).unwrap();
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        while !gone() {
            tokio::task::yield_now().await;
        }
    }
}
