//! Wires the rooms from documents and starts the listeners.
//!
//! Order matters: documents are validated and the first decision is committed before a listener accepts, so that who is
//! answered is answered by the documents in force. Invariant: with invalid documents nothing is started.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use super::act::Actuators;
use super::board::Board;
use super::chronicle::Chronicle;
use super::documents::Library;
use super::durability::Durability;
use super::engine::Engine;
use super::look::{self, Observers};
use super::probing::Probes;
use super::timekeeping::Timekeeping;
use crate::core::decide::{Config, Decision, Observations, Snapshot, State};
use crate::core::throttle::Table;
use crate::shell::clock;
use crate::shell::control::{self, Desk, View};
use crate::shell::decision;
use crate::shell::groups::LocalGroups;
use crate::shell::notify::NotifyError;
use crate::shell::observe::{ObserveError, Probes as Prober};
use crate::shell::settings::Loaded;
use crate::shell::store::{Store, StoreError};

/// Orders that may wait at the counter; more are answered 503 with Retry-After.
const COUNTER: usize = 256;

/// Outcomes that may wait for the writer; actuators wait beyond that.
const OUTCOMES: usize = 256;

/// What `serve` was told; flags beat the file.
#[derive(Clone, Debug)]
pub struct Options {
    /// The settings file, if there is one.
    pub config: Option<PathBuf>,
    /// Files and folders with documents; empty: those of the settings.
    pub documents: Vec<PathBuf>,
    /// The data folder.
    pub data: Option<PathBuf>,
    /// The control listener.
    pub control: Option<SocketAddr>,
    /// The decision listener.
    pub decision: Option<SocketAddr>,
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// The control listener.
    pub control: SocketAddr,
    /// The decision listener.
    pub decision: SocketAddr,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Documents are invalid; nothing was started.
    #[error("{} findings in the documents; nothing was started", .0.findings.len())]
    Documents(Box<Loaded>),
    /// The store could not be opened.
    #[error("the data folder cannot be used: {0}")]
    Store(#[from] StoreError),
    /// A listener could not be bound.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Beyond loopback.
    #[error("{0} is not a loopback address: this version has no TLS, so the control listener stays on 127.0.0.1 or ::1")]
    NotLoopback(SocketAddr),
    /// No HTTP client.
    #[error("metrics sources cannot be asked: {0}")]
    Observe(#[from] ObserveError),
    /// No HTTP client.
    #[error("people cannot be told: {0}")]
    Notify(#[from] NotifyError),
    /// The groups' folder could not be used.
    #[error("the groups' folder cannot be used: {0}")]
    Groups(String),
}

/// Serves until `shutdown`; tells where it listens once the documents are in force.
pub async fn serve(options: Options, ready: oneshot::Sender<Running>, shutdown: watch::Receiver<bool>) -> Result<(), StartError> {
    let library = Library::load(&options)?;
    let settings = library.settings().clone();
    let (control, decision) = (bind(loopback(settings.control)?).await?, bind(settings.decision).await?);
    let running = Running { control: local(&control, settings.control), decision: local(&decision, settings.decision) };

    let mut store = Store::open(&settings.data)?;
    let epoch = store.take_epoch()?;
    let durable = store.load()?;
    let library = library.with_applied(durable.documents);
    let state = State { version: 1, epoch, ..durable.state.unwrap_or_default() };

    let table = Arc::new(ArcSwap::from_pointee(Table::default()));
    let (view, views) = watch::channel(Arc::new(nothing_yet()));
    let (asks, counter) = mpsc::channel(COUNTER);
    let (outcomes, results) = mpsc::channel(OUTCOMES);
    let folder = settings.data.join("groups");
    let groups = LocalGroups::open(folder, look::local(library.documents())).map(Arc::new);
    let groups = groups.map_err(|error| StartError::Groups(error.to_string()))?;
    let people = library.people();
    let engine = Engine {
        observers: Observers::new(groups.clone(), library.documents())?,
        probes: Probes::new(Prober::new()?),
        actuators: Actuators::new(groups, outcomes, (settings.data.clone(), library.documents()))?,
        board: Board::new(table.clone(), view),
        asks: counter,
        outcomes: results,
        tick: settings.tick,
        ticked_at: clock::monotonic(),
        observed: Observations::default(),
        wake_at: None,
        retry_at: BTreeMap::new(),
        owed: Vec::new(),
        durability: Durability::of(&settings.data),
        timekeeping: Timekeeping::begin(clock::now(), clock::monotonic()),
        chronicle: Chronicle::default(),
        store,
        library,
        state,
    };
    let engine = engine.begin(durable.open).await;
    let desk = Desk { asks, view: views, people: Arc::new(people) };
    let control = tokio::spawn(control::serve(control, desk, stopped(shutdown.clone())));
    let decision = tokio::spawn(decision::serve(decision, table, stopped(shutdown.clone())));
    // Whoever asked for the address may be gone; the daemon serves all the same.
    tracing::info!(control = %running.control, decision = %running.decision, "tminus serves");
    let _ = ready.send(running);
    engine.run(stopped(shutdown)).await;
    tracing::info!("tminus stops: state is kept and instances go on");
    let _ = tokio::time::timeout(Duration::from_secs(10), async { (control.await, decision.await) }).await;
    Ok(())
}

async fn stopped(mut shutdown: watch::Receiver<bool>) {
    // An error means the sender is gone, which is a stop as well.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

fn loopback(address: SocketAddr) -> Result<SocketAddr, StartError> {
    if address.ip().is_loopback() { Ok(address) } else { Err(StartError::NotLoopback(address)) }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen { address, error })
}

fn local(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

/// The view before the first decision; nobody is answered from it.
fn nothing_yet() -> View {
    let snapshot = Snapshot {
        config: Config::default(),
        state: State::default(),
        observed: Observations::default(),
        commands: Vec::new(),
        now: clock::now(),
    };
    View {
        snapshot,
        decision: Decision::default(),
        groups: BTreeMap::new(),
        findings: Vec::new(),
        ready: false,
        open_intents: 0,
        not_durable: None,
    }
}
