//! The gate on observed error rates: SAFE, HOLD with what is missing, or ABORT with why.
//!
//! Reading order: `policy` is what documents say and `terms` its figures checked once more, `evidence` the
//! counts and `periods` which of them are closed. `eprocess` is the bet against a release, `certificate` the
//! one for it, `dispersion` how noisy the arms are. `trial` and `window` apply them to `watched` metrics,
//! `incident` tells a shared one, `judge` joins them to a `verdict`, `sentences` says it to people.
//! `least` says beforehand what SAFE takes at the least; `replay` does the same offline from `rows` of a file.
//! Not here: what a release does about it, and how counts are fetched.

mod certificate;
mod dispersion;
mod eprocess;
mod evidence;
mod incident;
mod judge;
mod judged;
mod least;
mod periods;
mod policy;
mod replay;
mod rows;
mod sentences;
mod terms;
mod trial;
mod verdict;
mod watched;
mod window;

pub use evidence::{Counts, Evidence, Exposure, Minute};
pub use judge::judge;
pub use judged::Judged;
pub use least::{Least, least};
pub use policy::{Dispersion, Metric, NoData, NoDataThen, Onset, Policy};
pub use replay::{Outcome, Replay, ReplayMinute, ReplayRow, replay};
pub use rows::{RowProblem, WrittenRow, read_rows};
pub use verdict::{AbortReason, HoldReason, Judgement, Verdict};

#[cfg(test)]
mod tests;
