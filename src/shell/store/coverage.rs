//! What the last run of each priming policy proved, over a restart.
//!
//! It does not say whether that still holds: who reads it compares the digest of the document. Invariant: what stands
//! here was journaled together with the run that proved it.

use rusqlite::Transaction;

use super::commit::json;
use super::{Store, StoreError, sql};
use crate::core::priming::Coverage;
use crate::core::words::Name;

/// What a run proved.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// The priming policy.
    pub policy: Name,
    /// Of the document that the run followed: another one makes it worthless.
    pub digest: String,
    /// What it proved.
    pub coverage: Coverage,
}

impl Store {
    /// Everything that was proven. What this version cannot read is left out and proven anew (I11).
    pub(super) fn proven(&self) -> Result<Vec<Proven>, StoreError> {
        let mut statement = self.reader().prepare_cached(sql::COVERAGE)?;
        let mut rows = statement.query([])?;
        let mut proven = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, digest, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if let (Ok(policy), Ok(coverage)) = (Name::new(&name), serde_json::from_str(&body)) {
                proven.push(Proven { policy, digest, coverage });
            }
        }
        Ok(proven)
    }
}

pub(super) fn put(transaction: &Transaction<'_>, proven: &Proven) -> Result<(), StoreError> {
    let body = json(&proven.coverage, "coverage")?;
    let row = (proven.policy.folded(), proven.policy.as_str(), &proven.digest, body);
    transaction.prepare_cached(sql::PUT_COVERAGE)?.execute(row)?;
    Ok(())
}
