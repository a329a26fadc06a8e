//! What people should know of a group before a launch leans on it, and the sentences that say so.
//!
//! Providers report what they see; [`findings`] adds what only the plan can tell. Invariant: every finding names its
//! figures; none is a text alone.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::count;
use super::scene::earlier;
use super::{ForeignChange, GroupPlan, Problem};
use crate::core::calendar::Schedule;
use crate::core::decide::GroupObservation;
use crate::core::words::{Capacity, Name};

/// Something about a group that stands in a launch's way, or might.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupFinding {
    /// A process of its provider is suspended.
    Suspended {
        /// Its name there, such as `Launch`.
        process: String,
        /// Why, as who suspended it said.
        reason: String,
    },
    /// Its instances are being replaced.
    Refreshing {
        /// How the provider calls its state.
        status: String,
        /// How far it is, if it says so.
        percent: Option<u32>,
        /// When that was read: of one group alone it is read more rarely than the rest.
        #[serde(default)]
        at: Option<Timestamp>,
    },
    /// Instances wait stopped or running beside it, and come into service sooner than new ones.
    WarmPool {
        /// How many there are.
        instances: u32,
        /// How many are ready, if that was read.
        ready: Option<u32>,
    },
    /// Its newest launches fail.
    LaunchesFail {
        /// How many in a row.
        times: u32,
        /// When the last one did.
        at: Timestamp,
        /// What the provider said.
        why: String,
    },
    /// Its zones have very different numbers of instances.
    Unbalanced {
        /// The zone with the most, and how many.
        most: (String, u32),
        /// The zone with the fewest, and how many.
        least: (String, u32),
    },
    /// Instances count differently: its numbers are units of capacity.
    Weighted {
        /// The smallest and the largest weight in service.
        weights: (u32, u32),
    },
    /// Its own upper bound is below what a launch needs.
    MaxTooLow {
        /// Its upper bound.
        ceiling: Capacity,
        /// What is needed.
        needed: Capacity,
    },
    /// Somebody else's scheduled change falls into a launch's window and goes against it.
    Conflict {
        /// How it is called there.
        action: String,
        /// When it fires next.
        at: Timestamp,
        /// What it sets that is below what the launch needs.
        sets: Vec<(Bound, Capacity)>,
        /// What the launch needs.
        needed: Capacity,
    },
    /// Something that should be known could not be read.
    Unread {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
}

/// Which bound of a group a scheduled change sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The lower one.
    Floor,
    /// The upper one.
    Ceiling,
    /// What it heads for.
    Desired,
}

impl Bound {
    fn word(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
            Self::Desired => "desired",
        }
    }
}

impl GroupFinding {
    /// Whether a launch should not begin so; otherwise it is worth knowing.
    pub fn is_serious(&self) -> bool {
        match self {
            Self::Suspended { process, .. } => matches!(process.as_str(), "Launch" | "ScheduledActions" | "AddToLoadBalancer"),
            Self::Refreshing { .. } | Self::LaunchesFail { .. } | Self::MaxTooLow { .. } | Self::Conflict { .. } => true,
            Self::WarmPool { .. } | Self::Unbalanced { .. } | Self::Weighted { .. } | Self::Unread { .. } => false,
        }
    }

    /// Whether it bears on what the group will hold, beside what the plan says of its own size.
    fn bears(&self) -> bool {
        match self {
            Self::Suspended { .. }
            | Self::Refreshing { .. }
            | Self::LaunchesFail { .. }
            | Self::Unbalanced { .. }
            | Self::Conflict { .. } => true,
            Self::MaxTooLow { .. } | Self::WarmPool { .. } | Self::Weighted { .. } | Self::Unread { .. } => false,
        }
    }

    /// A whole sentence: what is so at which group, what it means for the launch, what to do.
    pub fn sentence(&self, group: &Name) -> String {
        match self {
            Self::Suspended { process, reason } => suspended(group, process, reason),
            Self::Refreshing { status, percent, at } => format!(
                "{group} is replacing its instances ({status}{}{}): fewer are in service meanwhile, and the new ones start cold; let it finish or cancel it before the launch.",
                percent.map(|percent| format!(", {percent}%")).unwrap_or_default(),
                at.map(|at| format!(", as of {at:.0}")).unwrap_or_default()
            ),
            Self::WarmPool { instances, ready } => format!(
                "{group} has a warm pool of {}{}: it comes into service sooner than a boot takes, and counts towards the quota.",
                count(Capacity(*instances)),
                ready.map(|ready| format!(", {ready} of them ready")).unwrap_or_default()
            ),
            Self::LaunchesFail { times, at, why } => format!(
                "{group} cannot start instances: {times} in a row failed, the last at {at:.0} ({why}); its floor will not be reached until that is mended."
            ),
            Self::Unbalanced { most, least } => format!(
                "{group} is not balanced: {} has {} and {} has {}; losing {} costs more than the plan allows for, so look why {} gets so few.",
                most.0,
                count(Capacity(most.1)),
                least.0,
                count(Capacity(least.1)),
                most.0,
                least.0
            ),
            Self::Weighted { weights: (least, most) } => format!(
                "{group} weights its instances ({least} to {most}): its floor counts units of capacity, so capacity_per_instance must be what one unit holds."
            ),
            Self::MaxTooLow { ceiling, needed } => format!(
                "{group} may have at most {} and the launch needs {needed}; raise its maximum size before the floor is due.",
                count(*ceiling)
            ),
            Self::Conflict { action, at, sets, needed } => {
                let sets: Vec<String> = sets.iter().map(|(bound, to)| format!("{} {to}", bound.word())).collect();
                format!(
                    "{group} has a scheduled action {action:?} that sets {} at {at:.0}, inside the launch's window, where {needed} are needed; remove it or move it.",
                    sets.join(" and ")
                )
            }
            Self::Unread { what, why } => {
                format!("{what} of {group} could not be read: {why}; look there by hand before the launch.")
            }
        }
    }
}

/// What its provider reports, and what only the plan can tell: the serious first.
pub fn findings(plan: &GroupPlan, seen: &GroupObservation, now: Timestamp) -> Vec<GroupFinding> {
    let too_low = plan.problems.iter().find_map(|problem| match problem {
        Problem::Ceiling { needed, ceiling } if *ceiling == seen.ceiling => {
            Some(GroupFinding::MaxTooLow { ceiling: *ceiling, needed: *needed })
        }
        _ => None,
    });
    let conflicts = seen.others.iter().filter_map(|other| conflict(plan, other, now));
    let mut all: Vec<GroupFinding> = too_low.into_iter().chain(conflicts).chain(seen.findings.iter().cloned()).collect();
    all.sort_by_key(|finding| !finding.is_serious());
    all
}

/// What bears on whether the group will hold, beside the plan's own problems: the serious first. With one of those a launch
/// should not begin, however many instances are in service now.
pub fn bearing(plan: &GroupPlan, seen: &GroupObservation, now: Timestamp) -> Vec<GroupFinding> {
    findings(plan, seen, now).into_iter().filter(GroupFinding::bears).collect()
}

/// What begins with the window is in it.
const JUST: Duration = Duration::from_secs(1);

/// Whether somebody else's change falls into the window and sets less than is needed there.
fn conflict(plan: &GroupPlan, other: &ForeignChange, now: Timestamp) -> Option<GroupFinding> {
    let (opens, ends) = plan.window?;
    let from = opens.max(now);
    let zone = other.time_zone.as_deref().unwrap_or("UTC");
    let again = other.recurrence.as_ref().and_then(|line| Schedule::new(line, zone).ok()?.next_after(earlier(from, JUST)));
    let at = [other.at, again].into_iter().flatten().filter(|at| from <= *at && *at < ends).min()?;
    let bounds = [(Bound::Floor, other.floor), (Bound::Ceiling, other.ceiling), (Bound::Desired, other.desired)];
    let below = |(bound, to): (Bound, Option<Capacity>)| to.filter(|to| *to < plan.instances).map(|to| (bound, to));
    let sets: Vec<(Bound, Capacity)> = bounds.into_iter().filter_map(below).collect();
    let found = GroupFinding::Conflict { action: other.name.clone(), at, sets: sets.clone(), needed: plan.instances };
    (!sets.is_empty()).then_some(found)
}

/// What a suspended process means.
fn suspended(group: &Name, process: &str, reason: &str) -> String {
    let means = match process {
        "Launch" => "no instance is started, so a raised floor brings nothing",
        "Terminate" => "no instance is stopped, so sick ones stay and nothing is given back",
        "ScheduledActions" => "the floors that were scheduled ahead do not come by themselves",
        "HealthCheck" | "ReplaceUnhealthy" => "sick instances are not replaced",
        "AddToLoadBalancer" => "new instances start and get no requests",
        "AZRebalance" => "instances are not evened out over zones",
        "AlarmNotification" => "its scaling policies do nothing",
        _ => "its provider does less than it should",
    };
    let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{group} has its process {process} suspended{why}: {means}; resume it before the launch.")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{World, group, minute, policy, release};
    use super::super::{Launch, Policy};
    use super::*;

    fn plan() -> GroupPlan {
        let release = release();
        World::new(Policy { ..policy() }, release.clone()).plan(&Launch::ahead(&release), minute(-600))
    }

    fn other(at: Option<i64>, line: Option<&str>, floor: u32) -> ForeignChange {
        ForeignChange {
            name: "night".into(),
            at: at.map(minute),
            recurrence: line.map(str::to_owned),
            time_zone: None,
            floor: Some(Capacity(floor)),
            ceiling: None,
            desired: Some(Capacity(50)),
        }
    }

    #[test]
    fn changes_of_others_conflict_inside_the_window_where_they_set_too_little() {
        let plan = plan();
        let needed = plan.instances;
        for (name, other, expected) in [
            ("inside", other(Some(30), None, 2), Some(minute(30))),
            ("enough", other(Some(30), None, needed.0), None),
            ("long before", other(Some(-500), None, 2), None),
            ("every night at 22:30, three and a half hours after", other(Some(-500), Some("30 22 * * *"), 2), Some(minute(210))),
            ("on another day", other(Some(-500), Some("30 22 24 12 *"), 2), None),
        ] {
            let seen = GroupObservation { others: vec![other], ..group(4, minute(-600)) };
            let found = findings(&plan, &seen, minute(-600)).into_iter().find_map(|finding| match finding {
                GroupFinding::Conflict { at, sets, .. } => Some((at, sets)),
                _ => None,
            });
            assert_eq!(found, expected.map(|at| (at, vec![(Bound::Floor, Capacity(2))])), "{name}");
        }
    }

    #[test]
    fn what_is_serious_comes_first_and_every_sentence_says_what_to_do() {
        let all = vec![
            GroupFinding::WarmPool { instances: 3, ready: Some(2) },
            GroupFinding::Weighted { weights: (1, 4) },
            GroupFinding::Unbalanced { most: ("a".into(), 9), least: ("b".into(), 1) },
            GroupFinding::Unread { what: "the schedule".into(), why: "access denied".into() },
            GroupFinding::Suspended { process: "Launch".into(), reason: "by hand".into() },
            GroupFinding::Refreshing { status: "InProgress".into(), percent: Some(30), at: Some(minute(0)) },
            GroupFinding::LaunchesFail { times: 3, at: minute(0), why: "no capacity".into() },
            GroupFinding::Conflict {
                action: "night".into(),
                at: minute(0),
                sets: vec![(Bound::Floor, Capacity(1))],
                needed: Capacity(9),
            },
            GroupFinding::MaxTooLow { ceiling: Capacity(9), needed: Capacity(20) },
        ];
        let seen = GroupObservation { findings: all.clone(), ..group(4, minute(-600)) };
        let sorted = findings(&plan(), &seen, minute(-600));
        assert!(sorted.is_sorted_by_key(|finding| !finding.is_serious()) && sorted[0].is_serious());
        for finding in all {
            let said = finding.sentence(&policy().name);
            assert!(said.starts_with("reader-api ") || said.starts_with("the schedule of reader-api "), "{said}");
            assert!(said.ends_with('.') && (said.contains(';') || said.contains(':')), "{said}");
        }
    }
}
