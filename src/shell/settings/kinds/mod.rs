//! The shape of each kind of document, one file per kind; names here are the keys people write.
//!
//! `apiVersion` and `kind` are read before, and added to the published schemas beside these. Enums are externally
//! tagged. Doc comments become the descriptions in the schema: they are written for people who fill in a document.

pub mod checklist;
pub mod gate;
pub mod metrics;
pub mod notifier;
pub mod priming;
pub mod release;
pub mod scaling;
pub mod settings;
pub mod throttle;
