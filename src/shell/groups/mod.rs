//! Instance groups: how many machines run, and how many should.
//!
//! [`LocalGroups`] runs real child processes on this machine. Providers take absolute numbers with a key, so that
//! an effect that is sent twice changes the world once (I2), and refuse what lies beyond a group's bounds (I3).
//! [`Guard`] looks once more before anything is sent.

mod error;
mod guard;
mod local;

pub use error::GroupError;
pub use guard::{Guard, Refusal};
pub use local::{Instance, InstanceState, LocalGroups, Process, Target, Targets};
