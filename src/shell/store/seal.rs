//! What stands behind the database in a backup file, and what it says about the file.
//!
//! `database | manifest (JSON) | its length, 8 bytes | SHA-256 of all before, 32 bytes | end mark, 16 bytes`. The seal is
//! written last, so that a half file has no end mark; any flipped bit is in what the SHA-256 covers, in the SHA-256 or in
//! the mark. Invariant: `examine` gives a manifest only of a file that is whole to the last byte.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::audit::hex;
use super::backup::{OnProgress, Stage};
use super::{StoreError, schema};

/// The form of the seal.
pub(super) const FORMAT: u32 = 1;

const END: &[u8; 16] = b"tminus backup 1\n";

/// How every SQLite file begins.
const DATABASE: &[u8; 16] = b"SQLite format 3\0";

/// Behind the manifest: its length, the hash, the mark.
const TAIL: u64 = 8 + 32 + 16;

/// Bytes of a manifest; ours has some four hundred.
const LARGEST_MANIFEST: u64 = 64 << 10;

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the seal.
    pub format: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// The version of the program that made it.
    pub tminus: String,
    /// The version of its core.
    pub core: String,
    /// The schema of the store.
    pub schema: u32,
    /// The epoch in force then.
    pub epoch: u64,
    /// Effects that were not done then.
    pub open_intents: u64,
    /// The oldest audit row kept.
    pub first_row: i64,
    /// The newest audit row; one less than the first: there is none.
    pub last_row: i64,
    /// The head of the audit chain, lower-case hex.
    pub head: String,
    /// Bytes of the database.
    pub bytes: u64,
    /// SHA-256 of the database, lower-case hex.
    pub sha256: String,
}

/// Why a file is not a backup that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It could not be read or written.
    #[error("{doing} {} failed: {source}", path.display())]
    Io {
        /// What was tried, such as `reading`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Something else.
    #[error("{} is not a backup of tminus: nothing was changed; name a file that `tminus backup` wrote", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Cut off, or never finished.
    #[error(
        "{} is only part of a backup: its end is missing, so it was cut off or never finished; nothing was changed, take another one",
        path.display()
    )]
    Half {
        /// The file.
        path: PathBuf,
    },
    /// Not as it was written.
    #[error("{} is damaged ({what}): it is not as it was written; nothing was changed, take another backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// By a later version.
    #[error(
        "{} was made by a newer tminus ({tminus}, schema {schema}; this one knows up to schema {known}): nothing was changed; restore \
         it with that version",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Who made it.
        tminus: String,
        /// The schema in it.
        schema: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
}

impl SealError {
    pub(super) fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.into(), source }
    }
}

/// Puts the seal behind a database that is whole, and everything on the disk.
pub(super) fn put(mut file: &File, (path, manifest): (&Path, &mut Manifest), progress: OnProgress<'_>) -> Result<(), SealError> {
    let failed = |source| SealError::io("writing", path, source);
    manifest.bytes = file.metadata().map_err(failed)?.len();
    let mut whole = Sha256::new();
    let database = hash(file, (path, manifest.bytes), &mut whole, progress)?;
    manifest.sha256 = hex(&database);
    let text = serde_json::to_vec(manifest).map_err(|error| failed(error.into()))?;
    let length = (text.len() as u64).to_be_bytes();
    whole.update(&text);
    whole.update(length);
    let seal = [text.as_slice(), &length, &whole.finalize(), END].concat();
    file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(&seal)).and_then(|()| file.sync_all()).map_err(failed)
}

/// Hashes so many bytes from where the file stands: alone, and into `whole`.
fn hash(
    mut file: impl Read,
    (path, bytes): (&Path, u64),
    whole: &mut Sha256,
    progress: OnProgress<'_>,
) -> Result<[u8; 32], SealError> {
    let mut alone = Sha256::new();
    let (mut left, mut chunk) = (bytes, vec![0; CHUNK]);
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let read = &mut chunk[..wanted];
        file.read_exact(read).map_err(|source| SealError::io("reading", path, source))?;
        alone.update(&*read);
        whole.update(&*read);
        left -= wanted as u64;
        progress(Stage::Hashing, bytes - left, bytes);
    }
    Ok(alone.finalize().into())
}

/// Whether a file is a backup, damaged or not, or empty; anything else is somebody's.
pub(super) fn may_be_replaced(path: &Path) -> bool {
    let ends = || -> std::io::Result<bool> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(END.len() as u64)))?;
        let mut end = Vec::new();
        file.take(END.len() as u64).read_to_end(&mut end)?;
        Ok(size == 0 || end == END)
    };
    ends().unwrap_or(false)
}

/// Reads a backup to its last byte and gives what it holds.
pub(super) fn examine(path: &Path, progress: OnProgress<'_>) -> Result<Manifest, SealError> {
    let failed = |source| SealError::io("reading", path, source);
    let mut file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut first = Vec::new();
    (&file).take(DATABASE.len() as u64).read_to_end(&mut first).map_err(failed)?;
    if !DATABASE.starts_with(&first) {
        return Err(SealError::Foreign { path: path.into() });
    }
    let (text, tail) = last(&mut file, (path, size))?;
    let (length, rest) = tail.split_at(8);
    let database = size - TAIL - text.len() as u64;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut whole = Sha256::new();
    let sha256 = hash(&file, (path, database), &mut whole, progress)?;
    whole.update(&text);
    whole.update(length);
    let damaged = |what: &str| SealError::Damaged { path: path.into(), what: what.into() };
    if whole.finalize().as_slice() != &rest[..32] {
        return Err(damaged("its SHA-256 does not fit its content"));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(&error.to_string()))?;
    if manifest.bytes != database || manifest.sha256 != hex(&sha256) {
        return Err(damaged("what it says of itself does not fit its content"));
    }
    known(manifest, path)
}

/// The manifest and what stands behind it.
fn last(file: &mut File, (path, size): (&Path, u64)) -> Result<(Vec<u8>, Vec<u8>), SealError> {
    let failed = |source| SealError::io("reading", path, source);
    let Some(at) = size.checked_sub(TAIL) else { return Err(SealError::Half { path: path.into() }) };
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(at)).and_then(|_| file.take(TAIL).read_to_end(&mut tail)).map_err(failed)?;
    if !tail.ends_with(END) {
        return Err(SealError::Half { path: path.into() });
    }
    let length = tail.first_chunk().copied().map_or(u64::MAX, u64::from_be_bytes);
    let Some(begin) = at.checked_sub(length).filter(|_| length <= LARGEST_MANIFEST) else {
        return Err(SealError::Damaged { path: path.into(), what: "its manifest has no possible length".into() });
    };
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(begin)).and_then(|_| file.take(length).read_to_end(&mut text)).map_err(failed)?;
    Ok((text, tail))
}

fn known(manifest: Manifest, path: &Path) -> Result<Manifest, SealError> {
    let newest = schema::newest();
    if manifest.format > FORMAT || manifest.schema > newest {
        let Manifest { tminus, schema, .. } = manifest;
        return Err(SealError::Newer { path: path.into(), tminus, schema, known: newest });
    }
    Ok(manifest)
}

/// Opens a database that nobody writes, without a log or a lock beside it.
pub(super) fn open_unchanging(path: &Path) -> Result<Connection, StoreError> {
    // Every byte that a URI could read otherwise is written as its number.
    let escaped = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let uri: String = std::os::unix::ffi::OsStrExt::as_bytes(full.as_os_str()).iter().map(escaped).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(format!("file:{uri}?immutable=1"), flags)?)
}
