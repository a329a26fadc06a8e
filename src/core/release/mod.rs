//! The life of a release: planned -> preparing -> ready -> rolling(step) -> baking -> complete.
//!
//! [`document`] is what files say, [`state`] where a release stands, [`mod@step`] the one exhaustive table of
//! (state, event), [`mod@offer`] what the throttle may serve because of it, [`edit`] what a change of its document may do.
//! Not here: readiness, gate and capacity, which arrive as facts.

mod document;
mod edit;
mod offer;
mod state;
mod step;

pub use document::{Early, Go, OnAbort, Release, Rollout, RolloutStep};
pub use edit::{fixed, next_step, stand, stands_at};
pub use offer::{offer, percent};
pub use state::{Active, AgreedPlan, Armed, Missing, Phase, ReleaseState, Vanished};
pub use step::{Event, Facts, Refused, step};
