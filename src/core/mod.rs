//! The decisions of tminus: plain data in, plain data out.
//!
//! Nothing here does I/O, reads a clock, draws a random number, is async or logs: `now` and draws are
//! arguments. Invariant: the same inputs give the same bytes on any host (I12), so that every decision
//! can be replayed from its audit record. A test reads these files and refuses what would break it.
//!
//! Reading order: [`words`], then one room per capability, then [`decide`], which joins them.

pub mod calendar;
pub mod check;
pub mod checklist;
pub mod decide;
pub mod gate;
pub mod load;
pub mod priming;
pub mod release;
pub mod throttle;
pub mod words;

/// Raised with every change after which some snapshot is decided otherwise, in a word of a sentence or a bit of a number.
/// Every audit record carries it, so that `audit replay` can tell a core that changed from a record that was changed.
/// `decide::goldens::goldens_are_decided_as_they_were` fails when it was forgotten.
pub const VERSION: &str = "6";
