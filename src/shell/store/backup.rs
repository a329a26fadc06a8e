//! Copies the store into one file while the daemon serves.
//!
//! The copy is of one instant, whatever is committed meanwhile, and takes no lock that the daemon would wait for. It is
//! a plain SQLite database with a [`seal`] behind it. Not in it: what belongs to this host or can be had elsewhere
//! (docs/RECOVERY.md). Invariant: under its final name there is only ever a file that was whole, synced and verified.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Transaction};
use rustix::fs::{FlockOperation, flock};

use super::seal::{self, Manifest, SealError};
use super::writer::unsigned;
use super::{StoreError, audit, folder, reader, schema, sql, verify};
use crate::core;

/// Pages of one step, some four megabytes: the bar moves, and a stop by a signal is soon.
const PAGES: std::ffi::c_int = 1_000;

/// What is being done, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pages are copied.
    Copying,
    /// Bytes are hashed.
    Hashing,
    /// Audit rows are verified.
    Verifying,
}

/// Is told the stage, how much of it is done, and how much it has in all.
pub type OnProgress<'a> = &'a mut dyn FnMut(Stage, u64, u64);

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Something else stands there.
    #[error("{} is there already and is not a backup of tminus: it was left alone; give another file name", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// Another backup is writing there.
    #[error("another backup is writing {} at this moment: nothing was done; wait for it or give another file name", path.display())]
    Running {
        /// The file.
        path: PathBuf,
    },
    /// What was copied would be refused by a restore.
    #[error(
        "the store itself is damaged ({what}), so a backup of it would be worthless and was not kept: an older backup stays as it \
         is; copy the whole data folder aside and look with `tminus audit verify`"
    )]
    Damaged {
        /// What is wrong.
        what: String,
    },
}

/// Copies the store of a data folder into `file`. A backup that stands there already is replaced once the new one is whole.
pub fn backup(dir: &Path, file: &Path, made_at: Timestamp, progress: OnProgress<'_>) -> Result<Manifest, BackupError> {
    if file.exists() && !seal::may_be_replaced(file) {
        return Err(BackupError::Taken { path: file.into() });
    }
    let source = reader::open(dir)?;
    let partial = partial(file);
    let held = hold(&partial)?;
    let made = fill(&source, &partial, progress).and_then(|()| sealed(&partial, &held, (made_at, progress)));
    let made = made.and_then(|manifest| {
        let renamed = std::fs::rename(&partial, file).and_then(|()| folder::sync(file));
        renamed.map_err(|source| SealError::io("putting in place", file, source))?;
        Ok(manifest)
    });
    if made.is_err() {
        // What is left of it is of no use; the error says why there is no backup.
        let _ = std::fs::remove_file(&partial);
    }
    made
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    file.with_file_name(name)
}

/// Takes the unfinished file, empty, and keeps other backups from it; what a killed one left there goes.
fn hold(partial: &Path) -> Result<File, BackupError> {
    let failed = |source| SealError::io("writing", partial, source);
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(partial);
    let held = open.map_err(failed)?;
    if flock(&held, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(BackupError::Running { path: partial.into() });
    }
    held.set_len(0).map_err(failed)?;
    Ok(held)
}

fn fill(source: &Connection, partial: &Path, progress: OnProgress<'_>) -> Result<(), BackupError> {
    // Held open over all steps: each step sees the same instant, and a commit in between does not begin the copy anew.
    let snapshot = source.unchecked_transaction().map_err(StoreError::from)?;
    audit::chain(&snapshot)?;
    let mut copy = Connection::open(partial).map_err(StoreError::from)?;
    copy_pages(&snapshot, &mut copy, progress)?;
    copy.close().map_err(|(_, error)| StoreError::from(error))?;
    Ok(())
}

fn copy_pages(snapshot: &Transaction<'_>, copy: &mut Connection, progress: OnProgress<'_>) -> Result<(), StoreError> {
    // The file is synced once, when it is whole: until then nobody may take it for a backup.
    copy.pragma_update(None, "synchronous", "OFF")?;
    let backup = Backup::new(snapshot, copy)?;
    loop {
        let step = backup.step(PAGES)?;
        let at = backup.progress();
        let count = |pages: std::ffi::c_int| u64::try_from(pages).unwrap_or(0);
        progress(Stage::Copying, count(at.pagecount - at.remaining), count(at.pagecount));
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // Nobody else writes the copy, and reading the source waits by its own busy timeout.
            _ => return Err(StoreError::Busy("the copy is locked".into())),
        }
    }
}

/// Looks whether a restore would take it, and puts the seal behind it.
fn sealed(partial: &Path, held: &File, (made_at, progress): (Timestamp, OnProgress<'_>)) -> Result<Manifest, BackupError> {
    let mut manifest = describe(partial, made_at, progress)?;
    let mut held = held;
    let failed = |source| SealError::io("writing", partial, source);
    held.seek(SeekFrom::Start(0)).map_err(failed)?;
    seal::put(held, (partial, &mut manifest), progress)?;
    Ok(manifest)
}

/// What is in the copy, from the copy itself.
fn describe(copy: &Path, made_at: Timestamp, progress: OnProgress<'_>) -> Result<Manifest, BackupError> {
    let connection = seal::open_unchanging(copy)?;
    let damaged = |what: String| BackupError::Damaged { what };
    schema::whole(&connection).map_err(|error| damaged(error.to_string()))?;
    schema::read_as_newest(&connection)?;
    let transaction = connection.unchecked_transaction().map_err(StoreError::from)?;
    let report = verify::walk(&transaction, &mut |rows, all| progress(Stage::Verifying, rows, all))?;
    if let Some(bad) = report.first_bad {
        return Err(damaged(format!("audit row {}: {}", bad.id, bad.what)));
    }
    let chain = audit::chain(&transaction)?;
    let number =
        |statement: &str| -> Result<u64, StoreError> { unsigned(transaction.query_row(statement, [], |row| row.get(0))?) };
    Ok(Manifest {
        format: seal::FORMAT,
        made_at,
        tminus: env!("CARGO_PKG_VERSION").into(),
        core: core::VERSION.into(),
        schema: schema::version(&transaction)?,
        epoch: number(sql::READ_EPOCH)?,
        open_intents: number(sql::COUNT_OPEN)?,
        first_row: chain.base.0 + 1,
        last_row: chain.head.0,
        head: report.head,
        bytes: 0,
        sha256: String::new(),
    })
}
