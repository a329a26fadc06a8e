//! Kills the daemon with SIGKILL once in every phase, looks at what lives on, and starts it again where it was.
//!
//! Not here: what was done twice because of it; that is counted afterwards. Invariant: the daemon gets no chance to
//! finish anything, and starts on the same addresses and data.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpStream;

use super::instances::{self, Fate, Registry};
use super::recorder::Moment;
use super::stage::Stage;
use crate::lab::dice::Dice;
use crate::lab::scene;
use crate::shell::clock;
use crate::shell::groups::Instance;

/// Longest that a phase goes on before the kill: kills come at any point of what a phase begins with.
const WITHIN: Duration = Duration::from_millis(800);

/// Between two looks at the instances while the daemon is dead.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where in the launch the daemon is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Preparing,
    Ready,
    Rolling(usize),
    Baking,
    GivingBack,
}

/// One kill and what was seen around it.
#[derive(Clone, Debug)]
pub(super) struct Interruption {
    pub(super) place: Place,
    pub(super) at: Timestamp,
    /// From the kill until it serves again.
    pub(super) away: Duration,
    /// Of that, from its start until it serves.
    pub(super) start: Duration,
    /// Instances that clients were sent to when it died.
    pub(super) instances: usize,
    /// Of these, those that stopped answering, or were not taken over as they were.
    pub(super) lost: usize,
}

/// The kills of a launch.
pub(super) struct Interruptions {
    client: reqwest::Client,
    dead: Duration,
    dice: Dice,
    done: Vec<Interruption>,
}

impl Place {
    /// Where a launch stands, if that is one of the places.
    pub(super) fn of(moment: &Moment) -> Option<Self> {
        let status = &moment.status;
        match (status.phase.as_str(), status.step) {
            ("planned" | "preparing", _) => Some(Self::Preparing),
            ("ready", _) => Some(Self::Ready),
            ("rolling", Some(step)) => Some(Self::Rolling(step)),
            ("baking", _) => Some(Self::Baking),
            ("complete", _) if !moment.has_given_back() => Some(Self::GivingBack),
            _ => None,
        }
    }

    /// For people.
    pub(super) fn words(self) -> String {
        match self {
            Self::Preparing => "preparing".into(),
            Self::Ready => "ready".into(),
            Self::Rolling(step) => format!("rolling, step {}", step + 1),
            Self::Baking => "baking".into(),
            Self::GivingBack => "complete, giving back".into(),
        }
    }
}

impl Interruption {
    /// What was seen, as a sentence.
    pub(super) fn seen(&self) -> String {
        let (away, start) = (self.away.as_secs_f64(), self.start.as_secs_f64());
        let (went_on, instances) = (self.instances - self.lost, self.instances);
        format!(
            "{went_on} of {instances} instances went on serving; the daemon was back after {away:.1} s, {start:.2} s of it its start."
        )
    }

    /// The whole of it, for the timeline.
    pub(super) fn sentence(&self) -> String {
        format!("SIGKILL to the daemon while {}: {}", self.place.words(), self.seen())
    }
}

impl Interruptions {
    pub(super) fn new(client: reqwest::Client, dead: Duration) -> Self {
        Self { client, dead, dice: Dice::seeded(scene::SEED, u64::MAX), done: Vec::new() }
    }

    /// Every kill, in order.
    pub(super) fn into_done(self) -> Vec<Interruption> {
        self.done
    }

    /// The place where the daemon has to be killed now: each once. Preparing counts from when the caches are being
    /// filled: before that there is nothing under way.
    pub(super) fn due(&self, moment: &Moment) -> Option<Place> {
        let place = Place::of(moment)?;
        let idle = place == Place::Preparing && moment.coverage_percent().is_none_or(|percent| percent <= 0.0);
        (!idle && self.done.iter().all(|done| done.place != place)).then_some(place)
    }

    /// Kills, watches, starts again.
    pub(super) async fn interrupt(&mut self, place: Place, stage: &mut Stage) -> io::Result<&Interruption> {
        let drawn = self.dice.unit();
        // Squared: most kills come early, while what the phase began with is still under way.
        tokio::time::sleep(WITHIN.mul_f64(drawn * drawn)).await;
        let (at, died) = (clock::now(), clock::monotonic());
        stage.kill_daemon().await?;
        let before = Registry::read(&stage.folder).in_service();
        let mut lost = self.watch(&before, (stage, died)).await?;
        let begun = clock::monotonic();
        stage.start_daemon().await?;
        let (start, away) = (begun.elapsed(), died.elapsed());
        lost.extend(self.not_taken_over(&before, stage).await);
        self.done.push(Interruption { place, at, away, start, instances: before.len(), lost: lost.len() });
        self.done.last().ok_or_else(|| io::Error::other("a kill was not recorded"))
    }

    /// Looks at the instances while the daemon is dead; the ids of those that stopped answering.
    async fn watch(&self, before: &[Instance], (stage, died): (&Stage, Instant)) -> io::Result<BTreeSet<String>> {
        let mut lost = BTreeSet::new();
        while died.elapsed() < self.dead {
            for instance in before {
                if !instances::answers(&self.client, instance).await {
                    lost.insert(instance.id.clone());
                }
            }
            if TcpStream::connect(stage.control).await.is_ok() {
                return Err(io::Error::other("somebody still listens where the killed daemon did"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(lost)
    }

    /// Instances that the new daemon does not look after under the same process.
    async fn not_taken_over(&self, before: &[Instance], stage: &Stage) -> Vec<String> {
        let mut lost = Vec::new();
        for instance in before {
            let answers = instances::answers(&self.client, instance).await;
            // Read after the answer: one that is not needed any more may have been ended in between.
            let goes_on = match Registry::read(&stage.folder).fate(instance) {
                Fate::Serving => answers,
                Fate::ScaledIn => true,
                Fate::Lost => false,
            };
            if !goes_on {
                lost.push(instance.id.clone());
            }
        }
        lost
    }
}
