//! What is asked of a source and what comes back: points on a grid, each a value or refused.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Pushes, Substitution};
use crate::core::words::{Name, later};

/// Most reasons kept per series; the first ones tell what is wrong.
const MOST_REASONS: usize = 8;
/// Most periods of a span: a year of minutes. A longer one is cut at its beginning.
const MOST_PERIODS: i64 = 527_040;

/// A look at the world: what the daemon holds itself, and the instant.
#[derive(Clone, Copy, Debug)]
pub struct Tick<'a> {
    /// What push sources hold for the time that is asked about.
    pub pushed: &'a Pushes,
    /// Now; nothing later is believed.
    pub now: Timestamp,
}

/// From when to when, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The end, exclusive for periods.
    pub to: Timestamp,
    /// Length of a period, or distance of points; at least 100 ms (a second for Prometheus).
    pub step: Duration,
}

/// What the points mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Events per period, stamped with the period's start. A PromQL expression gives them at its end, as `increase` does.
    Counts,
    /// A level at an instant, such as a ratio or requests per second. Pushed counts become events per second.
    Level,
}

/// One query, to be asked of whichever source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The source; `None`: the one that has a query of this name.
    pub source: Option<Name>,
    /// The query.
    pub query: Name,
    /// What its placeholders stand for.
    pub with: Substitution,
    /// When.
    pub span: Span,
    /// What for.
    pub purpose: Purpose,
}

/// A point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// Finite; not negative where counts were asked for.
    Value(f64),
    /// Something came that is no value: NaN, infinite, negative, or not a number.
    Refused,
}

/// Points by instant, and why some were refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// By start of period or by instant.
    pub points: BTreeMap<Timestamp, Point>,
    /// The first reasons, whole sentences.
    pub reasons: Vec<String>,
}

impl Series {
    /// Keeps a point, or refuses it with a reason. Counts of one period add up; a refused part spoils its period.
    pub fn put(&mut self, at: Timestamp, value: f64, purpose: Purpose) {
        let valid = value.is_finite() && (purpose == Purpose::Level || value >= 0.0);
        if !valid {
            self.refuse(Some(at), format!("{value} at {at} is not a usable value"));
            return;
        }
        let before = self.points.get(&at).copied();
        let point = match (before, purpose) {
            (Some(Point::Refused), _) => Point::Refused,
            (Some(Point::Value(before)), Purpose::Counts) => Point::Value(before + value),
            _ => Point::Value(value),
        };
        self.points.insert(at, point);
    }

    /// Notes something that is no value, at an instant if it has one.
    pub fn refuse(&mut self, at: Option<Timestamp>, reason: String) {
        if let Some(at) = at {
            self.points.insert(at, Point::Refused);
        }
        if self.reasons.len() < MOST_REASONS {
            self.reasons.push(reason);
        }
    }
}

impl Series {
    /// Notes that these periods are not known, with one reason for all of them.
    pub(super) fn refuse_all(&mut self, periods: impl Iterator<Item = Timestamp>, reason: String) {
        let before = self.points.len();
        self.points.extend(periods.take(MOST_PERIODS as usize).map(|at| (at, Point::Refused)));
        if self.points.len() > before && self.reasons.len() < MOST_REASONS {
            self.reasons.push(reason);
        }
    }
}

impl Span {
    fn step_ms(self) -> i64 {
        i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX).max(100)
    }

    /// The start of the period that holds an instant; periods are aligned to the epoch.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        let ms = at.as_millisecond();
        Timestamp::from_millisecond(ms - ms.rem_euclid(self.step_ms())).unwrap_or(at)
    }

    /// Starts of the whole periods inside the span, oldest first.
    pub fn periods(self) -> impl Iterator<Item = Timestamp> {
        let step = self.step_ms();
        let end = self.floor(self.to).as_millisecond();
        let first = self.floor(self.from).as_millisecond();
        let first = if first < self.from.as_millisecond() { first.saturating_add(step) } else { first };
        let first = first.max(end.saturating_sub(step.saturating_mul(MOST_PERIODS)));
        let count = (end.saturating_sub(first) / step).max(0);
        (0..count).filter_map(move |nth| Timestamp::from_millisecond(first + nth * step).ok())
    }

    /// Whether an instant lies in it.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// The end of a period.
    pub fn end_of(self, period: Timestamp) -> Timestamp {
        later(period, Duration::from_millis(self.step_ms().unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_whole_and_aligned() {
        let span = Span { from: at("2026-01-01T00:00:30Z"), to: at("2026-01-01T00:03:59Z"), step: Duration::from_mins(1) };
        let starts: Vec<String> = span.periods().map(|at| at.to_string()).collect();
        assert_eq!(starts, ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"]);
        let hostile = Span { from: Timestamp::MIN, to: Timestamp::MAX, step: Duration::ZERO };
        let count = i64::try_from(hostile.periods().count()).unwrap();
        assert!((1..=MOST_PERIODS).contains(&count), "{count}");
    }

    #[test]
    fn refused_parts_spoil_their_period() {
        let mut series = Series::default();
        for value in [1.0, 2.0] {
            series.put(at("2026-01-01T00:00:00Z"), value, Purpose::Counts);
        }
        for value in [1.0, f64::NAN, 2.0] {
            series.put(at("2026-01-01T00:01:00Z"), value, Purpose::Counts);
        }
        series.put(at("2026-01-01T00:02:00Z"), -1.0, Purpose::Counts);
        let points: Vec<Point> = series.points.values().copied().collect();
        assert_eq!(points, [Point::Value(3.0), Point::Refused, Point::Refused]);
        assert_eq!(series.reasons.len(), 2);
    }
}
