//! AWS Auto Scaling groups. What we own there is the floor, `MinSize`, now and ahead of time by scheduled actions.
//!
//! `groups` is the provider, `account` a region seen with somebody's rights and what is known of it, `calls` every
//! operation that is used, `schedule` which scheduled actions are ours and what is to be written, `launches` what activities
//! teach, `seen` how a group is read.

mod account;
mod calls;
mod groups;
mod launches;
mod schedule;
mod seen;

pub use groups::AwsGroups;
