//! Puts the store of a backup into a data folder, all of it or nothing.
//!
//! A folder that a daemon uses is refused, and so is one that has a store, unless that one is to be put aside. The epoch
//! rises above that of the backup and of the store that was there, so that nothing of the old line is ever sent or
//! written again, and the count of decisions rises so far that no key of the old line comes back for another change.
//! Invariant: the folder has a whole store at every instant, the old one or the new one.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use serde_json::Value;

use super::backup::{OnProgress, Stage};
use super::seal::{self, Manifest, SealError};
use super::writer::{instant, signed, unsigned};
use super::{StoreError, folder, schema, sql, verify};

/// By so much the epoch rises: more starts than any line has between a backup and its restore.
const EPOCHS: u64 = 1_000;

/// By so much the count of decisions rises: at a decision every 10 s, without a pause, four months of the lost line.
const DECISIONS: u64 = 1_000_000;

/// What happens to a store that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is restored.
    Refuse,
    /// It is put aside under another name.
    PutAside,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What was restored.
    pub manifest: Manifest,
    /// Audit rows that verified.
    pub rows: u64,
    /// The epoch in force now.
    pub epoch: u64,
    /// Where the store is that was there before.
    pub aside: Option<PathBuf>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file is not a backup that can be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The folder cannot be used, or what was restored is no store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a store.
    #[error("there is a store already at {}: nothing was changed; --force puts it aside and keeps it", path.display())]
    Exists {
        /// The database.
        path: PathBuf,
    },
    /// The backup is what was written, but not a whole store.
    #[error("what {} holds is not a whole store ({what}): nothing was changed; take another backup", path.display())]
    Broken {
        /// The backup.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// Restores a backup into a data folder. `now` goes into the timeline, which tells of the restore.
pub fn restore(
    file: &Path,
    (dir, existing): (&Path, Existing),
    now: Timestamp,
    progress: OnProgress<'_>,
) -> Result<Restored, RestoreError> {
    let manifest = seal::examine(file, progress)?;
    folder::create(dir)?;
    // Held to the end: no daemon starts on the folder in between.
    let _lock = folder::lock(dir)?;
    let path = folder::database(dir);
    let is_there = path.exists();
    if is_there && existing == Existing::Refuse {
        return Err(RestoreError::Exists { path });
    }
    let fresh = path.with_extension("db.restoring");
    let made = prepare((file, &fresh), (&manifest, now), progress).and_then(|rows| {
        let old = if is_there { counters_of(&path) } else { (0, 0) };
        Ok((rows, rise(&fresh, old, (&manifest, now))?))
    });
    let placed = made.and_then(|(rows, epoch)| {
        let aside = if is_there { Some(put_aside(&path, now)?) } else { None };
        std::fs::rename(&fresh, &path)
            .and_then(|()| folder::sync(&path))
            .map_err(|source| SealError::io("putting in place", &path, source))?;
        Ok(Restored { manifest, rows, epoch, aside })
    });
    if placed.is_err() {
        remove(&fresh);
    }
    placed
}

/// Copies the database out of the backup and looks at every page and every audit row of the copy.
fn prepare(
    (file, fresh): (&Path, &Path),
    (manifest, _): (&Manifest, Timestamp),
    progress: OnProgress<'_>,
) -> Result<u64, RestoreError> {
    remove(fresh);
    let failed = |source| SealError::io("writing", fresh, source);
    let source = File::open(file).map_err(|source| SealError::io("reading", file, source))?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh).map_err(failed)?;
    std::io::copy(&mut source.take(manifest.bytes), &mut copy).and_then(|_| copy.sync_all()).map_err(failed)?;
    let broken = |what: String| RestoreError::Broken { path: file.into(), what };
    let connection = seal::open_unchanging(fresh)?;
    schema::refuse_unknown(&connection, file)?;
    schema::whole(&connection).map_err(|error| broken(error.to_string()))?;
    schema::read_as_newest(&connection)?;
    let transaction = connection.unchecked_transaction().map_err(StoreError::from)?;
    let report = verify::walk(&transaction, &mut |rows, all| progress(Stage::Verifying, rows, all))?;
    match report.first_bad {
        Some(bad) => Err(broken(format!("audit row {}: {}", bad.id, bad.what))),
        None if report.head != manifest.head => Err(broken("its audit chain has another head than it says".into())),
        None => Ok(report.rows),
    }
}

/// Raises epoch and decisions above both lines, and writes down that this is a restored store. Returns the epoch.
fn rise(fresh: &Path, old: (u64, u64), (manifest, now): (&Manifest, Timestamp)) -> Result<u64, RestoreError> {
    let mut connection = Connection::open(fresh).map_err(StoreError::from)?;
    let epoch = raised(&mut connection, old, (manifest, now))?;
    // Everything into the one file that is about to be moved.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(StoreError::from)?;
    connection.close().map_err(|(_, error)| StoreError::from(error))?;
    let synced = File::open(fresh).and_then(|file| file.sync_all());
    synced.map_err(|source| SealError::io("writing", fresh, source))?;
    Ok(epoch)
}

fn raised(connection: &mut Connection, old: (u64, u64), (manifest, now): (&Manifest, Timestamp)) -> Result<u64, StoreError> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    let (epoch, body) = state(&transaction)?;
    let epoch = epoch.max(old.0).saturating_add(EPOCHS);
    transaction.execute(sql::WRITE_EPOCH, [signed(epoch, "an epoch")?])?;
    if let Some(mut body) = body {
        let decisions = decisions(&body).max(old.1).saturating_add(DECISIONS);
        body["decisions"] = decisions.into();
        transaction.execute(sql::WRITE_STATE, [body.to_string()])?;
    }
    let message = format!(
        "The store was restored from a backup of {}, audit row {}. What happened after it is not known here; effects that were open \
         then are sent again.",
        manifest.made_at, manifest.last_row
    );
    transaction.execute(sql::INSERT_RESTORED, (instant(now), message))?;
    transaction.commit()?;
    Ok(epoch)
}

/// The epoch, and the state as it stands, whatever its shape.
fn state(connection: &Transaction<'_>) -> Result<(u64, Option<Value>), StoreError> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
    let (epoch, body) = connection.query_row(sql::READ_STATE, [], read)?;
    let parsed = body.map(|body| serde_json::from_str(&body)).transpose();
    let body = parsed.map_err(|error| StoreError::Damaged(format!("the state cannot be read: {error}")))?;
    Ok((unsigned(epoch)?, body))
}

fn decisions(state: &Value) -> u64 {
    state["decisions"].as_u64().unwrap_or(0)
}

/// Epoch and decisions of the store that is there. It may be what a restore is to mend: then there is nothing to learn,
/// and the rise above the backup's own figures has to do.
fn counters_of(path: &Path) -> (u64, u64) {
    let read = || -> Result<(u64, u64), StoreError> {
        let mut connection = Connection::open(path)?;
        let (epoch, body) = state(&connection.transaction()?)?;
        // The log goes into the file, so that nothing of the old store is left beside the new one.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok((epoch, body.map_or(0, |body| decisions(&body))))
    };
    read().unwrap_or_default()
}

/// Gives the old store a second name, which it keeps when the new one takes the first.
fn put_aside(path: &Path, now: Timestamp) -> Result<PathBuf, SealError> {
    let stamp = now.strftime("%Y%m%dT%H%M%S%3fZ");
    let aside = path.with_extension(format!("db.before-restore-{stamp}"));
    let linked = std::fs::hard_link(path, &aside).or_else(|_| std::fs::copy(path, &aside).map(drop));
    linked.map_err(|source| SealError::io("putting aside", path, source))?;
    for end in ["-wal", "-shm"] {
        let (beside, kept) = (with_end(path, end), with_end(&aside, end));
        // Only a damaged store still has them; its log must not be taken for the new one's.
        if beside.exists() {
            std::fs::rename(&beside, kept).map_err(|source| SealError::io("putting aside", &beside, source))?;
        }
    }
    Ok(aside)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(end);
    name.into()
}

/// Removes what an unfinished restore left; what cannot be removed shows when the file is made anew.
fn remove(fresh: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(with_end(fresh, end));
    }
}
