//! Why a release was aborted, and when that could first be known: read from the audit chain, judged again.
//!
//! Each record of the chain holds what a decision was made from, and the core decides the same from it at any time. So
//! the instant from which the counts condemned the release is found by asking the core at every earlier close of a
//! period. Not here: how people were told. Invariant: no figure that the daemon did not decide from.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::decide::{Decision, Snapshot, decide};
use crate::core::gate::{Counts, Judgement, Minute};
use crate::core::release::{Phase, percent};
use crate::core::words::{Name, Percent, later};
use crate::shell::store::Store;

/// Closes of periods that are looked at, back from the decision; a demo has not half as many.
const MOST_PERIODS: u32 = 600;

/// An ABORT with its evidence.
#[derive(Clone, Debug)]
pub(super) struct Aborted {
    /// What the gate said.
    pub(super) sentence: String,
    /// When it was decided.
    pub(super) decided_at: Timestamp,
    /// The first close of a period, past `lag`, at which these counts condemn it; `None`: a person aborted it.
    pub(super) turned_at: Option<Timestamp>,
    /// What was offered when it came.
    pub(super) percent: Percent,
    /// Requests and errors of the new version since T-0.
    pub(super) candidate: Counts,
    /// The same of the old version.
    pub(super) baseline: Counts,
    /// The gate's figures.
    pub(super) judgement: Option<Judgement>,
}

/// Finds the decision that aborted a release; `None` when none did.
pub(super) fn read(store: &Store, release: &Name) -> Result<Option<Aborted>, String> {
    let failed = |error| format!("the audit chain cannot be read: {error}");
    let mut id = i64::try_from(store.verify().map_err(failed)?.rows).unwrap_or(i64::MAX);
    while let Some(record) = store.audit_record(id).map_err(failed)? {
        if !is_aborted(&record.snapshot, release) {
            return Ok(aborted_by(&record.snapshot, release));
        }
        id -= 1;
    }
    Ok(None)
}

fn is_aborted(snapshot: &Snapshot, release: &Name) -> bool {
    snapshot.state.releases.get(release).is_some_and(|state| matches!(state.phase, Phase::Aborted { .. }))
}

fn aborted_by(snapshot: &Snapshot, name: &Name) -> Option<Aborted> {
    let decision = decide(snapshot);
    let sentence = reason(&decision, name)?;
    let (release, state) = (snapshot.config.releases.get(name)?, snapshot.state.releases.get(name)?);
    let minutes: Vec<Minute> = snapshot.observed.minutes.get(name)?.values().flatten().copied().collect();
    let from = state.evidence_from?;
    Some(Aborted {
        sentence,
        decided_at: snapshot.now,
        turned_at: turned_at(snapshot, name),
        percent: percent(release, state).unwrap_or(Percent::ZERO),
        candidate: total(&minutes, from, |minute| minute.candidate),
        baseline: total(&minutes, from, |minute| minute.baseline),
        judgement: decision.releases.get(name).and_then(|view| view.gate.clone()),
    })
}

fn reason(decision: &Decision, name: &Name) -> Option<String> {
    match &decision.state.releases.get(name)?.phase {
        Phase::Aborted { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

fn total(minutes: &[Minute], from: Timestamp, arm: impl Fn(&Minute) -> Option<Counts>) -> Counts {
    let counted = minutes.iter().filter(|minute| minute.at >= from).filter_map(arm);
    counted.fold(Counts { errors: 0, requests: 0 }, |sum, one| Counts {
        errors: sum.errors + one.errors,
        requests: sum.requests + one.requests,
    })
}

/// The earliest close of a period, plus `lag`, at which the core aborts by the same counts, without a break up to now.
fn turned_at(snapshot: &Snapshot, name: &Name) -> Option<Timestamp> {
    let release = snapshot.config.releases.get(name)?;
    let policy = snapshot.config.gates.get(release.gate.as_ref()?)?;
    let closes = |back: u32| last_close(snapshot.now, (policy.period, policy.lag))?.checked_sub(policy.period * back).ok();
    let aborts = |at: &Timestamp| {
        let then = Snapshot { now: *at, commands: Vec::new(), ..snapshot.clone() };
        reason(&decide(&then), name).is_some()
    };
    (0..MOST_PERIODS).map_while(closes).take_while(aborts).last()
}

/// The last instant up to `now` at which a period had been over for `lag`.
fn last_close(now: Timestamp, (period, lag): (Duration, Duration)) -> Option<Timestamp> {
    let period_ms = i64::try_from(period.as_millis()).ok().filter(|period| *period > 0)?;
    let closed = now.checked_sub(lag).ok()?.as_millisecond().div_euclid(period_ms) * period_ms;
    Some(later(Timestamp::from_millisecond(closed).ok()?, lag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_closed_when_its_counts_are_complete() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let close = |now| last_close(at(now), (Duration::from_secs(1), Duration::from_millis(300))).unwrap().as_millisecond();
        assert_eq!([close(10_299), close(10_300), close(11_299)], [9_300, 10_300, 10_300]);
    }
}
