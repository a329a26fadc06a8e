//! The store: state, journal of intents, audit chain, events, pushed counts, applied documents. SQLite, one writer.
//!
//! Reading order: [`writer`] opens and fences, [`commit`] is the one transaction of a decision, [`journal`] follows its
//! intents, [`history`] shows them all, [`audit`] is the chain, [`verify`], [`mod@replay`] and [`retention`] are about it; [`timeline`], [`counts`],
//! [`coverage`] and [`documents`] are the rest. [`reader`] is for who reads beside the daemon, and so
//! is [`mod@backup`], with [`seal`] and [`mod@restore`]. All SQL is in [`sql`].
//! Whole operations in and out; no rows or cursors leak. Not here: any decision.

mod audit;
mod backup;
mod commit;
mod counts;
mod coverage;
mod documents;
mod error;
mod event;
mod folder;
mod history;
mod journal;
mod reader;
mod replay;
mod restore;
mod retention;
mod schema;
mod seal;
mod sql;
mod timeline;
mod verify;
mod writer;

pub use crate::shell::data::EventRow;
pub use audit::{SnapshotRecord, decision_hash};
pub use backup::{BackupError, OnProgress, Stage, backup};
pub use commit::{Commit, Committed};
pub use counts::{CountedPeriod, PRUNE_COUNTS_AFTER};
pub use coverage::Proven;
pub use documents::{AppliedDocument, DocumentInForce};
pub use error::StoreError;
pub use event::NewEvent;
pub use history::{JournalRow, JournalState};
pub use journal::{Failure, OpenIntent, Progress};
pub use reader::audit_record_of;
pub use replay::{Replayed, Verdict, replay};
pub use restore::{Existing, RestoreError, Restored, restore};
pub use retention::Pruned;
pub use seal::{Manifest, SealError};
pub use timeline::EVENTS_PAGE;
pub use verify::{AuditReport, BadRow, Checkpoint, verify_folder};
pub use writer::{Durable, Store};
