//! Runs a command with an announcement as JSON on its standard input.
//!
//! An argument list, never a shell; one attempt. Invariant: after the time limit neither the command nor what it
//! started in its process group is left, and its output never fills memory.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::DeliveryError;
use crate::shell::data::SERVICE_VARIABLES;

/// For the whole run: long enough for a page to be sent over a slow line.
const LIMIT: Duration = Duration::from_secs(10);

/// Bytes kept of what it prints; the rest is read and dropped, so that it never blocks on a full pipe.
const KEPT: usize = 4 << 10;

/// Characters of its output in an error.
const SHOWN: usize = 200;

/// How long what the command printed last is waited for after it ended.
const AFTER_END: Duration = Duration::from_millis(200);

/// Runs it once.
pub(super) async fn run(arguments: &[String], input: &[u8]) -> Result<String, DeliveryError> {
    run_within(arguments, input, LIMIT).await
}

async fn run_within(arguments: &[String], input: &[u8], limit: Duration) -> Result<String, DeliveryError> {
    let (program, rest) = arguments.split_first().ok_or_else(|| DeliveryError::new("the command is empty"))?;
    let mut child = start(program, rest).map_err(|error| DeliveryError::new(format!("it did not start: {error}")))?;
    let _group = Group(child.id());
    match timeout(limit, feed(&mut child, input)).await {
        Ok(Ok((status, output))) => judge(status, &output),
        Ok(Err(error)) => Err(DeliveryError::new(format!("it could not be followed: {error}"))),
        Err(_) => Err(DeliveryError::new(format!("it was still running after {} s and was killed", limit.as_secs_f64()))),
    }
}

fn start(program: &str, rest: &[String]) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    for name in SERVICE_VARIABLES {
        command.env_remove(name);
    }
    command
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what it starts can be ended with it, and a Ctrl-C here does not end a page.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// A command that means to leave a process behind loses it. Ends the group when the run is over, however it is over: a delivery that is dropped leaves nothing behind either.
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

async fn feed(child: &mut Child, input: &[u8]) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut output = (Vec::new(), Vec::new());
    let status = {
        let talk = async { tokio::join!(write(stdin, input), keep(stdout, &mut output.0), keep(stderr, &mut output.1)) };
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
    Ok((status, if output.1.is_empty() { output.0 } else { output.1 }))
}

/// A command need not read its input: a closed pipe is no failure.
async fn write(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input).await;
    }
}

/// Keeps the first bytes and drops the rest, to the end.
async fn keep(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let room = KEPT.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
}

fn judge(status: ExitStatus, output: &[u8]) -> Result<String, DeliveryError> {
    if status.success() {
        return Ok("exited with 0".into());
    }
    let said = first_line(output);
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    Err(DeliveryError::new(format!("it ended with {status}{said}")))
}

/// The first line that says something, without what could drive a terminal.
fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_one_clean_line() {
        for (output, line) in
            [("", ""), ("\n\n  no route \n more", "no route"), ("\u{1b}[31mred\u{7}", "[31mred"), ("\u{ff}", "\u{ff}")]
        {
            assert_eq!(first_line(output.as_bytes()), line);
        }
        assert_eq!(first_line(&[b'x'; 5_000]).len(), SHOWN);
        assert_eq!(first_line(&[0xff, 0xfe]), "\u{fffd}\u{fffd}");
    }
}
