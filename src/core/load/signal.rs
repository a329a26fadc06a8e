//! What the load of the last minutes says while a launch is under way: whether it outruns the forecast, and for how long
//! what is in service is enough.
//!
//! It looks at points a minute apart, as the policy's load source gives them, and remembers nothing: the same minutes say
//! the same after a restart. Not here: the gate, which looks at errors. Invariant: what is not known outruns nothing and
//! predicts nothing; every figure is finite.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::Course;
use super::scene::{Baseline, Scene, earlier};
use super::surge::{self, Surge};
use super::{Policy, Problem, needed};
use crate::core::decide::GroupObservation;
use crate::core::words::{Capacity, later, since};

/// So many points one after another must be above the forecast: one minute is noise, three are on their way to an outage.
const RUN: usize = 3;
/// A surge that outran the forecast holds the rollout for so long after its last minute: one that hovers around the
/// forecast is not let through each time it dips.
const LASTS: Duration = Duration::from_mins(10);
/// The forecast's cells: history is read by the hour.
const CELL: Duration = Duration::from_hours(1);
/// An older newest point says nothing of now.
const FRESH: Duration = Duration::from_mins(5);
/// Growth is taken from so many minutes: a rollout's steps take minutes to show, and a load that has turned is to be seen
/// to fall before a quarter of an hour is over.
const SPAN: Duration = Duration::from_mins(8);
/// Most points that growth is taken from; their pairs are compared.
const MOST_POINTS: usize = 60;
/// A longer runway is none that anybody waits for.
const LONGEST: f64 = 24.0 * 60.0;

/// How long what is in service is enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runway {
    /// Load over what the instances in service hold at target utilisation; 1 is all that was planned for, above it
    /// requests wait.
    pub utilisation: f64,
    /// Growth of the load in requests per second, per minute; `None`: too few points.
    pub growth_per_minute: Option<f64>,
    /// Requests per second that come in above what is held: what queues grow by; 0 while it holds.
    pub queue_growth_per_second: f64,
    /// Minutes until utilisation is 1 if the load goes on growing so; 0 when it is there, `None` when it is not growing
    /// or would take longer than a day.
    pub minutes: Option<f64>,
    /// When the newest point was.
    pub at: Timestamp,
}

/// Utilisation and runway; `None`: the load or what is in service is not known now.
pub fn runway(policy: &Policy, seen: &GroupObservation, recent: &[(Timestamp, f64)], now: Timestamp) -> Option<Runway> {
    let usable = |point: &&(Timestamp, f64)| point.1.is_finite() && point.1 >= 0.0 && point.0 <= now;
    let newest = recent.iter().rev().find(usable).filter(|point| point.0 >= earlier(now, FRESH))?;
    let holds = f64::from(seen.in_service.0) * policy.capacity_per_instance.value();
    if seen.observed_at < earlier(now, FRESH) || holds <= 0.0 {
        return None;
    }
    let points: Vec<_> = recent.iter().filter(usable).filter(|point| point.0 >= earlier(newest.0, SPAN)).copied().collect();
    let growth = growth(&points[points.len().saturating_sub(MOST_POINTS)..]);
    let left = (holds - newest.1).max(0.0);
    let minutes = growth.filter(|growth| *growth > 0.0).map(|growth| left / growth);
    Some(Runway {
        utilisation: newest.1 / holds,
        growth_per_minute: growth,
        queue_growth_per_second: (newest.1 - holds).max(0.0),
        minutes: if left == 0.0 { Some(0.0) } else { minutes.filter(|minutes| *minutes <= LONGEST) },
        at: newest.0,
    })
}

/// The median of the slopes of all pairs (Theil 1950, Sen 1968), which one odd minute does not move; per minute.
fn growth(points: &[(Timestamp, f64)]) -> Option<f64> {
    if points.len() < RUN {
        return None;
    }
    let pairs = points.iter().enumerate().flat_map(|(index, one)| points[index + 1..].iter().map(move |other| (one, other)));
    let slope = |(one, other): (&(Timestamp, f64), &(Timestamp, f64))| {
        let minutes = since(other.0, one.0).as_secs_f64() / 60.0;
        (minutes > 0.0).then(|| (other.1 - one.1) / minutes)
    };
    let mut slopes: Vec<f64> = pairs.filter_map(slope).filter(|slope| slope.is_finite()).collect();
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

/// Whether the load outruns what is forecast for these very minutes. Only while a launch is under way, and only where the
/// baseline is learned: a guess is no forecast.
pub(super) fn outrun(scene: &Scene<'_>, recent: &[(Timestamp, f64)]) -> Option<Problem> {
    let window = scene.current()?;
    if window.parts.iter().all(|part| part.launch.course != Course::Underway || part.proven.is_none()) {
        return None;
    }
    let Baseline::Learned(profile) = &scene.baseline else { return None };
    let surges: Vec<Surge> = window.parts.iter().filter_map(|part| part.proven.clone()).collect();
    // A cell of the forecast is the mean of its time: where that rises, some minutes lie above it and below the next.
    let around = |at: Timestamp| profile.at(at).most(profile.at(earlier(at, CELL))).most(profile.at(later(at, CELL)));
    let forecast = |at: Timestamp| around(at).plus(surge::surge_at(&surges, at)).p95;
    let known = recent.iter().filter(|(at, load)| *at <= scene.now && load.is_finite());
    let above: Vec<_> = known.map(|(at, load)| (*at, *load, forecast(*at))).collect();
    let mut runs = above.chunk_by(|one, other| (one.1 > one.2) == (other.1 > other.2));
    let run = runs.rfind(|run| run.len() >= RUN && run[0].1 > run[0].2)?;
    if run[run.len() - 1].0 < earlier(scene.now, LASTS) {
        return None;
    }
    let worst = run.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
    Some(Problem::Outrun { observed: worst.1, forecast: worst.2, since: run[0].0 })
}

/// Instances that such a load takes with headroom, within what the window may have.
pub(super) fn asked(scene: &Scene<'_>, outrun: &Problem) -> Option<Capacity> {
    let Problem::Outrun { observed, .. } = outrun else { return None };
    Some(needed(scene.policy, *observed).min(scene.current()?.bounds.most()))
}

/// So many percent more than a group has now, at least one instance more: what `--more 50%` means.
pub fn more(seen: &GroupObservation, percent: f64) -> Capacity {
    let now = seen.desired.max(seen.floor);
    let more = (f64::from(now.0) * percent.clamp(0.0, 1e6) / 100.0).ceil().max(1.0);
    Capacity(now.0.saturating_add(more as u32))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{group, history, minute, name, policy, release, t0};
    use super::super::plan::{Demand, Launch, plan_learned};
    use super::super::{Layer, learned};
    use super::*;
    use proptest::prelude::*;

    fn points(from: i64, loads: &[f64]) -> Vec<(Timestamp, f64)> {
        loads.iter().zip(from..).map(|(load, at)| (minute(at), *load)).collect()
    }

    #[test]
    fn a_runway_is_what_growth_leaves() {
        // Four instances hold 100 requests/s.
        for (loads, utilisation, growth, minutes) in [
            (vec![50.0, 50.0, 50.0], 0.5, Some(0.0), None),
            (vec![40.0, 50.0, 60.0], 0.6, Some(10.0), Some(4.0)),
            (vec![60.0, 50.0, 40.0], 0.4, Some(-10.0), None),
            (vec![100.0, 110.0, 120.0], 1.2, Some(10.0), Some(0.0)),
            (vec![40.0, 45.0, 900.0, 55.0, 60.0], 0.6, Some(5.0), Some(8.0)),
            (vec![40.0], 0.4, None, None),
        ] {
            let recent = points(0, &loads);
            let now = recent.last().unwrap().0;
            let runway = runway(&policy(), &group(4, now), &recent, now).unwrap();
            assert_eq!(
                (runway.utilisation, runway.growth_per_minute, runway.minutes),
                (utilisation, growth, minutes),
                "{loads:?}"
            );
        }
        let recent = points(0, &[40.0, 50.0, 60.0]);
        for (seen, now) in [(group(0, minute(2)), minute(2)), (group(4, minute(2)), minute(8)), (group(4, minute(-9)), minute(2))]
        {
            assert_eq!(runway(&policy(), &seen, &recent, now), None, "nothing in service, or nothing known of now");
        }
    }

    fn outran(recent: &[(Timestamp, f64)], course: Course, now: Timestamp) -> (Option<Problem>, Option<Capacity>) {
        let (release, history, policy) = (release(), history(t0()), policy());
        let launch = Launch { course, primed: Some(1.0), ..Launch::ahead(&release) };
        let held = super::super::fixture::held(4, 4, minute(-90));
        let seen = group(4, now);
        let demand = Demand { history: &history, launches: vec![launch], group: Some(&seen), held: Some(held) };
        let layer = Layer { overrides: Vec::new(), recent };
        let plan = plan_learned(&policy, &demand, (learned::forecast(&policy, (&history, now)), now), &layer);
        (plan.problems.into_iter().find(|problem| matches!(problem, Problem::Outrun { .. })), plan.floor)
    }

    #[test]
    fn a_surge_that_outruns_its_forecast_is_told_and_the_floor_raised() {
        let now = minute(20);
        let (outrun, floor) = outran(&points(14, &[10.0, 10.0, 300.0, 310.0, 305.0, 300.0]), Course::Underway, now);
        let Some(Problem::Outrun { observed, since, .. }) = outrun else { panic!("{outrun:?}") };
        assert_eq!((observed, since, floor), (310.0, minute(16), Some(Capacity(12))), "by a step, not by a jump");
        let said = outrun.unwrap().sentence(&name("reader-api"));
        assert!(said.starts_with("reader-api carries 310 requests/s since 2026-12-01T19:16:00Z, above the "), "{said}");
        for (why, loads, course, now) in [
            ("two minutes are noise", vec![10.0, 300.0, 300.0, 10.0], Course::Underway, now),
            ("as forecast", vec![10.0, 10.0, 10.0, 10.0], Course::Underway, now),
            ("long ago", vec![300.0, 300.0, 300.0], Course::Underway, minute(40)),
            ("nothing is under way", vec![300.0, 300.0, 300.0], Course::Ahead, now),
            ("nothing is known", vec![], Course::Underway, now),
        ] {
            assert_eq!(outran(&points(16, &loads), course, now).0, None, "{why}");
        }
        let calmed = points(8, &[300.0, 300.0, 300.0, 10.0, 10.0, 10.0, 10.0, 10.0]);
        assert!(outran(&calmed, Course::Underway, now).0.is_some(), "it holds for a while after");
        assert_eq!(outran(&calmed, Course::Underway, minute(21)).0, None);
    }

    #[test]
    fn more_is_more_than_there_is() {
        let seen = GroupObservation { desired: Capacity(9), ..group(4, t0()) };
        for (percent, expected) in [(50.0, 14), (0.0, 10), (100.0, 18), (1.0, 10)] {
            assert_eq!(more(&seen, percent), Capacity(expected), "{percent} %");
        }
    }

    proptest! {
        #[test]
        fn a_runway_is_finite_and_never_shorter_with_more_in_service(
            loads in prop::collection::vec(prop_oneof![0.0..1e6f64, Just(f64::NAN), Just(-1.0)], 0..40), floor in 0..500u32, more in 0..500u32,
        ) {
            let recent = points(0, &loads);
            let now = minute(i64::try_from(loads.len()).unwrap());
            let of = |floor| runway(&policy(), &group(floor, now), &recent, now);
            if let (Some(few), Some(many)) = (of(floor), of(floor + more)) {
                prop_assert!(few.utilisation.is_finite() && few.utilisation >= many.utilisation);
                prop_assert!(few.minutes.is_none_or(|minutes| (0.0..=LONGEST).contains(&minutes)));
                prop_assert!(few.queue_growth_per_second >= many.queue_growth_per_second);
                prop_assert!(many.minutes.is_none_or(|many| few.minutes.is_some_and(|few| few <= many)));
            }
        }
    }
}
