//! Documents applied through the API, their text as it was sent; and all documents in force, as they last were.
//!
//! Not here: what a document means. Invariant: one text per kind and folded name in each of the two; what is in force is
//! replaced whole.

use jiff::Timestamp;
use rusqlite::{Row, Transaction};

use super::timeline::name;
use super::writer::{instant, read_instant};
use super::{Store, StoreError, sql};
use crate::core::words::Name;

/// Largest document in bytes; the control API accepts no larger body.
const LARGEST: u64 = 1 << 20;

/// A document as it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedDocument {
    /// Its kind, such as `Release`.
    pub kind: String,
    /// Its name.
    pub name: Name,
    /// Its YAML.
    pub text: String,
    /// Who applied it.
    pub by: Option<Name>,
    /// When.
    pub at: Timestamp,
}

/// A document in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentInForce {
    /// Its kind, such as `Release`.
    pub kind: String,
    /// Its name.
    pub name: Name,
    /// The file it stood in; its relative paths start there.
    pub file: String,
    /// Its YAML.
    pub text: String,
}

impl Store {
    /// Remembers what is in force, in place of what was; all or nothing.
    pub fn put_in_force(&mut self, documents: &[DocumentInForce]) -> Result<(), StoreError> {
        self.write(|transaction| put_in_force(transaction, documents))
    }

    /// Forgets an applied document; nothing happens where there is none.
    pub fn remove_document(&mut self, kind: &str, name: &Name) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(sql::REMOVE_DOCUMENT, (kind, name.folded()))?;
            Ok(())
        })
    }

    /// What was in force when the last daemon ended; empty: nothing ever was.
    pub fn in_force(&self) -> Result<Vec<DocumentInForce>, StoreError> {
        let mut statement = self.reader().prepare_cached(sql::IN_FORCE)?;
        let damaged = || StoreError::Damaged("a document without a name".into());
        let read = |row: &Row<'_>| {
            let name = name(row.get(1)?)?.ok_or_else(damaged)?;
            Ok(DocumentInForce { kind: row.get(0)?, name, file: row.get(2)?, text: row.get(3)? })
        };
        let rows = statement.query_map([], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }

    /// Stores documents, each in place of the one of the same kind and name; all or none.
    pub fn put_documents(&mut self, documents: &[AppliedDocument]) -> Result<(), StoreError> {
        self.write(|transaction| put(transaction, documents))
    }

    pub(super) fn documents(&self) -> Result<Vec<AppliedDocument>, StoreError> {
        let mut statement = self.reader().prepare_cached(sql::DOCUMENTS)?;
        let rows = statement.query_map([], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }
}

pub(super) fn put(transaction: &Transaction<'_>, documents: &[AppliedDocument]) -> Result<(), StoreError> {
    for document in documents {
        if document.text.len() as u64 > LARGEST {
            return Err(StoreError::TooMuch { what: format!("{}/{}", document.kind, document.name), limit: LARGEST });
        }
        let by = document.by.as_ref().map(Name::as_str);
        let row = (&document.kind, document.name.folded(), document.name.as_str(), &document.text, by, instant(document.at));
        transaction.prepare_cached(sql::PUT_DOCUMENT)?.execute(row)?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<AppliedDocument, StoreError> {
    let damaged = || StoreError::Damaged("a document without a name".into());
    Ok(AppliedDocument {
        kind: row.get(0)?,
        name: name(row.get(1)?)?.ok_or_else(damaged)?,
        text: row.get(2)?,
        by: name(row.get(3)?)?,
        at: read_instant(&row.get::<_, String>(4)?)?,
    })
}

/// Remembers what is in force, in place of what was.
pub(super) fn put_in_force(transaction: &Transaction<'_>, documents: &[DocumentInForce]) -> Result<(), StoreError> {
    transaction.execute(sql::FORGET_IN_FORCE, [])?;
    for document in documents {
        let row = (&document.kind, document.name.folded(), document.name.as_str(), &document.file, &document.text);
        transaction.prepare_cached(sql::PUT_IN_FORCE)?.execute(row)?;
    }
    Ok(())
}
