//! The store: state, journal of intents, audit chain, events, pushed counts, applied documents. SQLite, one writer.
//!
//! Reading order: [`writer`] opens and fences, [`commit`] is the one transaction of a decision, [`journal`] follows its
//! intents, [`history`] shows them all, [`audit`] is the chain; [`timeline`], [`counts`] and [`documents`] are the rest. All SQL is in [`sql`].
//! Whole operations in and out; no rows or cursors leak. Not here: any decision.

mod audit;
mod commit;
mod counts;
mod documents;
mod error;
mod event;
mod folder;
mod history;
mod journal;
mod schema;
mod sql;
mod timeline;
mod verify;
mod writer;

pub use crate::shell::data::EventRow;
pub use audit::{SnapshotRecord, decision_hash};
pub use commit::{Commit, Committed};
pub use counts::{CountedPeriod, PRUNE_COUNTS_AFTER};
pub use documents::AppliedDocument;
pub use error::StoreError;
pub use event::NewEvent;
pub use history::{JournalRow, JournalState};
pub use journal::{Failure, OpenIntent, Progress};
pub use timeline::EVENTS_PAGE;
pub use verify::{AuditReport, BadRow, verify_folder};
pub use writer::{Durable, Store};
