//! The load of ordinary days, forecast from a group's own history.
//!
//! `points` takes what was measured, `grid` puts it on even steps of local time. `members` forecast a day in many simple
//! ways, `clean` keeps outages out of them, `days` forecasts the levels of days; `combine` mixes the members by what they
//! proved in the past of this very history, `conformal` adds quantiles from its errors, `shift` notices that a level
//! moved just now, `peaks` does the maxima of days, `ahead` what lies beyond tomorrow. `track` is what all of them read,
//! `model` the answer, `backtest` how good it would have been, `view` what is read of it.
//! Not here: launches.

mod ahead;
mod backtest;
mod clean;
mod combine;
mod conformal;
mod days;
mod grid;
mod members;
mod model;
mod peaks;
mod points;
mod shift;
mod statistics;
mod track;
mod view;

pub use backtest::Backtest;
pub use grid::{Grid, InvalidStep, Step};
pub use model::{Forecast, Method};
pub use points::{Points, Tally};
pub use view::{FURTHEST, ForecastHistory, ForecastPeak, ForecastPoint, ForecastView};
