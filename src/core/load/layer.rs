//! What people and the observed load lay over the plan of a group: overrides, and a surge that outruns the forecast.
//!
//! The scene says what launches and forecasts wish; here that wish is bent, in the order freeze > pin > ceiling > floor >
//! plan. A bent wish goes the same way as any other: raises a step at a time, giving back by the ramp and only outside
//! launch windows. So a ceiling or pin below what is held stops every raise at once, and takes away when it may.
//! Not here: who may order what. Invariant (I6): while frozen there is no wish at all; nothing is raised above a ceiling
//! or pin, and nothing given back below a floor or pin, except as limits that changed since then ask.

use jiff::Timestamp;

use super::floors::{HeldFloor, Wish};
use super::scene::Scene;
use super::{Override, OverrideKind, Policy};
use crate::core::decide::GroupObservation;
use crate::core::words::{Capacity, local};

/// What lies over the plan of one group.
#[derive(Clone, Debug, Default)]
pub struct Layer<'a> {
    /// Overrides of the group.
    pub overrides: Vec<&'a Override>,
    /// Load of the last minutes in requests per second, oldest first; empty: not known.
    pub recent: &'a [(Timestamp, f64)],
}

/// A wish with the override that made it what it is, if one did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bent<'a> {
    pub wish: Wish,
    pub by: Option<&'a Override>,
}

/// A layer as it is laid over a scene.
#[derive(Clone, Debug)]
pub(super) struct Laid<'a> {
    pub overrides: Vec<&'a Override>,
    /// Instances that the load asks for now, where it outruns the forecast; within the window's bounds.
    pub outrun: Option<Capacity>,
    /// What limits allow whatever is imposed.
    pub most: Capacity,
}

impl<'a> Laid<'a> {
    /// What is wished of the floor at an instant; `None`: the group is frozen, and nothing changes.
    pub(super) fn wish(&self, scene: &Scene<'_>, at: Timestamp, held: Option<HeldFloor>) -> Option<Bent<'a>> {
        if self.find(OverrideKind::Freeze, at).is_some() {
            return None;
        }
        let planned = match (scene.wish(at, held), self.outrun) {
            (Wish::AtLeast(floor), Some(outrun)) if scene.current().is_some_and(|window| at < window.ends.max(scene.now)) => {
                Wish::AtLeast(floor.max(outrun))
            }
            (wish, _) => wish,
        };
        let standing = held.map_or(scene.pace.standing, |held| held.floor);
        Some(self.bend(planned, standing, at))
    }

    /// `standing` is the floor now.
    fn bend(&self, planned: Wish, standing: Capacity, at: Timestamp) -> Bent<'a> {
        let most = self.most;
        if let Some((pin, by)) = self.number(OverrideKind::Pin, at) {
            let pin = pin.min(most);
            let wish =
                if standing < pin || matches!(planned, Wish::AtLeast(_)) { Wish::AtLeast(pin) } else { Wish::GiveBack(pin) };
            return Bent { wish, by: Some(by) };
        }
        let ceiling = self.number(OverrideKind::Ceiling, at);
        let cap = ceiling.map_or(most, |(ceiling, _)| ceiling.min(most));
        let floor = self.number(OverrideKind::Floor, at).map(|(floor, by)| (floor.min(cap), by));
        let raised = match (planned, floor) {
            (Wish::AtLeast(wished), Some((floor, by))) if floor > wished => Bent { wish: Wish::AtLeast(floor), by: Some(by) },
            (Wish::GiveBack(_), Some((floor, by))) if standing < floor => Bent { wish: Wish::AtLeast(floor), by: Some(by) },
            (Wish::GiveBack(bottom), Some((floor, by))) if floor > bottom => Bent { wish: Wish::GiveBack(floor), by: Some(by) },
            (wish, _) => Bent { wish, by: None },
        };
        match (raised.wish, ceiling) {
            (Wish::AtLeast(wished), Some((_, by))) if wished > cap => Bent { wish: Wish::AtLeast(cap), by: Some(by) },
            (Wish::GiveBack(bottom), Some((_, by))) if bottom > cap => Bent { wish: Wish::GiveBack(cap), by: Some(by) },
            _ => raised,
        }
    }

    /// The next instant after `at` at which an override ends.
    pub(super) fn next_boundary(&self, at: Timestamp) -> Option<Timestamp> {
        self.overrides.iter().map(|one| one.expires_at).filter(|end| *end > at).min()
    }

    /// Once others lowered a floor below a ceiling or pin, it is not raised above that again.
    pub(super) fn within(&self, held: HeldFloor, (seen, at): (Capacity, Timestamp)) -> HeldFloor {
        let cap = self.number(OverrideKind::Pin, at).or_else(|| self.number(OverrideKind::Ceiling, at));
        cap.map_or(held, |(cap, _)| HeldFloor { floor: held.floor.min(cap.max(seen).max(held.restore)), ..held })
    }

    /// Whether a floor is more than the plan of the window, because the load asks for more.
    pub(super) fn outran(&self, scene: &Scene<'_>, floor: Capacity) -> bool {
        self.outrun.is_some() && scene.current().is_some_and(|window| floor > window.proven_floor)
    }

    /// Whether nothing may be changed at an instant.
    pub(super) fn is_frozen(&self, at: Timestamp) -> bool {
        self.find(OverrideKind::Freeze, at).is_some()
    }

    /// Whether a person asks for a floor of their own: what is not there of it is no lateness of the launch.
    pub(super) fn asks(&self, at: Timestamp) -> bool {
        [OverrideKind::Floor, OverrideKind::Pin].into_iter().any(|kind| self.find(kind, at).is_some())
    }

    fn find(&self, kind: OverrideKind, at: Timestamp) -> Option<&'a Override> {
        self.overrides.iter().copied().find(|one| one.to.kind() == kind && one.is_in_force(at))
    }

    fn number(&self, kind: OverrideKind, at: Timestamp) -> Option<(Capacity, &'a Override)> {
        let found = self.find(kind, at)?;
        Some((found.to.instances()?, found))
    }
}

/// The most that limits allow, whatever it costs: policy, quota and the group's own ceiling.
pub(super) fn most(policy: &Policy, seen: Option<&GroupObservation>) -> Capacity {
    let own = seen.map(|seen| seen.ceiling).into_iter().chain(policy.limits.quota);
    own.fold(policy.limits.ceiling, Capacity::min)
}

/// Why a floor changes because of an override.
pub(super) fn sentence(one: &Override) -> String {
    let until = local(one.expires_at, None);
    format!("{} imposes a {} until {until}: {}", one.owner, one.to.words(), one.reason)
}

#[cfg(test)]
mod tests {
    use super::super::OverrideTo;
    use super::super::fixture::{minute, name};
    use super::*;

    fn one(to: OverrideTo) -> Override {
        Override {
            id: 1,
            group: name("reader-api"),
            to,
            owner: name("ann"),
            reason: "a storm".into(),
            created_at: minute(0),
            expires_at: minute(60),
            warned: false,
        }
    }

    #[test]
    fn the_stronger_kind_binds() {
        let (floor, ceiling) = (OverrideTo::Floor(Capacity(12)), OverrideTo::Ceiling(Capacity(10)));
        let pin = OverrideTo::Pin(Capacity(6));
        let (at_least, give_back) = (|n| Wish::AtLeast(Capacity(n)), |n| Wish::GiveBack(Capacity(n)));
        for (name, overrides, planned, standing, expected) in [
            ("nothing", vec![], at_least(8), 4, at_least(8)),
            ("a floor above the plan", vec![floor], at_least(8), 4, at_least(12)),
            ("a floor below the plan", vec![floor], at_least(20), 4, at_least(20)),
            ("a floor outside windows raises", vec![floor], give_back(4), 4, at_least(12)),
            ("a floor stops the ramp", vec![floor], give_back(4), 16, give_back(12)),
            ("a ceiling binds the plan", vec![ceiling], at_least(20), 4, at_least(10)),
            ("a ceiling beats a floor", vec![floor, ceiling], give_back(4), 4, at_least(10)),
            ("a ceiling beats adoption", vec![ceiling], give_back(14), 16, give_back(10)),
            ("a pin beats all three", vec![floor, ceiling, pin], at_least(20), 4, at_least(6)),
            ("a pin gives back outside windows", vec![pin], give_back(14), 16, give_back(6)),
            ("a pin takes nothing in a window", vec![pin], at_least(20), 16, at_least(6)),
            ("limits that fell since bind", vec![OverrideTo::Floor(Capacity(99))], at_least(8), 4, at_least(24)),
        ] {
            let overrides: Vec<Override> = overrides.into_iter().map(one).collect();
            let laid = Laid { overrides: overrides.iter().collect(), outrun: None, most: Capacity(24) };
            assert_eq!(laid.bend(planned, Capacity(standing), minute(1)).wish, expected, "{name}");
            assert_eq!(laid.bend(planned, Capacity(standing), minute(60)).wish, planned, "{name}, when it is over");
        }
    }

    #[test]
    fn what_others_took_away_is_not_raised_above_a_ceiling_again() {
        let ceiling = one(OverrideTo::Ceiling(Capacity(10)));
        let laid = Laid { overrides: vec![&ceiling], outrun: None, most: Capacity(24) };
        let held = super::super::fixture::held(20, 20, minute(0));
        for (seen, expected) in [(4, 10), (12, 12), (25, 20)] {
            assert_eq!(laid.within(held, (Capacity(seen), minute(1))).floor, Capacity(expected), "seen {seen}");
        }
    }
}
