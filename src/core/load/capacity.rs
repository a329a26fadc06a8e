//! From load to instances and back: headroom, the loss of zones, limits and cost.
//!
//! By Little's law: capacity per instance, from a load test at target utilisation, is what one is counted with. Where the
//! policy says how an instance works, Erlang C ([`super::queue`]) adds instances until the wait is as demanded; where it
//! says what instances lose to each other, the Universal Scalability Law ([`super::contention`]) takes it off. Not here:
//! when floors change ([`super::floors`]). Invariant: more load, headroom or zones to lose never needs fewer instances, and
//! what is allowed never exceeds ceiling, quota, cost or the number beyond which more hold less.

use std::time::Duration;

use super::{Policy, Problem, Queue, Service, Usl};
use crate::core::words::Capacity;

/// Most instances beyond the load's own number that a demanded wait may take: it takes few.
const MOST_FOR_WAIT: u32 = 10_000;

/// Instances needed for a load in requests per second: ceil(load * (1 + headroom) / capacity of one), so many more that the
/// demanded wait is kept and losses to each other are made up for, and then so many that it still holds when zones are
/// lost. More than [`Usl::most`] when no number up to that is enough, `u32::MAX` when none is.
pub fn needed(policy: &Policy, load_per_second: f64) -> Capacity {
    with_zones(policy, bare(policy, load_per_second * (1.0 + headroom(policy))))
}

/// Instances needed for a load without headroom, zones counted: less than this does not hold it.
pub fn needed_bare(policy: &Policy, load_per_second: f64) -> Capacity {
    with_zones(policy, bare(policy, load_per_second))
}

/// The load in requests per second that so many instances, evenly over zones, hold with headroom when zones are lost: the
/// inverse of [`needed`], which rounds up to whole zones.
pub fn planned_load(policy: &Policy, instances: Capacity) -> f64 {
    holding(policy, left(policy, instances)) / (1.0 + headroom(policy))
}

/// The load in requests per second that so many running instances hold, all counted, without headroom.
pub(super) fn holding(policy: &Policy, instances: u32) -> f64 {
    let most = throughput(policy, instances);
    if keeps_wait(policy, instances, most) {
        return most;
    }
    let (mut low, mut high) = (0.0, most);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if keeps_wait(policy, instances, middle) { low = middle } else { high = middle }
    }
    low
}

/// How the queue stands when zones are lost; `None`: the policy does not say how an instance works.
pub(super) fn queue(policy: &Policy, instances: Capacity, load_per_second: f64) -> Option<Queue> {
    let left = left(policy, instances);
    policy.service.map(|service| at_work((policy, service), left, load_per_second))
}

fn at_work((policy, service): (&Policy, Service), instances: u32, load_per_second: f64) -> Queue {
    // What instances lose to each other, each request takes longer.
    let service_secs = service.time.as_secs_f64() * slowdown(policy, instances);
    Queue::of(u64::from(instances) * u64::from(service.concurrency), load_per_second, service_secs)
}

fn keeps_wait(policy: &Policy, instances: u32, load_per_second: f64) -> bool {
    let demanded = policy.service.and_then(|service| Some((service, service.wait_p95?)));
    demanded.is_none_or(|(service, wait)| at_work((policy, service), instances, load_per_second).waits_at_most(wait))
}

fn headroom(policy: &Policy) -> f64 {
    if policy.headroom_percent.is_finite() { policy.headroom_percent.max(0.0) / 100.0 } else { 0.0 }
}

fn slowdown(policy: &Policy, instances: u32) -> f64 {
    policy.usl.map_or(1.0, |usl| usl.slowdown(instances))
}

/// X(n), at target utilisation.
fn throughput(policy: &Policy, instances: u32) -> f64 {
    f64::from(instances) * policy.capacity_per_instance.value() / slowdown(policy, instances)
}

/// What is left when the fullest zones are lost, evenly filled.
fn left(policy: &Policy, instances: Capacity) -> u32 {
    let (count, lost) = zones(policy);
    instances.0.saturating_sub(instances.0.div_ceil(count).saturating_mul(lost))
}

/// Instances that must run for a load.
fn bare(policy: &Policy, load_per_second: f64) -> u32 {
    let (least, most) = (by_little(policy, load_per_second), policy.usl.map_or(u32::MAX, Usl::most));
    if least == 0 || (policy.usl.is_none() && policy.service.is_none()) {
        return least;
    }
    let beyond = least.max(most.saturating_add(1));
    let holds = |instances: u32| throughput(policy, instances) >= load_per_second * (1.0 - 1e-12);
    if least > most || !holds(most) {
        return beyond;
    }
    let enough = fewest((least, most), holds);
    let most = most.min(enough.saturating_add(MOST_FOR_WAIT));
    let waits = |instances: u32| keeps_wait(policy, instances, load_per_second);
    if waits(most) { fewest((enough, most), waits) } else { beyond }
}

/// The fewest instances of a range with which something is so that is so with the most, and stays so with more.
fn fewest((least, most): (u32, u32), is_so: impl Fn(u32) -> bool) -> u32 {
    let (mut few, mut enough) = (least.saturating_sub(1), most);
    while enough - few > 1 {
        let middle = few + (enough - few) / 2;
        if is_so(middle) { enough = middle } else { few = middle }
    }
    enough
}

fn by_little(policy: &Policy, load_per_second: f64) -> u32 {
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
    /// The number beyond which more instances hold less, and what they hold.
    pub contention: Option<(Capacity, f64)>,
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
            contention: policy.usl.map(|usl| (Capacity(usl.most()), throughput(policy, usl.most()))),
            cost: each.zip(policy.limits.cost).map(|(each, limit)| (each, limit, restore)),
        }
    }

    /// The most instances that are allowed.
    pub(super) fn most(&self) -> Capacity {
        let best = self.contention.map(|(most, _)| most);
        let hard = self.quota.into_iter().chain(best).fold(self.ceiling, Capacity::min);
        let Some((each, limit, restore)) = self.cost else { return hard };
        let affordable = (limit.max(0.0) / each).floor().min(f64::from(u32::MAX));
        // 0 / 0: what costs nothing is affordable.
        if affordable.is_nan() { hard } else { hard.min(Capacity(restore.0.saturating_add(affordable as u32))) }
    }

    /// Why so many instances are not allowed; empty when they are.
    pub(super) fn problems(&self, needed: Capacity) -> Vec<Problem> {
        let mut problems = Vec::new();
        let past = self.contention.filter(|(most, _)| needed > *most);
        problems.extend(past.map(|(most, holds_per_second)| Problem::Contention { needed, most, holds_per_second }));
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
            tells_of_trouble: true,
            time_zone: None,
            service: None,
            usl: None,
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

    #[test]
    fn the_wait_that_is_demanded_takes_more_instances() {
        // 0.1 s each on one worker an instance, 8/s at a target of 80 %: 80/s takes ten by Little's law, eight of which work.
        let service = |wait: Option<f64>| {
            Some(Service { time: Duration::from_millis(100), concurrency: 1, wait_p95: wait.map(Duration::from_secs_f64) })
        };
        let with = |wait| Policy { service: service(wait), ..policy(8.0, 0.0, None) };
        assert_eq!(needed(&with(None), 80.0), Capacity(10));
        // Erlang C: 14 for 10 erlangs wait with 17.4 %; so for 100/s at 14 the p95 wait is 0.1 * ln(0.1741 / 0.05) / 4 = 31 ms.
        let (tight, loose) = (needed(&with(Some(0.031)), 100.0), needed(&with(Some(0.032)), 100.0));
        assert_eq!((tight, loose), (Capacity(15), Capacity(14)));
        let queue = queue(&with(None), Capacity(14), 100.0).unwrap();
        assert!((queue.wait_probability - 0.1741).abs() < 1e-4 && queue.utilisation == Some(10.0 / 14.0), "{queue:?}");
        assert!(holding(&with(Some(0.031)), 14) < 100.0 && holding(&with(Some(0.032)), 14) >= 100.0);
    }

    #[test]
    fn a_plan_past_the_best_number_is_refused() {
        let with = |each| Policy { usl: Some(Usl { contention: 0.02, coherency: 0.0005 }), ..policy(each, 0.0, None) };
        // At most 44, which hold as much as 15.7 alone.
        assert_eq!(needed(&with(10.0), 100.0), Capacity(14));
        assert_eq!(needed(&with(10.0), 153.0), Capacity(34));
        for (load, expected) in [(160.0, 45), (900.0, 90)] {
            assert_eq!(needed(&with(10.0), load), Capacity(expected), "{load}: no number is enough");
        }
        let bounds = Bounds::of(&with(10.0), None, Capacity(4), Duration::ZERO);
        assert_eq!(bounds.most(), Capacity(44));
        let [Problem::Contention { needed: Capacity(45), most: Capacity(44), holds_per_second }] =
            bounds.problems(Capacity(45))[..]
        else {
            panic!("{:?}", bounds.problems(Capacity(45)))
        };
        assert!((holds_per_second - 156.8).abs() < 0.1, "{holds_per_second}");
    }

    proptest! {
        #[test]
        fn with_waits_and_losses_more_load_never_needs_fewer(
            load in 0.0..2_000.0f64, more in 0.0..500.0f64, concurrency in 1..20u32, wait in 0.0..1.0f64,
            contention in 0.0..0.2f64, coherency in 0.0..0.001f64, zones in prop::option::of((2..4u32, Just(1))),
        ) {
            let service = Some(Service { time: Duration::from_millis(100), concurrency, wait_p95: Some(Duration::from_secs_f64(wait)) });
            let each = f64::from(concurrency) * 7.0;
            let usl = Usl { contention, coherency };
            let (plain, strict) = (policy(each, 20.0, zones), Policy { service, usl: Some(usl), ..policy(each, 20.0, zones) });
            prop_assert!(needed(&strict, load + more) >= needed(&strict, load));
            prop_assert!(needed(&strict, load) >= needed(&plain, load));
            let enough = needed(&strict, load);
            if enough.0 <= usl.most() {
                prop_assert!(planned_load(&strict, enough) >= load * (1.0 - 1e-6), "{} {load}", planned_load(&strict, enough));
            }
        }

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
