//! The tables, and the way from each older schema to the newest.
//!
//! Invariant: a migration is one transaction together with its version, and a newer schema is refused before anything
//! is written. Migrations only expand; what is no longer read is dropped a version later, so that a roll-back works.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// "tmin" in ASCII: tells our file from any other SQLite file.
const APPLICATION_ID: i32 = 0x746d_696e;

/// One entry per schema version, from 1; each is run once, in order.
const MIGRATIONS: [&str; 3] = [V1, V2, V3];

const V1: &str = "
-- What was decided so far, and the epoch that may write. body: core::decide::State as JSON.
CREATE TABLE state (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  body TEXT,
  quiet_ticks INTEGER NOT NULL,
  quiet_at TEXT
) STRICT;
INSERT INTO state (one, epoch, quiet_ticks) VALUES (1, 0, 0);

-- The journal. target: what a newer intent supersedes, NULL where nothing can.
CREATE TABLE intents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  epoch INTEGER NOT NULL,
  target TEXT,
  effect TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('intent', 'sent', 'done', 'failed', 'superseded')),
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before TEXT,
  audit_id INTEGER NOT NULL,
  decided_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  result TEXT,
  error TEXT,
  delivered TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX intents_open ON intents (target) WHERE state IN ('intent', 'sent', 'failed');

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  release TEXT,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,
  by_person TEXT
) STRICT;

CREATE TABLE documents (
  kind TEXT NOT NULL,
  folded TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  by_person TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (kind, folded)
) STRICT;

-- Where the audit chain begins (moved by retention) and ends.
CREATE TABLE chain (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  base_id INTEGER NOT NULL,
  base_hash BLOB NOT NULL,
  head_id INTEGER NOT NULL,
  head_hash BLOB NOT NULL
) STRICT;
INSERT INTO chain VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  cause TEXT NOT NULL,
  by_person TEXT,
  epoch INTEGER NOT NULL,
  core_version TEXT NOT NULL,
  summary TEXT NOT NULL,
  decision_hash BLOB NOT NULL,
  snapshot BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;

-- Pushed counts. A push is one sender's period; its counts are replaced with it.
CREATE TABLE count_sources (
  source TEXT PRIMARY KEY,
  pushes INTEGER NOT NULL
) STRICT;
CREATE TABLE count_names (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('sender', 'series')),
  name TEXT NOT NULL,
  written TEXT NOT NULL,
  UNIQUE (source, kind, name)
) STRICT;
CREATE TABLE pushes (
  sender_id INTEGER NOT NULL REFERENCES count_names (id),
  at TEXT NOT NULL,
  PRIMARY KEY (sender_id, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE counts (
  sender_id INTEGER NOT NULL REFERENCES count_names (id),
  series_id INTEGER NOT NULL REFERENCES count_names (id),
  at TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (sender_id, at, series_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX counts_series ON counts (series_id, at);
";

const V2: &str = "
-- How much of the decision was made; NULL in rows of schema 1, which are whole decisions.
ALTER TABLE audit ADD COLUMN scope TEXT;

-- What retention removed from the chain: the row to_id, whose hash the first kept row is bound to, was the last.
CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  from_id INTEGER NOT NULL,
  to_id INTEGER NOT NULL UNIQUE,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX pushes_at ON pushes (at);
CREATE INDEX intents_closed ON intents (updated_at) WHERE state IN ('done', 'superseded');

-- What the last run of a priming policy proved. digest: of the document it ran by.
CREATE TABLE coverage (
  folded TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
";

/// What the statements of this version name and a file of schema 1 has not; for who reads such a file and may not write.
const READS_V1: &str = "
CREATE TEMP VIEW audit AS SELECT *, NULL AS scope FROM main.audit;
CREATE TEMP TABLE checkpoints (at TEXT, from_id INTEGER, to_id INTEGER, hash BLOB);
";

/// Lets a connection that only reads see an older schema as if it were the newest; in memory, the file stays as it is.
pub(super) fn read_as_newest(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if version(connection)? == 1 {
        connection.execute_batch(READS_V1)?;
    }
    Ok(())
}

/// Documents in force as they last were, from files and applied: by them a restart knows what is missing.
const V3: &str = "
CREATE TABLE documents_in_force (
  kind TEXT NOT NULL,
  folded TEXT NOT NULL,
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, folded)
) STRICT;
";

/// Refuses a file of somebody else or of a newer tminus; nothing is written.
pub(super) fn refuse_unknown(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found = version(connection)?;
    let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.into() });
    }
    if found as usize > MIGRATIONS.len() {
        return Err(StoreError::Newer { path: path.into(), found, known: MIGRATIONS.len() as u32 });
    }
    Ok(())
}

/// Brings the schema to the newest version, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let from = version(connection)? as usize;
    if from == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32)?;
    Ok(transaction.commit()?)
}

/// Looks at every page, index and constraint.
pub(super) fn whole(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
}

/// The newest schema that this program knows.
pub(super) fn newest() -> u32 {
    MIGRATIONS.len() as u32
}

pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_is_migrating_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        refuse_unknown(&connection, Path::new("x")).unwrap();
    }

    #[test]
    fn a_file_of_an_older_schema_is_read_as_it_is() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(V1).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let insert = "INSERT INTO audit VALUES (1, 't', 'tick', NULL, 1, '0.1.0', 's', x'01', x'02', x'03')";
        connection.execute(insert, []).unwrap();
        read_as_newest(&connection).unwrap();
        let scope: Option<String> = connection.query_row("SELECT scope FROM audit WHERE id = 1", [], |row| row.get(0)).unwrap();
        assert_eq!(scope, None);
        let kept: u32 = connection.query_row("SELECT COUNT(*) FROM checkpoints", [], |row| row.get(0)).unwrap();
        assert_eq!((kept, version(&connection).unwrap()), (0, 1));
    }

    #[test]
    fn newer_and_foreign_files_are_told_apart() {
        let mut newer = Connection::open_in_memory().unwrap();
        migrate(&mut newer).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        let refused = refuse_unknown(&newer, Path::new("x"));
        assert!(matches!(refused, Err(StoreError::Newer { found: 99, .. })), "{refused:?}");

        let foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        let refused = refuse_unknown(&foreign, Path::new("x"));
        assert!(matches!(refused, Err(StoreError::Foreign { .. })), "{refused:?}");
    }
}
