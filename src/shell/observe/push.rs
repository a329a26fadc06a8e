//! Pushed counts put on a grid: sums over senders, complete only when everybody reported.
//!
//! Pure. Not here: keeping them (the store does). Invariant: a period that one sender has not reported is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::series::{Purpose, Series, Span};
use crate::core::words::{Name, since};

/// A count of one series by one sender in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The period's start.
    pub at: Timestamp,
    /// Who counted.
    pub sender: Name,
    /// What was counted, such as `errors.2.3.0`.
    pub series: String,
    /// How many.
    pub value: u64,
}

/// Everything pushed, by source.
pub type Pushes = BTreeMap<Name, Vec<Pushed>>;

/// The grid that pushed counts are put on. Counts go on the grid that is asked for; a level is a rate, and a grid finer
/// than the pushes would see one push as a burst, so it is widened to their distance (a minute if there is only one).
pub(super) fn span_for(rows: &[Pushed], span: Span, purpose: Purpose) -> Span {
    if purpose == Purpose::Counts {
        return span;
    }
    let stamps: BTreeSet<Timestamp> = rows.iter().filter(|row| span.holds(row.at)).map(|row| row.at).collect();
    let gaps = stamps.iter().zip(stamps.iter().skip(1)).map(|(one, next)| since(*next, *one));
    let gap = gaps.min().unwrap_or(Duration::from_mins(1));
    let step = span.step.max(gap);
    Span { step, ..span }
}

/// The periods inside a span that everybody reported, before one series is looked at.
pub(super) fn complete_periods(rows: &[Pushed], senders: &[Name], span: Span) -> BTreeSet<Timestamp> {
    let mut reported: BTreeMap<Timestamp, BTreeSet<&Name>> = BTreeMap::new();
    for row in rows.iter().filter(|row| span.holds(row.at)) {
        reported.entry(span.floor(row.at)).or_default().insert(&row.sender);
    }
    let all = |seen: &BTreeSet<&Name>| senders.iter().all(|sender| seen.contains(sender));
    let is_whole = |at: Timestamp| at >= span.from && span.end_of(at) <= span.to;
    reported.into_iter().filter(|(at, seen)| is_whole(*at) && all(seen)).map(|(at, _)| at).collect()
}

/// One series over the complete periods. A period that everybody reported without this series has no point: for errors
/// beside requests that means none, for requests it is missing. Levels are per second.
pub(super) fn align(rows: &[Pushed], series: &str, complete: &BTreeSet<Timestamp>, grid: (Span, Purpose)) -> Series {
    let (span, purpose) = grid;
    let mut sums: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.series == series && span.holds(row.at)) {
        let period = span.floor(row.at);
        if complete.contains(&period) {
            let sum = sums.entry(period).or_default();
            *sum = sum.saturating_add(row.value);
        }
    }
    let per = if purpose == Purpose::Level { span.step.as_secs_f64().max(1.0) } else { 1.0 };
    let mut aligned = Series::default();
    for (at, sum) in sums {
        aligned.put(at, sum as f64 / per, purpose);
    }
    aligned
}

#[cfg(test)]
mod tests {
    use super::super::series::Point;
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn row(minute: i64, sender: &str, series: &str, value: u64) -> Pushed {
        Pushed { at: at(minute), sender: Name::new(sender).unwrap(), series: series.into(), value }
    }

    fn aligned(senders: &[&str], series: &str) -> Vec<(i64, Point)> {
        let rows = [
            row(0, "edge1", "requests.2.3.0", 10),
            row(0, "edge2", "requests.2.3.0", 5),
            row(0, "EDGE2", "errors.2.3.0", 2),
            row(1, "edge1", "requests.2.3.0", 7),
            row(2, "edge1", "requests.2.2.0", 7),
            row(2, "edge2", "requests.2.3.0", 1),
        ];
        let senders: Vec<Name> = senders.iter().map(|sender| Name::new(sender).unwrap()).collect();
        let span = Span { from: at(0), to: at(5), step: Duration::from_mins(1) };
        let complete = complete_periods(&rows, &senders, span);
        let points = align(&rows, series, &complete, (span, Purpose::Counts)).points;
        points.into_iter().map(|(when, point)| ((when.as_second() - at(0).as_second()) / 60, point)).collect()
    }

    #[test]
    fn a_period_counts_only_when_every_listed_sender_reported() {
        let value = Point::Value;
        assert_eq!(aligned(&["edge1", "edge2"], "requests.2.3.0"), [(0, value(15.0)), (2, value(1.0))]);
        assert_eq!(aligned(&["edge1", "edge2"], "errors.2.3.0"), [(0, value(2.0))]);
        assert_eq!(aligned(&[], "requests.2.3.0"), [(0, value(15.0)), (1, value(7.0)), (2, value(1.0))]);
        assert_eq!(aligned(&["edge1", "edge2", "edge3"], "requests.2.3.0"), []);
    }

    #[test]
    fn a_rate_does_not_depend_on_how_finely_it_is_asked_for() {
        let rows: Vec<Pushed> = (0..10).map(|minute| row(minute, "edge1", "requests", 120)).collect();
        for step in [1, 15, 60, 120] {
            let span = Span { from: at(0), to: at(10), step: Duration::from_secs(step) };
            let span = span_for(&rows, span, Purpose::Level);
            let points = align(&rows, "requests", &complete_periods(&rows, &[], span), (span, Purpose::Level)).points;
            assert!(!points.is_empty() && points.values().all(|point| *point == Point::Value(2.0)), "step {step}: {points:?}");
        }
    }
}
