//! A forecast as people and scripts read it: points, peaks of days, how good it would have been, what it was learned from.
//!
//! Not here: learning, and drawing it. Invariant: points go on from the end of the history without a gap.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::{Backtest, Forecast, Method, Tally};
use crate::core::load::Quantiles;
use crate::core::words::format_duration;

/// A forecast of ordinary days further ahead says nothing that the week before it does not.
pub const FURTHEST: Duration = Duration::from_hours(28 * 24);

/// The load of the coming hours and the peaks of the coming days.
#[derive(Clone, Debug, Serialize)]
pub struct ForecastView {
    /// What it is made by.
    pub model: Method,
    /// How good it would have been lately.
    pub backtest: Backtest,
    /// By steps, from the end of the history.
    pub points: Vec<ForecastPoint>,
    /// By local days.
    pub peaks: Vec<ForecastPeak>,
    /// What it was learned from.
    pub history: ForecastHistory,
}

/// The load of a step.
#[derive(Clone, Debug, Serialize)]
pub struct ForecastPoint {
    /// When the step begins: RFC 3339 with the offset of the zone.
    pub at: String,
    /// Requests per second.
    #[serde(flatten)]
    pub load: Quantiles,
}

/// The maximum of a local day.
#[derive(Clone, Debug, Serialize)]
pub struct ForecastPeak {
    /// The day.
    pub day: Date,
    /// Requests per second.
    #[serde(flatten)]
    pub load: Quantiles,
}

/// What it was learned from.
#[derive(Clone, Debug, Serialize)]
pub struct ForecastHistory {
    /// Its end.
    pub until: Timestamp,
    /// The width of a step.
    pub step: String,
    /// How many there are.
    pub steps: usize,
    /// Steps without any point.
    pub holes: usize,
    /// What was read.
    #[serde(flatten)]
    pub tally: Tally,
}

impl ForecastView {
    /// Of a forecast as far as a horizon, at most [`FURTHEST`] ahead.
    pub fn of(forecast: &Forecast, tally: Tally, horizon: Duration) -> Self {
        let grid = forecast.grid();
        let (from, step) = (grid.end(), grid.step().secs());
        let count = i64::try_from(horizon.min(FURTHEST).as_secs().div_ceil(step.unsigned_abs())).unwrap_or(0);
        let instants =
            (0..count).filter_map(|number| Timestamp::from_second(from.as_second().saturating_add(number * step)).ok());
        let zoned: Vec<Zoned> = instants.map(|at| at.to_zoned(grid.zone().clone())).collect();
        let mut days: Vec<Date> = zoned.iter().map(Zoned::date).collect();
        days.dedup();
        let history = ForecastHistory {
            until: from,
            step: format_duration(Duration::from_secs(step.unsigned_abs())),
            steps: grid.steps(),
            holes: grid.holes(),
            tally,
        };
        Self {
            model: forecast.method(),
            backtest: Backtest::of(grid),
            points: zoned.iter().map(|at| ForecastPoint { at: written(at), load: forecast.at(at.timestamp()) }).collect(),
            peaks: days.into_iter().map(|day| ForecastPeak { day, load: forecast.day(day) }).collect(),
            history,
        }
    }
}

/// RFC 3339 with the zone's offset.
fn written(at: &Zoned) -> String {
    if *at.time_zone() == TimeZone::UTC {
        at.timestamp().to_string()
    } else {
        at.timestamp().display_with_offset(at.offset()).to_string()
    }
}
