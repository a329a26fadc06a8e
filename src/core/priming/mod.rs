//! Cache priming: what to fetch, what a response proves, how hard the origin may be asked, how much is covered.
//!
//! [`object`] is one line of a source, [`mod@classify`] what one response proves, [`limiter`] and [`budget`] how
//! many requests the origin takes, [`tally`] the coverage per node, [`timing`] when a policy runs. Not here: sockets and files.
//! Invariant: an object counts as covered only after a response proved it fresh with the right bytes.

mod budget;
mod cache_status;
mod classify;
mod freshness;
mod headers;
mod limiter;
mod object;
mod policy;
mod said;
mod tally;
mod timing;
mod vary;

pub use budget::{RetryBudget, TokenBucket};
pub use classify::{Class, Proof, ResponseFacts, classify};
pub use freshness::{forbids_storing, lifetime};
pub use headers::{Headers, http_date, retry_after};
pub use limiter::{Admission, Limiter};
pub use object::{Bytes, Fields, InvalidObject, InvalidVariant, Object, Variant, is_allowed, origin_of};
pub use policy::{Coverage, Policy, RunSoFar};
pub use tally::{Tally, Verdict};
pub use timing::{NextPoll, Pace, Runs, Tighten, Upcoming};
pub use vary::uncovered_vary;
