//! Counts that senders push: kept per source, sender, period and series until they are pruned.
//!
//! It does not add them up, and does not know who should have reported. Invariant: pushing a period again replaces
//! what the sender said of it before, whole; a series that a sender left out is absent, never zero.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::writer::{instant, read_instant, signed, unsigned};
use super::{Store, StoreError, sql};
use crate::core::words::{Name, later};
use crate::shell::data::PushedCounts;

/// Counts older than this are pruned: a rollout with its bake, and a look back over a weekend.
pub const PRUNE_COUNTS_AFTER: Duration = Duration::from_hours(7 * 24);

/// Counts further ahead than this are pruned too: no clock is that wrong, and nothing else would ever drop them.
const AHEAD: Duration = Duration::from_hours(24);

/// Series per source: four per version and channel leave room for a hundred versions; a sender that makes series of
/// user input is stopped here.
const SERIES_PER_SOURCE: u64 = 1_000;

/// Senders per source: a large fleet of edges or proxies.
const SENDERS_PER_SOURCE: u64 = 500;

/// Periods of all senders per source: 20 senders by the minute for the whole time that counts are kept.
const PUSHES_PER_SOURCE: u64 = 250_000;

/// Bytes of a series' name.
const SERIES_NAME: usize = 200;

/// One period with what each sender said of it. A sender that reported the period but none of the series that were
/// asked for is there with an empty map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedPeriod {
    /// The period's start.
    pub at: Timestamp,
    /// Counts by sender and then series.
    pub senders: BTreeMap<Name, BTreeMap<String, u64>>,
}

impl Store {
    /// Stores one sender's period, in place of what it said of it before. A power cut may take back the last ones:
    /// they are then missing, which a gate holds on.
    pub fn put_counts(&mut self, source: &Name, pushed: &PushedCounts) -> Result<(), StoreError> {
        let source = source.folded();
        self.write_relaxed(|transaction| put(transaction, &source, pushed))
    }

    /// Periods from `since` on, oldest first, as far as anybody reported them.
    pub fn counts(&self, source: &Name, series: &[String], since: Timestamp) -> Result<Vec<CountedPeriod>, StoreError> {
        let (source, since) = (source.folded(), instant(since));
        let mut periods: BTreeMap<String, BTreeMap<Name, BTreeMap<String, u64>>> = BTreeMap::new();
        for (at, sender) in pushes(self.reader(), &source, &since)? {
            periods.entry(at).or_default().entry(sender).or_default();
        }
        for series in series {
            for (at, sender, value) in values(self.reader(), (&source, series), &since)? {
                periods.entry(at).or_default().entry(sender).or_default().insert(series.clone(), value);
            }
        }
        periods.into_iter().map(|(at, senders)| Ok(CountedPeriod { at: read_instant(&at)?, senders })).collect()
    }

    /// Drops periods older than [`PRUNE_COUNTS_AFTER`] and those of senders whose clocks are far ahead, then senders and
    /// series of which nothing is left. Something to do about once an hour.
    pub fn prune_counts(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.write_relaxed(|transaction| prune(transaction, now, PRUNE_COUNTS_AFTER).map(drop))
    }
}

/// Periods of one call; the rest waits for the next one.
const PRUNED_AT_ONCE: u32 = 5_000;

/// Drops periods that are older than `keep`, and those far ahead; how many, and whether more are left.
pub(super) fn prune(transaction: &Transaction<'_>, now: Timestamp, keep: Duration) -> Result<(u64, bool), StoreError> {
    let oldest = now.checked_sub(keep.min(PRUNE_COUNTS_AFTER)).unwrap_or(Timestamp::MIN);
    let out = (instant(oldest), instant(later(now, AHEAD)), PRUNED_AT_ONCE);
    transaction.execute(sql::PRUNE_COUNTS, (&out.0, &out.1, out.2))?;
    let periods = transaction.execute(sql::PRUNE_PUSHES, (&out.0, &out.1, out.2))?;
    if periods > 0 {
        for statement in [sql::PRUNE_SENDERS, sql::PRUNE_SERIES, sql::RECOUNT_PUSHES] {
            transaction.execute(statement, [])?;
        }
    }
    Ok((periods as u64, periods == PRUNED_AT_ONCE as usize))
}

fn put(transaction: &Transaction<'_>, source: &str, pushed: &PushedCounts) -> Result<(), StoreError> {
    let (kind, folded) = ("sender", pushed.from.folded());
    let sender = named(transaction, (source, kind, &folded, pushed.from.as_str()))?;
    let at = instant(pushed.at);
    let is_new = transaction.prepare_cached(sql::INSERT_PUSH)?.execute((sender, &at))? == 1;
    if is_new {
        count_push(transaction, source)?;
    } else {
        transaction.prepare_cached(sql::DELETE_COUNTS_OF_PUSH)?.execute((sender, &at))?;
    }
    for (series, &value) in &pushed.counts {
        if series.len() > SERIES_NAME {
            return Err(StoreError::TooMuch { what: "the name of a series (bytes)".into(), limit: SERIES_NAME as u64 });
        }
        let series_id = named(transaction, (source, "series", series, series))?;
        let value = signed(value, "a count")?;
        transaction.prepare_cached(sql::INSERT_COUNT)?.execute((sender, &at, series_id, value))?;
    }
    Ok(())
}

fn count_push(transaction: &Transaction<'_>, source: &str) -> Result<(), StoreError> {
    let so_far: Option<i64> =
        transaction.prepare_cached(sql::PUSHES_OF_SOURCE)?.query_row([source], |row| row.get(0)).optional()?;
    if unsigned(so_far.unwrap_or(0))? >= PUSHES_PER_SOURCE {
        return Err(StoreError::TooMuch { what: format!("the number of periods kept for {source}"), limit: PUSHES_PER_SOURCE });
    }
    transaction.prepare_cached(sql::ADD_PUSH_OF_SOURCE)?.execute([source])?;
    Ok(())
}

/// The id of a sender or series, made if it is new and there is room.
fn named(transaction: &Transaction<'_>, (source, kind, name, written): (&str, &str, &str, &str)) -> Result<i64, StoreError> {
    let known = transaction.prepare_cached(sql::COUNT_NAME)?.query_row((source, kind, name), |row| row.get(0)).optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    let limit = if kind == "sender" { SENDERS_PER_SOURCE } else { SERIES_PER_SOURCE };
    let so_far: i64 = transaction.query_row(sql::COUNT_NAMES_OF_KIND, (source, kind), |row| row.get(0))?;
    if unsigned(so_far)? >= limit {
        let plural = if kind == "sender" { "senders" } else { "series" };
        return Err(StoreError::TooMuch { what: format!("the number of {plural} of {source}"), limit });
    }
    Ok(transaction.query_row(sql::INSERT_COUNT_NAME, (source, kind, name, written), |row| row.get(0))?)
}

fn pushes(connection: &Connection, source: &str, since: &str) -> Result<Vec<(String, Name)>, StoreError> {
    let mut statement = connection.prepare_cached(sql::PUSHES_SINCE)?;
    let rows = statement.query_map((source, since), |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| row.map_err(StoreError::from).and_then(|(at, sender)| Ok((at, read_name(&sender)?)))).collect()
}

fn values(connection: &Connection, (source, series): (&str, &str), since: &str) -> Result<Vec<(String, Name, u64)>, StoreError> {
    let find = (source, "series", series);
    let id: Option<i64> = connection.prepare_cached(sql::COUNT_NAME)?.query_row(find, |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(sql::COUNTS_SINCE)?;
    let mut rows = statement.query((id, since))?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push((row.get(0)?, read_name(&row.get::<_, String>(1)?)?, unsigned(row.get(2)?)?));
    }
    Ok(values)
}

fn read_name(text: &str) -> Result<Name, StoreError> {
    Name::new(text).map_err(|error| StoreError::Damaged(error.to_string()))
}
