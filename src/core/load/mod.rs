//! Load and capacity: what the baseline and the launch will ask for, and the floors that hold it.
//!
//! `policy` is what documents say, `audience` who will come, `uncertainty` how far that may be off, and `uptake` what an
//! earlier release taught. `forecast` has ordinary days, `surge` the launch by `draws`, `retry` what a storm makes of
//! it; `capacity` turns load into instances, with `queue` and `contention`, `scene` and `floors` into floors over time,
//! and `plan` says it all of one group. `overrides` are what people impose, `layer` what they and the observed load make of
//! a plan, `signal` what that load says. `ahead` is what providers keep of it for later, within the `fence`, `finding` what
//! stands in a launch's way there. `answer` and `fitness` are for the checklist.
//! Not here: the calls that change a group.

mod adoption;
mod ahead;
mod answer;
mod audience;
mod capacity;
mod contention;
mod draws;
mod fence;
mod finding;
mod fitness;
#[cfg(test)]
mod fixture;
mod floors;
mod forecast;
#[cfg(test)]
mod launches;
mod layer;
mod learned;
mod overrides;
mod plan;
mod policy;
mod problem;
mod quantiles;
mod queue;
mod reasons;
mod retry;
mod scene;
mod signal;
mod surge;
mod timeline;
mod uncertainty;
mod uptake;

pub use ahead::{FIRES_WITHIN, ForeignChange, KeptSchedule, MOST_KEPT, ScheduledFloor, Turn, followed, wanted};
pub use answer::{CapacityAnswer, CapacityFigures, holds};
pub use audience::{Adoption, Audience, HitRatio, Retry};
pub use capacity::{needed, needed_bare, planned_load};
pub use contention::Usl;
pub use fence::Fence;
pub use finding::{Bound, GroupFinding, bearing, findings};
pub use fitness::{Aspect, Fitness, fitness, unbalanced};
pub use floors::HeldFloor;
pub use forecast::{
    Backtest, FURTHEST, Forecast, ForecastHistory, ForecastPeak, ForecastPoint, ForecastView, Grid, InvalidStep, Method, Points,
    Step, Tally,
};
pub use layer::Layer;
pub use learned::Learned;
pub use overrides::{Override, OverrideKind, OverrideTo, Overrides};
pub use plan::{Course, Demand, FloorChange, GroupPlan, Launch, Lead, plan_group, plan_learned};
pub use policy::{Limits, Policy, Price, RampDown, Zones, a_day};
pub use problem::Problem;
pub use quantiles::Quantiles;
pub use queue::{Queue, Service, wait_probability};
pub use retry::amplification;
pub use signal::{Runway, more, runway};
pub use surge::{Surge, peak, surge_at};
pub use uncertainty::{Dominant, Input, Uncertainty};
pub use uptake::{Counted, Uptake};
