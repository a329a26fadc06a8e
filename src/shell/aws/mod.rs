//! How AWS is reached and asked, for every room that does: `client` has regions, profiles, roles and our clock, `patience`
//! the one budget of repeated calls of an account, `error` the few kinds of failure that make a difference.
//!
//! Not here: any service. Invariant: nothing here asks by itself.

mod client;
mod error;
mod patience;

pub use client::{Credentials, reach};
pub use error::AwsError;
pub use patience::Patience;
