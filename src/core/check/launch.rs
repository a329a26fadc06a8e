//! I4 and I5 of one release in one decision: when it may launch, on what evidence it may rise, and what only a person may do.
//!
//! Not here: how long it dwelled; a clock that is set makes that a story of several decisions. Invariant: everything is
//! derived from the documents, the state before and the counts; of the maker's words only readiness is taken.

use std::time::Duration;

use jiff::Timestamp;

use super::{Broken, Change, say};
use crate::core::checklist::Word;
use crate::core::decide::Order;
use crate::core::gate::{Metric, Minute, Policy};
use crate::core::release::{Active, Go, Phase, ReleaseState};
use crate::core::words::later;

/// So long after T-0 a go that was said before still launches (DESIGN section 5).
const GO_LASTS: Duration = Duration::from_hours(1);

/// Everything about launches and rises that holds whatever else is decided.
pub(super) fn check(change: &Change<'_>, broken: &mut Vec<Broken>) {
    if change.release.released {
        return;
    }
    let Some(before) = change.before else {
        if is_live(change.after) {
            say(broken, "I4", format!("{} launches before anything is known of it", change.release.name));
        }
        return;
    };
    if is_ahead(before) && is_live(change.after) {
        launch(change, before, broken);
    }
    if before.phase.active() == Some(Active::Baking) && change.after.phase == Phase::Complete && is_blind(change) {
        say(broken, "I4", format!("{} is complete and nothing was heard in the newest period", change.release.name));
    }
    let leaves_abort = matches!(before.phase, Phase::Aborted { .. }) && before.phase != change.after.phase;
    if leaves_abort && !accepted(change, |order| matches!(order, Order::Clear { .. })) {
        say(broken, "I4", format!("{} leaves its ABORT and nobody cleared it", change.release.name));
    }
}

fn launch(change: &Change<'_>, before: &ReleaseState, broken: &mut Vec<Broken>) {
    let (name, now, launch_at) = (&change.release.name, change.snapshot.now, change.release.launch_at);
    if now < launch_at {
        say(broken, "I5", format!("{name} launches before its T-0"));
    }
    let readiness = change.decision.releases.get(name).map(|view| view.readiness.word);
    if readiness != Some(Word::Go) {
        say(broken, "I4", format!("{name} launches although readiness is not GO"));
    }
    let resumed = accepted(change, |order| matches!(order, Order::Resume { .. }));
    if matches!(before.phase, Phase::Held { .. }) && !resumed {
        say(broken, "I4", format!("{name} launches although somebody holds it"));
    }
    if accepted(change, |order| matches!(order, Order::Go { .. })) {
        return;
    }
    let said_late = before.armed.as_ref().is_some_and(|armed| armed.at > launch_at);
    if before.armed.is_none() && change.release.go != Go::Auto {
        say(broken, "I4", format!("{name} launches and nobody said go"));
    }
    if now > later(launch_at, GO_LASTS) && !said_late {
        say(broken, "I4", format!("{name} launches by itself long after its T-0"));
    }
}

/// A rise that nobody ordered stands on counts of the newest period that is over, of every metric.
pub(super) fn stands_on_counts(change: &Change<'_>, broken: &mut Vec<Broken>) {
    let name = &change.release.name;
    let policy = change.release.gate.as_ref().and_then(|gate| change.snapshot.config.gates.get(gate));
    let Some(policy) = policy else { return };
    let minutes = change.snapshot.observed.minutes.get(name);
    let counted = |metric: &Metric| {
        let minutes = minutes.and_then(|minutes| minutes.get(&metric.name));
        minutes.is_some_and(|minutes| is_counted(policy, metric, (minutes, change.snapshot.now)))
    };
    if let Some(metric) = policy.metrics.iter().find(|metric| !counted(metric)) {
        say(broken, "I4", format!("{name} rises and the newest period of {} has no counts", metric.name));
    }
}

/// Whether the gate of a bake heard nothing of the new version in the newest period that is over, of some metric.
fn is_blind(change: &Change<'_>) -> bool {
    let Some(name) = &change.release.gate else { return false };
    let Some(policy) = change.snapshot.config.gates.get(name) else { return true };
    let minutes = change.snapshot.observed.minutes.get(&change.release.name);
    let heard = |minutes: &Vec<Minute>| newest(policy, (minutes, change.snapshot.now)).any(|minute| minute.candidate.is_some());
    policy.metrics.iter().any(|metric| !minutes.and_then(|minutes| minutes.get(&metric.name)).is_some_and(heard))
}

fn is_counted(policy: &Policy, metric: &Metric, at: (&[Minute], Timestamp)) -> bool {
    newest(policy, at).any(|minute| {
        let has_requests = minute.candidate.is_some_and(|counts| counts.requests > 0);
        has_requests && (!metric.has_baseline || minute.baseline.is_some_and(|counts| counts.requests > 0))
    })
}

/// What was told of the newest period that is over.
fn newest<'a>(policy: &Policy, (minutes, now): (&'a [Minute], Timestamp)) -> impl Iterator<Item = &'a Minute> {
    let period = i128::try_from(policy.period.as_nanos()).unwrap_or(i128::MAX).max(1);
    let lag = i128::try_from(policy.lag.as_nanos()).unwrap_or(i128::MAX);
    // A period that begins in between counts as the next one; the newest is over, and its lag has passed.
    let ends = now.as_nanosecond().saturating_sub(lag).div_euclid(period);
    let is_newest = move |minute: &&Minute| minute.at.as_nanosecond().saturating_add(period - 1).div_euclid(period) == ends - 1;
    minutes.iter().filter(is_newest)
}

fn is_ahead(state: &ReleaseState) -> bool {
    matches!(state.phase, Phase::Planned) || matches!(state.phase.active(), Some(Active::Preparing | Active::Ready))
}

fn is_live(state: &ReleaseState) -> bool {
    state.phase == Phase::Complete || matches!(state.phase.active(), Some(Active::Rolling { .. } | Active::Baking))
}

/// Whether an order about this release was accepted in this very decision.
pub(super) fn accepted(change: &Change<'_>, is_it: impl Fn(&Order) -> bool) -> bool {
    let given = change.snapshot.commands.iter().zip(&change.decision.replies);
    let about = |order: &Order| order.release() == Some(&change.release.name) && is_it(order);
    given.into_iter().any(|(command, reply)| reply.is_ok() && about(&command.order))
}
