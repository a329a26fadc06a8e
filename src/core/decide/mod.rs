//! Joins the rooms: a snapshot of config, state and observations in, a decision with its effects out.
//!
//! [`snapshot`] is the input, [`effect`] what a decision asks the world to do, [`decision`] the output,
//! [`plan_view`] what people read beforehand.
//! Each release and each group is decided on its own slice; one that is poisoned never blocks another (I11).

mod decision;
mod effect;
mod plan_view;
mod snapshot;

pub use decision::{Decision, ReleaseView, Told};
pub use effect::{Announcement, Effect, Intent, Topic};
pub use plan_view::{Action, Amount, Change, LoadRange, PlanView, plan_groups, plan_view, preparing_from};
pub use snapshot::{Command, Config, GroupObservation, Observations, Order, Person, Snapshot, State};
