//! One region seen with somebody's rights: what its groups share is asked for all of them at once.
//!
//! Groups by a hundred, scheduled actions and activities by page; an instance refresh and a warm pool, which AWS tells
//! for one group alone, only of groups with a launch near, every few minutes, and a few a look.
//! Invariants: calls do not grow with the number of groups but by a hundredth; what could not be read is a finding or not
//! known, and costs nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{AutoScalingGroup, FailedScheduledUpdateGroupActionRequest};
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::calls::{self, ACTIONS_A_CALL, Calls, GROUPS_A_CALL};
use super::gather::Gather;
use super::launches::Launches;
use super::reading::{Actions, Read, Reading};
use super::schedule::{Kept, Write};
use super::seen::{self, Beside};
use crate::core::load::{GroupFinding, ScheduledFloor, Turn};
use crate::core::words::Name;
use crate::shell::aws::{AwsError, Credentials, Patience};
use crate::shell::clock;
use crate::shell::groups::{Observed, late};
use crate::shell::spec::AwsAccount;

/// What lies beside the groups gets this share of a look's time, so that groups are seen without it too.
const SHARE: u32 = 2;
/// Each page of scheduled actions is worth so much waiting before all are read again: one page is read at each look.
const PAUSE_A_PAGE: Duration = Duration::from_secs(2);
/// What was read longer ago is read again ...
const SCHEDULE_LASTS: Duration = Duration::from_secs(110);
/// ... and counts until that is done, for no longer than this: thousands take some looks.
const STILL_KNOWN: Duration = Duration::from_mins(4);
/// Between two looks at activities.
const ACTIVITIES_EVERY: Duration = Duration::from_secs(30);
/// Pages of activities at the first look: boots of the last days.
const FIRST_PAGES: usize = 5;
/// What AWS tells of one group alone is read again after this, since a launch waits for what is found ...
const ALONE_EVERY: Duration = Duration::from_mins(5);
/// ... and sooner while its instances are being replaced, so that nobody waits for what is over.
const REFRESHING_EVERY: Duration = Duration::from_mins(1);
/// Groups that are asked for alone in one look: two calls each.
const ALONE_A_LOOK: usize = 4;
/// After two looks in a row that found no credentials or took too long, the next one waits, twice as long each time: each
/// would hold up a tick. One alone may be a hiccup.
const RESTS: Duration = Duration::from_secs(5);
const RESTS_AT_MOST: Duration = Duration::from_mins(1);
/// The look before a change counts for it as long as this.
const LOOK_COUNTS: Duration = Duration::from_secs(5);
/// Changes that are under way at once: AWS throttles an account, and what hundreds of groups need comes in one tick.
const CHANGES_AT_ONCE: usize = 8;

/// See the module.
pub(super) struct Account {
    spec: AwsAccount,
    credentials: Credentials,
    calls: OnceCell<Calls>,
    memory: Mutex<Memory>,
    gather: Gather,
    changes: Semaphore,
}

/// What is known from earlier looks.
#[derive(Default)]
struct Memory {
    /// Scheduled actions by group there, when they were read and how many pages they took.
    schedules: Option<(Arc<Actions>, Instant, usize)>,
    /// Those that are being read.
    reading: Option<Reading>,
    /// Counts writes: what was read while one went on is not kept.
    writes: u64,
    launches: BTreeMap<String, Launches>,
    activities_at: Option<Instant>,
    alone: BTreeMap<String, (Vec<GroupFinding>, Instant)>,
    /// Groups that were looked at before a change, until it is made.
    looked: BTreeMap<String, (AutoScalingGroup, Instant)>,
    /// Until when nothing is asked, and why.
    rests: Option<(Instant, String)>,
    /// Looks in a row that came to nothing.
    in_vain: u32,
}

/// Groups of the documents with their names there.
pub(super) type Named = BTreeMap<Name, String>;

/// How scheduled actions were read.
type Schedules = Result<Arc<Actions>, String>;

impl Account {
    pub(super) fn new(spec: AwsAccount, credentials: Credentials) -> Self {
        Self {
            spec,
            credentials,
            calls: OnceCell::new(),
            memory: Mutex::default(),
            gather: Gather::default(),
            changes: Semaphore::new(CHANGES_AT_ONCE),
        }
    }

    async fn calls(&self) -> &Calls {
        let connect =
            async || Calls { client: calls::connect(&self.spec, self.credentials.clone()).await, patience: Patience::default() };
        self.calls.get_or_init(connect).await
    }

    /// Waits for its turn to change a group; nobody closes what hands out turns.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.changes.acquire().await.ok()
    }

    fn memory<T>(&self, look: impl FnOnce(&mut Memory) -> T) -> T {
        look(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at these groups.
    pub(super) async fn observe(&self, groups: &Named, (near, within): (&BTreeSet<Name>, Duration)) -> Observed {
        let all = |why: &str| groups.keys().map(|name| (name.clone(), Err(why.to_owned()))).collect::<Observed>();
        let resting = self.memory(|memory| memory.rests.clone().filter(|(until, _)| *until > clock::monotonic()));
        if let Some((_, why)) = resting {
            return all(&why);
        }
        let seen = tokio::time::timeout(within, self.look(groups, (near, within))).await;
        let Ok((seen, credentials)) = seen else {
            self.rest(&late(within));
            return all(&late(within));
        };
        match credentials {
            Some(why) => self.rest(&format!("could not be described: {why}")),
            None => self.memory(|memory| memory.in_vain = 0),
        }
        seen
    }

    /// One group as it is now, just before it is changed, without what its account keeps for it.
    pub(super) async fn describe_one(
        &self,
        (name, there): (&Name, &str),
    ) -> Result<crate::core::decide::GroupObservation, String> {
        let at = clock::now();
        let described = self.gather.group(self.calls().await, there).await.map_err(|error| error.to_string())?;
        let group = described.ok_or_else(|| self.absent("DescribeAutoScalingGroups", there).to_string())?;
        let seen = self.read((name, &group), (&Err("it was not asked for".into()), at));
        self.memory(|memory| memory.looked.insert(there.to_owned(), (group, clock::monotonic())));
        seen
    }

    fn rest(&self, why: &str) {
        self.memory(|memory| {
            memory.in_vain = memory.in_vain.saturating_add(1);
            let rests = RESTS.saturating_mul(1 << memory.in_vain.saturating_sub(2).min(6)).min(RESTS_AT_MOST);
            memory.rests = (memory.in_vain > 1).then(|| (clock::monotonic() + rests, why.to_owned()));
        });
    }

    /// The groups, and why there are no credentials, if there are none.
    async fn look(&self, groups: &Named, (near, within): (&BTreeSet<Name>, Duration)) -> (Observed, Option<AwsError>) {
        let at = clock::now();
        let calls = self.calls().await;
        let beside = within / SHARE;
        let (described, schedules, (), ()) = tokio::join!(
            Self::describe(calls, groups),
            self.schedules(calls, beside),
            self.activities(calls, beside),
            self.alone(calls, (groups, near), beside),
        );
        let seen = |(name, there): (&Name, &String)| {
            let answer = match described.get(there) {
                Some(Ok(group)) => self.read((name, group), (&schedules, at)),
                Some(Err(error)) => Err(format!("could not be described: {error}")),
                None => Err(format!("does not exist as {there} in {}; look at name, region and account", self.spec.region)),
            };
            (name.clone(), answer)
        };
        let lacks = described.values().filter_map(|answer| answer.as_ref().err());
        let credentials =
            lacks.into_iter().find(|error| matches!(error, AwsError::Credentials { .. } | AwsError::Expired { .. })).cloned();
        (groups.iter().map(seen).collect(), credentials)
    }

    fn read(
        &self,
        (name, group): (&Name, &AutoScalingGroup),
        (schedules, at): (&Schedules, Timestamp),
    ) -> Result<crate::core::decide::GroupObservation, String> {
        let there = group.auto_scaling_group_name.as_deref().unwrap_or_default();
        let kept = schedules.as_ref().ok().map(|all| Kept::read(name, all.get(there).map_or(&[], Vec::as_slice)));
        let unread = schedules.as_ref().err().map(|why| GroupFinding::Unread { what: "the schedule".into(), why: why.clone() });
        let (launches, mut alone) = self.memory(|memory| {
            let alone = memory.alone.get(there).map(|(findings, _)| findings.clone()).unwrap_or_default();
            (memory.launches.get(there).cloned(), alone)
        });
        let pool = u32::try_from(group.warm_pool_size.unwrap_or(0)).unwrap_or(0);
        let ready = alone.extract_if(.., |finding| matches!(finding, GroupFinding::WarmPool { .. })).next();
        if pool > 0 {
            let ready = ready.and_then(|finding| if let GroupFinding::WarmPool { ready, .. } = finding { ready } else { None });
            alone.push(GroupFinding::WarmPool { instances: pool, ready });
        }
        alone.extend(unread);
        seen::observation(group, Beside { kept: kept.as_ref(), launches: launches.as_ref(), alone, at })
    }

    /// Groups by their names there; those that do not exist are absent.
    async fn describe(calls: &Calls, groups: &Named) -> BTreeMap<String, Result<AutoScalingGroup, AwsError>> {
        let names: BTreeSet<&String> = groups.values().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let ask = async |chunk: &[String]| (chunk.to_vec(), calls.groups(chunk).await);
        let answers = join_all(names.chunks(GROUPS_A_CALL).map(ask)).await;
        let mut described = BTreeMap::new();
        for (chunk, answer) in answers {
            match answer {
                Ok(groups) => described
                    .extend(groups.into_iter().filter_map(|group| Some((group.auto_scaling_group_name.clone()?, Ok(group))))),
                Err(error) => described.extend(chunk.into_iter().map(|name| (name, Err(error.clone())))),
            }
        }
        described
    }

    /// All scheduled actions by group there: read now, or lately enough.
    async fn schedules(&self, calls: &Calls, within: Duration) -> Schedules {
        let now = clock::monotonic();
        let (known, reading) = self.memory(|memory| {
            let reading = memory.reading.take().filter(|reading| reading.writes == memory.writes);
            (memory.schedules.clone(), reading.unwrap_or_else(|| Reading::new(memory.writes)))
        });
        let lasts = |pages: usize| PAUSE_A_PAGE.saturating_mul(pages.saturating_sub(1) as u32).min(SCHEDULE_LASTS);
        if let Some((all, ..)) = known.as_ref().filter(|(_, at, pages)| now < *at + lasts(*pages)) {
            return Ok(all.clone());
        }
        let writes = reading.writes;
        match reading.go_on(calls, (now, within)).await.map_err(|error| error.to_string())? {
            Read::Partly(reading) => {
                let unread = format!("{} pages were read so far, and it goes on", reading.pages);
                self.memory(|memory| memory.reading = Some(reading));
                known.filter(|(_, at, _)| now < *at + STILL_KNOWN).map(|(all, ..)| all).ok_or(unread)
            }
            Read::Whole(all, pages) => self.memory(|memory| {
                if memory.writes != writes {
                    return Err("it was being written meanwhile".into());
                }
                let all = Arc::new(all);
                memory.schedules = Some((all.clone(), now, pages));
                Ok(all)
            }),
        }
    }

    /// Learns from the newest activities, if it is time.
    async fn activities(&self, calls: &Calls, within: Duration) {
        let now = clock::monotonic();
        let last = self.memory(|memory| memory.activities_at);
        if last.is_some_and(|at| now < at + ACTIVITIES_EVERY) {
            return;
        }
        let pages = if last.is_none() { FIRST_PAGES } else { 1 };
        // Without an answer boots stay what they were: they are learned, and the next look asks again.
        let Ok(Ok(activities)) = tokio::time::timeout(within, calls.activities(pages)).await else { return };
        self.memory(|memory| {
            memory.activities_at = Some(now);
            for activity in &activities {
                let group = activity.auto_scaling_group_name.clone().unwrap_or_default();
                memory.launches.entry(group).or_default().learn(activity);
            }
        });
    }

    /// Asks for what AWS tells of one group alone: those near a launch, the ones never asked for first.
    async fn alone(&self, calls: &Calls, (groups, near): (&Named, &BTreeSet<Name>), within: Duration) {
        let now = clock::monotonic();
        let wanted: Vec<&String> = groups.iter().filter(|(name, _)| near.contains(*name)).map(|(_, there)| there).collect();
        let mut due: Vec<(Option<Instant>, &String)> = self.memory(|memory| {
            memory.alone.retain(|there, _| wanted.contains(&there));
            let read_at = |there: &String| memory.alone.get(there).map(|(_, at)| *at);
            let is_due = |there: &String| memory.alone.get(there).is_none_or(|(found, at)| now >= *at + rests(found));
            wanted.iter().filter(|there| is_due(there)).map(|there| (read_at(there), *there)).collect()
        });
        due.sort();
        let ask = async |(_, there): (_, &String)| (there.clone(), alone(calls, there).await);
        let asked = join_all(due.into_iter().take(ALONE_A_LOOK).map(ask));
        let Ok(answers) = tokio::time::timeout(within, asked).await else { return };
        self.memory(|memory| memory.alone.extend(answers.into_iter().map(|(there, findings)| (there, (findings, now)))));
    }

    /// Sets the floor of one group, absolute; a repeat finds it set and changes nothing. Where no answer came it may have
    /// been carried out, so that the group is looked at before it is sent again.
    pub(super) async fn set_floor(&self, there: &str, floor: u32) -> Result<(), SetError> {
        match self.set_floor_once(there, floor).await {
            Err(SetError::Aws(error)) if error.passes() => self.set_floor_once(there, floor).await,
            answer => answer,
        }
    }

    async fn set_floor_once(&self, there: &str, floor: u32) -> Result<(), SetError> {
        let calls = self.calls().await;
        let looked = self.memory(|memory| memory.looked.remove(there));
        let group = if let Some((group, _)) = looked.filter(|(_, at)| clock::monotonic() < *at + LOOK_COUNTS) {
            group
        } else {
            let described = self.gather.group(calls, there).await?;
            described.ok_or_else(|| self.absent("UpdateAutoScalingGroup", there))?
        };
        let floor = i32::try_from(floor).unwrap_or(i32::MAX);
        let ceiling = group.max_size.unwrap_or(i32::MAX);
        if floor > ceiling {
            return Err(SetError::Above { floor, ceiling });
        }
        if group.min_size == Some(floor) {
            return Ok(());
        }
        let _turn = self.turn().await;
        Ok(calls.set_min_size(there, floor).await?)
    }

    fn absent(&self, operation: &'static str, there: &str) -> AwsError {
        AwsError::NotFound { operation, message: format!("group {there} not found in {}", self.spec.region) }
    }

    /// Has AWS keep exactly these changes of ours.
    pub(super) async fn put_schedule(&self, (name, there): (&Name, &str), wanted: &[ScheduledFloor]) -> Result<(), SetError> {
        let _turn = self.turn().await;
        let calls = self.calls().await;
        let actions = calls.actions(there).await?;
        let write = Kept::read(name, &actions).write(name, (wanted, clock::now()));
        self.begin_write();
        let written = carry_out(calls, there, &write).await;
        self.begin_write();
        written
    }

    /// What is known of schedules is not, around a write.
    fn begin_write(&self) {
        self.memory(|memory| {
            memory.writes += 1;
            memory.schedules = None;
        });
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("the floor {floor} is above its maximum size {ceiling}; tminus never raises that, nothing was changed")]
    Above { floor: i32, ceiling: i32 },
    #[error("AWS keeps {kept} of {asked} scheduled actions: {first}")]
    Partly { kept: usize, asked: usize, first: String },
}

/// How long what was found of a group alone counts.
fn rests(found: &[GroupFinding]) -> Duration {
    let refreshing = found.iter().any(|finding| matches!(finding, GroupFinding::Refreshing { .. }));
    if refreshing { REFRESHING_EVERY } else { ALONE_EVERY }
}

async fn alone(calls: &Calls, there: &str) -> Vec<GroupFinding> {
    let unread = |what: &str, error: &AwsError| GroupFinding::Unread { what: what.into(), why: error.to_string() };
    let (refresh, ready) = tokio::join!(calls.refresh(there), calls.warm(there));
    let refresh = match refresh {
        Ok(refresh) => refresh.as_ref().and_then(|refresh| seen::refreshing(refresh, clock::now())),
        Err(error) => Some(unread("the instance refresh", &error)),
    };
    let pool = match ready {
        Ok(0) => None,
        Ok(ready) => Some(GroupFinding::WarmPool { instances: ready, ready: Some(ready) }),
        Err(error) => Some(unread("the warm pool", &error)),
    };
    refresh.into_iter().chain(pool).collect()
}

/// Clears what is in the way, puts restores and then raises, and removes what is not wanted any more.
async fn carry_out(calls: &Calls, there: &str, write: &Write) -> Result<(), SetError> {
    remove(calls, there, &write.clear).await?;
    for chunk in write.put.chunks(ACTIONS_A_CALL) {
        let requests: Vec<(String, DateTime, i32)> = chunk.iter().map(request).collect();
        let failed = calls.put_actions(there, &requests).await?;
        if failed.is_empty() {
            continue;
        }
        let name_of = |failed: &FailedScheduledUpdateGroupActionRequest| failed.scheduled_action_name.clone().unwrap_or_default();
        let names: BTreeSet<String> = failed.iter().map(name_of).collect();
        let lost_way_back = chunk.iter().any(|(name, floor)| floor.turn == Turn::Restore && names.contains(name));
        if lost_way_back {
            let raised = chunk.iter().filter(|(name, floor)| floor.turn == Turn::Raise && !names.contains(name));
            remove(calls, there, &raised.map(|(name, _)| name.clone()).collect::<Vec<_>>()).await?;
        }
        return Err(partly(&failed, chunk.len()));
    }
    remove(calls, there, &write.remove).await
}

async fn remove(calls: &Calls, there: &str, names: &[String]) -> Result<(), SetError> {
    for chunk in names.chunks(ACTIONS_A_CALL) {
        let failed = calls.delete_actions(there, chunk).await?;
        if !failed.is_empty() {
            return Err(partly(&failed, chunk.len()));
        }
    }
    Ok(())
}

fn partly(failed: &[FailedScheduledUpdateGroupActionRequest], asked: usize) -> SetError {
    let said = |failed: &FailedScheduledUpdateGroupActionRequest| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{} ({}: {})", text(&failed.scheduled_action_name), text(&failed.error_code), text(&failed.error_message))
    };
    let first = failed.first().map(said).unwrap_or_default();
    SetError::Partly { kept: asked.saturating_sub(failed.len()), asked, first }
}

fn request((name, floor): &(String, ScheduledFloor)) -> (String, DateTime, i32) {
    (name.clone(), DateTime::from_secs(floor.at.as_second()), i32::try_from(floor.floor.0).unwrap_or(i32::MAX))
}
