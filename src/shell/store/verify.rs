//! Walks the audit chain and names the first row that is not as it was written.
//!
//! Beside the daemon it reads without writing and without a lock that the daemon would wait for. It cannot tell
//! whether the whole chain was made anew: compare the head with one that was noted elsewhere, such as the daemon's log.
//! Invariant: what it reports good was hashed byte by byte up to the head.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use serde::Serialize;

use super::audit::{self, AuditRow};
use super::{Store, StoreError, folder, schema, sql};

/// Rows read at a time, so that progress shows; memory holds one row.
const PAGE: i64 = 500;

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Rows that verified, from the first.
    pub rows: u64,
    /// The head of the chain, lower-case hex.
    pub head: String,
    /// The first row that is not as it was written; `None`: all are.
    pub first_bad: Option<BadRow>,
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
    let path = folder::database(dir);
    if !path.is_file() {
        return Err(StoreError::Absent { path });
    }
    let mut connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    schema::refuse_unknown(&connection, &path)?;
    // One transaction: head and rows are of the same instant, whatever is committed meanwhile.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    walk(&transaction, progress)
}

fn walk(transaction: &Transaction<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<AuditReport, StoreError> {
    let chain = audit::chain(transaction)?;
    let all = u64::try_from(chain.head.0 - chain.base.0).unwrap_or(0);
    let mut verified = chain.base;
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
    Ok(AuditReport { rows, head: audit::hex(&chain.head.1), first_bad })
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
