//! Child processes of this machine: start, recognise, signal.
//!
//! Not here: when to do which. Invariant: a signal is sent only to the process whose number *and* start time were
//! recorded, so a number that the kernel gave to somebody else is never hit.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::Process;
use crate::shell::data::SERVICE_VARIABLES;

/// The variable that marks a child as ours. It finds the one child that was started but not yet written down when
/// the daemon was killed.
const MARK: &str = "TMINUS_INSTANCE";

/// Ports tried when the kernel gives one that another instance of the group has or had a moment ago.
const PORT_DRAWS: usize = 32;

/// How to stop a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// SIGTERM: finish and go.
    Ask,
    /// SIGKILL.
    Force,
}

/// A process to start.
pub(super) struct Start<'a> {
    /// Program and arguments, placeholders replaced.
    pub(super) command: &'a [String],
    /// Unique among all folders of this machine.
    pub(super) mark: &'a str,
    /// Where its output goes; begun afresh with each start, since nobody else bounds it.
    pub(super) log: &'a Path,
}

/// Starts a process in its own process group, so that a Ctrl-C at the daemon's terminal does not reach it.
///
/// Its output goes to a file: a pipe to the daemon would break with the daemon.
pub(super) fn start(start: &Start<'_>) -> io::Result<(Process, Child)> {
    let (program, arguments) = start.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let log = File::create(start.log)?;
    let mut command = Command::new(program);
    for name in SERVICE_VARIABLES {
        command.env_remove(name);
    }
    let child = command
        .args(arguments)
        .env(MARK, start.mark)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()?;
    // Nobody has waited for the child yet, so its number is still its own, even when it has already ended.
    let process = child.id().and_then(|pid| stat(pid).map(|stat| Process { pid, started_ticks: stat.started_ticks }));
    process.map(|process| (process, child)).ok_or_else(|| io::Error::other("the process ended before it could be recorded"))
}

/// Whether the recorded process still runs; a zombie does not.
pub(super) fn is_alive(process: &Process) -> bool {
    match fs::read_to_string(format!("/proc/{}/stat", process.pid)) {
        Ok(text) => {
            parse(&text).is_some_and(|stat| stat.started_ticks == process.started_ticks && !matches!(stat.state, 'Z' | 'X'))
        }
        // Only these say that it is gone. Where the question itself failed (no descriptor left, say), nothing is known, and
        // what is taken for gone would be started a second time.
        Err(error) => error.kind() != io::ErrorKind::NotFound && error.raw_os_error() != Some(Errno::SRCH.raw_os_error()),
    }
}

/// Signals the recorded process and its group; nothing happens when it is gone.
///
/// Between the look at its start time and the signal the process could end and its number be reused; the kernel
/// hands out numbers in turn, so that needs tens of thousands of new processes within microseconds.
pub(super) fn signal(process: &Process, stop: Stop) {
    let signal = match stop {
        Stop::Ask => Signal::TERM,
        Stop::Force => Signal::KILL,
    };
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw).filter(|_| is_alive(process));
    // A process that ended in between is what was wanted.
    let _ = pid.map(|pid| kill_process_group(pid, signal));
}

/// Finds a running process by its mark.
pub(super) fn find(mark: &str) -> Option<Process> {
    let wanted = format!("{MARK}={mark}");
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let marked = |pid: &u32| {
        // Other people's processes are not readable, and not ours.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    };
    pids.filter(marked)
        // Children of an instance inherit the mark; the instance itself leads its process group.
        .filter_map(|pid| stat(pid).filter(|stat| stat.group == pid && !matches!(stat.state, 'Z' | 'X')).map(|stat| (pid, stat)))
        .map(|(pid, stat)| Process { pid, started_ticks: stat.started_ticks })
        .next()
}

/// The kernel's boot id; empty when it has none, which then never differs.
pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// A free address on loopback, none of `taken`.
///
/// The port is free now and given to the child a moment later; in between anybody may take it. The child then fails
/// to listen and ends, and it is started again with another port.
pub(super) fn free_address(taken: &[SocketAddr]) -> io::Result<SocketAddr> {
    let draw = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    for _ in 0..PORT_DRAWS {
        let address = draw()?;
        if !taken.contains(&address) {
            return Ok(address);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port on 127.0.0.1 that another instance does not have"))
}

struct Stat {
    state: char,
    group: u32,
    started_ticks: u64,
}

/// Reads `/proc/<pid>/stat` (proc(5)); the name in parentheses may hold anything, so fields count from its end.
fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<_> = text[text.rfind(')')? + 1..].split_ascii_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        started_ticks: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_number_is_not_the_recorded_process() {
        let pid = std::process::id();
        let started_ticks = stat(pid).unwrap().started_ticks;
        assert!(is_alive(&Process { pid, started_ticks }));
        assert!(!is_alive(&Process { pid, started_ticks: started_ticks + 1 }));
        // Were the start time not looked at, this would end the test itself.
        signal(&Process { pid, started_ticks: started_ticks + 1 }, Stop::Force);
    }

    #[test]
    fn a_taken_address_is_not_given_again() {
        let first = free_address(&[]).unwrap();
        assert_ne!(free_address(&[first]).unwrap(), first);
    }
}
