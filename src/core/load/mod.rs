//! Load and capacity: what the baseline and the launch will ask for, and the floors that hold it.
//!
//! [`policy`] is what documents say, [`audience`] who will come. Not here: the calls that change a group.

mod audience;
mod plan;
mod policy;

pub use audience::{Adoption, Audience, HitRatio, Retry};
pub use plan::{Demand, FloorChange, GroupPlan, Launch, Problem, Quantiles, plan_group};
pub use policy::{Limits, Policy, Price, RampDown, Zones};
