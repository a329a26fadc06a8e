//! AWS Auto Scaling groups. What we own there is the floor, `MinSize`, now and ahead of time by scheduled actions.

mod groups;

pub use groups::AwsGroups;
