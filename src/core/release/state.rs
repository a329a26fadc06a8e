//! Where a release stands. Durable: what is not here is forgotten by a restart.
//!
//! Invariant: `certified` only rises by a SAFE gate or a person's promote (I4).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::core::checklist::{SignOff, Waiver, Word};
use crate::core::words::{Capacity, Name, Percent, since};

/// A release's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseState {
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub entered_at: Timestamp,
    /// Who applied it; may not sign (I7). `None`: it came from a file.
    pub applied_by: Option<Name>,
    /// A person's go, until the launch uses it.
    pub armed: Option<Armed>,
    /// Sign-offs, newest last.
    pub sign_offs: Vec<SignOff>,
    /// Waivers, newest last.
    pub waivers: Vec<Waiver>,
    /// The instant the first step began; evidence for ABORT counts from here, or from the last `clear`.
    pub evidence_from: Option<Timestamp>,
    /// The instant this step began; evidence for SAFE counts from here.
    pub step_from: Option<Timestamp>,
    /// Dwell or bake accrued in this step up to `dwell_from`; stops while a person holds.
    pub dwelled: Duration,
    /// Since when dwell runs; `None` while held.
    pub dwell_from: Option<Timestamp>,
    /// The highest percent that a gate certified or a person promoted to.
    pub certified: Percent,
    /// The instant it reached 100 %.
    pub full_at: Option<Timestamp>,
    /// The instant it became complete, aborted or scrubbed.
    pub ended_at: Option<Timestamp>,
    /// What people were already told, by key: each thing is told once.
    pub told: Vec<String>,
    /// The readiness that people last heard of.
    pub told_word: Option<Word>,
    /// Readiness, and since when it is so.
    #[serde(default)]
    pub word_since: Option<(Word, Timestamp)>,
    /// When people last heard that readiness got worse.
    #[serde(default)]
    pub relapsed_at: Option<Timestamp>,
    /// The percent that its step let through when it was entered, or less where the step was lowered since; an edit of
    /// the document never raises it. `None`: not launched, or kept by an older version.
    #[serde(default)]
    pub percent: Option<Percent>,
    /// What vanished of its documents, until they are back and somebody resumed it.
    #[serde(default)]
    pub vanished: Option<Vanished>,
    /// Every percent that was let through, and since when; by these waves its uptake is learned.
    #[serde(default)]
    pub admitted: Vec<(Timestamp, Percent)>,
    /// The plan that somebody applied.
    #[serde(default)]
    pub agreed: Option<AgreedPlan>,
}

/// A saved plan that somebody applied: what is still asked for beyond it is a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPlan {
    /// Of the plan and what it was made from.
    pub digest: String,
    /// Who applied it.
    pub by: Name,
    /// When.
    pub at: Timestamp,
    /// The documents it was made from, `Kind/name` with their digests.
    pub documents: BTreeMap<String, String>,
    /// The highest floor of each group.
    pub peaks: BTreeMap<Name, Capacity>,
}

/// Documents of a release that vanished. What was not yet let through when they did waits until somebody resumes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vanished {
    /// Since when; early entries that fall due later wait.
    pub since: Timestamp,
    /// What is missing, or was.
    pub missing: Vec<Missing>,
    /// When all of it was back; `None`: something is missing still.
    pub back_at: Option<Timestamp>,
}

/// A document that is in force as it last was, because it is not where it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Missing {
    /// Kind and name, such as `GatePolicy/reader-errors`.
    pub document: String,
    /// The file it stood in.
    pub file: String,
}

impl ReleaseState {
    /// A release that was just seen for the first time.
    pub fn new(now: Timestamp, applied_by: Option<Name>) -> Self {
        Self {
            phase: Phase::Planned,
            entered_at: now,
            applied_by,
            armed: None,
            sign_offs: Vec::new(),
            waivers: Vec::new(),
            evidence_from: None,
            step_from: None,
            dwelled: Duration::ZERO,
            dwell_from: None,
            certified: Percent::ZERO,
            full_at: None,
            ended_at: None,
            told: Vec::new(),
            told_word: None,
            word_since: None,
            relapsed_at: None,
            percent: None,
            vanished: None,
            admitted: Vec::new(),
            agreed: None,
        }
    }

    /// The wall clock was set by so much. Dwell and bake are elapsed time: a jump neither ends them nor stretches them.
    pub fn clock_jumped(&mut self, by: SignedDuration) {
        let ends = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        self.dwell_from = self.dwell_from.map(|from| from.checked_add(by).unwrap_or(ends));
    }

    /// Dwell accrued by now: it runs on through a gate's HOLD and stops while a person holds.
    pub fn dwelled_at(&self, now: Timestamp) -> Duration {
        self.dwelled + self.dwell_from.map_or(Duration::ZERO, |from| since(now, from))
    }
}

impl Phase {
    /// Every word that [`Phase::word`] may give, in the order of a release's life.
    pub const WORDS: [&str; 9] =
        ["planned", "preparing", "ready", "rolling", "baking", "complete", "held", "aborted", "scrubbed"];

    /// The phase in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Active(Active::Preparing) => "preparing",
            Self::Active(Active::Ready) => "ready",
            Self::Active(Active::Rolling { .. }) => "rolling",
            Self::Active(Active::Baking) => "baking",
            Self::Held { .. } => "held",
            Self::Aborted { .. } => "aborted",
            Self::Scrubbed { .. } => "scrubbed",
            Self::Complete => "complete",
        }
    }

    /// Where it works or is held; `None` before and after.
    pub fn active(&self) -> Option<Active> {
        match self {
            Self::Active(active) | Self::Held { at: active, .. } => Some(*active),
            Self::Planned | Self::Aborted { .. } | Self::Scrubbed { .. } | Self::Complete => None,
        }
    }
}

/// A person's go before T-0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Armed {
    /// Who.
    pub by: Name,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub reason: String,
}

/// The phases; docs/release-states.md draws the ways between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Known, too early to do anything.
    Planned,
    /// Something is being done, or would be if it were not held.
    Active(Active),
    /// A person said hold.
    Held {
        /// Where it resumes.
        at: Active,
        /// Who.
        by: Name,
        /// Why.
        reason: String,
    },
    /// Sticky, until a person clears it.
    Aborted {
        /// Where it was.
        at: Active,
        /// Why.
        reason: String,
    },
    /// Called off before T-0; final.
    Scrubbed {
        /// Why.
        reason: String,
    },
    /// At 100 % and baked; final.
    Complete,
}

/// The phases in which tminus works, and which can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// Floors rise, caches fill, checks run, sign-offs arrive.
    Preparing,
    /// Every item that blocks launch is green and fresh.
    Ready,
    /// At a step of the rollout, counted from 0.
    Rolling {
        /// The step.
        step: usize,
    },
    /// At 100 %, watched.
    Baking,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_neither_ends_a_dwell_nor_stretches_it() {
        let (began, minute) = (Timestamp::UNIX_EPOCH, SignedDuration::from_mins(1));
        for jump in [SignedDuration::from_hours(1), -SignedDuration::from_hours(24), SignedDuration::ZERO] {
            let mut state = ReleaseState { dwell_from: Some(began), ..ReleaseState::new(began, None) };
            state.clock_jumped(jump);
            assert_eq!(state.dwelled_at(began + minute + jump), Duration::from_secs(60), "{jump}");
        }
        let mut held = ReleaseState::new(began, None);
        held.clock_jumped(SignedDuration::MAX);
        assert_eq!(held.dwell_from, None);
        let mut odd = ReleaseState { dwell_from: Some(began), ..held };
        odd.clock_jumped(SignedDuration::MIN);
        assert_eq!(odd.dwell_from, Some(Timestamp::MIN));
    }
}
