//! Documents: files -> node tree with places -> every finding of every file in one run -> validated documents.

mod finding;

pub use finding::{Finding, Severity};
