//! Why the store refused or failed, by what the daemon has to do about it.
//!
//! Invariant: after any of these nothing of the operation is in the store; what was decided before still stands.

use std::path::PathBuf;

use rusqlite::{Error as Sqlite, ErrorCode, ffi};

/// Why an operation of the store was not done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon has the folder.
    #[error(
        "another tminus{} is using the data folder {}: two daemons on one folder would send every effect twice; \
         stop the other one, or give this one its own folder with --data",
        process.map_or(String::new(), |id| format!(" (process {id})")),
        folder.display()
    )]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// Its process id, where it could be read.
        process: Option<u32>,
    },
    /// A newer tminus wrote the file.
    #[error(
        "{} was written by a newer tminus (schema {found}, this one knows up to {known}): nothing was changed; \
         start the newer version, or restore a backup of before the upgrade",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// The file is some other program's.
    #[error("{} is a database, but not one of tminus: nothing was changed; point --data at tminus's own folder", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// There is nothing to read.
    #[error("there is no tminus database at {}: nothing was ever decided there, or --data names another folder", path.display())]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The folder or a file in it cannot be used.
    #[error("{doing} {} failed: {source}", path.display())]
    Folder {
        /// What was tried, such as `creating the folder`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A later start took over; nothing of this process may be written or sent any more.
    #[error(
        "this process writes with epoch {ours}, but epoch {current} is in force: a later start has taken over, \
         so this one must stop"
    )]
    Fenced {
        /// The epoch of the refused operation.
        ours: u64,
        /// The epoch in the store.
        current: u64,
    },
    /// No space, or a quota.
    #[error("the disk of the data folder is full: the decision was not made durable, so nothing of it is done; free some space")]
    DiskFull,
    /// The disk or file system failed.
    #[error(
        "reading or writing the data folder failed ({0}): the decision was not made durable, so nothing of it is done; \
         look at the disk"
    )]
    Disk(String),
    /// The content makes no sense.
    #[error(
        "the database is damaged ({0}): nothing is written to it any more; restore a backup, and keep the damaged file for a look"
    )]
    Damaged(String),
    /// Something else holds the database longer than the busy timeout.
    #[error("another program holds the database locked ({0}): it was not written; close that program")]
    Busy(String),
    /// No intent of this key is open.
    #[error("no open intent has the key {key:?}{}", state.as_deref().map_or(String::new(), |state| format!(": it is {state}")))]
    NotOpen {
        /// The key.
        key: String,
        /// Its state, if there is such an intent.
        state: Option<String>,
    },
    /// There is no such audit row.
    #[error("audit row {id} {why}; the rows kept are {first} to {last}")]
    NoRecord {
        /// The row.
        id: i64,
        /// A fragment that follows it.
        why: String,
        /// The oldest row kept.
        first: i64,
        /// The newest one.
        last: i64,
    },
    /// A record of a later version.
    #[error(
        "audit row {id} was decided by core {core_version} in a way that this one does not know: replay it with that version"
    )]
    Unreplayable {
        /// The row.
        id: i64,
        /// Who decided.
        core_version: String,
    },
    /// Over a documented limit.
    #[error("{what} is over its limit of {limit}: it was not stored")]
    TooMuch {
        /// What.
        what: String,
        /// The most that is accepted.
        limit: u64,
    },
    /// A value that has no form in the store.
    #[error("{0} cannot be written down")]
    Unwritable(String),
    /// A fault of ours: a statement that does not fit the schema.
    #[error("the store refused a statement ({0}): this is a fault of tminus")]
    Statement(String),
}

impl StoreError {
    /// Whether the same operation may work later without anybody doing anything to this process.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Disk(_) | Self::Busy(_))
    }
}

impl From<Sqlite> for StoreError {
    fn from(error: Sqlite) -> Self {
        let text = error.to_string();
        match &error {
            Sqlite::SqliteFailure(failure, _) => by_code(*failure, text),
            // A row that has another shape than its STRICT table can only be damage.
            Sqlite::FromSqlConversionFailure(..)
            | Sqlite::IntegralValueOutOfRange(..)
            | Sqlite::InvalidColumnType(..)
            | Sqlite::Utf8Error(..) => Self::Damaged(text),
            _ => Self::Statement(text),
        }
    }
}

fn by_code(failure: ffi::Error, text: String) -> StoreError {
    match failure.code {
        ErrorCode::DiskFull => StoreError::DiskFull,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged(text),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy(text),
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            StoreError::Disk(text)
        }
        ErrorCode::TooBig => StoreError::TooMuch { what: "a value".into(), limit: super::audit::LARGEST_SNAPSHOT },
        _ => StoreError::Statement(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_failures_are_told_apart_by_what_to_do() {
        let of = |code| StoreError::from(Sqlite::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::DiskFull));
        assert!(matches!(of(ffi::SQLITE_IOERR_FSYNC), StoreError::Disk(_)));
        assert!(matches!(of(ffi::SQLITE_CANTOPEN), StoreError::Disk(_)));
        assert!(matches!(of(ffi::SQLITE_CORRUPT), StoreError::Damaged(_)));
        assert!(matches!(of(ffi::SQLITE_NOTADB), StoreError::Damaged(_)));
        assert!(matches!(of(ffi::SQLITE_BUSY), StoreError::Busy(_)));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT), StoreError::Statement(_)));
        assert!(of(ffi::SQLITE_FULL).is_passing() && !of(ffi::SQLITE_CORRUPT).is_passing());
    }

    #[test]
    fn the_lock_names_the_folder_and_the_process() {
        let error = StoreError::Locked { folder: "/var/lib/tminus".into(), process: Some(42) };
        let text = error.to_string();
        assert!(text.contains("/var/lib/tminus") && text.contains("process 42"), "{text}");
    }
}
