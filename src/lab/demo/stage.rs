//! Starts the parts of the demo: two edges and the real daemon, each a process of its own; instances come from the daemon.
//!
//! It also kills the daemon where a scenario wants that, and starts it again where it was. Invariant: every child is on
//! the leash, so that dropping the stage, or killing the demo, ends them all.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::instances::{Registry, still_there};
use super::papers;
use super::room::Room;
use crate::lab::leash::Leash;
use crate::lab::scene;

/// A part that has not said where it listens by then will not.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// Between two attempts at starting the daemon on the addresses it had.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Attempts, two seconds of them: a passing connection of somebody else may have been given the port.
const ATTEMPTS: u32 = 10;

/// The parts.
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    pub(super) edges: [SocketAddr; 2],
    pub(super) room: Room,
    pub(super) leash: Leash,
    pub(super) control: SocketAddr,
    decision: SocketAddr,
    nodes: Vec<Child>,
    daemon: Option<Child>,
    /// Every daemon that was started, by process id.
    daemons: Vec<u32>,
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
        // The edges push to the daemon, the daemon's documents name the edges, and a daemon that is started again has to be
        // where it was: its addresses are chosen ahead. Whoever took a port in between would make the daemon say so and the
        // demo end.
        let (control, decision) = free_addresses()?;
        let mut nodes = Vec::new();
        let mut edges = [control; 2];
        for (place, edge) in edges.iter_mut().enumerate() {
            let (child, address) = start_edge(&folder, place + 1, (control, leash.address())).await?;
            *edge = address;
            nodes.push(child);
        }
        Ok(Self { folder, edges, room, leash, control, decision, nodes, daemon: None, daemons: Vec::new() })
    }

    /// Starts the daemon on the documents in the folder; returns when they are in force. Also after [`Self::kill_daemon`]:
    /// the addresses and the data are the same.
    pub(super) async fn start_daemon(&mut self) -> io::Result<Daemon> {
        let mut attempt = 1;
        loop {
            match self.try_start().await {
                Err(_) if attempt < ATTEMPTS && self.daemons.len() > 1 => {
                    attempt += 1;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                started => return started,
            }
        }
    }

    async fn try_start(&mut self) -> io::Result<Daemon> {
        let path = self.folder.join("daemon.log");
        let log = File::options().create(true).append(true).open(&path)?;
        let mut command = program()?;
        command.arg("serve").arg("--config").arg(self.folder.join("tminus.yaml"));
        command.arg("--control").arg(self.control.to_string()).arg("--decision").arg(self.decision.to_string());
        command.arg("--leash").arg(self.leash.address().to_string());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn()?;
        self.daemons.extend(child.id());
        let lines = said(&mut child, &["control: http://", "decision: http://"]).await;
        self.daemon = Some(child);
        let failed = |error: io::Error| io::Error::other(format!("the daemon did not start ({error}); see {}", path.display()));
        let lines = lines.map_err(failed)?;
        Ok(Daemon { control: lines[0], decision: lines[1] })
    }

    /// SIGKILL; returns when it is gone.
    pub(super) async fn kill_daemon(&mut self) -> io::Result<()> {
        match self.daemon.take() {
            Some(mut daemon) => daemon.kill().await,
            None => Ok(()),
        }
    }

    /// The load balancer's list of instances in service.
    pub(super) fn targets(&self) -> PathBuf {
        targets(&self.folder)
    }

    /// Lets the daemon finish, then lets go of everything; returns processes that are still there afterwards.
    pub(super) async fn strike(mut self) -> usize {
        if let Some(daemon) = &mut self.daemon {
            terminate(daemon);
            let _ = tokio::time::timeout(Duration::from_secs(10), daemon.wait()).await;
        }
        let instances = Registry::read(&self.folder).pids();
        let nodes = self.nodes.iter().filter_map(Child::id);
        let pids: Vec<u32> = nodes.chain(self.daemons.iter().copied()).chain(instances).collect();
        drop(self.leash);
        for child in &mut self.nodes {
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

/// Two that differ: both are held until both are known.
fn free_addresses() -> io::Result<(SocketAddr, SocketAddr)> {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (free()?, free()?);
    Ok((one.local_addr()?, other.local_addr()?))
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
