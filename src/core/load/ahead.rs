//! Floors that a group's provider keeps for us, so that they come and go while nobody is there to set them.
//!
//! From the plan's timeline to what should be kept there, and from what was kept to the floor that is held now. Raises are
//! kept a little early and restores a little late, at whole minutes, so that small changes of the plan change nothing
//! there. Not here: writing it, and what is due now: that is set directly.
//! Invariants: nothing is raised that does not come down again by itself; a restore never follows the next raise; what is
//! kept as wanted stays as it is, and asked again nothing changes.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fence::{down_to, up_to};
use super::floors::HeldFloor;
use super::scene::earlier;
use super::{Fence, FloorChange, GroupPlan};
use crate::core::decide::GroupObservation;
use crate::core::words::{Capacity, later};

/// Most changes that a provider keeps for one group: AWS refuses the 126th.
pub const MOST_KEPT: usize = 125;
/// Most of them that are ours: the rest is for what others add before we look again.
const MOST_OURS: usize = 100;
/// A start in the past is refused, so what is kept begins at least so much later; what is due sooner is set directly.
const LEAST_AHEAD: Duration = Duration::from_mins(2);
/// They are carried out up to two minutes late; what is not seen by then did not come.
pub const FIRES_WITHIN: Duration = Duration::from_mins(3);
/// A raise that is kept may be so much earlier than planned, and stays.
const EARLY: Duration = Duration::from_mins(5);
/// A restore that is kept may be so much later than planned, and stays.
const LATE: Duration = Duration::from_mins(20);
/// Restores are moved in strides: the end of a launch that is late moves on with the clock, and writing it anew each tick
/// would spend a provider's patience on nothing. Below `LATE`, so that each stride lasts.
const STRIDE_SECS: i64 = 15 * 60;
const MINUTE_SECS: i64 = 60;

/// One change of a floor that a provider keeps and carries out by itself, at a whole minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScheduledFloor {
    /// When.
    pub at: Timestamp,
    /// The floor from then on, absolute.
    pub floor: Capacity,
    /// Which way it goes.
    pub turn: Turn,
}

/// Which way a floor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Up, for a launch.
    Raise,
    /// Back, after it.
    Restore,
}

/// A change that somebody else keeps at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignChange {
    /// How it is called there.
    pub name: String,
    /// When it fires next, as the provider says.
    pub at: Option<Timestamp>,
    /// When it fires again and again, as a cron line.
    pub recurrence: Option<String>,
    /// The zone of that line; `None`: UTC.
    pub time_zone: Option<String>,
    /// The floor it sets, if it sets one.
    pub floor: Option<Capacity>,
    /// The ceiling it sets, if it sets one.
    pub ceiling: Option<Capacity>,
    /// What it has the group head for, if it does.
    pub desired: Option<Capacity>,
}

/// What a provider was asked to keep; durable, since it may be carried out while nobody looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSchedule {
    /// The floor to go back to when everything is over.
    pub restore: Capacity,
    /// Oldest first.
    pub floors: Vec<ScheduledFloor>,
    /// When that was asked.
    pub asked_at: Timestamp,
    /// When a restore last came due. A launch whose T-0 had passed by then without its start holds nothing any more.
    pub gave_back_at: Option<Timestamp>,
}

impl KeptSchedule {
    /// Whether the provider is about to carry something out.
    pub fn is_firing(&self, now: Timestamp) -> bool {
        self.floors.iter().any(|kept| kept.at <= now && now < later(kept.at, FIRES_WITHIN))
    }
}

/// The floor that is held after what the provider did by itself, as far as it is seen.
pub fn followed(held: Option<HeldFloor>, kept: &KeptSchedule, (seen, now): (&GroupObservation, Timestamp)) -> Option<HeldFloor> {
    let since = held.map_or(Timestamp::MIN, |held| held.since);
    let (mut expected, mut reached) = (held, held);
    let mut highest = held.map_or(Capacity(0), |held| held.peak);
    for change in kept.floors.iter().filter(|kept| kept.at <= now && kept.at > since) {
        let restore = expected.map_or(kept.restore, |held| held.restore);
        let peak = match change.turn {
            Turn::Raise => change.floor,
            Turn::Restore => expected.map_or(change.floor.max(restore), |held| held.peak),
        };
        let stepped = change.floor.0.saturating_sub(expected.map_or(kept.restore, |held| held.floor).0);
        expected = Some(HeldFloor { floor: change.floor, restore, peak, since: change.at, stepped: Capacity(stepped) });
        highest = highest.max(change.floor);
        if seen.floor == change.floor && seen.observed_at >= change.at {
            reached = expected;
        }
    }
    // Others raised it further since: theirs is adopted, and goes back to what was there before all of it.
    let raised = |held: &HeldFloor| {
        held.since > since && held.floor > held.restore && seen.floor > highest && seen.observed_at >= held.since
    };
    let adopted = |held: HeldFloor| HeldFloor { floor: seen.floor, peak: seen.floor, ..held };
    expected.filter(raised).map(adopted).or(reached)
}

/// What its provider should keep from now on, oldest first; `None`: what it keeps is not known.
pub fn wanted(plan: &GroupPlan, (seen, fence): (&GroupObservation, &Fence), now: Timestamp) -> Option<Vec<ScheduledFloor>> {
    let ours = seen.schedule.as_ref()?;
    let room = MOST_KEPT.saturating_sub(seen.others.len()).min(MOST_OURS);
    let runs = folded(runs(plan, now), room);
    let mut keeper = Keeper { ours, others: &seen.others, fence, now, kept: Vec::new() };
    for run in &runs {
        keeper.keep(run);
    }
    keeper.kept.retain(|kept| fence.allows(kept));
    let back = keeper.kept.iter().rposition(|kept| kept.turn == Turn::Restore).map_or(0, |last| last + 1);
    keeper.kept.truncate(back);
    Some(keeper.kept)
}

/// Changes of one direction that follow each other.
type Run = Vec<FloorChange>;

fn turn(change: &FloorChange) -> Turn {
    if change.to > change.from { Turn::Raise } else { Turn::Restore }
}

/// What comes after now, by direction.
fn runs(plan: &GroupPlan, now: Timestamp) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for change in plan.timeline.iter().filter(|change| change.at > now) {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| turn(last) == turn(change)) => run.push(change.clone()),
            _ => runs.push(vec![change.clone()]),
        }
    }
    runs
}

/// At most so many: of two restores the later one does, of two raises the earlier one goes as high. What still does not
/// fit is planned when it is nearer.
fn folded(mut runs: Vec<Run>, room: usize) -> Vec<Run> {
    let count = |runs: &[Run]| runs.iter().map(Vec::len).sum::<usize>();
    while count(&runs) > room && runs.iter().any(|run| run.len() > 1) {
        let longest = runs.iter().map(Vec::len).max().unwrap_or(0);
        runs.iter_mut().filter(|run| run.len() == longest).for_each(|run| *run = halved(run));
    }
    while count(&runs) > room {
        runs.pop();
    }
    runs
}

/// Of each pair one; the last change, which is where the floor ends up, is always there.
fn halved(run: &Run) -> Run {
    let pair = |pair: &[FloorChange]| {
        let (first, last) = (pair.first()?, pair.last()?);
        let at = if turn(first) == Turn::Raise { first.at } else { last.at };
        Some(FloorChange { at, from: first.from, ..last.clone() })
    };
    run.rchunks(2).rev().filter_map(pair).collect()
}

/// What is kept while it is put together.
struct Keeper<'a> {
    ours: &'a [ScheduledFloor],
    others: &'a [ForeignChange],
    fence: &'a Fence,
    now: Timestamp,
    kept: Vec<ScheduledFloor>,
}

impl Keeper<'_> {
    fn keep(&mut self, run: &Run) {
        let Some(first) = run.first() else { return };
        let turn = turn(first);
        let run = self.as_it_is(run, turn).unwrap_or_else(|| self.placed(run, turn));
        for next in run {
            self.add(next);
        }
    }

    /// The run as the provider keeps it already, if all of it is good enough.
    fn as_it_is(&self, run: &Run, turn: Turn) -> Option<Vec<ScheduledFloor>> {
        let mut after = self.kept.last().map_or(Timestamp::MIN, |last| last.at);
        let mut find = |change: &FloorChange| {
            let (from, until) = match turn {
                Turn::Raise => {
                    let minute = ScheduledFloor { at: down_to(change.at, MINUTE_SECS), floor: change.to, turn };
                    (earlier(change.at, EARLY), self.fence.opened(minute).at.max(change.at))
                }
                Turn::Restore => {
                    // The one before it may be about to fire, which the plan takes for late.
                    let from = earlier(change.at, FIRES_WITHIN);
                    (self.fence.may_stay_from.map_or(from, |stays| stays.min(from)), later(change.at, LATE))
                }
            };
            let good = |kept: &&ScheduledFloor| {
                let in_time = kept.at > after && from <= kept.at && kept.at <= until;
                kept.turn == turn && kept.floor == change.to && in_time && self.fence.obeys(kept)
            };
            let found = self.ours.iter().find(good)?.clone();
            after = found.at;
            Some(found)
        };
        run.iter().map(&mut find).collect()
    }

    /// The run anew: raises at the minute before, restores a stride later, all by as much.
    fn placed(&self, run: &Run, turn: Turn) -> Vec<ScheduledFloor> {
        let soonest = up_to(later(self.now, LEAST_AHEAD), MINUTE_SECS);
        let shift = run.first().map_or(Duration::ZERO, |first| {
            let stride = up_to(first.at, STRIDE_SECS).max(soonest);
            Duration::try_from(stride.duration_since(first.at)).unwrap_or(Duration::ZERO)
        });
        let at = |change: &FloorChange| match turn {
            Turn::Raise => down_to(change.at, MINUTE_SECS).max(soonest),
            Turn::Restore => up_to(later(change.at, shift), MINUTE_SECS),
        };
        let place = |change: &FloorChange| {
            let meant = ScheduledFloor { at: at(change), floor: change.to, turn };
            self.free(self.fence.opened(meant))
        };
        run.iter().map(place).collect()
    }

    /// A minute at which nobody else's change begins: a provider takes one a minute.
    fn free(&self, mut meant: ScheduledFloor) -> ScheduledFloor {
        let taken = |at: Timestamp| self.others.iter().any(|other| other.at.is_some_and(|taken| taken == at));
        let minute = Duration::from_secs(MINUTE_SECS.unsigned_abs());
        while taken(meant.at) {
            let sooner = ScheduledFloor { at: earlier(meant.at, minute), ..meant.clone() };
            let goes_back = meant.turn == Turn::Raise && sooner.at > later(self.now, LEAST_AHEAD) && self.fence.obeys(&sooner);
            meant.at = if goes_back { sooner.at } else { later(meant.at, minute) };
        }
        meant
    }

    /// Adds a change behind those that are there. What it overtakes is not worth keeping: the later one is what counts, and
    /// a restore behind the next raise would take away what that brought.
    fn add(&mut self, next: ScheduledFloor) {
        while self.kept.last().is_some_and(|last| last.at >= next.at) {
            self.kept.pop();
        }
        self.kept.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Launch;
    use super::super::fixture::{World, group, minute, policy, release};
    use super::*;

    fn seen(floor: u32, ours: &[ScheduledFloor], now: Timestamp) -> GroupObservation {
        GroupObservation { schedule: Some(ours.to_vec()), ..group(floor, now) }
    }

    fn raise(at: i64, floor: u32) -> ScheduledFloor {
        ScheduledFloor { at: minute(at), floor: Capacity(floor), turn: Turn::Raise }
    }

    fn restore(at: i64, floor: u32) -> ScheduledFloor {
        ScheduledFloor { turn: Turn::Restore, ..raise(at, floor) }
    }

    fn change(at: i64, from: u32, to: u32) -> FloorChange {
        FloorChange { at: minute(at), from: Capacity(from), to: Capacity(to), why: String::new() }
    }

    fn planned(changes: &[FloorChange]) -> GroupPlan {
        let release = release();
        let plan = World::new(policy(), release.clone()).plan(&Launch::ahead(&release), minute(-600));
        GroupPlan { timeline: changes.to_vec(), ..plan }
    }

    fn open() -> Fence {
        let (most, restore) = (Capacity(u32::MAX), Capacity(4));
        Fence { most, restore, windows: Vec::new(), overrides: Vec::new(), may_stay_from: None }
    }

    fn check(name: &str, (changes, ours): (&[FloorChange], &[ScheduledFloor]), (now, expected): (i64, &[ScheduledFloor])) {
        let wanted = wanted(&planned(changes), (&seen(4, ours, minute(now)), &open()), minute(now)).unwrap();
        assert_eq!(wanted, expected, "{name}");
    }

    #[test]
    fn what_is_planned_is_kept_a_little_early_and_comes_back_a_little_late() {
        let up = [change(-45, 4, 12), change(-25, 12, 20)];
        let down = [change(425, 20, 12), change(435, 12, 4)];
        let all = [up.clone(), down.clone()].concat();
        let kept = [raise(-45, 12), raise(-25, 20), restore(435, 12), restore(445, 4)];
        check("anew", (&all, &[]), (-600, &kept));
        check("as it is", (&all, &kept), (-600, &kept));
        let moved: Vec<_> =
            all.iter().map(|change| FloorChange { at: later(change.at, Duration::from_secs(200)), ..change.clone() }).collect();
        check("a little later", (&moved, &kept), (-600, &kept));
        let slipped = [change(15, 4, 12), change(35, 12, 20), change(485, 20, 12), change(495, 12, 4)];
        let anew = [raise(15, 12), raise(35, 20), restore(495, 12), restore(505, 4)];
        check("an hour later", (&slipped, &kept), (-600, &anew));
        check("nothing", (&[], &kept), (-600, &[]));
        check("the rest of the ramp stays", (&down[1..], &kept), (426, &kept[3..]));
    }

    #[test]
    fn what_is_nearly_due_comes_as_soon_as_it_can_and_what_is_about_to_come_stays() {
        let all = [change(-45, 4, 12), change(420, 12, 4)];
        check("two minutes ahead at least", (&all, &[]), (-46, &[raise(-44, 12), restore(420, 4)]));
        let kept = [raise(-46, 12), restore(420, 4)];
        check("fires now", (&all, &kept), (-46, &kept));
    }

    #[test]
    fn nothing_is_raised_that_does_not_come_down_and_no_restore_follows_the_next_raise() {
        check("never comes down", (&[change(-45, 4, 12)], &[]), (-600, &[]));
        let two = [change(-45, 4, 12), change(422, 12, 4), change(430, 4, 12), change(800, 12, 4)];
        check("the next comes first", (&two, &[]), (-600, &[raise(-45, 12), raise(430, 12), restore(810, 4)]));
    }

    #[test]
    fn minutes_of_others_are_left_to_them() {
        let at = |at: i64| ForeignChange {
            name: "night".into(),
            at: Some(minute(at)),
            recurrence: None,
            time_zone: None,
            floor: None,
            ceiling: None,
            desired: None,
        };
        let observed = GroupObservation { others: vec![at(-45), at(420), at(421)], ..seen(4, &[], minute(-600)) };
        let plan = planned(&[change(-45, 4, 12), change(420, 12, 4)]);
        assert_eq!(wanted(&plan, (&observed, &open()), minute(-600)).unwrap(), [raise(-46, 12), restore(422, 4)]);
        assert_eq!(wanted(&plan, (&group(4, minute(-600)), &open()), minute(-600)), None, "not known");
    }

    #[test]
    fn the_way_back_of_a_launch_that_is_late_moves_on_only_when_it_is_near() {
        let plan = planned(&[change(600, 12, 4)]);
        let kept = [restore(420, 4)];
        let late = Fence { may_stay_from: Some(minute(400)), ..open() };
        assert_eq!(wanted(&plan, (&seen(12, &kept, minute(370)), &late), minute(370)).unwrap(), kept);
        let near = Fence { may_stay_from: Some(minute(430)), ..open() };
        assert_eq!(wanted(&plan, (&seen(12, &kept, minute(400)), &near), minute(400)).unwrap(), [restore(600, 4)]);
    }

    #[test]
    fn nothing_crosses_the_fence() {
        let plan = planned(&[change(-45, 4, 12), change(-25, 12, 30), change(420, 30, 12), change(430, 12, 4)]);
        let fence = Fence { most: Capacity(20), windows: vec![(minute(-60), minute(425))], ..open() };
        let wanted = wanted(&plan, (&seen(4, &[], minute(-600)), &fence), minute(-600)).unwrap();
        assert_eq!(wanted, [raise(-45, 12), restore(430, 4)]);
    }

    #[test]
    fn a_long_ramp_is_folded_and_ends_where_it_did() {
        let mut changes = vec![change(-45, 4, 604)];
        changes.extend((0..300).map(|step| change(420 + 15 * i64::from(step), 604 - 2 * step, 602 - 2 * step)));
        let wanted = wanted(&planned(&changes), (&seen(4, &[], minute(-600)), &open()), minute(-600)).unwrap();
        assert!(wanted.len() <= MOST_OURS && wanted.len() > MOST_OURS / 2, "{}", wanted.len());
        assert_eq!(wanted.first(), Some(&raise(-45, 604)));
        assert_eq!(wanted.last(), Some(&restore(420 + 15 * 299, 4)));
    }

    #[test]
    fn the_floor_that_is_held_follows_what_the_provider_did() {
        let floors = vec![raise(-45, 12), raise(-25, 20), restore(420, 12), restore(435, 4)];
        let kept = KeptSchedule { restore: Capacity(4), floors, asked_at: minute(-600), gave_back_at: None };
        let held = |floor, peak, since| HeldFloor {
            floor: Capacity(floor),
            restore: Capacity(4),
            peak: Capacity(peak),
            since: minute(since),
            stepped: Capacity(8),
        };
        for (name, before, floor, now, expected) in [
            ("before", None, 4, -50, None),
            ("raised", None, 12, -44, Some(held(12, 12, -45))),
            ("not yet", None, 4, -44, None),
            ("raised twice", None, 20, 100, Some(held(20, 20, -25))),
            ("set by us already", Some(held(20, 20, -24)), 20, 100, Some(held(20, 20, -24))),
            ("half way back", Some(held(12, 12, -45)), 12, 425, Some(held(12, 20, 420))),
            ("back", Some(held(12, 12, -45)), 4, 500, Some(held(4, 20, 435))),
            ("raised further by others", None, 30, 100, Some(held(30, 30, -25))),
            ("raised further by others on its way back", None, 30, 425, Some(held(30, 30, 420))),
            ("others, long after", None, 30, 500, None),
            ("somebody else was there", Some(held(12, 12, -45)), 7, 500, Some(held(12, 12, -45))),
        ] {
            let seen = seen(floor, &[], minute(now));
            let found = followed(before, &kept, (&seen, minute(now)));
            let whole = |held: HeldFloor| HeldFloor { stepped: Capacity(0), ..held };
            assert_eq!(found.map(whole), expected.map(whole), "{name}");
            assert!(found.is_none_or(|found| found.stepped <= Capacity(8)), "{name}: by a step at a time");
        }
    }
}
