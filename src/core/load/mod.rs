//! Load and capacity: what the baseline and the launch will ask for, and the floors that hold it.
//!
//! `policy` is what documents say, `audience` who will come. `forecast` has ordinary days, `surge` the
//! launch, `retry` what a storm makes of it; `capacity` turns load into instances, `scene` and `floors` into
//! floors over time, and `plan` says it all of one group. `answer` is for the checklist.
//! Not here: the calls that change a group.

mod adoption;
mod answer;
mod audience;
mod capacity;
#[cfg(test)]
mod fixture;
mod floors;
mod forecast;
#[cfg(test)]
mod launches;
mod learned;
mod plan;
mod policy;
mod problem;
mod quantiles;
mod retry;
mod scene;
mod surge;
mod timeline;

pub use answer::{CapacityAnswer, CapacityFigures, holds};
pub use audience::{Adoption, Audience, HitRatio, Retry};
pub use capacity::{needed, needed_bare, planned_load};
pub use floors::HeldFloor;
pub use forecast::{Backtest, Forecast, Grid, InvalidStep, Method, Points, Step, Tally};
pub use learned::Learned;
pub use plan::{Course, Demand, FloorChange, GroupPlan, Launch, plan_group, plan_learned};
pub use policy::{Limits, Policy, Price, RampDown, Zones};
pub use problem::Problem;
pub use quantiles::Quantiles;
pub use retry::amplification;
pub use surge::{Surge, peak, surge_at};
