//! Levels: the load history of a group, and the value of a metric over a time.
//!
//! Invariant: a value is stated only of a window that points cover from its first half into its second.

use std::time::Duration;

use jiff::Timestamp;

use super::error::ObserveError;
use super::series::{Ask, Point, Purpose, Series, Span, Tick};
use super::{Sources, Substitution};
use crate::core::words::{Name, since};
use crate::shell::spec::LoadQuery;

/// Points over a window: enough that a spike of a minute in an hour shows, few enough for one cheap query.
const POINTS: u32 = 60;
/// Windows up to this long may rest on a single point, as many sources report once a minute.
const ONE_POINT_WITHIN: Duration = Duration::from_mins(2);

/// Points in time, or why there are none.
pub type History = Result<Vec<(Timestamp, f64)>, ObserveError>;

impl Sources {
    /// Load in requests per second, oldest first; missing points are absent, refused ones too. In the order of the
    /// queries; a source is asked once for all that are about it.
    pub async fn load_histories(&self, queries: &[&LoadQuery], span: Span, tick: Tick<'_>) -> Vec<History> {
        let ask = |query: &&LoadQuery| Ask {
            source: Some(query.source.clone()),
            query: query.query.clone(),
            with: Substitution::default(),
            span,
            purpose: Purpose::Level,
        };
        let asks: Vec<Ask> = queries.iter().map(ask).collect();
        let mut histories = Vec::new();
        for answer in self.series(&asks, tick).await {
            // A rate below zero is no load.
            histories.push(usable(answer).map(|points| points.into_iter().filter(|(_, value)| *value >= 0.0).collect()));
        }
        histories
    }

    /// Mean of a query over the time before `now`.
    pub async fn metric_value(&self, query: (&Name, &Substitution), over: Duration, tick: Tick<'_>) -> Result<f64, ObserveError> {
        let now = tick.now;
        let from = now.checked_sub(over).unwrap_or(Timestamp::MIN);
        let step = (over / POINTS).max(Duration::from_secs(1));
        let ask = Ask {
            source: None,
            query: query.0.clone(),
            with: query.1.clone(),
            span: Span { from, to: now, step },
            purpose: Purpose::Level,
        };
        let answer = self.series(&[ask], tick).await.pop();
        let points = usable(answer.unwrap_or_else(|| Err(ObserveError::Internal("it was not asked".into()))))?;
        let covers = |(first, last): (&(Timestamp, f64), &(Timestamp, f64))| {
            let begins = over <= ONE_POINT_WITHIN || since(now, first.0) >= over / 2;
            begins && since(now, last.0) <= over / 2
        };
        if !points.first().zip(points.last()).is_some_and(covers) {
            let message = format!("{} points do not cover the last {}", points.len(), crate::core::words::format_duration(over));
            return Err(ObserveError::NoData(message));
        }
        // Summed first: a mean of equal values is that value, which decides at a bound.
        let mean = points.iter().map(|(_, value)| value).sum::<f64>() / points.len() as f64;
        if mean.is_finite() { Ok(mean) } else { Err(ObserveError::NoData("the values are too large to add up".into())) }
    }
}

/// The usable points of one answer; none at all is an error with the first reason.
fn usable(answer: Result<Series, ObserveError>) -> History {
    let series = answer?;
    let value = |(at, point): (&Timestamp, &Point)| match point {
        Point::Value(value) => Some((*at, *value)),
        Point::Refused => None,
    };
    let values: Vec<(Timestamp, f64)> = series.points.iter().filter_map(value).collect();
    if values.is_empty() {
        let reason = series.reasons.into_iter().next();
        return Err(ObserveError::NoData(reason.unwrap_or_else(|| "the source has no points in that time".into())));
    }
    Ok(values)
}
