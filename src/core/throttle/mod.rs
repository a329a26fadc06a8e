//! The staged-rollout throttle: who is offered which version, and why.
//!
//! [`policy`] is what documents say, [`offer`] what releases put on the table, [`table`] both indexed for the hot path,
//! [`decision`] the order in which they decide (DESIGN section 5), [`bucket`] where a client stands.
//! Not here: sockets, and what a release is doing (that is `core::release`).

mod bucket;
mod decision;
mod offer;
mod policy;
mod table;

pub use bucket::bucket;
pub use decision::{Decision, Force, Reason, Request};
pub use offer::{Audience, Offer};
pub use policy::{Halt, HaltTarget, Lift, NoClientId, Policy, Rule};
pub use table::{Table, TableInput};
