//! Wires the rooms from documents and starts the listeners.
//!
//! Order matters. Clients are answered as soon as the table of the kept state is in force, which needs no look at the
//! world; until then they wait in the socket. People are answered after the first decision. At a stop clients are told
//! first, while the loop goes on, so that a halt still holds; then the loop ends, and only then is nobody accepted any
//! more. Invariant: with invalid documents nothing is started.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use super::act::Actuators;
use super::board::Board;
use super::chronicle::Chronicle;
use super::durability::Durability;
use super::engine::Engine;
use super::look::Observers;
use super::probing::Probes;
use super::pushes::Pushed;
use super::reload::Reloader;
use super::reload_start::{self, Remembered};
use super::service::{self, Service};
use super::sockets::{self, HandOverError};
use super::timekeeping::Timekeeping;
use super::upkeep::Upkeep;
use crate::core::decide::{Config, Decision, Intent, Memory, Observations, Snapshot, State};
use crate::core::throttle::Table;
use crate::shell::clock;
use crate::shell::control::{self, Ask, Desk, Papers, People, View};
use crate::shell::decision::{self, Farewell};
use crate::shell::groups::Groups;
use crate::shell::notify::NotifyError;
use crate::shell::observe::{ObserveError, Probes as Prober};
use crate::shell::settings::Loaded;
use crate::shell::spec::Settings;
use crate::shell::store::{Store, StoreError};

/// Orders that may wait at the counter; more are answered 503 with Retry-After.
const COUNTER: usize = 256;

/// Outcomes that may wait for the writer; actuators wait beyond that.
const OUTCOMES: usize = 256;

/// How long the listeners may take to end after the loop; their own limits are shorter.
const LAST_WORDS: Duration = Duration::from_secs(10);

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
    /// A service manager handed over what cannot be used.
    #[error("{0}; nothing was started")]
    HandOver(#[from] HandOverError),
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
    let handed_over = sockets::handed_over()?;
    if let Some(address) = handed_over.iter().find_map(|[control, _]| control.local_addr().ok()) {
        loopback(address)?;
    }
    let data = reload_start::settings(&options)?.data;
    let mut store = Store::open(&data)?;
    let durable = store.load()?;
    let state = durable.state.unwrap_or_default();
    let remembered = Remembered { state: state.clone(), applied: durable.documents, in_force: store.in_force()? };
    let (library, read) = reload_start::open(&options, remembered)?;
    let settings = library.settings().clone();
    let (control, decision) = listeners(handed_over, &settings)?;
    let running = Running { control: local(&control, settings.control), decision: local(&decision, settings.decision) };

    let epoch = store.take_epoch()?;
    store.put_in_force(&library.in_force())?;
    // Under the new epoch, which the intents that were left open carry from here on.
    let open = store.load()?.open;
    let state = State { version: 1, epoch, ..state };

    let table = Arc::new(ArcSwap::from_pointee(Table::default()));
    let (view, views) = watch::channel(Arc::new(nothing_yet()));
    let (asks, counter) = mpsc::channel(COUNTER);
    let (outcomes, results) = mpsc::channel(OUTCOMES);
    let folder = settings.data.join("groups");
    let groups = Groups::open(folder, &library.documents().groups).map(Arc::new);
    let groups = groups.map_err(|error| StartError::Groups(error.to_string()))?;
    let people = Arc::new(ArcSwap::from_pointee(People::of(library.people())));
    let engine = Engine {
        observers: Observers::new(groups.clone(), library.documents(), durable.proven)?,
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
        pushed: Pushed::default(),
        upkeep: Upkeep::new(settings.retention, settings.tick, (clock::now(), clock::monotonic())),
        memory: Memory::default(),
        service: Service::from_environment(),
        reloader: Reloader::new(&read, settings.tick),
        people: people.clone(),
        news: Vec::new(),
        options,
        store,
        library,
        state,
    };
    let desk = Desk { asks, view: views, people };
    let house = House { control, decision, running, table, desk };
    Box::pin(open_house(engine, open, house, (ready, shutdown))).await;
    Ok(())
}

/// What is open to others.
struct House {
    control: TcpListener,
    decision: TcpListener,
    running: Running,
    table: Arc<ArcSwap<Table>>,
    desk: Desk,
}

/// Opens one door after the other, runs, and closes them in the order in which nobody is lost.
async fn open_house(
    engine: Engine,
    open: Vec<Intent>,
    house: House,
    (ready, shutdown): (oneshot::Sender<Running>, watch::Receiver<bool>),
) {
    // A service manager hears of it at once; the loop may be looking at the world for some seconds.
    let asked = shutdown.clone();
    let leaving = async {
        stopped(asked).await;
        service::stopping();
    };
    let (farewell, told, over) = part(leaving);
    // Before anybody may think it ready: a SIGHUP that nobody listens to ends the process.
    tokio::spawn(reload_signal(signal(SignalKind::hangup()), house.desk.asks.clone()));
    engine.stand();
    let decision = tokio::spawn(decision::serve(house.decision, house.table, farewell));
    let mut engine = engine.begin(open).await;
    let (ending, ended) = watch::channel(false);
    let control = tokio::spawn(control::serve(house.control, house.desk, stopped(ended)));
    tracing::info!(control = %house.running.control, decision = %house.running.decision, "tminus serves");
    // Whoever asked for the addresses may be gone; the daemon serves all the same.
    let _ = ready.send(house.running);
    engine.service.ready();
    let end = async {
        stopped(shutdown).await;
        // An error means that the decision listener is gone, and nobody is left to be told.
        let _ = told.await;
    };
    Box::pin(engine.run(end)).await;
    tracing::info!("tminus stops: state is kept and instances go on");
    drop((ending, over));
    let _ = tokio::time::timeout(LAST_WORDS, async { (control.await, decision.await) }).await;
}

/// The two ends of a farewell: the listener's, and the daemon's, which is told when clients are, and drops its last one
/// when nobody shall be accepted any more.
fn part<L: Future>(leaving: L) -> (Farewell<L, oneshot::Receiver<()>>, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (tell, told) = oneshot::channel();
    let (end, over) = oneshot::channel();
    (Farewell { leaving, told: tell, over }, told, end)
}

/// Control and decision: as handed over, or bound where the settings say.
fn listeners(handed_over: Option<[TcpListener; 2]>, settings: &Settings) -> Result<(TcpListener, TcpListener), StartError> {
    if let Some([control, decision]) = handed_over {
        tracing::info!("the sockets were handed over; `listen` of the settings and flags are not used");
        return Ok((control, decision));
    }
    Ok((bind(loopback(settings.control)?)?, bind(settings.decision)?))
}

/// SIGHUP: the files are read again at once. Where it cannot be listened to, the watch sees every change all the same.
async fn reload_signal(signals: io::Result<Signal>, asks: mpsc::Sender<Ask>) {
    let Ok(mut signals) = signals else { return };
    while signals.recv().await.is_some() {
        service::reloading();
        let (reply, answer) = oneshot::channel();
        if asks.send(Ask::Reload { by: None, reply }).await.is_err() {
            return;
        }
        // What came of it is said in the log, and wherever documents show.
        let _ = answer.await;
        service::reloaded();
    }
}

async fn stopped(mut shutdown: watch::Receiver<bool>) {
    // An error means the sender is gone, which is a stop as well.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

fn loopback(address: SocketAddr) -> Result<SocketAddr, StartError> {
    if address.ip().is_loopback() { Ok(address) } else { Err(StartError::NotLoopback(address)) }
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    sockets::bind(address).map_err(|error| StartError::Listen { address, error })
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
        papers: Papers::default(),
        ready: false,
        open_intents: 0,
        not_durable: None,
    }
}
