//! Reads the store of a data folder beside the daemon that writes it.
//!
//! Invariant: it writes nothing, and takes no lock that the daemon would wait for.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::audit::{self, SnapshotRecord};
use super::{StoreError, folder, schema, sql};

/// Longer than the daemon ever holds the database for itself.
const BUSY: Duration = Duration::from_secs(5);

/// A connection that only reads, to a store of this schema or an older one.
pub(super) fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = folder::database(dir);
    if !path.is_file() {
        return Err(StoreError::Absent { path });
    }
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    schema::refuse_unknown(&connection, &path)?;
    schema::read_as_newest(&connection)?;
    Ok(connection)
}

/// One audited decision of a data folder, after a look that it is as it was written.
pub fn audit_record_of(dir: &Path, id: i64) -> Result<SnapshotRecord, StoreError> {
    let mut connection = open(dir)?;
    // One transaction: the row and the one before it are of the same instant.
    let transaction = connection.transaction()?;
    let Some(row) = audit::row(&transaction, id)? else { return Err(why_absent(&transaction, id)?) };
    let base = audit::chain(&transaction)?.base;
    let before = if id == base.0 + 1 { Some(base.1) } else { audit::row(&transaction, id - 1)?.map(|row| row.hash) };
    if before.is_none_or(|before| row.chained(&before).as_slice() != row.hash) {
        return Err(StoreError::Damaged(format!("audit row {id} is not as it was written; `tminus audit verify` says more")));
    }
    audit::record(row)
}

/// There is no such row; the error says why, as far as the store knows.
fn why_absent(connection: &Connection, id: i64) -> Result<StoreError, StoreError> {
    let chain = audit::chain(connection)?;
    let (first, last) = (chain.base.0 + 1, chain.head.0);
    let why = if id >= 1 && id <= chain.base.0 {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let removed = connection.query_row(sql::CHECKPOINTS_AFTER, (id - 1, 1), read);
        removed.map_or_else(
            |_| "was removed, and no checkpoint says when".into(),
            |(at, from, to)| format!("was removed by `retention` on {at}, with rows {from} to {to}"),
        )
    } else {
        "was never written".to_owned()
    };
    Ok(StoreError::NoRecord { id, why, first, last })
}
