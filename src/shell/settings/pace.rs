//! A gate that cannot decide within a step's dwell: the step then lasts longer than it is written, and so does the launch.
//!
//! Two bounds, both from the gate's own rule: the time until a period's counts are complete, and the requests that a release
//! without one failure needs to be certified, against what the audience is expected to send. Not here: what traffic is like
//! on the day. Invariant: a warning names the figures it compares, and a dwell of zero (the gate alone decides) has none.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::build;
use super::draft::{Draft, Typed};
use super::kinds::gate::GatePolicy;
use super::node::way;
use super::notes::Notes;
use crate::core::gate::{Least, Policy, least};
use crate::core::load::Surge;
use crate::core::release::{Release, RolloutStep};
use crate::core::words::{Name, Percent, format_duration, later};
use crate::shell::data::Finding;

/// Longest dwell that is proposed; who must wait longer takes a larger percent.
const LONGEST_DWELL: Duration = Duration::from_hours(7 * 24);

/// Most steps that are looked at: the audience is asked for each.
const MOST_STEPS: usize = 50;

/// Warns of steps whose gate cannot be SAFE when the dwell is over.
pub fn check(drafts: &mut [Draft<'_>]) {
    let gates = gates(drafts);
    let of_release = |(at, draft)| Some((at, of_release(&gates, draft)?));
    let found: Vec<(usize, Vec<Finding>)> = drafts.iter().enumerate().filter_map(of_release).collect();
    for (at, mut findings) in found {
        drafts[at].findings.append(&mut findings);
    }
}

fn gates<'d>(drafts: &'d [Draft<'_>]) -> BTreeMap<&'d Name, &'d GatePolicy> {
    let gate = |draft: &'d Draft<'_>| match &draft.typed {
        Some(Typed::GatePolicy(policy)) => Some((&policy.name, &**policy)),
        _ => None,
    };
    drafts.iter().filter(|draft| draft.is_valid()).filter_map(gate).collect()
}

fn of_release(gates: &BTreeMap<&Name, &GatePolicy>, draft: &Draft<'_>) -> Option<Vec<Finding>> {
    let Some(Typed::Release(from)) = draft.typed.as_ref().filter(|_| draft.is_valid()) else { return None };
    let gate = from.gate.as_ref().filter(|_| !from.released)?;
    let (release, gate) = (build::release(from, draft.source.folder()), build::gate_policy(gates.get(gate)?));
    let mut notes = draft.notes();
    for at in 0..release.rollout.steps.len().min(MOST_STEPS) {
        step((&release, &gate), at, &mut notes);
    }
    Some(notes.into_findings())
}

fn step((release, gate): (&Release, &Policy), at: usize, notes: &mut Notes<'_>) {
    let RolloutStep { percent, dwell, .. } = release.rollout.steps[at];
    // At 100 percent nothing needs to be SAFE, and at 0 there is nothing to judge.
    if dwell.is_zero() || percent == Percent::FULL || percent == Percent::ZERO {
        return;
    }
    let Some(Least { time, requests }) = least(gate, percent.share()) else { return };
    let mut warn = |message: String, help: String| {
        notes.value(way!["rollout", "steps", at, "dwell"]).warning("TM0306", message, help);
    };
    let (shown, name) = (format_duration(dwell), &gate.name);
    if dwell < time {
        let (period, lag, time) = (format_duration(gate.period), format_duration(gate.lag), format_duration(time));
        return warn(
            format!(
                "the gate `{name}` cannot be SAFE within {shown}: its first period of {period} is complete {lag} after its end, {time} into the step"
            ),
            format!("write a `dwell` of at least {time}, or a shorter `period` or `lag` in the gate policy"),
        );
    }
    let expected = |dwell: Duration| expected(release, at, dwell.saturating_sub(gate.lag));
    let (Some(needed), Some(come)) = (requests, expected(dwell)) else { return };
    if come >= needed as f64 {
        return;
    }
    let message = format!(
        "the gate `{name}` cannot be SAFE within {shown}: it takes at least {needed} requests of the new version without a \
         failure, and of the audience about {come:.0} are expected by then at {percent} percent"
    );
    let longer = first_dwell(dwell, |dwell| expected(dwell).is_some_and(|come| come >= needed as f64));
    warn(
        message,
        match longer {
            Some(longer) => format!("write a `dwell` of about {}, or a larger `percent`", format_duration(longer)),
            None => "write a larger `percent`: at this one so many requests never come".to_owned(),
        },
    );
}

/// Requests of the new version from a step's beginning on for so long, if no further step begins; the median.
fn expected(release: &Release, at: usize, lasting: Duration) -> Option<f64> {
    // What a record will teach is not known before the daemon has one.
    let audience = release.audience.as_ref()?.known(None)?;
    let mut rollout = release.rollout.clone();
    rollout.steps.truncate(at + 1);
    let begins = later(Timestamp::UNIX_EPOCH, rollout.steps[..at].iter().map(|step| step.dwell).sum());
    let surge = Surge::of(&audience, &rollout, Timestamp::UNIX_EPOCH, 0.0);
    Some(surge.first_attempts_by(later(begins, lasting)) - surge.first_attempts_by(begins))
}

/// The first whole five minutes that are enough.
fn first_dwell(from: Duration, enough: impl Fn(Duration) -> bool) -> Option<Duration> {
    const GRAIN: Duration = Duration::from_mins(5);
    let grains = |count: u32| GRAIN.saturating_mul(count);
    let mut high = (from.as_secs() / GRAIN.as_secs()) as u32 + 1;
    while !enough(grains(high)) {
        if grains(high) > LONGEST_DWELL {
            return None;
        }
        high *= 2;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(grains(middle)) { high = middle } else { low = middle }
    }
    Some(grains(high))
}
