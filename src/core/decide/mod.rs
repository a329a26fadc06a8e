//! Joins the rooms: a snapshot of config, state and observations in, a decision with its effects out.
//!
//! [`snapshot`] is the input, [`effect`] what a decision asks the world to do, [`decision`] the output,
//! [`mod@plan_view`] what people read beforehand, with the [`outlook`] of its groups and the [`basis`] that a saved plan
//! is held to by its [`agreement`]. [`learning`] keeps what a launch teaches the next one.
//! [`run`] leads through one decision, with [`facts`], [`orders`], [`world`], [`warmth`], [`announce`] and [`remind`] in
//! their places, and [`memory`] keeps what holds still. [`vanished`] holds what is left of a release whose documents are
//! gone, [`scheduled`] has providers keep
//! floors for later, [`signatures`] tells who has to sign again, [`uptime`] how far a
//! clock was set.
//! Each release and each group is decided on its own slice; one that is poisoned never blocks another (I11).

mod agreement;
mod announce;
mod basis;
mod decision;
mod draft;
mod effect;
mod facts;
mod learning;
mod measure;
mod memory;
mod orders;
mod outlook;
mod overrides;
mod plan_view;
mod remind;
mod run;
mod scheduled;
mod scope;
mod signatures;
mod snapshot;
mod uptime;
mod vanished;
mod warmth;
mod world;

pub use announce::after_abort;
pub use basis::Basis;
pub use decision::{Decision, ReleaseView, Told};
pub use effect::{Announcement, Effect, Intent, Topic};
pub use learning::newest as recorded_uptake;
pub use memory::Memory;
pub use outlook::{Agreed, DominantView, GroupOutlook, QueueView};
pub use overrides::{Quote, override_quote};
pub use plan_view::{Action, Amount, Change, LoadRange, PlanView, plan_view};
pub use run::{decide, decide_orders};
pub use scope::{Scope, decide_within};
pub use signatures::voided;
pub use snapshot::{Command, Config, GroupObservation, Observations, Order, Person, Rejected, Snapshot, State};
pub use uptime::Uptime;
pub use vanished::keeps;
