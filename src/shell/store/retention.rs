//! Removes what is older than people want to keep: audit rows, events, intents that ended, counts.
//!
//! Open intents, state and documents stay whatever their age, and so does the newest audit row. A turn removes a bounded
//! number of rows in one transaction. Invariant: rows leave the chain only from its beginning, together with a
//! checkpoint that says which, so that the rest verifies against it and nothing else can leave unseen.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;

use super::writer::instant;
use super::{Store, StoreError, audit, counts, sql};

/// Audit rows of one turn. A row has some ten to hundred kilobytes, so that a turn takes some milliseconds.
const AUDIT_ROWS: u32 = 200;

/// Events of one turn; each is a sentence.
const EVENTS: u32 = 5_000;

/// Intents of one turn.
const INTENTS: u32 = 1_000;

/// What a turn removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Audit rows.
    pub audit_rows: u64,
    /// Events.
    pub events: u64,
    /// Intents that were done or replaced.
    pub intents: u64,
    /// Periods of pushed counts.
    pub periods: u64,
    /// Whether a limit was reached: another turn will find more.
    pub more: bool,
}

/// What counts as old: what was written before the first instant. After the second one nothing can have been written:
/// the clock was wrong then, and such a row is as old as the next one that can be believed.
struct Age {
    before: String,
    now: String,
}

impl Store {
    /// One turn. A power cut may take it back, whole; the next turn makes up for it.
    pub fn prune(&mut self, now: Timestamp, keep: Duration) -> Result<Pruned, StoreError> {
        let before = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        let age = Age { before: instant(before), now: instant(now) };
        self.write_relaxed(|transaction| {
            let audit = prune_audit(transaction, &age)?;
            let events = prune_events(transaction, &age)?;
            let intents = transaction.execute(sql::PRUNE_INTENTS, (&age.before, INTENTS))?;
            let (periods, more) = counts::prune(transaction, now, keep)?;
            let more = more || audit.1 || events.1 || intents == INTENTS as usize;
            Ok(Pruned { audit_rows: audit.0, events: events.0, intents: intents as u64, periods, more })
        })
    }
}

/// The last id of the rows at the beginning that are old, and whether as many were looked at as may be.
fn old(
    transaction: &Transaction<'_>,
    (statement, after): (&str, i64),
    limit: u32,
    age: &Age,
) -> Result<(Option<i64>, bool), StoreError> {
    let mut statement = transaction.prepare_cached(statement)?;
    let mut rows = statement.query((after, limit))?;
    let (mut last, mut seen) = (None, 0);
    while let Some(row) = rows.next()? {
        let (id, at): (i64, String) = (row.get(0)?, row.get(1)?);
        if at < age.before {
            last = Some(id);
        } else if at <= age.now {
            return Ok((last, false));
        }
        seen += 1;
    }
    Ok((last, seen == limit && last.is_some()))
}

fn prune_audit(transaction: &Transaction<'_>, age: &Age) -> Result<(u64, bool), StoreError> {
    let chain = audit::chain(transaction)?;
    let (last, more) = old(transaction, (sql::AUDIT_TIMES, chain.base.0), AUDIT_ROWS, age)?;
    let Some(last) = last.map(|last| last.min(chain.head.0 - 1)).filter(|last| *last > chain.base.0) else {
        return Ok((0, false));
    };
    let Some(row) = audit::row(transaction, last)? else { return Err(StoreError::Damaged(format!("audit row {last} is gone"))) };
    transaction.execute(sql::PRUNE_AUDIT, [last])?;
    transaction.execute(sql::WRITE_BASE, (last, &row.hash))?;
    transaction.execute(sql::INSERT_CHECKPOINT, (&age.now, chain.base.0 + 1, last, &row.hash))?;
    Ok((u64::try_from(last - chain.base.0).unwrap_or(0), more))
}

fn prune_events(transaction: &Transaction<'_>, age: &Age) -> Result<(u64, bool), StoreError> {
    let (last, more) = old(transaction, (sql::EVENT_TIMES, 0), EVENTS, age)?;
    let Some(last) = last else { return Ok((0, false)) };
    Ok((transaction.execute(sql::PRUNE_EVENTS, [last])? as u64, more))
}
