//! The scenarios: which one is played, how large, and what follows from that.
//!
//! Not here: playing them. Invariant: every figure that differs between two scenarios stands here.

use std::time::Duration;

use crate::lab::scene::{self, Size};

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// With tminus: floors raised, caches proven warm, rollout in steps.
    Prepared,
    /// As it was: nothing raised, nothing primed, everybody at once.
    Unprepared,
    /// Prepared as well, and the new version gets one request in twenty wrong.
    BadRelease,
    /// Prepared as well, and the daemon is killed in every phase.
    Interrupt,
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of the story.
    Whole,
    /// The same parts with fewer clients, in less time.
    Small,
}

/// A scenario with its figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    pub(super) scenario: Scenario,
    pub(super) size: Size,
    /// From the start to T-0: floors, boot and priming must fit, with a little air.
    pub(super) lead: Duration,
    /// The rollout's steps, as YAML.
    pub(super) steps: &'static str,
    /// How long capacity is held after 100 %.
    pub(super) hold_after: Duration,
    /// Share of its content requests that the new version gets wrong.
    pub(super) faulty_share: f64,
    /// How long the daemon stays dead after a kill.
    pub(super) dead: Duration,
}

/// A kill costs the phase that it hits about this much: dead, started, and whatever coverage has to be proven again.
const LEAD_OF_KILLS: Duration = Duration::from_secs(18);

impl Scenario {
    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Unprepared => "unprepared",
            Self::BadRelease => "bad_release",
            Self::Interrupt => "interrupt",
        }
    }

    /// What it is, for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Prepared => "with tminus: floors raised, caches proven warm, rollout in steps",
            Self::Unprepared => "as it was: nothing raised, nothing primed, everybody at once",
            Self::BadRelease => "with tminus, and 2.3 gets 5 % of its requests wrong",
            Self::Interrupt => "with tminus, and its daemon is killed in every phase",
        }
    }

    /// Whether people prepare it with tminus.
    pub(super) fn is_prepared(self) -> bool {
        self != Self::Unprepared
    }
}

impl Script {
    pub(super) fn of(scenario: Scenario, extent: Extent) -> Self {
        let (size, dead) = match (extent, scenario) {
            (Extent::Whole, _) => (scene::WHOLE, Duration::from_secs(2)),
            // It has to come to its end, which is when the last clients have come.
            (Extent::Small, Scenario::Interrupt) => {
                (Size { clients: 120, half_life: Duration::from_secs(4), ..scene::SMALL }, Duration::from_secs(1))
            }
            (Extent::Small, _) => (scene::SMALL, Duration::from_secs(1)),
        };
        // After an ABORT capacity stays, and is not given back while anybody looks.
        let (faulty_share, hold_after) = match scenario {
            Scenario::BadRelease => (scene::FAULTY_SHARE, Duration::from_mins(2)),
            Scenario::Prepared | Scenario::Unprepared | Scenario::Interrupt => (0.0, Duration::from_secs(4)),
        };
        Self { scenario, size, lead: lead(scenario, extent), steps: steps(scenario, extent), hold_after, faulty_share, dead }
    }
}

fn lead(scenario: Scenario, extent: Extent) -> Duration {
    match (scenario, extent) {
        (Scenario::Unprepared, _) => scene::UNPREPARED_LEAD,
        (Scenario::Prepared | Scenario::BadRelease, Extent::Whole) => scene::PREPARED_LEAD,
        (Scenario::Interrupt, Extent::Whole) => scene::PREPARED_LEAD + LEAD_OF_KILLS,
        (Scenario::Prepared | Scenario::BadRelease, Extent::Small) => Duration::from_secs(16),
        (Scenario::Interrupt, Extent::Small) => Duration::from_secs(19),
    }
}

/// A bad release stays at a tenth for far longer than its gate needs to see what is wrong, so that nothing but a wrong
/// SAFE could take it further.
fn steps(scenario: Scenario, extent: Extent) -> &'static str {
    match (scenario, extent) {
        (Scenario::BadRelease, Extent::Whole) => {
            "[{percent: 1, dwell: 5s}, {percent: 5, dwell: 10s}, {percent: 10, dwell: 30s}, {percent: 50, dwell: 8s}, {percent: 100, bake: 16s}]"
        }
        (Scenario::BadRelease, Extent::Small) => {
            "[{percent: 10, dwell: 30s}, {percent: 50, dwell: 4s}, {percent: 100, bake: 4s}]"
        }
        (_, Extent::Whole) => {
            "[{percent: 1, dwell: 5s}, {percent: 10, dwell: 6s}, {percent: 50, dwell: 8s}, {percent: 100, bake: 16s}]"
        }
        (_, Extent::Small) => "[{percent: 10, dwell: 2s}, {percent: 40, dwell: 2s}, {percent: 100, bake: 4s}]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::throttle::bucket;

    /// The clients' names and the salt are the same in every run, so who is at most exposed before the gate has spoken is
    /// known beforehand.
    #[test]
    fn a_tenth_of_the_buckets_is_less_than_three_twentieths_of_the_clients() {
        for size in [scene::WHOLE, scene::SMALL] {
            let salt = format!("{}/{}", scene::APP, scene::NEW_VERSION);
            let within = |number: &u32| bucket(&salt, &format!("client-{number:04}")) < 100_000;
            let exposed = (0..size.clients).filter(within).count();
            assert!((exposed as f64) < 0.14 * f64::from(size.clients), "{exposed} of {}", size.clients);
            assert!(exposed > 0);
        }
    }
}
