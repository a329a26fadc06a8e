//! The primer: fetches what a source lists from every cache node, and proves by a second request that it is kept.
//!
//! [`run`] joins the parts: [`source`] streams objects, [`target`] fills and verifies one object at one node,
//! [`node`] speaks HTTP to an address, [`origin`] admits no more than the origin takes, [`report`] is the outcome.
//! What a response proves and how many requests are too many is decided in `core::priming`.
//! Invariant: memory does not grow with the source; every list in a report is capped and says what it left out.

mod books;
mod lines;
mod manifest;
mod node;
mod origin;
mod report;
mod run;
mod source;
mod target;
mod window;

pub use report::{Failed, Finding, Mismatch, NotStored, Omitted, PrimeReport};
pub use run::{Progress, prime, prime_until};
pub use source::{SourceError, Validator, is_unchanged};

/// What every request of tminus calls itself, so that counts from logs can leave it out.
pub const USER_AGENT: &str = concat!("tminus/", env!("CARGO_PKG_VERSION"));
/// Marks requests of the primer beside the user agent.
pub const PRIME_HEADER: &str = "x-tminus-prime";
