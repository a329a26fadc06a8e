//! Leads through a scenario: set the stage, prepare as people would, watch until it is over, strike the stage.
//!
//! Invariant: it ends, whatever the launch does; a scenario that takes too long is an error that says where it stood.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::book;
use super::director::Director;
use super::outcome::{Summary, add_up, duplicated};
use super::papers::{self, Facts};
use super::recorder::{Moment, Recorder};
use super::screen::Screen;
use super::stage::Stage;
use crate::core::checklist::Word;
use crate::core::words::later;
use crate::lab::scene;
use crate::lab::swarm::{Swarm, SwarmSpec};
use crate::shell::clock;
use crate::shell::groups::Targets;

/// The release that is launched.
const RELEASE: &str = "reader-2.3";

/// How often the daemon is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A scenario that takes longer is broken: the longest takes half of it.
const LONGEST: Duration = Duration::from_mins(4);

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// With tminus: floors raised, caches proven warm, rollout in steps.
    Prepared,
    /// As it was: nothing raised, nothing primed, everybody at once.
    Unprepared,
}

/// How the demo shows itself while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Redrawn at a terminal.
    Live,
    /// A line for every change.
    Lines,
}

impl Scenario {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Unprepared => "unprepared",
        }
    }

    /// From the start to T-0: floors, boot and priming must fit, with a little air.
    fn lead(self) -> Duration {
        match self {
            Self::Prepared => scene::PREPARED_LEAD,
            Self::Unprepared => scene::UNPREPARED_LEAD,
        }
    }
}

/// Plays a scenario in a folder of its own and returns what it came to.
pub async fn play(scenario: Scenario, folder: PathBuf, shown: Shown) -> io::Result<Summary> {
    std::fs::create_dir_all(&folder)?;
    let started = clock::monotonic();
    let mut stage = Stage::set(folder).await?;
    let now = clock::now();
    // Whole seconds: the gate's periods and the T-clock then agree.
    let launch_at = whole_second(later(now, scenario.lead()));
    let facts = Facts { launch_at, now, edges: stage.edges, leash: stage.leash.address(), room: stage.room.address };
    papers::write(&stage.folder, scenario, &facts)?;
    let daemon = stage.start_daemon().await?;
    let director = Director::at(daemon.control).map_err(io::Error::other)?;
    in_service(&stage.targets()).await;
    let swarm = Swarm::start(SwarmSpec::of_the_scene(stage.edges.to_vec(), stage.targets(), Some(daemon.decision)));
    let mut recorder = Recorder::new(RELEASE, launch_at, stage.targets());
    let mut screen = Screen::new(shown, scenario);
    let watched = tokio::time::timeout(LONGEST, watch(scenario, (&director, &swarm), (&mut recorder, &mut screen))).await;
    screen.end();
    let events = director.events().await;
    let told = stage.room.told();
    let folder = stage.folder.clone();
    let seen = swarm.stop().await;
    let orphans = stage.strike().await;
    watched.map_err(|_| io::Error::other(stuck(&recorder)))?;
    let mut summary = add_up(scenario.word(), &seen, launch_at);
    summary.outcome =
        recorder.last().map_or("aborted", |moment| if moment.status.phase == "complete" { "complete" } else { "aborted" }).into();
    summary.effects_duplicated = duplicated(&told);
    summary.orphans = orphans;
    summary.seconds = started.elapsed().as_secs_f64();
    let path = folder.join(format!("{}-report.html", scenario.word()));
    summary.report = path.display().to_string();
    book::write(&path, &book::Launch { summary: &summary, recorder: &recorder, swarm: &seen, events: &events })?;
    Ok(summary)
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

/// What people have done so far.
#[derive(Default)]
struct Done {
    signed: bool,
    rehearsed: bool,
    said_go: bool,
}

async fn watch(scenario: Scenario, (director, swarm): (&Director, &Swarm), (recorder, screen): (&mut Recorder, &mut Screen)) {
    let news = swarm.news();
    let mut done = Done::default();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let second = *news.borrow();
        let Some(moment) = recorder.look(director, second).await else { continue };
        screen.show(moment);
        if scenario == Scenario::Prepared {
            for said in act(director, moment, &mut done).await {
                screen.say(&said);
            }
        }
        if is_over(scenario, moment) {
            return;
        }
    }
}

/// What the people of the scene do, each thing once.
async fn act(director: &Director, moment: &Moment, done: &mut Done) -> Vec<String> {
    let mut said = Vec::new();
    if !done.signed {
        done.signed = note(&mut said, "capacity-sre signs load-test", director.sign_off(RELEASE, "load-test").await);
    }
    if !done.rehearsed {
        done.rehearsed = note(&mut said, "release-lead rehearses the halt", director.rehearse_halt(scene::APP).await);
    }
    if !done.said_go && moment.status.readiness.word == Word::Go {
        done.said_go = note(&mut said, "release-lead says go", director.go(RELEASE).await);
    }
    said
}

fn note(said: &mut Vec<String>, what: &str, answered: Result<String, String>) -> bool {
    let good = answered.is_ok();
    said.push(match answered {
        Ok(sentence) => format!("{what}: {sentence}"),
        Err(sentence) => format!("{what}, and is refused: {sentence}"),
    });
    good
}

/// Complete with its capacity given back; or ended otherwise; unprepared, when its time is over.
fn is_over(scenario: Scenario, moment: &Moment) -> bool {
    let given_back = moment.status.groups.iter().all(|group| group.floor.is_some_and(|floor| floor <= scene::NORMAL_INSTANCES));
    match moment.status.phase.as_str() {
        "complete" => given_back || scenario == Scenario::Unprepared,
        "aborted" | "scrubbed" => true,
        _ => false,
    }
}
