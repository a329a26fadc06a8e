//! Watches a scenario until it is over, and does what people do meanwhile: sign, rehearse, say go, kill.
//!
//! Invariant: each thing is done once, through the surfaces that anybody has.

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::director::Director;
use super::interruptions::{Interruptions, Place};
use super::recorder::{Moment, Recorder};
use super::room::abort_of;
use super::scenario::RELEASE;
use super::screen::Screen;
use super::script::{Scenario, Script};
use super::stage::Stage;
use crate::core::checklist::Word;
use crate::lab::scene;
use crate::lab::swarm::Second;
use crate::shell::clock;

/// How often the daemon is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The same where a phase must not be missed.
const LOOK_OFTEN: Duration = Duration::from_millis(100);

/// How long an aborted launch is watched: that nobody else gets the version is part of the story.
const AFTER_ABORT: Duration = Duration::from_secs(5);

/// How long people are waited for to hear of it: twice what may pass.
const HEARD_WITHIN: Duration = Duration::from_secs(20);

/// Everything that is watched, and by whom.
pub(super) struct Watch<'a> {
    pub(super) script: Script,
    pub(super) director: &'a Director,
    pub(super) news: watch::Receiver<Second>,
    pub(super) stage: &'a mut Stage,
    pub(super) recorder: &'a mut Recorder,
    pub(super) screen: &'a mut Screen,
    pub(super) interruptions: &'a mut Interruptions,
}

/// What people have done so far.
#[derive(Default)]
struct Done {
    signed: bool,
    rehearsed: bool,
    said_go: bool,
}

/// An ABORT, from when it was first seen.
struct Stopped {
    seen_at: Instant,
    /// Whether the room has heard of it.
    heard: bool,
}

impl Watch<'_> {
    /// Returns when the scenario is over.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let (mut done, mut stopped) = (Done::default(), None);
        let often = self.script.scenario == Scenario::Interrupt;
        let mut ticks = tokio::time::interval(if often { LOOK_OFTEN } else { LOOK_EVERY });
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let second = *self.news.borrow();
            let Some(moment) = self.recorder.look(self.director, second).await.cloned() else { continue };
            self.screen.show(&moment);
            if self.script.scenario.is_prepared() {
                for said in act(self.director, &moment, &mut done).await {
                    self.screen.say(&said);
                }
            }
            if let Some(place) = self.due(&moment) {
                self.interrupt(place).await?;
                continue;
            }
            if self.is_over(&moment, &mut stopped) {
                return Ok(());
            }
        }
    }

    fn due(&self, moment: &Moment) -> Option<Place> {
        if self.script.scenario == Scenario::Interrupt { self.interruptions.due(moment) } else { None }
    }

    async fn interrupt(&mut self, place: Place) -> io::Result<()> {
        self.screen.say(&format!("SIGKILL to the daemon while {}", place.words()));
        let seen = self.interruptions.interrupt(place, self.stage).await?;
        self.screen.say(&seen.seen());
        Ok(())
    }

    /// Complete with its capacity given back; or ended otherwise; unprepared, when its time is over.
    fn is_over(&mut self, moment: &Moment, stopped: &mut Option<Stopped>) -> bool {
        match moment.status.phase.as_str() {
            "complete" => moment.has_given_back() || !self.script.scenario.is_prepared(),
            "aborted" if self.script.scenario == Scenario::BadRelease => {
                let stopped = stopped.get_or_insert_with(|| Stopped { seen_at: clock::monotonic(), heard: false });
                if !stopped.heard
                    && let Some(heard) = abort_of(&self.stage.room.heard(), RELEASE)
                {
                    stopped.heard = true;
                    self.screen.say(&format!("the launch room hears: {}", heard.said.what));
                }
                stopped.seen_at.elapsed() >= if stopped.heard { AFTER_ABORT } else { HEARD_WITHIN }
            }
            "aborted" | "scrubbed" => true,
            _ => false,
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
