//! AWS Auto Scaling groups. What we own there is the floor, `MinSize`, now and ahead of time by scheduled actions.
//!
//! `groups` is the provider, `account` a region seen with somebody's rights and what is known of it, `calls` every
//! operation that is used, `schedule` which scheduled actions are ours and what is to be written, `gather` looks at
//! single groups, `launches` what activities teach, `reading` all scheduled actions, `seen` how a group is read.

mod account;
mod calls;
mod gather;
mod groups;
mod launches;
mod reading;
mod schedule;
mod seen;

pub use groups::AwsGroups;
