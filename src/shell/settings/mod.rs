//! Documents: files -> node tree with places -> every finding of every file in one run -> validated documents.
//!
//! Reading order: [`mod@load`] is the way through; [`files`] reads, [`yaml`] makes [`node`] trees, [`draft`] checks one
//! document by the [`schema`] of its kind ([`guide`] reads the tree by it, [`diagnose`] words what does not fit,
//! [`rules`] say what a schema cannot), [`among`], [`mod@clouds`] and [`references`] check documents against each other, [`build`] makes
//! of them what core and shell use. [`codes`] explains every finding, [`prints`] tells without reading
//! whether files changed.

mod among;
mod build;
mod clouds;
pub mod codes;
mod defaults;
mod diagnose;
mod digest;
mod draft;
mod files;
mod guide;
mod head;
mod hidden;
mod hint;
mod instant;
mod kinds;
mod limits;
mod load;
mod meant;
mod node;
mod notes;
mod pace;
mod prints;
mod problem;
mod references;
mod rules;
mod schema;
pub mod show;
mod suggest;
mod syntax;
mod words;
mod yaml;

pub use crate::shell::data::{Finding, Severity};
pub use digest::sha256;
pub use files::Source;
pub use load::{Loaded, Part, load, load_alone, load_texts, load_texts_alone};
pub use prints::{Print, Prints};
pub use schema::Kind;
pub use suggest::help as did_you_mean;
