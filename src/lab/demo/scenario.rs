//! Leads through a scenario: set the stage, let it play, strike the stage, add up what it came to.
//!
//! Invariant: it ends, whatever the launch does; a scenario that takes too long is an error that says where it stood.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::book;
use super::director::Director;
use super::interruptions::{Interruption, Interruptions};
use super::ledger::{self, Ledger};
use super::outcome::{Known, Summary, add_up};
use super::papers::{self, Facts};
use super::recorder::Recorder;
use super::room::{Heard, abort_of};
use super::screen::Screen;
use super::script::{Extent, Scenario, Script};
use super::stage::Stage;
use super::verdict::{self, Aborted};
use super::watch::Watch;
use crate::core::words::{Name, later};
use crate::lab::scene;
use crate::lab::swarm::{Swarm, SwarmReport, SwarmSpec};
use crate::shell::clock;
use crate::shell::groups::Targets;
use crate::shell::store::Store;

/// The release that is launched.
pub(super) const RELEASE: &str = "reader-2.3";

/// A scenario that takes longer is broken: the longest takes half of it.
const LONGEST: Duration = Duration::from_mins(5);

/// How the demo shows itself while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Redrawn at a terminal.
    Live,
    /// A line for every change.
    Lines,
}

/// What is played, how much of it, and where its files are.
#[derive(Clone, Debug)]
pub struct Playing {
    /// Which.
    pub scenario: Scenario,
    /// How much of it.
    pub extent: Extent,
    /// A folder of its own.
    pub folder: PathBuf,
}

/// Plays a scenario and returns what it came to.
pub async fn play(playing: &Playing, shown: Shown) -> io::Result<Summary> {
    std::fs::create_dir_all(&playing.folder)?;
    let script = Script::of(playing.scenario, playing.extent);
    let started = clock::monotonic();
    let mut stage = Stage::set(playing.folder.clone()).await?;
    let now = clock::now();
    // Whole seconds: the gate's periods and the T-clock then agree.
    let launch_at = whole_second(later(now, script.lead));
    let facts = Facts { script, launch_at, now, edges: stage.edges, leash: stage.leash.address(), room: stage.room.address };
    papers::write(&stage.folder, &facts)?;
    let daemon = stage.start_daemon().await?;
    let director = Director::at(daemon.control).map_err(io::Error::other)?;
    in_service(&stage.targets()).await;
    let swarm = Swarm::start(swarm(&script, &stage, daemon.decision));
    let mut recorder = Recorder::new(RELEASE, launch_at, stage.targets());
    let mut screen = Screen::new(shown, &script);
    let mut interruptions = Interruptions::new(director.client(), script.dead);
    let watch = Watch {
        script,
        director: &director,
        news: swarm.news(),
        stage: &mut stage,
        recorder: &mut recorder,
        screen: &mut screen,
        interruptions: &mut interruptions,
    };
    let watched = tokio::time::timeout(LONGEST, watch.run()).await;
    screen.end();
    let (events, heard) = (director.events().await, stage.room.heard());
    let seen = swarm.stop().await;
    let orphans = stage.strike().await;
    watched.map_err(|_| io::Error::other(stuck(&recorder)))??;
    let played = Played { script, started, recorder, swarm: seen, events, heard, kills: interruptions.into_done(), orphans };
    played.written(&playing.folder)
}

fn swarm(script: &Script, stage: &Stage, decision: std::net::SocketAddr) -> SwarmSpec {
    SwarmSpec {
        clients: script.size.clients,
        shared: script.size.shared,
        half_life: script.size.half_life,
        normal_per_second: script.size.normal_per_second,
        faulty_share: script.faulty_share,
        ..SwarmSpec::of_the_scene(stage.edges.to_vec(), stage.targets(), Some(decision))
    }
}

/// Everything that is left when the stage is empty.
pub(super) struct Played {
    pub(super) script: Script,
    started: Instant,
    pub(super) recorder: Recorder,
    pub(super) swarm: SwarmReport,
    pub(super) events: Vec<serde_json::Value>,
    pub(super) heard: Vec<Heard>,
    pub(super) kills: Vec<Interruption>,
    orphans: usize,
}

impl Played {
    /// Adds up and writes the report.
    fn written(self, folder: &Path) -> io::Result<Summary> {
        let (aborted, ledger) = self.told_by_the_store(folder).map_err(io::Error::other)?;
        let complete = self.recorder.last().is_some_and(|moment| moment.status.phase == "complete");
        let mut summary = add_up(&Known {
            scenario: self.script.scenario,
            swarm: &self.swarm,
            launch_at: self.recorder.launch_at,
            complete,
            aborted: aborted.as_ref(),
            notice: abort_of(&self.heard, RELEASE),
            ledger: &ledger,
            kills: &self.kills,
        });
        summary.orphans = self.orphans;
        summary.seconds = self.started.elapsed().as_secs_f64();
        let path = folder.join(format!("{}-report.html", summary.scenario));
        summary.report = path.display().to_string();
        book::write(&path, &book::Launch { summary: &summary, played: &self, aborted: aborted.as_ref(), ledger: &ledger })?;
        Ok(summary)
    }

    /// What the daemon's own store says, now that it has ended.
    fn told_by_the_store(&self, folder: &Path) -> Result<(Option<Aborted>, Ledger), String> {
        let store = Store::open(&folder.join("data")).map_err(|error| format!("the daemon's store cannot be read: {error}"))?;
        let release = Name::new(RELEASE).map_err(|error| error.to_string())?;
        let aborted = verdict::read(&store, &release)?;
        Ok((aborted, ledger::read(&store, folder, &self.heard)?))
    }
}

/// Waits for the normal instances, for a moment: clients that come before them would only see an empty stage.
async fn in_service(targets: &Path) {
    for _ in 0..200 {
        if Targets::read(targets).is_ok_and(|targets| targets.targets.len() >= scene::NORMAL_INSTANCES as usize) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn stuck(recorder: &Recorder) -> String {
    let stood = recorder.last().map_or_else(
        || "the daemon never answered".into(),
        |moment| {
            let why = moment.status.waiting.first().or(moment.status.readiness.reasons.first()).cloned().unwrap_or_default();
            format!("it stood at {}: {why}", moment.status.phase)
        },
    );
    format!("the demo did not end within {} s; {stood}", LONGEST.as_secs())
}
