//! The audit chain: one row per accepted change (I10), each bound to all before it.
//!
//! `hash = SHA-256(previous hash || canonical row)`, starting from 32 zero bytes. The canonical row is every column
//! with its length before it, so that no two rows share their bytes; rows that say how much was decided have a form of
//! their own, so that those of before stay as they are. The snapshot in it is what `replay` needs. The
//! head is also in table `chain`, in the same transaction, so that a cut-off end shows. Not here: walking the chain.

use std::io::{BufWriter, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::writer::{read_instant, unsigned};
use super::{Store, StoreError, sql};
use crate::core::decide::{Decision, Scope, Snapshot};
use crate::core::words::Name;

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// Largest snapshot as JSON, in bytes: 300 documents and a year of hourly history for a hundred groups stay under a
/// fifth of it; it bounds what a record can make a reader unpack.
pub(super) const LARGEST_SNAPSHOT: u64 = 256 << 20;

/// Name the form of the canonical row, so that no form can be taken for another one.
const FORM_1: &[u8] = b"tminus audit 1";
const FORM_2: &[u8] = b"tminus audit 2";

/// A row as it stands in the table.
pub(super) struct AuditRow {
    pub(super) id: i64,
    pub(super) at: String,
    pub(super) cause: String,
    pub(super) by: Option<String>,
    pub(super) epoch: i64,
    pub(super) core_version: String,
    pub(super) summary: String,
    pub(super) decision_hash: Vec<u8>,
    pub(super) snapshot: Vec<u8>,
    pub(super) hash: Vec<u8>,
    pub(super) scope: Option<String>,
}

/// Where the chain begins and ends.
pub(super) struct Chain {
    pub(super) base: (i64, Vec<u8>),
    pub(super) head: (i64, Vec<u8>),
}

/// One audited decision, with all that is needed to make it again.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotRecord {
    /// Counts from 1 without a hole.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// `tick`, `order`, `apply`, `start`.
    pub cause: String,
    /// Who, where it was a person.
    pub by: Option<Name>,
    /// The epoch it was decided in.
    pub epoch: u64,
    /// The version of the core that decided.
    pub core_version: String,
    /// How much it decided; `None`: a word of a later version.
    pub scope: Option<Scope>,
    /// A line for people.
    pub summary: String,
    /// Of the decision, lower-case hex; see [`decision_hash`].
    pub decision_hash: String,
    /// What it was decided from.
    pub snapshot: Snapshot,
}

/// SHA-256 (lower-case hex) of the decision's JSON: compact, fields in the order of their declaration, maps in key order.
pub fn decision_hash(decision: &Decision) -> Result<String, StoreError> {
    Ok(hex(&decision_hash_bytes(decision)?))
}

pub(super) fn decision_hash_bytes(decision: &Decision) -> Result<Hash, StoreError> {
    let json = serde_json::to_vec(decision).map_err(|error| StoreError::Unwritable(format!("the decision ({error})")))?;
    Ok(Sha256::digest(json).into())
}

impl Store {
    /// One audited decision; `None`: there is no such row.
    pub fn audit_record(&self, id: i64) -> Result<Option<SnapshotRecord>, StoreError> {
        row(self.reader(), id)?.map(record).transpose()
    }
}

/// The row of an id, if it is there.
pub(super) fn row(connection: &Connection, id: i64) -> Result<Option<AuditRow>, StoreError> {
    let read = |row: &Row<'_>| Ok(AuditRow::read(row));
    let next = connection.query_row(sql::AUDIT_AFTER, (id.saturating_sub(1), 1), read).optional()?.transpose()?;
    Ok(next.filter(|row| row.id == id))
}

pub(super) fn record(row: AuditRow) -> Result<SnapshotRecord, StoreError> {
    let by = row.by.map(|by| Name::new(&by)).transpose().map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(SnapshotRecord {
        id: row.id,
        at: read_instant(&row.at)?,
        cause: row.cause,
        by,
        epoch: unsigned(row.epoch)?,
        core_version: row.core_version,
        scope: row.scope.as_deref().map_or(Some(Scope::Whole), Scope::of_word),
        summary: row.summary,
        decision_hash: hex(&row.decision_hash),
        snapshot: unpack(&row.snapshot)?,
    })
}

impl AuditRow {
    /// Types are compared strictly: a text that turned into bytes is damage, even where the bytes are the same.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            at: row.get(1)?,
            cause: row.get(2)?,
            by: row.get(3)?,
            epoch: row.get(4)?,
            core_version: row.get(5)?,
            summary: row.get(6)?,
            decision_hash: row.get(7)?,
            snapshot: row.get(8)?,
            hash: row.get(9)?,
            scope: row.get(10)?,
        })
    }

    /// What the row's hash must be after `previous`.
    pub(super) fn chained(&self, previous: &[u8]) -> Hash {
        let mut digest = Sha256::new();
        digest.update(previous);
        let mut field = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        field(if self.scope.is_none() { FORM_1 } else { FORM_2 });
        field(&self.id.to_be_bytes());
        field(self.at.as_bytes());
        field(self.cause.as_bytes());
        // Nobody and somebody without a name are different.
        field(&[u8::from(self.by.is_some())]);
        field(self.by.as_deref().unwrap_or_default().as_bytes());
        field(&self.epoch.to_be_bytes());
        field(self.core_version.as_bytes());
        field(self.summary.as_bytes());
        field(&self.decision_hash);
        field(&self.snapshot);
        if let Some(scope) = &self.scope {
            field(scope.as_bytes());
        }
        digest.finalize().into()
    }
}

/// Reads where the chain begins and ends.
pub(super) fn chain(connection: &Connection) -> Result<Chain, StoreError> {
    let read = |row: &Row<'_>| Ok(Chain { base: (row.get(0)?, row.get(1)?), head: (row.get(2)?, row.get(3)?) });
    let found = connection.query_row(sql::READ_CHAIN, [], read).optional()?;
    found.ok_or_else(|| StoreError::Damaged("the row with the head of the audit chain is gone".into()))
}

/// Appends a row; its id and hash are set here. Returns both.
pub(super) fn append(transaction: &Transaction<'_>, mut row: AuditRow) -> Result<(i64, Hash), StoreError> {
    let head = chain(transaction)?.head;
    row.id = head.0 + 1;
    let hash = row.chained(&head.1);
    transaction.prepare_cached(sql::INSERT_AUDIT)?.execute((
        row.id,
        row.at,
        row.cause,
        row.by,
        row.epoch,
        row.core_version,
        row.summary,
        row.decision_hash,
        row.snapshot,
        hash.as_slice(),
        row.scope,
    ))?;
    transaction.execute(sql::WRITE_HEAD, (row.id, hash.as_slice()))?;
    Ok((row.id, hash))
}

/// A value as zlib-compressed JSON, bounded.
pub(super) fn pack(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let too_much = || StoreError::TooMuch { what: "a snapshot".into(), limit: LARGEST_SNAPSHOT };
    // The fastest level: it packs a third less tightly than the default, in a third of the time, and people wait for it.
    let encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut writer = BufWriter::with_capacity(1 << 16, Bounded { inner: encoder, left: LARGEST_SNAPSHOT });
    serde_json::to_writer(&mut writer, value)
        .map_err(|error| if error.is_io() { too_much() } else { StoreError::Unwritable(format!("the snapshot ({error})")) })?;
    let bounded = writer.into_inner().map_err(|_| too_much())?;
    bounded.inner.finish().map_err(|error| StoreError::Unwritable(format!("the snapshot ({error})")))
}

/// The way back.
pub(super) fn unpack<T: serde::de::DeserializeOwned>(packed: &[u8]) -> Result<T, StoreError> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a snapshot cannot be read: {error}"));
    let mut json = Vec::new();
    ZlibDecoder::new(packed).take(LARGEST_SNAPSHOT).read_to_end(&mut json).map_err(|error| damaged(&error))?;
    serde_json::from_slice(&json).map_err(|error| damaged(&error))
}

/// Refuses what goes over the limit; a vector has no other way to fail.
struct Bounded<W> {
    inner: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(std::io::ErrorKind::FileTooLarge)?;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AuditRow {
        AuditRow {
            id: 7,
            at: "2026-12-01T19:00:00.000000000Z".into(),
            cause: "tick".into(),
            by: None,
            epoch: 3,
            core_version: "0.1.0".into(),
            summary: "nothing".into(),
            decision_hash: vec![1; 32],
            snapshot: vec![2; 5],
            hash: Vec::new(),
            scope: None,
        }
    }

    /// Computed apart, with Python's hashlib over the bytes that the header describes.
    #[test]
    fn the_hash_is_the_documented_one() {
        assert_eq!(hex(&row().chained(&[0; 32])), "5994767a1d0bb2e04e7a65313b2943172878b751e97ff210038bbe251f54754a");
        let scoped = AuditRow { scope: Some("orders".into()), ..row() };
        assert_eq!(hex(&scoped.chained(&[0; 32])), "d893012c482e81f28bd9f67acc35ef9278cee1320fbcb6480f4fa98a492c8362");
    }

    #[test]
    fn every_column_and_the_previous_hash_count() {
        let changes: [fn(&mut AuditRow); 12] = [
            |row| row.id = 8,
            |row| row.at.push('x'),
            |row| row.cause = "order".into(),
            |row| row.by = Some(String::new()),
            |row| row.epoch = 4,
            |row| row.core_version.clear(),
            |row| row.summary = "nothin".into(),
            |row| row.decision_hash[31] ^= 1,
            |row| row.snapshot[0] ^= 128,
            |row| std::mem::swap(&mut row.cause, &mut row.summary),
            |row| row.scope = Some("whole".into()),
            |row| row.scope = Some(String::new()),
        ];
        let unchanged = row().chained(&[0; 32]);
        for (at, change) in changes.iter().enumerate() {
            let mut changed = row();
            change(&mut changed);
            assert_ne!(changed.chained(&[0; 32]), unchanged, "change {at}");
        }
        assert_ne!(row().chained(&[1; 32]), unchanged);
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        // Without exact float parsing some of these come back one unit in the last place away, and a replay differs.
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        let numbers: Vec<f64> = std::iter::repeat_with(|| {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            f64::from_bits(bits)
        })
        .filter(|number| number.is_finite())
        .take(10_000)
        .collect();
        let back: Vec<f64> = unpack(&pack(&numbers).unwrap()).unwrap();
        assert_eq!(back, numbers);
    }

    #[test]
    fn a_damaged_snapshot_is_an_error() {
        let mut packed = pack(&"some text that is long enough to be compressed").unwrap();
        let middle = packed.len() / 2;
        packed[middle] ^= 0x55;
        assert!(matches!(unpack::<String>(&packed), Err(StoreError::Damaged(_))));
        assert!(matches!(unpack::<String>(&[]), Err(StoreError::Damaged(_))));
    }
}
