//! Cache priming: what to fetch next, what a response proves, and how much is covered.
//!
//! Not here: sockets. Invariant: an object counts as covered only after a response proved it fresh with the right bytes.

mod policy;

pub use policy::{Coverage, Policy};
