//! The store: state, journal of intents, audit chain, events, pushed counts, applied documents. SQLite, one writer.
//!
//! Whole operations in and out; no rows or cursors leak. Not here: any decision.

mod event;

pub use event::EventRow;
