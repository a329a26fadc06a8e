//! What a schedule that a provider keeps may not do, whatever the plan's instants become on their way to whole minutes.
//!
//! The plan obeys limits, windows and overrides at its own instants; a change that is kept comes a little earlier or later
//! than planned, so that it is looked at again at the minute at which it would come. Not here: what is wanted.
//! Invariants: nothing is given back while it is needed, and nothing comes by itself against what people impose (I3, I6).

use std::time::Duration;

use jiff::Timestamp;

use super::{Override, OverrideKind, OverrideTo, ScheduledFloor, Turn};
use crate::core::words::{Capacity, later};

const MINUTE_SECS: i64 = 60;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Fence {
    /// Nothing is raised above this.
    pub most: Capacity,
    /// The floor that stands there without tminus: bringing it back is nobody's raise.
    pub restore: Capacity,
    /// Nothing is given back from the first instant until before the second.
    pub windows: Vec<(Timestamp, Timestamp)>,
    /// What people impose on the group.
    pub overrides: Vec<Override>,
    /// A launch is late that did not begin: its way back moves on with the clock, and may stay where it is kept until it
    /// is nearer than this. Without us it does not begin, and nothing is lost.
    pub may_stay_from: Option<Timestamp>,
}

impl Fence {
    /// Whether a change may come by itself.
    pub fn allows(&self, kept: &ScheduledFloor) -> bool {
        let in_bounds = match kept.turn {
            Turn::Raise => kept.floor <= self.most,
            Turn::Restore => !self.windows.iter().any(|(from, until)| *from <= kept.at && kept.at < *until),
        };
        in_bounds && self.obeys(kept)
    }

    /// Whether no override that is in force then is against it. A freeze is against everything.
    pub fn obeys(&self, kept: &ScheduledFloor) -> bool {
        let number = |kind| self.find(kind, kept.at).and_then(|one| one.to.instances());
        let (pin, ceiling) = (number(OverrideKind::Pin), number(OverrideKind::Ceiling));
        if self.find(OverrideKind::Freeze, kept.at).is_some() {
            return false;
        }
        match kept.turn {
            Turn::Raise => pin.or(ceiling).is_none_or(|most| kept.floor <= most.max(self.restore)),
            Turn::Restore => {
                let most = ceiling.map_or(self.most, |ceiling| ceiling.min(self.most));
                let least = pin.or(number(OverrideKind::Floor).map(|floor| floor.min(most)));
                least.is_none_or(|least| kept.floor >= least.min(self.most))
            }
        }
    }

    /// The first whole minute from its own on at which no override is against it.
    pub(super) fn opened(&self, mut kept: ScheduledFloor) -> ScheduledFloor {
        while !self.obeys(&kept) {
            let Some(end) = self.overrides.iter().map(|one| one.expires_at).filter(|end| *end > kept.at).min() else { break };
            kept.at = up_to(end, MINUTE_SECS);
        }
        kept
    }

    /// Until when nothing at all may come by itself; `None`: it is not frozen.
    pub fn frozen_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.find(OverrideKind::Freeze, now).map(|freeze| freeze.expires_at)
    }

    fn find(&self, kind: OverrideKind, at: Timestamp) -> Option<&Override> {
        self.overrides.iter().find(|one| OverrideTo::kind(one.to) == kind && one.is_in_force(at))
    }
}

/// The last instant not after `at` that is a multiple of so many seconds.
pub(super) fn down_to(at: Timestamp, secs: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(secs) * secs).unwrap_or(at)
}

/// The first instant not before `at` that is a multiple of so many seconds.
pub(super) fn up_to(at: Timestamp, secs: i64) -> Timestamp {
    let down = down_to(at, secs);
    if down == at { at } else { later(down, Duration::from_secs(secs.unsigned_abs())) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{minute, name};
    use super::*;

    fn fence(imposed: &[OverrideTo]) -> Fence {
        let one = |to: &OverrideTo| Override {
            id: 1,
            group: name("reader-api"),
            to: *to,
            owner: name("ann"),
            reason: "a storm".into(),
            created_at: minute(0),
            expires_at: minute(60),
            warned: false,
        };
        let overrides = imposed.iter().map(one).collect();
        Fence { most: Capacity(24), restore: Capacity(4), windows: Vec::new(), overrides, may_stay_from: None }
    }

    fn kept(at: i64, floor: u32, turn: Turn) -> ScheduledFloor {
        ScheduledFloor { at: minute(at), floor: Capacity(floor), turn }
    }

    #[test]
    fn nothing_comes_by_itself_against_what_people_impose_until_it_ends() {
        use OverrideTo::{Ceiling, Floor, Freeze, Pin};
        use Turn::{Raise, Restore};
        let capacity = Capacity;
        for (what, imposed, floor, turn, expected) in [
            ("a raise, nothing imposed", vec![], 20, Raise, true),
            ("a raise while frozen", vec![Freeze], 5, Raise, false),
            ("a restore while frozen", vec![Freeze], 5, Restore, false),
            ("a raise above a ceiling", vec![Ceiling(capacity(10))], 20, Raise, false),
            ("a raise up to a ceiling", vec![Ceiling(capacity(10))], 10, Raise, true),
            ("a raise above a pin", vec![Pin(capacity(6))], 10, Raise, false),
            ("a pin beats a ceiling", vec![Ceiling(capacity(10)), Pin(capacity(12))], 12, Raise, true),
            ("what stood there before", vec![Pin(capacity(2))], 4, Raise, true),
            ("a restore below a floor", vec![Floor(capacity(12))], 8, Restore, false),
            ("a restore to a floor", vec![Floor(capacity(12))], 12, Restore, true),
            ("a ceiling binds the floor", vec![Floor(capacity(12)), Ceiling(capacity(8))], 8, Restore, true),
            ("a restore below a pin", vec![Pin(capacity(12))], 8, Restore, false),
        ] {
            let fence = fence(&imposed);
            assert_eq!(fence.allows(&kept(30, floor, turn)), expected, "{what}");
            assert!(fence.allows(&kept(60, floor, turn)), "{what}, when it is over");
            let opened = fence.opened(kept(30, floor, turn));
            assert_eq!(opened.at, minute(if expected { 30 } else { 60 }), "{what}");
        }
    }
}
