//! Points between two steps of the journal at which the daemon can be told to die, for tests that kill it there.
//!
//! A hidden option of `serve` names a step and a passage; at that passage the process ends itself by SIGKILL, which
//! cleans up nothing. Not here: any other fault; disks and clocks are made to fail from outside.
//! Invariant: without the option a point is one look at an empty cell, and nothing happens.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// A point, named by what is durable and what has happened in the world when it is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Decided; nothing is durable.
    BeforeCommit,
    /// Durable; not in force, nobody was told.
    AfterCommit,
    /// In force; the person who asked hears nothing.
    BeforeReply,
    /// Answered; the answer may be on its way.
    AfterReply,
    /// An intent is durable, and not marked as sent.
    BeforeSent,
    /// Marked as sent; the world is as it was.
    AfterSent,
    /// The world has changed; nobody was told.
    AfterAct,
    /// The loop knows what became of an effect; the journal does not.
    BeforeDone,
    /// The journal knows what became of an effect.
    AfterDone,
    /// Documents were found good; they are not durable.
    BeforeApply,
    /// Documents are durable; they are not in force.
    AfterApply,
}

impl Step {
    /// Every step, in the order in which an order passes them.
    pub const ALL: [Self; 11] = [
        Self::BeforeApply,
        Self::AfterApply,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeReply,
        Self::AfterReply,
        Self::BeforeSent,
        Self::AfterSent,
        Self::AfterAct,
        Self::BeforeDone,
        Self::AfterDone,
    ];

    /// Its name in the option.
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::BeforeReply => "before-reply",
            Self::AfterReply => "after-reply",
            Self::BeforeSent => "before-sent",
            Self::AfterSent => "after-sent",
            Self::AfterAct => "after-act",
            Self::BeforeDone => "before-done",
            Self::AfterDone => "after-done",
            Self::BeforeApply => "before-apply",
            Self::AfterApply => "after-apply",
        }
    }
}

/// Where to die: at the n-th passage of a step, written `after-commit:7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DieAt {
    step: Step,
    /// From 1.
    passage: u32,
}

/// Why a text is not a [`DieAt`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a step and a passage from 1, such as after-commit:7")]
pub struct InvalidDieAt(String);

impl DieAt {
    /// The n-th passage of a step, from 1; 0 counts as 1.
    pub fn new(step: Step, passage: u32) -> Self {
        Self { step, passage: passage.max(1) }
    }
}

impl FromStr for DieAt {
    type Err = InvalidDieAt;

    fn from_str(text: &str) -> Result<Self, InvalidDieAt> {
        let read = || {
            let (word, passage) = text.split_once(':')?;
            let step = Step::ALL.into_iter().find(|step| step.word() == word)?;
            let passage: u32 = passage.parse().ok()?;
            (passage > 0).then_some(Self { step, passage })
        };
        read().ok_or_else(|| InvalidDieAt(text.chars().take(40).collect()))
    }
}

impl fmt::Display for DieAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.step.word(), self.passage)
    }
}

static PLAN: OnceLock<(DieAt, AtomicU32)> = OnceLock::new();

/// Has this process die there; the first call counts.
pub fn die_at(at: DieAt) {
    let _ = PLAN.set((at, AtomicU32::new(0)));
}

/// A step is passed.
pub(super) fn passes(step: Step) {
    let Some((at, passed)) = PLAN.get().filter(|(at, _)| at.step == step) else { return };
    if passed.fetch_add(1, Ordering::Relaxed) + 1 == at.passage {
        // It cannot fail for a process of our own; were it to, the test that waits for the end says so.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_read_as_it_is_written() {
        for step in Step::ALL {
            let at = DieAt::new(step, 7);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        for text in ["", "after-commit", "after-commit:0", "after-commit:x", "elsewhere:1"] {
            assert!(text.parse::<DieAt>().is_err(), "{text}");
        }
    }

    #[test]
    fn without_the_option_nothing_happens() {
        Step::ALL.into_iter().for_each(passes);
    }
}
