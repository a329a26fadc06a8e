//! Instance groups: how many machines run, and how many should.
//!
//! [`Groups`] has them all, whatever runs them: [`LocalGroups`] real child processes on this machine, [`AwsGroups`] Auto
//! Scaling groups, [`CommandGroups`] executables of the user's for anything else. Providers take absolute numbers with a key,
//! so that an effect that is sent twice changes the world once (I2), and refuse what lies beyond a group's bounds (I3).
//! [`Guard`] looks once more before anything is sent.

mod aws;
mod command;
mod error;
mod guard;
mod local;
mod provider;

pub use aws::AwsGroups;
pub use command::CommandGroups;
pub use error::GroupError;
pub use guard::{Guard, Refusal};
pub use local::{Instance, InstanceState, LocalGroups, Process, Target, Targets};
use provider::late;
pub use provider::{Groups, Look, Observed};
