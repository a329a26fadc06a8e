//! The whole journal for readers: every intent with how far it came, done and superseded ones too.
//!
//! It changes nothing; what is open is followed by [`super::journal`]. Invariant: every row of the table is in it, one
//! that this version cannot read as well (I11).

use rusqlite::Row;

use super::writer::cut;
use super::{Store, StoreError, sql};
use crate::core::decide::Effect;

/// An intent and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    /// Its key, which is in the journal once.
    pub key: String,
    /// What was to be done; `None`: this version cannot read it.
    pub effect: Option<Effect>,
    /// How far it came.
    pub state: JournalState,
    /// How often it was sent; more than once after failures, and after ends that left its outcome unknown.
    pub attempts: u32,
}

/// How far an intent came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalState {
    /// Never sent.
    Intent,
    /// Sent, answer unknown.
    Sent,
    /// Sent, and it failed.
    Failed,
    /// Done.
    Done,
    /// Replaced by a newer one for the same target.
    Superseded,
}

impl Store {
    /// Every intent ever written, oldest first.
    pub fn journal(&self) -> Result<Vec<JournalRow>, StoreError> {
        let mut statement = self.reader().prepare_cached(sql::JOURNAL)?;
        let rows = statement.query_map([], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn read(row: &Row<'_>) -> Result<JournalRow, StoreError> {
    let effect: String = row.get(1)?;
    let state = state(&row.get::<_, String>(2)?)?;
    Ok(JournalRow { key: row.get(0)?, effect: serde_json::from_str(&effect).ok(), state, attempts: row.get(3)? })
}

fn state(text: &str) -> Result<JournalState, StoreError> {
    match text {
        "intent" => Ok(JournalState::Intent),
        "sent" => Ok(JournalState::Sent),
        "failed" => Ok(JournalState::Failed),
        "done" => Ok(JournalState::Done),
        "superseded" => Ok(JournalState::Superseded),
        other => Err(StoreError::Damaged(format!("{:?} is no state of an intent", cut(other, 40)))),
    }
}
