//! Joins the rooms: a snapshot of config, state and observations in, a decision with its effects out.
//!
//! [`snapshot`] is the input, [`effect`] what a decision asks the world to do, [`decision`] the output,
//! [`mod@plan_view`] what people read beforehand.
//! [`run`] leads through one decision, with [`facts`], [`orders`], [`world`], [`announce`] and [`remind`] in their places,
//! and [`uptime`] for clocks that are set.
//! Each release and each group is decided on its own slice; one that is poisoned never blocks another (I11).

mod announce;
mod decision;
mod draft;
mod effect;
mod facts;
mod measure;
mod orders;
mod plan_view;
mod remind;
mod run;
mod snapshot;
mod uptime;
mod world;

pub use decision::{Decision, ReleaseView, Told};
pub use effect::{Announcement, Effect, Intent, Topic};
pub use plan_view::{Action, Amount, Change, LoadRange, PlanView, plan_view};
pub use run::{decide, decide_orders};
pub use snapshot::{Command, Config, GroupObservation, Observations, Order, Person, Snapshot, State};
pub use uptime::Uptime;
