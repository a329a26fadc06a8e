//! The staged-rollout throttle: who is offered which version, and why.
//!
//! [`policy`] is what documents say, [`ambiguity`] what they must not say, [`offer`] what releases put on the table
//! ([`offline`]: without a daemon), [`table`] both indexed for the hot path by [`index`], [`interval`] and [`lookup`], [`layers`]
//! the order in which they decide (docs/THROTTLE.md), [`decision`] the question and the answer, [`mod@bucket`] where a
//! client stands, [`retry`] when it should ask again, [`note`] why.
//! Not here: sockets, and what a release is doing (that is `core::release`).

mod ambiguity;
mod bucket;
mod decision;
mod index;
mod interval;
mod layers;
mod lookup;
mod note;
mod offer;
mod offline;
mod policy;
mod retry;
mod table;

pub use ambiguity::ambiguities;
pub use bucket::bucket;
pub use decision::{Decision, Force, LONGEST_CLIENT, Reason, Request};
pub use offer::{Audience, Offer};
pub use offline::{next_change, offers_offline};
pub use policy::{Halt, HaltTarget, Lift, NoClientId, Policy, Rule};
pub use retry::{LATEST_SECS, SOONEST_SECS};
pub use table::{Table, TableInput};

#[cfg(test)]
mod vectors;
