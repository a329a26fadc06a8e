//! From load to instances and back: headroom, the loss of zones, limits and cost.
//!
//! Not here: when floors change ([`super::floors`]). Not yet here: queueing (Erlang C) and contention (USL); capacity per
//! instance comes from a load test at target utilisation. Invariant: more load, headroom or zones to lose never needs
//! fewer instances, and what is allowed never exceeds ceiling, quota or cost.

use std::time::Duration;

use super::{Policy, Problem};
use crate::core::words::Capacity;

/// Instances needed for a load in requests per second: ceil(load * (1 + headroom) / capacity of one), and then so many
/// that it still holds when zones are lost. `u32::MAX` when no number is enough.
pub fn needed(policy: &Policy, load_per_second: f64) -> Capacity {
    let headroom = if policy.headroom_percent.is_finite() { policy.headroom_percent.max(0.0) } else { 0.0 };
    with_zones(policy, bare(policy, load_per_second * (1.0 + headroom / 100.0)))
}

/// Instances needed for a load without headroom, zones counted: less than this does not hold it.
pub fn needed_bare(policy: &Policy, load_per_second: f64) -> Capacity {
    with_zones(policy, bare(policy, load_per_second))
}

/// The load in requests per second that so many instances, evenly over zones, hold with headroom when zones are lost: the
/// inverse of [`needed`], which rounds up to whole zones.
pub fn planned_load(policy: &Policy, instances: Capacity) -> f64 {
    let headroom = if policy.headroom_percent.is_finite() { policy.headroom_percent.max(0.0) } else { 0.0 };
    let (count, lost) = zones(policy);
    let left = instances.0.saturating_sub(instances.0.div_ceil(count).saturating_mul(lost));
    f64::from(left) * policy.capacity_per_instance.value() / (1.0 + headroom / 100.0)
}

fn bare(policy: &Policy, load_per_second: f64) -> u32 {
    // A load of exactly n instances must not need n + 1 because of the last bit of a division.
    let instances = (load_per_second / policy.capacity_per_instance.value() * (1.0 - 1e-12)).ceil();
    if load_per_second <= 0.0 { 0 } else { instances.min(f64::from(u32::MAX)) as u32 }
}

/// n instances must be left when the fullest zones are gone: z * ceil(n / (z - k)).
fn with_zones(policy: &Policy, instances: u32) -> Capacity {
    let (count, lost) = zones(policy);
    if lost == 0 {
        return Capacity(instances);
    }
    Capacity(instances.div_ceil(count - lost).saturating_mul(count))
}

/// Zones and how many may be lost, at least one staying.
pub(super) fn zones(policy: &Policy) -> (u32, u32) {
    let count = policy.zones.map_or(1, |zones| zones.count.max(1));
    (count, policy.zones.map_or(0, |zones| zones.survive_loss.min(count - 1)))
}

/// What automation may do to a group in one launch window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounds {
    /// The lower of the policy's ceiling and the group's own.
    pub ceiling: Capacity,
    /// The account's quota.
    pub quota: Option<Capacity>,
    /// Price of one raised instance for the whole window, the most it may cost in all, and from which floor it counts.
    pub cost: Option<(f64, f64, Capacity)>,
}

impl Bounds {
    /// The bounds of a policy while each raised instance is paid for `paid`.
    pub(super) fn of(policy: &Policy, own_ceiling: Option<Capacity>, restore: Capacity, paid: Duration) -> Self {
        let each = policy.price.as_ref().map(|price| price.per_instance_hour.max(0.0) * paid.as_secs_f64() / 3_600.0);
        Self {
            ceiling: own_ceiling.map_or(policy.limits.ceiling, |own| own.min(policy.limits.ceiling)),
            quota: policy.limits.quota,
            cost: each.zip(policy.limits.cost).map(|(each, limit)| (each, limit, restore)),
        }
    }

    /// The most instances that are allowed.
    pub(super) fn most(&self) -> Capacity {
        let hard = self.quota.map_or(self.ceiling, |quota| quota.min(self.ceiling));
        let Some((each, limit, restore)) = self.cost else { return hard };
        let affordable = (limit.max(0.0) / each).floor().min(f64::from(u32::MAX));
        // 0 / 0: what costs nothing is affordable.
        if affordable.is_nan() { hard } else { hard.min(Capacity(restore.0.saturating_add(affordable as u32))) }
    }

    /// Why so many instances are not allowed; empty when they are.
    pub(super) fn problems(&self, needed: Capacity) -> Vec<Problem> {
        let mut problems = Vec::new();
        if needed > self.ceiling {
            problems.push(Problem::Ceiling { needed, ceiling: self.ceiling });
        }
        problems.extend(self.quota.filter(|quota| needed > *quota).map(|quota| Problem::Quota { needed, quota }));
        if let Some((each, limit, restore)) = self.cost {
            let expected = f64::from(needed.0.saturating_sub(restore.0)) * each;
            if expected > limit {
                problems.push(Problem::Cost { expected, limit });
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Price, RampDown, Zones};
    use super::*;
    use crate::core::words::{Name, Rate};
    use proptest::prelude::*;

    fn policy(each: f64, headroom_percent: f64, zones: Option<(u32, u32)>) -> Policy {
        Policy {
            name: Name::new("reader-api").unwrap(),
            capacity_per_instance: Rate::per_second(each).unwrap(),
            headroom_percent,
            zones: zones.map(|(count, survive_loss)| Zones { count, survive_loss }),
            limits: Limits {
                floor: Capacity(4),
                ceiling: Capacity(60),
                step: Capacity(20),
                quota: Some(Capacity(80)),
                cost: Some(900.0),
                override_for: Duration::from_hours(24),
            },
            price: Some(Price { per_instance_hour: 0.5, currency: "USD".into() }),
            lead: Duration::from_mins(20),
            hold_after: Duration::from_hours(6),
            ramp_down: RampDown { percent: 10.0, every: Duration::from_mins(15) },
            has_history: true,
            keeps_schedule: false,
        }
    }

    #[test]
    fn load_becomes_instances() {
        for (load, each, headroom, zones, expected) in [
            (0.0, 45.0, 30.0, None, 0),
            (-5.0, 45.0, 30.0, None, 0),
            (450.0, 45.0, 0.0, None, 10),
            (450.1, 45.0, 0.0, None, 11),
            (450.0, 45.0, 30.0, None, 13),
            (450.0, 45.0, 0.0, Some((3, 1)), 15),
            (450.0, 45.0, 0.0, Some((2, 1)), 20),
            (450.0, 45.0, 0.0, Some((3, 2)), 30),
            (450.0, 45.0, 0.0, Some((3, 0)), 10),
            (450.0, 45.0, 0.0, Some((3, 9)), 30),
            (450.0, 45.0, f64::NAN, Some((0, 0)), 10),
            (0.3, 0.1, 0.0, None, 3),
            (1.0, 0.0, 0.0, None, u32::MAX),
            (1e300, 1.0, 0.0, Some((3, 1)), u32::MAX),
        ] {
            let actual = needed(&policy(each, headroom, zones), load);
            assert_eq!(actual, Capacity(expected), "{load}/s at {each}/s each, {headroom} % headroom, zones {zones:?}");
        }
    }

    #[test]
    fn the_lowest_bound_binds_and_each_that_is_exceeded_is_named() {
        let hour = Duration::from_hours(1);
        let bounds = |own: Option<u32>, hours| Bounds::of(&policy(45.0, 0.0, None), own.map(Capacity), Capacity(4), hour * hours);
        for (own, hours, expected) in [(None, 0, 60), (Some(30), 0, 30), (Some(90), 0, 60), (None, 100, 22), (None, 1_000_000, 4)]
        {
            assert_eq!(bounds(own, hours).most(), Capacity(expected), "own ceiling {own:?}, {hours} h");
        }
        assert_eq!(bounds(None, 1).problems(Capacity(60)), vec![]);
        let problems = bounds(None, 100).problems(Capacity(90));
        assert_eq!(
            problems,
            vec![
                Problem::Ceiling { needed: Capacity(90), ceiling: Capacity(60) },
                Problem::Quota { needed: Capacity(90), quota: Capacity(80) },
                Problem::Cost { expected: 4_300.0, limit: 900.0 },
            ]
        );
    }

    proptest! {
        #[test]
        fn more_load_headroom_or_lost_zones_never_needs_fewer(
            load in 0.0..1e6f64, more in 0.0..1e5f64, each in 0.1..1_000.0f64, headroom in 0.0..300.0f64,
            extra in 0.0..100.0f64, count in 1..6u32, lost in 0..5u32,
        ) {
            let lost = lost.min(count - 1);
            let base = needed(&policy(each, headroom, Some((count, lost))), load);
            prop_assert!(needed(&policy(each, headroom, Some((count, lost))), load + more) >= base);
            prop_assert!(needed(&policy(each, headroom + extra, Some((count, lost))), load) >= base);
            prop_assert!(needed(&policy(each, headroom, Some((count, (lost + 1).min(count - 1)))), load) >= base);
            prop_assert!(needed(&policy(each, headroom, None), load) <= base);
        }

        #[test]
        fn what_is_planned_holds_the_load_with_zones_lost_and_back(
            load in 0.0..1e6f64, each in 0.1..1_000.0f64, headroom in 0.0..300.0f64, count in 1..6u32, lost in 0..5u32, instances in 0..10_000u32,
        ) {
            let policy = policy(each, headroom, Some((count, lost.min(count - 1))));
            prop_assert!(planned_load(&policy, needed(&policy, load)) >= load * (1.0 - 1e-9));
            prop_assert!(needed(&policy, planned_load(&policy, Capacity(instances))) <= Capacity(instances.div_ceil(count) * count));
        }
    }
}
