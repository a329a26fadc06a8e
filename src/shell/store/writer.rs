//! Opens the data folder, fences writers by epoch and loads what was decided before.
//!
//! Every write goes through `Store::write`: one `BEGIN IMMEDIATE` transaction that first compares epochs. Not here:
//! what is written. Invariant: an operation is in the store whole or not at all, and never with an old epoch (I1).

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::coverage::Proven;
use super::documents::AppliedDocument;
use super::folder::{self, Lock};
use super::{StoreError, schema, sql};
use crate::core::decide::{Intent, State};

/// How long a write waits for somebody else's lock, such as a backup; longer than any of ours, shorter than a tick.
const BUSY: Duration = Duration::from_secs(5);

/// The write-ahead log is cut back to this many bytes after a checkpoint: a burst does not keep its space for ever.
const LOG_BYTES: i64 = 64 << 20;

/// Up to this size (bytes) the whole file is checked at every start, about a tenth of a second; above it only after
/// an end that left a log behind, since recovery should take under a second.
const ALWAYS_CHECKED: u64 = 64 << 20;

/// Quiet ticks are written after this many: about once an hour at the default tick.
const QUIET_TICKS_KEPT: u64 = 360;

/// The store of one data folder; it alone writes there. Blocking: at most a few milliseconds on a healthy disk.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    epoch: u64,
    quiet: Option<(u64, Timestamp)>,
    // Last, so that the database is closed before the folder is given back.
    _lock: Lock,
}

/// What a start finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durable {
    /// The last committed state, its epoch being the one in force; `None`: nothing was ever decided here.
    pub state: Option<State>,
    /// Intents not yet done, oldest first.
    pub open: Vec<Intent>,
    /// Keys of open intents that this version cannot read: kept, not sent (I11).
    pub unreadable: Vec<String>,
    /// Documents applied through the API.
    pub documents: Vec<AppliedDocument>,
    /// What priming proved last, by policy.
    pub proven: Vec<Proven>,
}

impl Store {
    /// Opens or creates the store of a folder and keeps every other daemon out of it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        folder::create(dir)?;
        let lock = folder::lock(dir)?;
        let path = folder::database(dir);
        let must_check = is_worth_checking(&path);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY)?;
        schema::refuse_unknown(&connection, &path)?;
        configure(&connection)?;
        schema::migrate(&mut connection)?;
        if must_check {
            check(&connection)?;
        }
        let epoch = read_epoch(&connection)?;
        Ok(Self { connection, epoch, quiet: None, _lock: lock })
    }

    /// Takes over: the epoch rises by one, durably, and every later write of an older epoch is refused. Open intents
    /// come along under the new epoch, so that they may be sent after a look at the world. Once per start.
    pub fn take_epoch(&mut self) -> Result<u64, StoreError> {
        let epoch = self.write(|transaction| {
            let epoch: i64 = transaction.query_row(sql::TAKE_EPOCH, [], |row| row.get(0))?;
            transaction.execute(sql::ADOPT_INTENTS, [epoch])?;
            Ok(epoch)
        })?;
        self.epoch = unsigned(epoch)?;
        Ok(self.epoch)
    }

    /// The epoch this store writes with.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Everything a start needs.
    pub fn load(&self) -> Result<Durable, StoreError> {
        let (epoch, body): (i64, Option<String>) =
            self.connection.query_row(sql::READ_STATE, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let state = body.map(|body| decode_state(&body, unsigned(epoch)?)).transpose()?;
        let (open, unreadable) = self.read_open()?;
        let open = open.into_iter().map(|open| open.intent).collect();
        Ok(Durable { state, open, unreadable, documents: self.documents()?, proven: self.proven()? })
    }

    /// Counts a tick that changed nothing. Kept in memory and written with the next commit, about once an hour, or at
    /// a graceful end: a kill forgets at most the ticks since, and nothing else hangs on them.
    pub fn count_quiet_tick(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let count = self.quiet.map_or(1, |(count, _)| count + 1);
        self.quiet = Some((count, at));
        if count < QUIET_TICKS_KEPT { Ok(()) } else { self.flush_quiet_ticks() }
    }

    /// Writes the quiet ticks counted so far; without a wait for the disk.
    pub fn flush_quiet_ticks(&mut self) -> Result<(), StoreError> {
        let Some((count, at)) = self.quiet else { return Ok(()) };
        self.write_relaxed(|transaction| add_quiet_ticks(transaction, count, at))?;
        self.quiet = None;
        Ok(())
    }

    /// Ticks that changed nothing, ever, those in memory included.
    pub fn quiet_ticks(&self) -> Result<u64, StoreError> {
        let written: i64 = self.connection.query_row(sql::READ_QUIET_TICKS, [], |row| row.get(0))?;
        Ok(unsigned(written)? + self.quiet.map_or(0, |(count, _)| count))
    }

    pub(super) fn reader(&self) -> &Connection {
        &self.connection
    }

    /// One durable write. A failure leaves nothing of it behind.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let ours = self.epoch;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let current = read_epoch(&transaction)?;
        if current != ours {
            return Err(StoreError::Fenced { ours, current });
        }
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// A write of counters: whole and in order like any other, but a power cut may take the last ones back. The next
    /// durable write makes it durable too, since both go through one log.
    pub(super) fn write_relaxed<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let done = self.write(work);
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        done
    }

    /// Quiet ticks go along with a commit; they are forgotten here only once it is durable.
    pub(super) fn quiet(&self) -> Option<(u64, Timestamp)> {
        self.quiet
    }

    pub(super) fn quiet_is_written(&mut self) {
        self.quiet = None;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // At the end there is nobody left to tell; a lost count of quiet ticks changes nothing.
        let _ = self.flush_quiet_ticks();
    }
}

pub(super) fn add_quiet_ticks(transaction: &Transaction<'_>, count: u64, at: Timestamp) -> Result<(), StoreError> {
    transaction.execute(sql::ADD_QUIET_TICKS, (signed(count, "a number of ticks")?, instant(at)))?;
    Ok(())
}

/// An instant as it stands in the store: exact, and in order as text.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.9}")
}

pub(super) fn read_instant(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("{:?} is not an instant", cut(text, 40))))
}

pub(super) fn signed(value: u64, what: &str) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::TooMuch { what: what.into(), limit: i64::MAX as u64 })
}

pub(super) fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged(format!("{value} where a count should be")))
}

/// At most so many bytes, ending at a character, with a mark where something was cut off.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.into();
    }
    let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

fn decode_state(body: &str, epoch: u64) -> Result<State, StoreError> {
    let state: State =
        serde_json::from_str(body).map_err(|error| StoreError::Damaged(format!("the state cannot be read: {error}")))?;
    Ok(State { epoch, ..state })
}

fn read_epoch(connection: &Connection) -> Result<u64, StoreError> {
    let epoch: Option<i64> = connection.query_row(sql::READ_EPOCH, [], |row| row.get(0)).optional()?;
    unsigned(epoch.ok_or_else(|| StoreError::Damaged("the row with the epoch is gone".into()))?)
}

/// A log beside the database means that the last process did not close it.
fn is_worth_checking(path: &Path) -> bool {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    size(path) <= ALWAYS_CHECKED || size(&path.with_extension("db-wal")) > 0
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Disk(format!("the file system has no write-ahead log: journal mode {mode}; use a local disk")));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where fsync alone does not reach the platter (macOS) this does; elsewhere it is nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    Ok(())
}

fn check(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_exact_and_in_order_as_text() {
        let instants = [
            "1969-12-31T23:59:59.999999999Z",
            "2026-12-01T19:00:00Z",
            "2026-12-01T19:00:00.000000001Z",
            "2026-12-01T19:00:00.5Z",
        ];
        let parsed: Vec<Timestamp> = instants.iter().map(|text| text.parse().unwrap()).collect();
        let texts: Vec<String> = parsed.iter().map(|&at| instant(at)).collect();
        assert!(texts.is_sorted(), "{texts:?}");
        let back: Vec<Timestamp> = texts.iter().map(|text| read_instant(text).unwrap()).collect();
        assert_eq!(back, parsed);
    }

    #[test]
    fn texts_are_cut_at_a_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("aé", 2), "a…");
        assert_eq!(cut("aéb", 3), "aé…");
    }
}
