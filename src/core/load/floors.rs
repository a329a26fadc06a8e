//! One step of a floor: raise it, hold it, or give some of it back.
//!
//! It is told what is wished at an instant and says what the floor becomes; the same function decides now and draws the
//! plan of what follows. Not here: why it is wished ([`super::scene`]).
//! Invariants (I3): while at least so much is wished, the floor never falls; a change is at most `step` instances; it
//! never falls below `restore`; asked twice at one instant, the second answer is the first.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RampDown;
use crate::core::words::{Capacity, later};

/// The fastest ramp: a document may say 0, and a ramp must never be a jump.
const LEAST_EVERY: Duration = Duration::from_secs(1);

/// A floor that tminus holds on a group; durable, since the world does not remember what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFloor {
    /// The floor that tminus wants there.
    pub floor: Capacity,
    /// The floor that was there before tminus raised it, and to which it goes back.
    pub restore: Capacity,
    /// The highest floor of this hold; each step of the ramp is a share of peak - restore. Above `floor` while ramping.
    pub peak: Capacity,
    /// When `floor` was last changed.
    pub since: Timestamp,
    /// Instances of a step that raises have used up, until a lead after the last one.
    #[serde(default)]
    pub stepped: Capacity,
}

/// What is wished of a floor at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Inside a launch window: at least this, and nothing is given back.
    AtLeast(Capacity),
    /// Outside: give back, but not below this.
    GiveBack(Capacity),
}

/// How a floor may move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// Time between two whole steps: an instance's way into service, so that each is seen to arrive before the next. Raises
    /// that are less than a step together do not wait for each other.
    pub lead: Duration,
    /// The floor that is there while tminus holds none.
    pub standing: Capacity,
    /// The floor to go back to; above `standing` where the policy's floor is, which then holds inside windows too.
    pub restore: Capacity,
    /// Most instances added or removed by one change.
    pub step: Capacity,
    /// How it is given back.
    pub ramp_down: RampDown,
}

impl Pace {
    /// The floor from `at` on; `None`: tminus holds none.
    pub(super) fn next(&self, held: Option<HeldFloor>, wish: Wish, at: Timestamp) -> Option<HeldFloor> {
        match (wish, held) {
            (Wish::AtLeast(wished), None) if wished.max(self.restore) > self.standing => {
                let floor = raised(self.standing, (wished.max(self.restore), self.step));
                let stepped = Capacity(floor.0 - self.standing.0);
                Some(HeldFloor { floor, restore: self.restore, peak: floor, since: at, stepped })
            }
            (Wish::AtLeast(wished), Some(held)) if wished.max(held.restore) > held.floor && self.next_raise(held) <= at => {
                let used = self.used(held, at);
                let floor = raised(held.floor, (wished.max(held.restore), Capacity(self.step.0.saturating_sub(used.0))));
                let stepped = Capacity(used.0.saturating_add(floor.0.saturating_sub(held.floor.0)));
                Some(HeldFloor { floor, peak: floor, since: at, stepped, ..held })
            }
            (Wish::GiveBack(bottom), Some(held)) if self.lowered(held, bottom) < held.floor && self.next_lowering(held) <= at => {
                Some(HeldFloor { floor: self.lowered(held, bottom), since: at, ..held })
            }
            (Wish::AtLeast(_) | Wish::GiveBack(_), held) => held,
        }
    }

    /// When the floor can change next if the wish stays; `None`: it is as wished.
    pub(super) fn next_look(&self, held: Option<HeldFloor>, wish: Wish) -> Option<Timestamp> {
        let held = held?;
        match wish {
            Wish::AtLeast(wished) => (wished.max(held.restore) > held.floor).then(|| self.next_raise(held)),
            Wish::GiveBack(_) => (held.floor > held.restore).then(|| self.next_lowering(held)),
        }
    }

    /// Instances that one step of the ramp gives back: a share of all that was raised, so that the ramp ends.
    pub(super) fn decrement(&self, held: HeldFloor) -> u32 {
        let raised = f64::from(held.peak.0.saturating_sub(held.restore.0));
        let share = (raised * self.ramp_down.percent / 100.0).ceil() as u32;
        share.min(self.step.0).max(1)
    }

    /// How long the whole ramp takes.
    pub(super) fn ramp_duration(&self) -> Duration {
        let steps = (100.0 / self.ramp_down.percent).ceil().min(10_000.0) as u32;
        self.every().saturating_mul(steps.max(1))
    }

    /// Changes that are needed to come from one floor to another, at least one.
    pub(super) fn changes(&self, from: Capacity, to: Capacity) -> u32 {
        to.0.saturating_sub(from.0).div_ceil(self.step.0.max(1)).max(1)
    }

    fn every(&self) -> Duration {
        self.ramp_down.every.max(LEAST_EVERY)
    }

    /// What is used up of a step at an instant; after a lowering nothing: what was taken is needed now.
    fn used(&self, held: HeldFloor, at: Timestamp) -> Capacity {
        let is_over = held.floor < held.peak || at >= later(held.since, self.lead);
        if is_over { Capacity(0) } else { held.stepped }
    }

    fn lowered(&self, held: HeldFloor, bottom: Capacity) -> Capacity {
        Capacity(held.floor.0.saturating_sub(self.decrement(held))).max(held.restore).max(bottom.min(held.floor))
    }

    /// At the next instant while something is left of the step, else once that is in service.
    fn next_raise(&self, held: HeldFloor) -> Timestamp {
        let next = later(held.since, Duration::from_nanos(1));
        let is_used_up = self.used(held, next) >= self.step.max(Capacity(1));
        if is_used_up { later(held.since, self.lead).max(next) } else { next }
    }

    /// The first lowering at the next instant after the window, each further one after `every`.
    fn next_lowering(&self, held: HeldFloor) -> Timestamp {
        later(held.since, if held.floor < held.peak { self.every() } else { Duration::from_nanos(1) })
    }
}

fn raised(from: Capacity, (wished, room): (Capacity, Capacity)) -> Capacity {
    wished.min(Capacity(from.0.saturating_add(room.0.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: u64) -> Timestamp {
        later("2026-12-01T19:00:00Z".parse().unwrap(), Duration::from_secs(secs))
    }

    fn pace(step: u32, percent: f64) -> Pace {
        restoring(step, percent, 4)
    }

    fn restoring(step: u32, percent: f64, restore: u32) -> Pace {
        let ramp_down = RampDown { percent, every: Duration::from_mins(15) };
        Pace {
            lead: Duration::from_mins(20),
            standing: Capacity(restore),
            restore: Capacity(restore),
            step: Capacity(step),
            ramp_down,
        }
    }

    fn held(floor: u32, peak: u32, since_secs: u64) -> HeldFloor {
        HeldFloor {
            floor: Capacity(floor),
            restore: Capacity(4),
            peak: Capacity(peak),
            since: at(since_secs),
            stepped: Capacity(u32::MAX),
        }
    }

    #[test]
    fn one_step_at_a_time() {
        let at_least = |floor| Wish::AtLeast(Capacity(floor));
        let give_back = |bottom| Wish::GiveBack(Capacity(bottom));
        for (name, before, wish, secs, expected) in [
            ("nothing held, enough there", None, at_least(4), 0, None),
            ("raised at once", None, at_least(12), 0, Some(held(12, 12, 0))),
            ("raised by a step", None, at_least(60), 0, Some(held(24, 24, 0))),
            ("the next step waits for the lead", Some(held(24, 24, 0)), at_least(60), 1_199, Some(held(24, 24, 0))),
            ("the next step", Some(held(24, 24, 0)), at_least(60), 1_200, Some(held(44, 44, 1_200))),
            ("never lowered inside a window", Some(held(24, 24, 0)), at_least(5), 99_999, Some(held(24, 24, 0))),
            (
                "the ramp begins at once",
                Some(held(44, 44, 0)),
                give_back(4),
                1,
                Some(HeldFloor { peak: Capacity(44), ..held(40, 44, 1) }),
            ),
            ("the ramp waits", Some(held(40, 44, 1)), give_back(4), 900, Some(held(40, 44, 1))),
            ("the ramp goes on", Some(held(40, 44, 1)), give_back(4), 901, Some(held(36, 44, 901))),
            ("adoption stops the ramp", Some(held(40, 44, 1)), give_back(39), 901, Some(held(39, 44, 901))),
            ("adoption does not raise", Some(held(40, 44, 1)), give_back(50), 901, Some(held(40, 44, 1))),
            ("never below what was there", Some(held(5, 44, 0)), give_back(0), 901, Some(held(4, 44, 901))),
            ("needed again while ramping: raised at once", Some(held(36, 44, 901)), at_least(44), 902, Some(held(44, 44, 902))),
        ] {
            assert_eq!(pace(20, 10.0).next(before, wish, at(secs)).map(unstepped), expected.map(unstepped), "{name}");
        }
    }

    /// Beside what it used of its step.
    fn unstepped(held: HeldFloor) -> HeldFloor {
        HeldFloor { stepped: Capacity(0), ..held }
    }

    #[test]
    fn what_is_left_of_a_step_waits_for_nothing() {
        let next = |held, floor, secs| pace(8, 10.0).next(held, Wish::AtLeast(Capacity(floor)), at(secs)).unwrap();
        let first = next(None, 9, 0);
        let more = next(Some(first), 20, 6);
        assert_eq!((first.floor, more.floor), (Capacity(9), Capacity(12)), "eight in all");
        assert_eq!(next(Some(more), 20, 1_199).floor, Capacity(12));
        assert_eq!(next(Some(more), 20, 1_206).floor, Capacity(20));
        assert_eq!(
            pace(8, 10.0).next_look(Some(first), Wish::AtLeast(Capacity(20))),
            Some(later(at(0), Duration::from_nanos(1)))
        );
    }

    #[test]
    fn a_group_below_the_floor_of_its_policy_is_brought_there_inside_a_window() {
        let below = Pace { standing: Capacity(1), ..restoring(2, 10.0, 4) };
        let first = below.next(None, Wish::AtLeast(Capacity(2)), at(0));
        assert_eq!(first.map(unstepped), Some(unstepped(held(3, 3, 0))));
        let second = below.next(first, Wish::AtLeast(Capacity(2)), at(1_200));
        assert_eq!(second.map(unstepped), Some(unstepped(held(4, 4, 1_200))));
        assert_eq!(below.next(None, Wish::GiveBack(Capacity(0)), at(0)), None, "outside it is left alone");
        assert_eq!(below.next(first, Wish::GiveBack(Capacity(0)), at(1)), first, "nothing to give back");
    }

    #[test]
    fn odd_ramps_end_and_never_jump() {
        for (percent, step, expected) in
            [(0.0, 20, 1), (f64::NAN, 20, 1), (-5.0, 20, 1), (100.0, 20, 20), (10.0, 0, 1), (1.0, 20, 1), (1e9, 7, 7)]
        {
            assert_eq!(pace(step, percent).decrement(held(44, 44, 0)), expected, "{percent} % with steps of {step}");
            assert!(pace(step, percent).ramp_duration() > Duration::ZERO);
        }
    }

    fn any_wish() -> impl Strategy<Value = Wish> {
        prop_oneof![
            (0..100u32).prop_map(|floor| Wish::AtLeast(Capacity(floor))),
            (0..100u32).prop_map(|floor| Wish::GiveBack(Capacity(floor)))
        ]
    }

    proptest! {
        #[test]
        fn steps_are_bounded_idempotent_and_never_against_the_wish(
            wishes in prop::collection::vec((any_wish(), 0..3_000u64), 1..60), restore in 0..20u32, step in 0..30u32, percent in 0.0..100.0f64,
        ) {
            let (pace, restore, mut held, mut secs) = (restoring(step, percent, restore), Capacity(restore), None, 0);
            for (wish, waited) in wishes {
                secs += waited;
                let before = held.map_or(restore, |held: HeldFloor| held.floor);
                let next = pace.next(held, wish, at(secs));
                prop_assert_eq!(pace.next(next, wish, at(secs)), next, "asked twice");
                let after = next.map_or(restore, |held| held.floor);
                prop_assert!(after >= restore && after.0.abs_diff(before.0) <= step.max(1));
                match wish {
                    Wish::AtLeast(_) => prop_assert!(after >= before),
                    Wish::GiveBack(bottom) => prop_assert!(after <= before && after >= bottom.min(before)),
                }
                held = next;
            }
        }
    }
}
