//! The gate on observed error rates: SAFE, HOLD with what is missing, or ABORT with why.
//!
//! [`policy`] is what documents say, [`evidence`] the counts, [`judge`] the verdict by e-processes
//! (DESIGN section 5). Not here: what a release does about it, and how counts are fetched.

mod evidence;
mod judge;
mod policy;

pub use evidence::{Counts, Minute};
pub use judge::{AbortReason, HoldReason, Judgement, Verdict};
pub use policy::{Dispersion, Metric, NoData, NoDataThen, Onset, Policy};
