//! Starts the parts of the demo: two edges and the real daemon, each a process of its own; instances come from the daemon.
//!
//! Invariant: every child is on the leash, so that dropping the stage, or killing the demo, ends them all.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::papers;
use super::room::Room;
use crate::lab::leash::Leash;
use crate::lab::scene;

/// A part that has not said where it listens by then will not.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// The parts.
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    pub(super) edges: [SocketAddr; 2],
    pub(super) room: Room,
    pub(super) leash: Leash,
    control: SocketAddr,
    children: Vec<Child>,
}

/// The daemon's addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Daemon {
    pub(super) control: SocketAddr,
    pub(super) decision: SocketAddr,
}

impl Stage {
    /// Holds the leash, opens the room and starts the edges.
    pub(super) async fn set(folder: PathBuf) -> io::Result<Self> {
        let (leash, room) = (Leash::hold()?, Room::open().await?);
        // The edges push to the daemon and the daemon's documents name the edges, so one address is chosen ahead. Whoever
        // took the port in between would make the daemon say so and the demo end.
        let control = free_address()?;
        let mut children = Vec::new();
        let mut edges = [control; 2];
        for (place, edge) in edges.iter_mut().enumerate() {
            let (child, address) = start_edge(&folder, place + 1, (control, leash.address())).await?;
            *edge = address;
            children.push(child);
        }
        Ok(Self { folder, edges, room, leash, control, children })
    }

    /// Starts the daemon on the documents in the folder; returns when they are in force.
    pub(super) async fn start_daemon(&mut self) -> io::Result<Daemon> {
        let log = std::fs::File::create(self.folder.join("daemon.log"))?;
        let mut command = program()?;
        command.arg("serve").arg("--config").arg(self.folder.join("tminus.yaml"));
        command.arg("--control").arg(self.control.to_string()).arg("--leash").arg(self.leash.address().to_string());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        let lines = said(&mut child, &["control: http://", "decision: http://"]).await;
        self.children.push(child);
        let failed = |error: io::Error| {
            io::Error::other(format!("the daemon did not start ({error}); see {}", self.folder.join("daemon.log").display()))
        };
        let lines = lines.map_err(failed)?;
        Ok(Daemon { control: lines[0], decision: lines[1] })
    }

    /// The load balancer's list of instances in service.
    pub(super) fn targets(&self) -> PathBuf {
        targets(&self.folder)
    }

    /// Lets the daemon finish, then lets go of everything; returns processes that are still there afterwards.
    pub(super) async fn strike(mut self) -> usize {
        if let Some(mut daemon) = self.children.pop() {
            terminate(&daemon);
            let _ = tokio::time::timeout(Duration::from_secs(10), daemon.wait()).await;
            self.children.push(daemon);
        }
        let instances = instances(&self.folder);
        let pids: Vec<u32> = self.children.iter().filter_map(Child::id).chain(instances).collect();
        drop(self.leash);
        for child in &mut self.children {
            let _ = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
        }
        still_there(&pids).await
    }
}

fn targets(folder: &Path) -> PathBuf {
    folder.join("targets.json")
}

fn program() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

async fn start_edge(folder: &Path, number: usize, (control, leash): (SocketAddr, SocketAddr)) -> io::Result<(Child, SocketAddr)> {
    let log = std::fs::File::create(folder.join(format!("edge{number}.log")))?;
    let mut command = program()?;
    command.args(["lab", "edge", "--listen", "127.0.0.1:0", "--source", "edges", "--name", &format!("edge{number}")]);
    command.arg("--targets").arg(targets(folder)).arg("--control").arg(format!("http://{control}"));
    command.args(["--fetches", &scene::EDGE_FETCHES.to_string(), "--queue", &scene::EDGE_QUEUE.to_string()]);
    command.arg("--leash").arg(leash.to_string()).env("TMINUS_TOKEN", papers::EDGES);
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
    let addresses = said(&mut child, &["listening on "]).await?;
    Ok((child, addresses[0]))
}

/// Reads the addresses that a child prints, one line each with its prefix.
async fn said(child: &mut Child, prefixes: &[&str]) -> io::Result<Vec<SocketAddr>> {
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("its output cannot be read"))?;
    let mut lines = BufReader::new(stdout).lines();
    let read = async {
        let mut addresses = Vec::new();
        for prefix in prefixes {
            let line = lines.next_line().await?.ok_or_else(|| io::Error::other("it ended"))?;
            let address = line.strip_prefix(prefix).and_then(|address| address.parse().ok());
            addresses.push(address.ok_or_else(|| io::Error::other(format!("it said {line:?}")))?);
        }
        Ok(addresses)
    };
    tokio::time::timeout(STARTS_WITHIN, read).await.map_err(|_| io::Error::other("it did not say where it listens"))?
}

fn terminate(child: &Child) {
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
    if let Some(pid) = pid {
        // It may have ended by itself, which is what is wanted.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// The processes in the registry of the local groups.
fn instances(folder: &Path) -> Vec<u32> {
    let files = std::fs::read_dir(folder.join("data/groups")).into_iter().flatten().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    let registries = texts.filter_map(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    registries.flat_map(|registry| pids(&registry)).collect()
}

fn pids(registry: &serde_json::Value) -> Vec<u32> {
    let instances = registry.get("instances").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let pid = |instance: &serde_json::Value| instance.pointer("/process/pid")?.as_u64().and_then(|pid| u32::try_from(pid).ok());
    instances.iter().filter_map(pid).collect()
}

/// How many of these still run a moment after the leash ended. A zombie has ended.
async fn still_there(pids: &[u32]) -> usize {
    let runs = |pid: &&u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
    };
    for _ in 0..50 {
        if pids.iter().filter(runs).count() == 0 {
            return 0;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    pids.iter().filter(runs).count()
}
