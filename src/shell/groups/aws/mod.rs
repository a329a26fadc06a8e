//! AWS Auto Scaling groups. What we own there is the floor, `MinSize`, now and ahead of time by scheduled actions.
//!
//! `groups` is the provider, `account` a region seen with somebody's rights and what is known of it, `client` how it is
//! reached, `calls` every operation that is used, `patience` and `error` what becomes of those that fail, `schedule` which
//! scheduled actions are ours and what is to be written, `launches` what activities teach, `seen` how a group is read.

mod account;
mod calls;
mod client;
mod error;
mod groups;
mod launches;
mod patience;
mod schedule;
mod seen;

pub use error::AwsError;
pub use groups::{AwsGroups, Credentials};
