//! The last look before a group is changed: what limits and people forbid is not sent, whoever decided it and when.
//!
//! An order may be old by the time it is sent: a person may have frozen the group since, others may have raised it. The
//! same bounds are in the core; they are here again, on what the provider says at this very moment, without its code.
//! Not here: deciding. Invariant (I3, I6): nothing above the bounds, nothing down by more than a step or below what is
//! held, and nothing at all on a frozen group.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::decide::{GroupObservation, State};
use crate::core::load::{Limits, Override, OverrideKind, OverrideTo, Policy, ScheduledFloor, Turn};
use crate::core::words::{Capacity, Name, later, local};

/// What was seen longer ago says nothing: the core's two minutes.
const FRESH: Duration = Duration::from_mins(2);

/// What a group may be set to.
#[derive(Clone, Debug)]
pub struct Guard {
    group: Name,
    limits: Limits,
    /// The floor to which everything goes back.
    restore: Capacity,
    /// The floor that is decided by now; `None`: none is held.
    held: Option<Capacity>,
    /// The floor whose raise would spend the whole cost limit within an hour; `None`: nothing is limited.
    affordable: Option<Capacity>,
    overrides: Vec<Override>,
}

/// Why an order is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody but people may change it.
    #[error(
        "{group} is frozen by {owner} until {until}: {reason}; nothing is changed before, `tminus override clear {group} freeze` ends it"
    )]
    Frozen {
        /// The group.
        group: Name,
        /// Who froze it.
        owner: Name,
        /// Until when.
        until: String,
        /// Why.
        reason: String,
    },
    /// Outside of what it may be.
    #[error("a floor of {floor} on {group} is outside of {least} to {most}, which limits and overrides allow; nothing was sent")]
    Beyond {
        /// The group.
        group: Name,
        /// What was asked for.
        floor: Capacity,
        /// The least allowed.
        least: Capacity,
        /// The most allowed.
        most: Capacity,
    },
    /// Too much at once.
    #[error(
        "{group} would fall from {from} to {to} at once and may lose {step} at a time; nothing was sent, the next decision looks anew"
    )]
    Drop {
        /// The group.
        group: Name,
        /// Its floor now.
        from: Capacity,
        /// What was asked for.
        to: Capacity,
        /// Most at a time.
        step: Capacity,
    },
    /// A raise of more than a step that nobody decided by now.
    #[error(
        "{group} would rise from {from} to {to} at once and may gain {step} at a time; nothing was sent, the next decision looks anew"
    )]
    Jump {
        /// The group.
        group: Name,
        /// Its floor now.
        from: Capacity,
        /// What was asked for.
        to: Capacity,
        /// Most at a time.
        step: Capacity,
    },
    /// The group was described too long ago.
    #[error("{group} was last described at {at:.0}, and a group that is not seen is not changed; look at its provider")]
    Stale {
        /// The group.
        group: Name,
        /// When.
        at: Timestamp,
    },
    /// Decided long ago; something else is decided by now.
    #[error("a floor of {to} on {group} is below the {held} that is decided by now; nothing was sent")]
    Outdated {
        /// The group.
        group: Name,
        /// What was asked for.
        to: Capacity,
        /// What is decided.
        held: Capacity,
    },
}

impl Guard {
    /// The guard of a group as things stand; `restore` is where the order says it goes back to.
    pub fn of(policy: &Policy, state: &State, restore: Capacity) -> Self {
        let overrides = state.overrides.list.iter().filter(|one| one.group == policy.name);
        Self {
            group: policy.name.clone(),
            limits: policy.limits,
            restore,
            held: state.floors.get(&policy.name).map(|held| held.floor),
            affordable: affordable(policy, restore),
            overrides: overrides.cloned().collect(),
        }
    }

    /// Whether the floor may be set to this, on a group that stands so.
    pub fn admit(&self, floor: Capacity, seen: &GroupObservation, now: Timestamp) -> Result<(), Refusal> {
        if let Some(freeze) = self.find(OverrideKind::Freeze, now) {
            return Err(self.frozen(freeze));
        }
        if now > later(seen.observed_at, FRESH) {
            return Err(Refusal::Stale { group: self.group.clone(), at: seen.observed_at });
        }
        if floor > seen.floor { self.raise(floor, seen, now) } else { self.lower(floor, seen, now) }
    }

    /// Whether a provider may be asked to carry these out by itself, each at its time.
    pub fn admit_kept(&self, floors: &[ScheduledFloor], now: Timestamp) -> Result<(), Refusal> {
        let group = || self.group.clone();
        for kept in floors.iter().filter(|kept| kept.at > now) {
            if let Some(freeze) = self.find(OverrideKind::Freeze, kept.at) {
                return Err(self.frozen(freeze));
            }
            let imposed = |kind| self.number(kind, kept.at);
            let most = imposed(OverrideKind::Pin).or_else(|| imposed(OverrideKind::Ceiling)).map(|most| most.max(self.restore));
            let most = most.into_iter().chain(self.limits.quota).fold(self.limits.ceiling, Capacity::min);
            if kept.turn == Turn::Raise && kept.floor > most {
                return Err(Refusal::Beyond {
                    group: group(),
                    floor: kept.floor,
                    least: self.limits.floor.min(self.restore),
                    most,
                });
            }
        }
        Ok(())
    }

    fn frozen(&self, freeze: &Override) -> Refusal {
        let (group, owner, reason) = (self.group.clone(), freeze.owner.clone(), freeze.reason.clone());
        Refusal::Frozen { group, owner, until: local(freeze.expires_at, None), reason }
    }

    fn raise(&self, floor: Capacity, seen: &GroupObservation, now: Timestamp) -> Result<(), Refusal> {
        let imposed = self.number(OverrideKind::Pin, now).or_else(|| self.number(OverrideKind::Ceiling, now));
        // What stands there without tminus is nobody's raise.
        let imposed = imposed.map(|imposed| imposed.max(self.restore));
        let bounds = self.limits.quota.into_iter().chain(self.affordable).chain(imposed).chain([seen.ceiling]);
        let most = bounds.fold(self.limits.ceiling, Capacity::min);
        let least = self.limits.floor.min(self.restore);
        let beyond = || Refusal::Beyond { group: self.group.clone(), floor, least, most };
        if floor > most {
            return Err(beyond());
        }
        let step = self.limits.step.max(Capacity(1));
        let highest = Capacity(seen.floor.0.saturating_add(step.0)).max(self.held.unwrap_or_default());
        if floor > highest {
            return Err(Refusal::Jump { group: self.group.clone(), from: seen.floor, to: floor, step });
        }
        Ok(())
    }

    fn lower(&self, floor: Capacity, seen: &GroupObservation, now: Timestamp) -> Result<(), Refusal> {
        let group = || self.group.clone();
        let step = self.limits.step.max(Capacity(1));
        if seen.floor.0 - floor.0 > step.0 {
            return Err(Refusal::Drop { group: group(), from: seen.floor, to: floor, step });
        }
        if let Some(held) = self.held.filter(|held| floor < *held) {
            return Err(Refusal::Outdated { group: group(), to: floor, held });
        }
        let most = self.number(OverrideKind::Ceiling, now).unwrap_or(self.limits.ceiling);
        let imposed =
            self.number(OverrideKind::Pin, now).or_else(|| self.number(OverrideKind::Floor, now)).map(|least| least.min(most));
        let bounds = imposed.into_iter().map(|imposed| imposed.min(self.limits.ceiling).min(seen.ceiling));
        let least = bounds.fold(self.limits.floor.min(self.restore), Capacity::max);
        // Setting what is there changes nothing.
        let beyond = floor < least && floor < seen.floor;
        if beyond { Err(Refusal::Beyond { group: group(), floor, least, most: seen.floor }) } else { Ok(()) }
    }

    fn find(&self, kind: OverrideKind, now: Timestamp) -> Option<&Override> {
        self.overrides.iter().find(|one| one.to.kind() == kind && one.is_in_force(now))
    }

    fn number(&self, kind: OverrideKind, now: Timestamp) -> Option<Capacity> {
        self.find(kind, now).map(|one| one.to).and_then(OverrideTo::instances)
    }
}

/// Where an hour of what is raised costs all that a launch may cost.
fn affordable(policy: &Policy, restore: Capacity) -> Option<Capacity> {
    let each = policy.price.as_ref().map(|price| price.per_instance_hour).filter(|each| *each > 0.0)?;
    let raised = (policy.limits.cost?.max(0.0) / each).floor().min(f64::from(u32::MAX));
    Some(Capacity(restore.0.saturating_add(raised as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(held: Option<u32>, imposed: &[OverrideTo]) -> Guard {
        let limits = Limits {
            floor: Capacity(4),
            ceiling: Capacity(24),
            step: Capacity(8),
            quota: Some(Capacity(20)),
            cost: None,
            override_for: Duration::from_hours(24),
        };
        let group = Name::new("reader-api").unwrap();
        let one = |to: &OverrideTo| Override {
            id: 1,
            group: group.clone(),
            to: *to,
            owner: Name::new("ann").unwrap(),
            reason: "a storm".into(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: later(Timestamp::UNIX_EPOCH, Duration::from_hours(1)),
            warned: false,
        };
        let overrides = imposed.iter().map(one).collect();
        Guard {
            group: group.clone(),
            limits,
            restore: Capacity(4),
            held: held.map(Capacity),
            affordable: Some(Capacity(16)),
            overrides,
        }
    }

    #[test]
    fn nothing_beyond_bounds_too_far_down_or_on_a_frozen_group_is_sent() {
        use OverrideTo::{Ceiling, Floor, Freeze, Pin};
        let capacity = Capacity;
        for (name, held, imposed, from, to, expected) in [
            ("a raise within bounds", Some(12), vec![], 4, 12, ""),
            ("a raise above the quota", Some(21), vec![], 4, 21, "beyond"),
            ("a raise above the group's own ceiling", Some(19), vec![], 4, 19, "beyond"),
            ("a raise that costs too much", Some(17), vec![], 12, 17, "beyond"),
            ("more than a step up that is decided", Some(16), vec![], 4, 16, ""),
            ("more than a step up that nobody holds", None, vec![], 4, 14, "jump"),
            ("a step up that nobody holds", None, vec![], 4, 12, ""),
            ("a raise above an imposed ceiling", Some(12), vec![Ceiling(capacity(10))], 4, 12, "beyond"),
            ("a raise above a pin", Some(12), vec![Pin(capacity(6))], 4, 12, "beyond"),
            ("a raise to a pin", Some(6), vec![Pin(capacity(6))], 4, 6, ""),
            ("a step down", Some(8), vec![], 16, 8, ""),
            ("more than a step down", Some(4), vec![], 16, 4, "drop"),
            ("others raised it meanwhile", Some(14), vec![], 40, 14, "drop"),
            ("below what is held by now", Some(12), vec![], 14, 10, "outdated"),
            ("below an imposed floor", Some(10), vec![Floor(capacity(12))], 14, 10, "beyond"),
            ("an imposed floor is there already", Some(12), vec![Floor(capacity(14))], 12, 12, ""),
            ("below the policy's floor", None, vec![], 4, 2, "beyond"),
            ("anything while frozen", Some(12), vec![Freeze], 4, 12, "frozen"),
            ("even what is there already", Some(4), vec![Freeze], 4, 4, "frozen"),
        ] {
            let seen = GroupObservation::at_floor(capacity(from), capacity(18), Timestamp::UNIX_EPOCH);
            let seen = if from > 18 { GroupObservation { ceiling: capacity(50), ..seen } } else { seen };
            let answer = guard(held, &imposed).admit(capacity(to), &seen, Timestamp::UNIX_EPOCH);
            let word = match &answer {
                Ok(()) => "",
                Err(Refusal::Frozen { .. }) => "frozen",
                Err(Refusal::Beyond { .. }) => "beyond",
                Err(Refusal::Drop { .. }) => "drop",
                Err(Refusal::Jump { .. }) => "jump",
                Err(Refusal::Stale { .. }) => "stale",
                Err(Refusal::Outdated { .. }) => "outdated",
            };
            assert_eq!(word, expected, "{name}: {answer:?}");
        }
        let over = later(Timestamp::UNIX_EPOCH, Duration::from_hours(1));
        for (name, imposed, at, floor, turn, expected) in [
            ("a raise", vec![], 600, 12, Turn::Raise, true),
            ("a raise above the quota", vec![], 600, 21, Turn::Raise, false),
            ("in a freeze", vec![Freeze], 600, 4, Turn::Restore, false),
            ("after a freeze", vec![Freeze], 3_600, 4, Turn::Restore, true),
            ("a raise above a pin", vec![Pin(capacity(6))], 600, 12, Turn::Raise, false),
            ("a raise after a pin", vec![Pin(capacity(6))], 3_600, 12, Turn::Raise, true),
        ] {
            let at = later(Timestamp::UNIX_EPOCH, Duration::from_secs(at));
            let kept = [ScheduledFloor { at, floor: capacity(floor), turn }];
            let answer = guard(None, &imposed).admit_kept(&kept, Timestamp::UNIX_EPOCH);
            assert_eq!(answer.is_ok(), expected, "{name} that is kept: {answer:?}");
        }
        assert_eq!(guard(None, &[Freeze]).admit_kept(&[], Timestamp::UNIX_EPOCH), Ok(()), "what is kept may be taken out");
        let seen = |floor| GroupObservation::at_floor(capacity(floor), capacity(18), over);
        assert_eq!(guard(Some(12), &[Freeze]).admit(capacity(12), &seen(4), over), Ok(()), "at its end it is over");
        let late = later(over, FRESH + Duration::from_secs(1));
        let stale = guard(Some(12), &[]).admit(capacity(12), &seen(4), late);
        assert!(matches!(stale, Err(Refusal::Stale { .. })), "{stale:?}");
    }
}
