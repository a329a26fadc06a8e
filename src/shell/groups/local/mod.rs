//! A small honest cloud on this machine: groups of real child processes with boot delay, health checks and zones.
//!
//! Reading order: `plan` decides what a group does next, `registry` remembers it, `process` and `health` touch the
//! world, `group` joins them in a task, `groups` is what the daemon calls. Instances outlive the daemon: one that
//! starts again adopts them from the registry.

mod group;
mod groups;
mod health;
mod plan;
mod process;
mod registry;
mod targets;

pub use groups::LocalGroups;
pub use registry::{Instance, InstanceState, Process};
pub use targets::{Target, Targets};
