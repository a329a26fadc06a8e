//! Forecasts of groups: what each is planned for, and the whole forecast of one.
//!
//! Nothing is decided here: a forecast is learned from the history that the last decision saw. Invariant: a group without a
//! history gets no made-up figures.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::call::Call;
use super::problem::Problem;
use crate::core::load::{FURTHEST, Forecast, ForecastView, Points, Quantiles};
use crate::core::words::{Name, Rate, parse_duration};

/// `GET /api/v1/forecasts`
#[derive(Serialize)]
struct ForecastList {
    forecasts: Vec<GroupForecast>,
}

/// What a group is planned for, requests per second.
#[derive(Serialize)]
struct GroupForecast {
    group: Name,
    /// Load now; null: not known.
    load_per_second: Option<f64>,
    /// Without any launch, at its peak in the window, or over the next day without one; null: nothing is planned yet.
    baseline: Option<Quantiles>,
    /// What launches add at the peak.
    surge: Option<Quantiles>,
    /// Both.
    load: Option<Quantiles>,
}

/// `GET /api/v1/forecasts`
pub fn list(call: &Call) -> Response {
    let of = |group: &Name| {
        let seen = call.view.groups.get(group);
        let plan = seen.and_then(|seen| seen.plan.as_ref());
        GroupForecast {
            group: group.clone(),
            load_per_second: seen.and_then(|seen| seen.load).map(Rate::value),
            baseline: plan.map(|plan| plan.baseline),
            surge: plan.map(|plan| plan.surge),
            load: plan.map(|plan| plan.load),
        }
    };
    Json(ForecastList { forecasts: call.view.snapshot.config.scalings.keys().map(of).collect() }).into_response()
}

/// `GET /api/v1/forecasts/{group}?horizon=`: as `tminus forecast -o json` prints it.
pub async fn of_group(call: Call) -> Result<Response, Problem> {
    let horizon = call.query.get("horizon").map_or("24h", String::as_str);
    let horizon = parse_duration(horizon).ok().filter(|horizon| *horizon <= FURTHEST);
    let horizon = horizon.ok_or_else(|| Problem::malformed("`horizon` is a duration of at most 28d, such as 24h"))?;
    let snapshot = &call.view.snapshot;
    let policy = snapshot.config.scalings.get(&call.name("group")?).cloned().ok_or_else(Problem::not_found)?;
    let history = snapshot.observed.history.get(&policy.name).cloned().unwrap_or_default();
    // Some tens of milliseconds: not on a thread that answers others.
    let learn = move || {
        let forecast = Forecast::of(Forecast::grid_of(&history, policy.zone())?)?;
        let points: Points = history.iter().copied().collect();
        Some(ForecastView::of(&forecast, points.tally(), horizon))
    };
    let outlook = tokio::task::spawn_blocking(learn).await.ok().flatten();
    outlook.map(|outlook| Json(outlook).into_response()).ok_or_else(Problem::no_history)
}
