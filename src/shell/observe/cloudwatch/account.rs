//! One region seen with somebody's rights: what is asked within a moment is read together.
//!
//! Reads go on in tasks of their own. Who asks waits for a while and then takes what is there, so that weeks of history,
//! read once, never hold up a tick; the newest minutes do not wait for them. Invariants: a series is read by one task at a
//! time; a look costs one call for each five hundred series; what failed leaves what was known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, Shared, join_all};
use futures_util::stream::{self, StreamExt};
use tokio::sync::OnceCell;

use super::calls::{ALARMS_A_CALL, Alarm, Calls, POINTS_A_PAGE, SERIES_A_CALL, Told};
use super::grid;
use super::kept::{Clocks, Kept, Range};
use super::trouble::Trouble;
use super::wanted::{Key, Wanted};
use crate::core::words::Name;
use crate::shell::aws::{AwsError, Credentials};
use crate::shell::clock;
use crate::shell::observe::{ObserveError, Series};
use crate::shell::spec::AwsAccount;

/// What is asked within this time goes in one call: all looks of a tick begin together.
const GATHERS: Duration = Duration::from_millis(20);
/// Who asks takes what is there after this; a look has 5 s.
const WAITS: Duration = Duration::from_secs(4);
/// A read that takes longer is given up, and begun anew by the next look.
const READS_WITHIN: Duration = Duration::from_secs(60);
/// Calls at a time.
const CALLS_AT_ONCE: usize = 4;
/// Ranges that begin longer ago are read apart, so that the newest do not wait for them.
const NEW: i64 = 4 * 3_600;
/// Further bounds between ranges that share a call: a call reads all of its series from the earliest on.
const BANDS: [i64; 3] = [NEW, 86_400, 15 * 86_400];
/// Most pages that a call is meant to take.
const PAGES: i64 = 10;
/// After two reads in a row that found no credentials or no answer, the next waits, twice as long each time.
const RESTS: Duration = Duration::from_secs(5);
const RESTS_AT_MOST: Duration = Duration::from_mins(1);

type Flight = Shared<BoxFuture<'static, ()>>;
/// How alarms are, by name; `None`: there is none of that name.
pub(in crate::shell::observe) type Alarms = BTreeMap<String, Result<Option<Alarm>, AwsError>>;
type AlarmFlight = Shared<BoxFuture<'static, Arc<Alarms>>>;

/// See the module.
pub(in crate::shell::observe) struct Account {
    spec: AwsAccount,
    credentials: Credentials,
    calls: OnceCell<Calls>,
    memory: Mutex<Memory>,
}

/// What is known, and what goes on.
#[derive(Default)]
struct Memory {
    kept: BTreeMap<Arc<Key>, Kept>,
    /// The newest, and what lies further back.
    lanes: [Lane; 2],
    /// Series that are being read.
    flying: BTreeMap<Arc<Key>, Flight>,
    /// Names that are gathered, and the task that will ask for them.
    alarms: Option<(BTreeSet<String>, AlarmFlight)>,
    /// Of the alarms.
    rests: Rests,
}

/// What is gathered, and the task that will read it.
#[derive(Default)]
struct Lane {
    queue: BTreeMap<Arc<Key>, Range>,
    flight: Option<Flight>,
    rests: Rests,
}

/// Calls in a row that came to nothing, until when nothing is asked, and why. Each lane has its own: history that takes too
/// long says nothing of the newest minutes.
#[derive(Default)]
struct Rests {
    in_vain: u32,
    until: Option<(Instant, AwsError)>,
}

impl Account {
    pub(super) fn new(spec: AwsAccount, credentials: Credentials) -> Self {
        Self { spec, credentials, calls: OnceCell::new(), memory: Mutex::default() }
    }

    /// Its region.
    pub(in crate::shell::observe) fn region(&self) -> &str {
        &self.spec.region
    }

    async fn calls(&self) -> &Calls {
        self.calls.get_or_init(async || Calls::connect(&self.spec, self.credentials.clone()).await).await
    }

    fn memory<T>(&self, look: impl FnOnce(&mut Memory) -> T) -> T {
        look(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers each, in order, after reading what is missing or waiting long enough for it.
    pub(in crate::shell::observe) async fn read(
        self: &Arc<Self>,
        wanted: &[(&Name, &Wanted)],
    ) -> Vec<Result<Series, ObserveError>> {
        let flights = self.memory(|memory| wanted.iter().filter_map(|(_, wanted)| self.enlist(memory, wanted)).collect());
        wait(flights).await;
        self.memory(|memory| {
            let answer = |(source, wanted): &(&Name, &Wanted)| match memory.kept.get(&wanted.key) {
                Some(kept) => kept.answer(wanted, source),
                None => Err(Trouble::Late.of(source)),
            };
            wanted.iter().map(answer).collect()
        })
    }

    /// Has what is missing read; the task that does it, if there is one.
    fn enlist(self: &Arc<Self>, memory: &mut Memory, wanted: &Wanted) -> Option<Flight> {
        let clocks = clocks();
        let kept = memory.kept.entry(wanted.key.clone()).or_insert_with(|| Kept::new(wanted.key.period, clocks.monotonic));
        let (from, to) = kept.missing(wanted, clocks)?;
        if let Some(flight) = memory.flying.get(&wanted.key) {
            return Some(flight.clone());
        }
        let gathered = memory.lanes.iter().position(|lane| lane.queue.contains_key(&wanted.key));
        let number = gathered.unwrap_or(usize::from(clocks.now - from > NEW));
        let lane = &mut memory.lanes[number];
        if let Some(why) = lane.rests.now() {
            kept.trouble = Some(Trouble::Rests(why));
            return None;
        }
        let range = lane.queue.entry(wanted.key.clone()).or_insert((from, to));
        *range = (range.0.min(from), range.1.max(to));
        let flight = lane.flight.get_or_insert_with(|| spawned(self.clone().fly(number)));
        Some(flight.clone())
    }

    /// Gathers for a moment, then reads.
    async fn fly(self: Arc<Self>, number: usize) {
        tokio::time::sleep(GATHERS).await;
        let queue = self.memory(|memory| {
            let at = clock::monotonic();
            memory.kept.retain(|_, kept| kept.is_used(at));
            let lane = &mut memory.lanes[number];
            let (queue, flight) = (std::mem::take(&mut lane.queue), lane.flight.take());
            memory.flying.extend(flight.iter().flat_map(|flight| queue.keys().map(|key| (key.clone(), flight.clone()))));
            queue
        });
        let calls = self.calls().await;
        let reads = batches(&queue, clock::now().as_second()).into_iter().map(|batch| {
            let this = self.clone();
            async move { this.read_batch(calls, (number, &batch)).await }
        });
        let all = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(CALLS_AT_ONCE).collect::<Vec<()>>();
        let in_time = tokio::time::timeout(READS_WITHIN, all).await.is_ok();
        self.memory(|memory| {
            for key in queue.keys() {
                memory.flying.remove(key);
                if let Some(kept) = memory.kept.get_mut(key).filter(|_| !in_time) {
                    kept.trouble.get_or_insert(Trouble::Late);
                }
            }
        });
    }

    async fn read_batch(&self, calls: &Calls, (number, batch): (usize, &Batch)) {
        let keys: Vec<&Key> = batch.series.iter().map(|(key, _)| &**key).collect();
        let answer = calls.data(&keys, batch.range).await;
        self.memory(|memory| {
            memory.lanes[number].rests.judge(answer.as_ref().err());
            let told = match answer {
                Ok(told) => told,
                Err(error) => vec![Told { trouble: Some(Trouble::Call(error)), ..Told::default() }; keys.len()],
            };
            let clocks = clocks();
            for ((key, range), told) in batch.series.iter().zip(told) {
                let Some(kept) = memory.kept.get_mut(key) else { continue };
                match &told.trouble {
                    None => kept.learn(*range, &told.points, (true, clocks)),
                    Some(Trouble::Partial) => kept.learn(*range, &told.points, (false, clocks)),
                    Some(_) => {}
                }
                kept.trouble = told.trouble;
            }
        });
    }

    /// How these alarms are. Names that are asked for within a moment go in one call for each hundred.
    pub(in crate::shell::observe) async fn alarms(self: &Arc<Self>, names: &[String]) -> Arc<Alarms> {
        let flight = self.memory(|memory| {
            let new = || (BTreeSet::new(), spawned_alarms(self.clone().fly_alarms()));
            let (gathered, flight) = memory.alarms.get_or_insert_with(new);
            gathered.extend(names.iter().cloned());
            flight.clone()
        });
        flight.await
    }

    async fn fly_alarms(self: Arc<Self>) -> Arc<Alarms> {
        tokio::time::sleep(GATHERS).await;
        let names = self.memory(|memory| memory.alarms.take()).map(|(names, _)| names).unwrap_or_default();
        let names: Vec<String> = names.into_iter().collect();
        if let Some(why) = self.memory(|memory| memory.rests.now()) {
            return Arc::new(names.into_iter().map(|name| (name, Err(why.clone()))).collect());
        }
        let calls = self.calls().await;
        let ask = async |chunk: &[String]| (chunk.to_vec(), calls.alarms(chunk).await);
        let mut all = Alarms::new();
        for (chunk, answer) in join_all(names.chunks(ALARMS_A_CALL).map(ask)).await {
            self.memory(|memory| memory.rests.judge(answer.as_ref().err()));
            let of = |name: &String| match &answer {
                Ok(alarms) => Ok(alarms.get(name).cloned()),
                Err(error) => Err(error.clone()),
            };
            all.extend(chunk.iter().map(|name| (name.clone(), of(name))));
        }
        Arc::new(all)
    }
}

impl Rests {
    /// Why nothing is asked now, if so.
    fn now(&self) -> Option<AwsError> {
        self.until.as_ref().filter(|(until, _)| *until > clock::monotonic()).map(|(_, why)| why.clone())
    }

    /// Counts calls that came to nothing, and rests after two in a row.
    fn judge(&mut self, error: Option<&AwsError>) {
        let in_vain = |error: &&AwsError| {
            matches!(error, AwsError::Credentials { .. } | AwsError::Expired { .. } | AwsError::Unreachable { .. })
        };
        let Some(error) = error.filter(in_vain) else {
            *self = Self::default();
            return;
        };
        self.in_vain = self.in_vain.saturating_add(1);
        let rests = RESTS.saturating_mul(1 << self.in_vain.saturating_sub(2).min(6)).min(RESTS_AT_MOST);
        self.until = (self.in_vain > 1).then(|| (clock::monotonic() + rests, error.clone()));
    }
}

/// Series with the range that each needs.
type Ranged = Vec<(Arc<Key>, Range)>;

/// One call: its series, and the range that is asked for.
struct Batch {
    series: Ranged,
    range: Range,
}

/// Puts together what may share a call: up to so many series, whose periods fall together and whose ranges are alike.
fn batches(queue: &BTreeMap<Arc<Key>, Range>, now: i64) -> Vec<Batch> {
    let mut groups: BTreeMap<(i64, usize), Ranged> = BTreeMap::new();
    for (key, range) in queue {
        let band = BANDS.iter().filter(|bound| now - range.0 > **bound).count();
        groups.entry((grid::beat(key.period), band)).or_default().push((key.clone(), *range));
    }
    let mut batches = Vec::new();
    for ((beat, _), series) in groups {
        let from = grid::down(series.iter().map(|(_, range)| range.0).min().unwrap_or(now), beat);
        let to = series.iter().map(|(_, range)| range.1).max().unwrap_or(now);
        let points = series.iter().map(|(key, _)| (to - from) / key.period + 1).max().unwrap_or(1);
        let at_once = usize::try_from(PAGES * POINTS_A_PAGE / points).unwrap_or(1).clamp(1, SERIES_A_CALL);
        batches.extend(series.chunks(at_once).map(|chunk| Batch { series: chunk.to_vec(), range: (from, to) }));
    }
    batches
}

async fn wait(flights: Vec<Flight>) {
    // Most series fly together: one of each flight is enough.
    let mut distinct: Vec<Flight> = Vec::new();
    for flight in flights {
        if !distinct.iter().any(|known| known.ptr_eq(&flight)) {
            distinct.push(flight);
        }
    }
    // Who waited long enough takes what is there.
    let _ = tokio::time::timeout(WAITS, join_all(distinct)).await;
}

/// A task that goes on whoever waits for it.
fn spawned(work: impl Future<Output = ()> + Send + 'static) -> Flight {
    tokio::spawn(work).map(drop).boxed().shared()
}

fn spawned_alarms(work: impl Future<Output = Arc<Alarms>> + Send + 'static) -> AlarmFlight {
    tokio::spawn(work).map(Result::unwrap_or_default).boxed().shared()
}

fn clocks() -> Clocks {
    Clocks { now: clock::now().as_second(), monotonic: clock::monotonic() }
}
