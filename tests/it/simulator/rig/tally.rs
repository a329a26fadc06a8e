//! What a run, or many, did: every kind of fault that fired, every order, every place that was reached.
//!
//! Invariant: what is not counted here was not shown to happen.

use std::collections::BTreeMap;
use std::fmt;

use super::script::Trouble;

/// Counts by what they are of.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub decisions: u64,
    counts: BTreeMap<&'static str, u64>,
}

/// What has to happen somewhere among the seeds of the gate, besides every [`Trouble`]; without it a run proves little.
const WANTED: &[&str] = &[
    "a ceiling was changed by hand",
    "a checklist was changed",
    "a commit failed",
    "a date slipped",
    "a decision was replayed from its snapshot",
    "a floor was changed by hand",
    "a release was taken away",
    "a second daemon took over",
    "a throttle policy was changed",
    "an effect failed",
    "an effect was replaced by a newer one",
    "an effect was sent again",
    "an older epoch was fenced",
    "instances were lost",
    "killed after the commit",
    "killed after the first effect was sent",
    "killed before the commit",
    "ordered: abort",
    "ordered: advance",
    "ordered: apply",
    "ordered: clear",
    "ordered: go",
    "ordered: halt",
    "ordered: hold",
    "ordered: lift",
    "ordered: promote",
    "ordered: resume",
    "ordered: scrub",
    "ordered: sign-off",
    "ordered: waive",
    "reached: aborted",
    "reached: baking",
    "reached: complete",
    "reached: held",
    "reached: planned",
    "reached: preparing",
    "reached: ready",
    "reached: rolling",
    "reached: scrubbed",
    "a gate said ABORT: no data",
    "a gate said ABORT: panic",
    "a gate said ABORT: regression",
    "a gate said HOLD: evidence",
    "a gate said HOLD: gap",
    "a gate said HOLD: no evidence",
    "a gate said HOLD: no traffic",
    "a gate said HOLD: shared incident",
    "a gate said HOLD: unusable",
    "a gate said SAFE",
    "a floor was raised",
    "a floor was given back",
    "a step was entered by a SAFE gate",
    "a launch with a waiver",
    "an abort by the gate",
    "an abort went back to the last safe percent",
    "a halt was lifted",
    "a halt was lifted by breaking the glass",
    "steps were changed",
];

impl Tally {
    /// Counts one.
    pub fn hit(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Another run's counts on top.
    pub fn add(&mut self, other: &Self) {
        self.decisions += other.decisions;
        other.counts.iter().for_each(|(what, count)| *self.counts.entry(what).or_default() += count);
    }

    /// What never happened and should have.
    pub fn missing(&self) -> Vec<&'static str> {
        let troubles = Trouble::ALL.iter().map(|trouble| trouble.words());
        troubles.chain(WANTED.iter().copied()).filter(|what| !self.counts.contains_key(what)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9} decisions", self.decisions)?;
        self.counts.iter().try_for_each(|(what, count)| writeln!(f, "{count:>9} {what}"))
    }
}
