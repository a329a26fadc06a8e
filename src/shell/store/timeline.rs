//! The timeline that people read: events in the order they were written.
//!
//! Not here: who may see what. Invariant: ids rise by one per event and are never used again.

use rusqlite::{Row, Transaction};

use super::writer::{cut, instant, read_instant};
use super::{EventRow, NewEvent, Store, StoreError, sql};
use crate::core::words::Name;

/// Most events that one call returns; a reader pages on from the last id.
pub const EVENTS_PAGE: u16 = 1_000;

/// Bytes of a message that are kept: a sentence, with room for a person's reason.
const MESSAGE: usize = 8_000;

/// Bytes of a kind that are kept; kinds are stable words.
const KIND: usize = 100;

impl Store {
    /// Adds events that belong to no decision; durable. Returns them with their ids.
    pub fn add_events(&mut self, events: &[NewEvent]) -> Result<Vec<EventRow>, StoreError> {
        if events.is_empty() { Ok(Vec::new()) } else { self.write(|transaction| add(transaction, events)) }
    }

    /// Events after an id, oldest first, at most `limit` and at most [`EVENTS_PAGE`].
    pub fn events(&self, after: i64, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let mut statement = self.reader().prepare_cached(sql::EVENTS_AFTER)?;
        let rows =
            statement.query_map((after, limit.min(EVENTS_PAGE.into()).try_into().unwrap_or(EVENTS_PAGE)), |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }
}

pub(super) fn add(transaction: &Transaction<'_>, events: &[NewEvent]) -> Result<Vec<EventRow>, StoreError> {
    let mut statement = transaction.prepare_cached(sql::INSERT_EVENT)?;
    let mut insert = |event: &NewEvent| {
        let (kind, message) = (cut(&event.kind, KIND), cut(&event.message, MESSAGE));
        let row = (instant(event.at), text(event.release.as_ref()), &kind, &message, text(event.by.as_ref()));
        let id = statement.query_row(row, |row| row.get(0))?;
        Ok(EventRow { id, at: event.at, release: event.release.clone(), kind, message, by: event.by.clone() })
    };
    events.iter().map(&mut insert).collect()
}

fn text(name: Option<&Name>) -> Option<&str> {
    name.map(Name::as_str)
}

fn read(row: &Row<'_>) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        id: row.get(0)?,
        at: read_instant(&row.get::<_, String>(1)?)?,
        release: name(row.get(2)?)?,
        kind: row.get(3)?,
        message: row.get(4)?,
        by: name(row.get(5)?)?,
    })
}

pub(super) fn name(text: Option<String>) -> Result<Option<Name>, StoreError> {
    text.map(|text| Name::new(&text)).transpose().map_err(|error| StoreError::Damaged(error.to_string()))
}
