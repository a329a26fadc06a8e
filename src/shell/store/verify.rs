//! Walks the audit chain and names the first row that is not as it was written.
//!
//! Beside the daemon it reads without writing and without a lock that the daemon would wait for. It cannot tell
//! whether the whole chain was made anew: compare the head with one that was noted elsewhere, such as the daemon's log.
//! Where retention removed rows, the walk begins at the last checkpoint, and the checkpoints must account for every row
//! that is gone. Invariant: what it reports good was hashed byte by byte up to the head.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde::Serialize;

use super::audit::{self, AuditRow, Chain};
use super::{Store, StoreError, reader, sql};

/// Rows read at a time, so that progress shows; memory holds one row.
const PAGE: i64 = 500;

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Rows that verified, from the first that is kept.
    pub rows: u64,
    /// The head of the chain, lower-case hex.
    pub head: String,
    /// What retention removed before the first row; `None`: nothing yet.
    pub checkpoint: Option<Checkpoint>,
    /// The first row that is not as it was written; `None`: all are.
    pub first_bad: Option<BadRow>,
}

/// Where the chain begins since retention removed what was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// When rows were removed last, RFC 3339.
    pub at: String,
    /// Rows that were removed, ever: 1 to this one.
    pub removed_to: i64,
    /// The hash of that row, to which the first kept one is bound, lower-case hex.
    pub hash: String,
}

/// A row that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Its id.
    pub id: i64,
    /// What is wrong with it.
    pub what: String,
}

impl Store {
    /// Walks the whole chain.
    pub fn verify(&self) -> Result<AuditReport, StoreError> {
        walk(&self.reader().unchecked_transaction()?, &mut |_, _| {})
    }
}

/// Walks the chain of a data folder, also while a daemon writes there. `progress` is told rows done and rows in all.
pub fn verify_folder(dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<AuditReport, StoreError> {
    let mut connection = reader::open(dir)?;
    // One transaction: head and rows are of the same instant, whatever is committed meanwhile.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    walk(&transaction, progress)
}

pub(super) fn walk(transaction: &Transaction<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<AuditReport, StoreError> {
    let chain = audit::chain(transaction)?;
    let report = |rows, checkpoint, first_bad| AuditReport { rows, head: audit::hex(&chain.head.1), checkpoint, first_bad };
    let (checkpoint, unaccounted) = match checkpoints(transaction, &chain) {
        Ok(found) => found,
        Err(error) => return Ok(report(0, None, Some(unreadable(chain.base.0 + 1, &error)))),
    };
    if unaccounted.is_some() {
        return Ok(report(0, checkpoint, unaccounted));
    }
    let all = u64::try_from(chain.head.0.saturating_sub(chain.base.0)).unwrap_or(0);
    let mut verified = chain.base.clone();
    let mut rows = 0;
    let first_bad = loop {
        let before = verified.0;
        let bad = page(transaction, &mut verified).unwrap_or_else(|error| Some(unreadable(verified.0 + 1, &error)));
        rows += u64::try_from(verified.0 - before).unwrap_or(0);
        progress(rows, all);
        if bad.is_some() || verified.0 == before {
            break bad.or_else(|| end(&verified, &chain.head));
        }
    };
    Ok(report(rows, checkpoint, first_bad))
}

/// Goes over the checkpoints: without a hole they must lead from the first row ever to where the chain begins now.
fn checkpoints(connection: &Connection, chain: &Chain) -> Result<(Option<Checkpoint>, Option<BadRow>), StoreError> {
    let (mut last, mut base) = (None, (0, vec![0; 32]));
    let mut statement = connection.prepare_cached(sql::CHECKPOINTS_AFTER)?;
    let mut rows = statement.query((0, i64::MAX))?;
    while let Some(row) = rows.next()? {
        let (at, from, to, hash): (String, i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if from != base.0 + 1 || to < from {
            let what = format!(
                "it is missing, and no checkpoint of `retention` says that it was removed: the next one begins at {from}"
            );
            return Ok((last, Some(BadRow { id: base.0 + 1, what })));
        }
        last = Some(Checkpoint { at, removed_to: to, hash: audit::hex(&hash) });
        base = (to, hash);
    }
    let bad = (base != chain.base).then(|| BadRow {
        id: base.0.min(chain.base.0).max(0) + 1,
        what: format!(
            "the chain begins after row {}, but the checkpoints of `retention` end at row {}: rows or checkpoints were removed by \
             something else",
            chain.base.0, base.0
        ),
    });
    Ok((last, bad))
}

/// Moves `verified` on over one page; stops at the first bad row.
fn page(transaction: &Transaction<'_>, verified: &mut (i64, Vec<u8>)) -> Result<Option<BadRow>, StoreError> {
    let mut statement = transaction.prepare_cached(sql::AUDIT_AFTER)?;
    let mut rows = statement.query((verified.0, PAGE))?;
    while let Some(row) = rows.next()? {
        let row = AuditRow::read(row)?;
        if let Some(what) = fault(&row, verified) {
            return Ok(Some(BadRow { id: verified.0 + 1, what }));
        }
        *verified = (row.id, row.hash);
    }
    Ok(None)
}

fn fault(row: &AuditRow, verified: &(i64, Vec<u8>)) -> Option<String> {
    let expected = verified.0 + 1;
    if row.id != expected {
        return Some(format!("it is missing: the next row is {}", row.id));
    }
    if row.chained(&verified.1).as_slice() != row.hash {
        return Some("its hash does not fit its content and the row before it: one of them was changed".into());
    }
    None
}

/// The walk came to the last row: it must be the head.
fn end(last: &(i64, Vec<u8>), head: &(i64, Vec<u8>)) -> Option<BadRow> {
    if last.0 < head.0 {
        return Some(BadRow { id: last.0 + 1, what: format!("it is missing, with every later one up to {}", head.0) });
    }
    if last.0 > head.0 {
        return Some(BadRow {
            id: head.0 + 1,
            what: "it stands after the head of the chain: it was added by something else".into(),
        });
    }
    (last.1 != head.1)
        .then(|| BadRow { id: last.0, what: "the head of the chain does not fit it: one of them was changed".into() })
}

fn unreadable(id: i64, error: &StoreError) -> BadRow {
    BadRow { id, what: format!("it cannot be read: {error}") }
}
