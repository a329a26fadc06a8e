//! Why a group's plan is as it is: the reason of each change, what stands against the plan, and what it hangs on.
//!
//! Not here: the sentences of problems ([`super::problem`]). Invariant: it reads what was worked out and decides nothing.

use super::capacity::{needed, zones};
use super::floors::{HeldFloor, Wish};
use super::layer::{self, Laid};
use super::plan::{Course, FloorChange};
use super::scene::{Baseline, Part, Scene, Window};
use super::surge::{self, Surge};
use super::timeline::Move;
use super::{Dominant, Input, Problem, Quantiles};
use crate::core::decide::GroupObservation;
use crate::core::words::{format_duration, later};

pub(super) fn described((scene, laid): (&Scene<'_>, &Laid<'_>), change: &Move<'_>) -> FloorChange {
    let why = match (change.wish, change.by) {
        (Wish::AtLeast(_), Some(by)) => layer::sentence(by),
        (Wish::AtLeast(_), None) if laid.outran(scene, change.after.floor) => {
            "the launch brings more load than was forecast".into()
        }
        (Wish::AtLeast(_), None) => raise_reason(scene, change),
        (Wish::GiveBack(_), _) => format!(
            "no launch needs it: {}% of the {} raised instances are given back every {}",
            scene.policy.ramp_down.percent,
            change.after.peak.0.saturating_sub(change.after.restore.0),
            format_duration(scene.policy.ramp_down.every)
        ),
    };
    FloorChange { at: change.at, from: change.from, to: change.after.floor, why }
}

fn raise_reason(scene: &Scene<'_>, change: &Move<'_>) -> String {
    let Some(window) = scene.windows.iter().find(|window| window.opens <= change.at && change.at < window.ends.max(scene.now))
    else {
        return "a launch needs it".into();
    };
    let names: Vec<_> = window.parts.iter().map(|part| part.launch.release.name.as_str()).collect();
    let early = change.at < window.proven_from && window.expected_floor != window.proven_floor;
    if early {
        return format!("{} needs {} instances once its caches are primed", names.join(", "), window.expected_floor);
    }
    let (count, lost) = zones(scene.policy);
    let spare = if lost > 0 { format!(", {lost} of {count} zones lost") } else { String::new() };
    let short = if window.needed > window.proven_floor {
        format!(", of which {} are allowed", window.proven_floor)
    } else {
        String::new()
    };
    format!(
        "{} brings {:.0} requests/s at p95 on top of {:.0}: {} instances with {}% headroom{spare}{short}",
        names.join(", "),
        window.surge.p95,
        window.baseline.p95,
        window.needed,
        scene.policy.headroom_percent
    )
}

/// The input that moves the load most when it alone is at its p95. Of equals the first: ordinary days, then launches.
pub(super) fn dominant(baseline: Quantiles, window: Option<&Window<'_>>) -> Option<Dominant> {
    let window = window?;
    let median = window.load().p50;
    let by = |more: f64| if median > 0.0 { 1.0 + more / median } else { 1.0 };
    let ordinary = Dominant { input: Input::Baseline, release: None, factor: by(baseline.p95 - baseline.p50) };
    let of_part = |part: &Part<'_>| {
        let name = part.launch.release.name.clone();
        let surge = part.proven.clone()?;
        let alone = surge::peak(std::slice::from_ref(&surge)).p50;
        let told = move |(input, factor): (Input, f64)| Dominant {
            input,
            release: Some(name.clone()),
            factor: by(alone * (factor - 1.0)),
        };
        Some(surge.factors().map(told))
    };
    let all = window.parts.iter().filter_map(of_part).flatten();
    let most = all.fold(ordinary, |most, next| if next.factor > most.factor { next } else { most });
    (most.factor > 1.0).then_some(most)
}

/// Causes before what they cause: what is not known, cold caches, limits, time.
pub(super) fn problems(scene: &Scene<'_>, unseen: bool, cost: Option<f64>, late: Option<Problem>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(unseen.then_some(Problem::NotObserved));
    let guessed = matches!(scene.baseline, Baseline::Guessed(_));
    problems.extend((guessed && scene.policy.has_history).then_some(Problem::NoHistory));
    let Some(window) = scene.current() else { return problems };
    problems.extend(window.parts.iter().filter(|part| part.audience.is_none()).map(unknown));
    problems.extend(window.parts.iter().filter_map(|part| cold(scene, window, part)));
    problems.extend(window.bounds.problems(window.needed));
    let over = scene.policy.limits.cost.zip(cost).filter(|(limit, cost)| cost > limit);
    let told = problems.iter().any(|problem| matches!(problem, Problem::Cost { .. }));
    problems.extend(over.filter(|_| !told).map(|(limit, expected)| Problem::Cost { expected, limit }));
    problems.extend(late);
    problems
}

fn unknown(part: &Part<'_>) -> Problem {
    let release = part.launch.release.name.clone();
    match part.launch.release.audience {
        None => Problem::NoAudience { release },
        Some(_) => Problem::NoAdoption { release },
    }
}

/// Whether a launch's cold caches are why it does not fit.
fn cold(scene: &Scene<'_>, window: &Window<'_>, part: &Part<'_>) -> Option<Problem> {
    let allowed = window.bounds.most();
    if window.needed <= allowed {
        return None;
    }
    let name = &part.launch.release.name;
    let of = |other: &Part<'_>| if other.launch.release.name == *name { other.primed.clone() } else { other.proven.clone() };
    let surges: Vec<Surge> = window.parts.iter().filter_map(of).collect();
    let primed = needed(scene.policy, window.baseline.plus(surge::peak(&surges)).p95);
    let covered = part.launch.primed.unwrap_or(0.0);
    let problem = Problem::ColdCache { release: name.clone(), covered, needed: window.needed, primed, allowed };
    (primed < window.needed).then_some(problem)
}

/// Whether the last raise before T-0, or one that has not arrived yet, comes into service after it.
pub(super) fn late(
    (scene, laid): (&Scene<'_>, &Laid<'_>),
    held: Option<(HeldFloor, &GroupObservation)>,
    moves: &[Move<'_>],
) -> Option<Problem> {
    let window = scene.current()?;
    let ahead = window.parts.iter().filter(|part| part.launch.course == Course::Ahead).map(|part| part.launch.release.launch_at);
    let launch_at = ahead.min().filter(|launch_at| *launch_at >= scene.now)?;
    // What a person asks for on top is not what the launch waits for.
    let waits_for = |held: HeldFloor| if laid.asks(scene.now) { held.floor.min(window.proven_floor) } else { held.floor };
    let under_way =
        held.filter(|(held, group)| held.floor == held.peak && group.in_service < waits_for(*held)).map(|(held, _)| held.since);
    let raises = moves.iter().filter(|change| change.after.floor > change.from && change.at < window.ends && change.by.is_none());
    let in_place_at = later(raises.map(|change| change.at).chain(under_way).max()?, scene.pace.lead);
    (in_place_at > launch_at).then_some(Problem::Late { in_place_at, launch_at })
}
