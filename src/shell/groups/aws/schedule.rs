//! Which scheduled actions of a group are ours, and what is to be written to keep what is wanted.
//!
//! Ours are called `tminus-<policy>-<raise|restore>-<minutes since 1970>`. Others are never touched.
//! Invariants: within one write restores come before raises, and what goes away goes last, except where it is in the
//! way; a group never loses its way back in between.

use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::ScheduledUpdateGroupAction;
use jiff::Timestamp;

use crate::core::load::{ForeignChange, MOST_KEPT, ScheduledFloor, Turn};
use crate::core::words::{Capacity, Name};

/// Longest part of a policy's name in that of an action, which AWS bounds at 255.
const LONGEST: usize = 150;
/// A start so near would have passed on its way to AWS.
const TOO_NEAR_SECS: i64 = 30;

/// The actions of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    /// Ours, by their names there, oldest first.
    pub(super) ours: Vec<(String, ScheduledFloor)>,
    /// Ours in name, with settings that are not.
    pub(super) altered: Vec<String>,
    /// Everybody else's.
    pub(super) others: Vec<ForeignChange>,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Write {
    /// Removed first: in the way of what is put.
    pub(super) clear: Vec<String>,
    /// Put, restores first.
    pub(super) put: Vec<(String, ScheduledFloor)>,
    /// Removed last.
    pub(super) remove: Vec<String>,
}

impl Kept {
    /// Reads the actions of a group.
    pub(super) fn read(group: &Name, actions: &[ScheduledUpdateGroupAction]) -> Self {
        let (mut kept, prefix) = (Self::default(), prefix(group));
        for action in actions {
            let name = action.scheduled_action_name.clone().unwrap_or_default();
            match (name.strip_prefix(&prefix), ours(&name, &prefix, action)) {
                (Some(_), Some(floor)) => kept.ours.push((name, floor)),
                (Some(_), None) => kept.altered.push(name),
                (None, _) => kept.others.push(foreign(name, action)),
            }
        }
        kept.ours.sort_by(|one, other| one.1.cmp(&other.1));
        kept.others.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
        kept
    }

    /// What the core hears of: ours, and something that cannot be meant where they were altered.
    pub(super) fn floors(&self) -> Vec<ScheduledFloor> {
        let altered = self.altered.iter().map(|_| ScheduledFloor { at: Timestamp::MAX, floor: Capacity(0), turn: Turn::Restore });
        self.ours.iter().map(|(_, floor)| floor.clone()).chain(altered).collect()
    }

    /// What has to be written so that exactly this is kept of ours. What is too near to be written and not there is left
    /// out: it is due now.
    pub(super) fn write(&self, group: &Name, (wanted, now): (&[ScheduledFloor], Timestamp)) -> Write {
        let soonest = now.as_second() + TOO_NEAR_SECS;
        let there = |floor: &ScheduledFloor| self.ours.iter().any(|(_, kept)| kept == floor);
        let mut put: Vec<(String, ScheduledFloor)> = wanted
            .iter()
            .filter(|floor| !there(floor) && floor.at.as_second() > soonest)
            .map(|floor| (name(group, floor), floor.clone()))
            .collect();
        put.sort_by_key(|(_, floor)| (floor.turn == Turn::Raise, floor.at));
        let stale = self.ours.iter().filter(|(_, kept)| !wanted.contains(kept));
        let total = self.ours.len() + self.altered.len() + self.others.len() + put.len();
        let in_the_way = |(name, kept): &&(String, ScheduledFloor)| {
            // An action of the same name is replaced by being put.
            total > MOST_KEPT || put.iter().any(|(new, floor)| floor.at == kept.at && new != name)
        };
        let (clear, remove): (Vec<_>, Vec<_>) = stale.partition(in_the_way);
        let names = |list: Vec<&(String, ScheduledFloor)>| list.into_iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let replaced = |name: &String| put.iter().any(|(new, _)| new == name);
        let clear = [names(clear), self.altered.clone()].concat();
        let remove = names(remove).into_iter().filter(|name| !replaced(name)).collect();
        Write { clear, put, remove }
    }
}

/// How an action of ours is called.
pub(super) fn name(group: &Name, floor: &ScheduledFloor) -> String {
    format!("{}{}-{}", prefix(group), word(floor.turn), floor.at.as_second().div_euclid(60))
}

fn word(turn: Turn) -> &'static str {
    match turn {
        Turn::Raise => "raise",
        Turn::Restore => "restore",
    }
}

/// What the names of ours begin with; a group's name may hold what AWS refuses there.
fn prefix(group: &Name) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = group.folded().chars().map(plain).take(LONGEST).collect();
    format!("tminus-{name}-")
}

/// What an action of ours says, if it says only what we write.
fn ours(name: &str, prefix: &str, action: &ScheduledUpdateGroupAction) -> Option<ScheduledFloor> {
    let (turn, minutes) = name.strip_prefix(prefix)?.rsplit_once('-')?;
    let turn = [Turn::Raise, Turn::Restore].into_iter().find(|known| word(*known) == turn)?;
    let plain = action.max_size.is_none() && action.desired_capacity.is_none() && action.recurrence.is_none();
    let at = instant(action.start_time.as_ref()?)?;
    let meant = minutes.parse::<i64>().ok()?.checked_mul(60)? == at.as_second();
    let floor = u32::try_from(action.min_size?).ok()?;
    (plain && meant).then_some(ScheduledFloor { at, floor: Capacity(floor), turn })
}

fn foreign(name: String, action: &ScheduledUpdateGroupAction) -> ForeignChange {
    let size = |size: Option<i32>| size.and_then(|size| u32::try_from(size).ok()).map(Capacity);
    ForeignChange {
        name,
        at: action.start_time.as_ref().and_then(instant),
        recurrence: action.recurrence.clone(),
        time_zone: action.time_zone.clone(),
        floor: size(action.min_size),
        ceiling: size(action.max_size),
        desired: size(action.desired_capacity),
    }
}

/// An instant of AWS as ours; `None` beyond what we can count.
pub(super) fn instant(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Name {
        Name::new("Reader-API").unwrap()
    }

    fn floor(minutes: i64, floor: u32, turn: Turn) -> ScheduledFloor {
        ScheduledFloor { at: Timestamp::from_second(minutes * 60).unwrap(), floor: Capacity(floor), turn }
    }

    fn action(name: &str, at: i64, min: i32) -> ScheduledUpdateGroupAction {
        ScheduledUpdateGroupAction::builder()
            .scheduled_action_name(name)
            .start_time(DateTime::from_secs(at))
            .min_size(min)
            .build()
    }

    #[test]
    fn ours_are_known_by_name_and_content() {
        let altered = ScheduledUpdateGroupAction::builder().max_size(9).scheduled_action_name("tminus-reader-api-raise-3");
        let actions = [
            action("tminus-reader-api-raise-100", 6_000, 12),
            action("tminus-reader-api-restore-50", 3_000, 4),
            action("tminus-other-raise-100", 6_000, 12),
            action("night", 7_000, 1),
            action("tminus-reader-api-raise-101", 6_000, 12),
            altered.build(),
        ];
        let kept = Kept::read(&group(), &actions);
        let floors: Vec<_> = kept.ours.iter().map(|(_, floor)| floor.clone()).collect();
        assert_eq!(floors, [floor(50, 4, Turn::Restore), floor(100, 12, Turn::Raise)]);
        assert_eq!(kept.altered, ["tminus-reader-api-raise-101", "tminus-reader-api-raise-3"]);
        let others: Vec<_> = kept.others.iter().map(|other| other.name.as_str()).collect();
        assert_eq!(others, ["tminus-other-raise-100", "night"]);
        assert_eq!(kept.floors().len(), 4);
    }

    #[test]
    fn restores_are_written_first_and_what_goes_away_goes_last() {
        let (raise, restore) = (floor(100, 12, Turn::Raise), floor(500, 4, Turn::Restore));
        let named = |floor: &ScheduledFloor| (name(&group(), floor), floor.clone());
        let kept = |floors: &[ScheduledFloor]| Kept { ours: floors.iter().map(named).collect(), ..Kept::default() };
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        let write = |there: &[ScheduledFloor], wanted: &[ScheduledFloor], now| kept(there).write(&group(), (wanted, at(now)));
        let wanted = [raise.clone(), restore.clone()];

        assert_eq!(write(&[], &wanted, 0).put, [named(&restore), named(&raise)]);
        assert_eq!(write(&wanted, &wanted, 0), Write::default(), "repeated, it changes nothing");
        assert_eq!(write(&wanted, &[], 0).remove.len(), 2);
        assert_eq!(write(&[], &wanted, 100).put, [named(&restore)], "due now");
        assert_eq!(write(&wanted, &wanted, 101), Write::default(), "about to fire");

        let moved = write(&wanted, &[floor(160, 12, Turn::Raise), floor(560, 4, Turn::Restore)], 0);
        assert_eq!((moved.clear.len(), moved.put.len(), moved.remove.len()), (0, 2, 2));
        let higher = write(&wanted, &[floor(100, 20, Turn::Raise), restore.clone()], 0);
        assert_eq!((higher.put.len(), higher.clear, higher.remove), (1, vec![], vec![]), "replaced by being put");
        let crossed = write(&[floor(500, 12, Turn::Raise)], std::slice::from_ref(&restore), 0);
        assert_eq!((crossed.clear.len(), crossed.remove.len()), (1, 0), "two may not begin at once");
    }
}
