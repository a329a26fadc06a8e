//! What became of each intent: sent, done, failed, superseded.
//!
//! It does not send, and does not decide when to try again: the caller brings the instant. Invariant: an intent that
//! is done or superseded never opens again, so nothing is sent twice because of the journal (I2).

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, ToSql, Transaction};

use super::commit::json;
use super::coverage::{self, Proven};
use super::writer::{cut, instant, read_instant, unsigned};
use super::{Store, StoreError, sql};
use crate::core::decide::Intent;

/// Bytes of a result or an error that are kept; providers answer with whole pages.
const ANSWER: usize = 2_000;

/// Targets of one effect that may be remembered as delivered; a notifier has a handful.
const DELIVERED: usize = 1_000;

/// An intent that is not done.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// What to do.
    pub intent: Intent,
    /// How far it came.
    pub progress: Progress,
    /// How often it was sent.
    pub attempts: u32,
    /// Not to be tried before; `None`: at once.
    pub not_before: Option<Timestamp>,
    /// Why it failed last.
    pub error: Option<String>,
    /// Parts of it that are done already, such as the targets of an announcement.
    pub delivered: Vec<String>,
}

/// How far an open intent came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Never sent.
    Intent,
    /// Sent, answer unknown: look at the world before sending again.
    Sent,
    /// Sent, and it failed.
    Failed,
}

/// Why an attempt failed and when to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it failed.
    pub at: Timestamp,
    /// Why.
    pub error: String,
    /// Not to be tried before.
    pub retry_at: Timestamp,
    /// Parts that were done by this attempt; they are added to those before.
    pub delivered: Vec<String>,
}

impl Store {
    /// Notes that an attempt begins. Durable before anything leaves the process: after a kill the intent is known to be
    /// perhaps done.
    pub fn sent(&mut self, key: &str, at: Timestamp) -> Result<(), StoreError> {
        self.mark(key, sql::INTENT_SENT, &[&key, &instant(at)])
    }

    /// The same for many at once, in one write. Gives back those that are open: the others may not be sent.
    pub fn sent_all(&mut self, keys: &[&str], at: Timestamp) -> Result<BTreeSet<String>, StoreError> {
        let at = instant(at);
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(sql::INTENT_SENT)?;
            let mut marked = BTreeSet::new();
            for key in keys {
                if statement.execute((key, &at))? == 1 {
                    marked.insert((*key).to_owned());
                }
            }
            Ok(marked)
        })
    }

    /// Notes that it is done.
    pub fn done(&mut self, key: &str, at: Timestamp, result: &str) -> Result<(), StoreError> {
        self.mark(key, sql::INTENT_DONE, &[&key, &instant(at), &cut(result, ANSWER)])
    }

    /// Notes that a priming run is done, with what it proved: both or neither.
    pub fn done_and_proven(&mut self, key: &str, (at, result): (Timestamp, &str), proven: &Proven) -> Result<(), StoreError> {
        let values: &[&dyn ToSql] = &[&key, &instant(at), &cut(result, ANSWER)];
        self.write(|transaction| {
            coverage::put(transaction, proven)?;
            mark(transaction, (key, sql::INTENT_DONE), values)
        })
    }

    /// Notes that an attempt failed; the intent stays open.
    pub fn failed(&mut self, key: &str, failure: &Failure) -> Result<(), StoreError> {
        let mut delivered = self.delivered(key)?;
        delivered.extend(failure.delivered.iter().cloned());
        delivered.sort();
        delivered.dedup();
        delivered.truncate(DELIVERED);
        let (at, retry_at) = (instant(failure.at), instant(failure.retry_at));
        let delivered = json(&delivered, "a list of targets")?;
        self.mark(key, sql::INTENT_FAILED, &[&key, &at, &cut(&failure.error, ANSWER), &retry_at, &delivered])
    }

    /// Notes that it is not wanted any more.
    pub fn superseded(&mut self, key: &str, at: Timestamp) -> Result<(), StoreError> {
        self.mark(key, sql::INTENT_SUPERSEDED, &[&key, &instant(at)])
    }

    /// Everything that is not done, oldest first. Intents that this version cannot read are left out; see
    /// [`super::Durable::unreadable`].
    pub fn open_intents(&self) -> Result<Vec<OpenIntent>, StoreError> {
        Ok(self.read_open()?.0)
    }

    pub(super) fn read_open(&self) -> Result<(Vec<OpenIntent>, Vec<String>), StoreError> {
        let mut statement = self.reader().prepare_cached(sql::OPEN_INTENTS)?;
        let mut rows = statement.query([])?;
        let (mut open, mut unreadable) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            match read(row) {
                Ok(intent) => open.push(intent),
                Err(_) => unreadable.push(row.get(0)?),
            }
        }
        Ok((open, unreadable))
    }

    /// Parts of an intent that earlier attempts did.
    pub fn delivered(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.reader().prepare_cached(sql::INTENT_DELIVERED)?;
        let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
        text.map_or(Ok(Vec::new()), |text| parts(&text))
    }

    fn mark(&mut self, key: &str, statement: &str, values: &[&dyn ToSql]) -> Result<(), StoreError> {
        self.write(|transaction| mark(transaction, (key, statement), values))
    }
}

fn mark(transaction: &Transaction<'_>, (key, statement): (&str, &str), values: &[&dyn ToSql]) -> Result<(), StoreError> {
    if transaction.prepare_cached(statement)?.execute(values)? == 1 {
        return Ok(());
    }
    let state = transaction.query_row(sql::INTENT_BY_KEY, [key], |row| row.get(0)).optional()?;
    Err(StoreError::NotOpen { key: key.into(), state })
}

fn read(row: &Row<'_>) -> Result<OpenIntent, StoreError> {
    let effect: String = row.get(2)?;
    let effect =
        serde_json::from_str(&effect).map_err(|error| StoreError::Damaged(format!("an effect cannot be read: {error}")))?;
    let not_before: Option<String> = row.get(5)?;
    Ok(OpenIntent {
        intent: Intent { key: row.get(0)?, epoch: unsigned(row.get(1)?)?, effect },
        progress: progress(&row.get::<_, String>(3)?)?,
        attempts: row.get(4)?,
        not_before: not_before.as_deref().map(read_instant).transpose()?,
        error: row.get(6)?,
        delivered: parts(&row.get::<_, String>(7)?)?,
    })
}

fn progress(state: &str) -> Result<Progress, StoreError> {
    match state {
        "intent" => Ok(Progress::Intent),
        "sent" => Ok(Progress::Sent),
        "failed" => Ok(Progress::Failed),
        other => Err(StoreError::Damaged(format!("{other:?} is no state of an open intent"))),
    }
}

fn parts(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("a list of targets cannot be read: {error}")))
}
