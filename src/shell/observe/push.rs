//! Pushed counts by period and series, put on a grid: sums over senders, complete only when everybody reported.
//!
//! Pure. Not here: keeping them (the store does). Invariant: a period that one sender has not reported is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::series::{Point, Purpose, Series, Span};
use crate::core::words::{Name, since};

/// What one source was told, for the time that is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Who reported a period, whatever they counted in it.
    reported: BTreeMap<Timestamp, BTreeSet<Name>>,
    /// What they counted, by series, such as `errors.2.3.0`.
    series: BTreeMap<String, BTreeMap<Timestamp, Vec<(Name, u64)>>>,
}

/// Everything pushed, by source.
pub type Pushes = BTreeMap<Name, Arc<Book>>;

impl Book {
    /// One sender's period, in place of what it said of it before.
    pub fn put<'c>(&mut self, at: Timestamp, sender: &Name, counts: impl IntoIterator<Item = (&'c str, u64)>) {
        if !self.reported.entry(at).or_default().insert(sender.clone()) {
            for period in self.series.values_mut().filter_map(|periods| periods.get_mut(&at)) {
                period.retain(|(other, _)| other != sender);
            }
        }
        for (series, count) in counts {
            if let Some(periods) = self.series.get_mut(series) {
                periods.entry(at).or_default().push((sender.clone(), count));
            } else {
                let periods = BTreeMap::from([(at, vec![(sender.clone(), count)])]);
                self.series.insert(series.to_owned(), periods);
            }
        }
    }

    /// Drops what is older.
    pub fn forget_before(&mut self, oldest: Timestamp) {
        self.reported = self.reported.split_off(&oldest);
        for periods in self.series.values_mut() {
            *periods = periods.split_off(&oldest);
        }
    }

    /// Drops what is newer.
    #[cfg(test)]
    pub fn forget_after(&mut self, newest: Timestamp) {
        self.reported.retain(|at, _| *at <= newest);
        self.series.values_mut().for_each(|periods| periods.retain(|at, _| *at <= newest));
    }

    /// The oldest period.
    pub fn begins(&self) -> Option<Timestamp> {
        self.reported.keys().next().copied()
    }

    fn reported(&self, span: Span) -> impl Iterator<Item = (Timestamp, &BTreeSet<Name>)> {
        within(&self.reported, span)
    }
}

/// The part of a map that lies in a span; of a span that ends before it begins, nothing.
fn within<T>(map: &BTreeMap<Timestamp, T>, span: Span) -> impl Iterator<Item = (Timestamp, &T)> {
    map.range(span.from..span.to.max(span.from)).map(|(at, value)| (*at, value))
}

/// The grid that pushed counts are put on. Counts go on the grid that is asked for; a level is a rate, and a grid finer
/// than the pushes would see one push as a burst, so it is widened to their distance (a minute if there is only one).
pub(super) fn span_for(book: &Book, span: Span, purpose: Purpose) -> Span {
    if purpose == Purpose::Counts {
        return span;
    }
    let stamps: Vec<Timestamp> = book.reported(span).map(|(at, _)| at).collect();
    let gaps = stamps.iter().zip(stamps.iter().skip(1)).map(|(one, next)| since(*next, *one));
    let gap = gaps.min().unwrap_or(Duration::from_mins(1));
    let step = span.step.max(gap);
    Span { step, ..span }
}

/// The periods inside a span that everybody reported, before one series is looked at.
pub(super) fn complete_periods(book: &Book, senders: &[Name], span: Span) -> BTreeSet<Timestamp> {
    let mut reported: BTreeMap<Timestamp, BTreeSet<&Name>> = BTreeMap::new();
    for (at, seen) in book.reported(span) {
        reported.entry(span.floor(at)).or_default().extend(seen);
    }
    let all = |seen: &BTreeSet<&Name>| senders.iter().all(|sender| seen.contains(sender));
    let is_whole = |at: Timestamp| at >= span.from && span.end_of(at) <= span.to;
    reported.into_iter().filter(|(at, seen)| is_whole(*at) && all(seen)).map(|(at, _)| at).collect()
}

/// One series over the complete periods. A period that everybody reported without this series has no point: for errors
/// beside requests that means none, for requests it is missing. Levels are per second.
pub(super) fn align(book: &Book, series: &str, complete: &BTreeSet<Timestamp>, grid: (Span, Purpose)) -> Series {
    let (span, purpose) = grid;
    // Stamps rise, so that those of one period stand together.
    let (mut sums, mut last): (Vec<(Timestamp, u64)>, _) = (Vec::new(), None);
    for (at, counts) in book.series.get(series).into_iter().flat_map(|periods| within(periods, span)) {
        if counts.is_empty() {
            continue;
        }
        let period = span.floor(at);
        if last.replace(period) != Some(period) && complete.contains(&period) {
            sums.push((period, 0));
        }
        if let Some((_, sum)) = sums.last_mut().filter(|(started, _)| *started == period) {
            *sum = counts.iter().fold(*sum, |sum, (_, count)| sum.saturating_add(*count));
        }
    }
    let per = if purpose == Purpose::Level { span.step.as_secs_f64().max(1.0) } else { 1.0 };
    let points = sums.into_iter().map(|(at, sum)| (at, Point::Value(sum as f64 / per))).collect();
    Series { points, ..Series::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    /// Minute, sender, and counts by series.
    type Pushed<'a> = (i64, &'a str, &'a [(&'a str, u64)]);

    fn book(pushes: &[Pushed<'_>]) -> Book {
        let mut book = Book::default();
        for (minute, sender, counts) in pushes {
            book.put(at(*minute), &Name::new(sender).unwrap(), counts.iter().copied());
        }
        book
    }

    fn aligned(senders: &[&str], series: &str) -> Vec<(i64, Point)> {
        let book = book(&[
            (0, "edge1", &[("requests.2.3.0", 10)]),
            (0, "edge2", &[("requests.2.3.0", 99), ("errors.2.3.0", 99), ("errors.2.2.0", 1)]),
            (0, "EDGE2", &[("requests.2.3.0", 5), ("errors.2.3.0", 2)]),
            (1, "edge1", &[("requests.2.3.0", 7)]),
            (2, "edge1", &[("requests.2.2.0", 7)]),
            (2, "edge2", &[("requests.2.3.0", 1)]),
        ]);
        let senders: Vec<Name> = senders.iter().map(|sender| Name::new(sender).unwrap()).collect();
        let span = Span { from: at(0), to: at(5), step: Duration::from_mins(1) };
        let complete = complete_periods(&book, &senders, span);
        let points = align(&book, series, &complete, (span, Purpose::Counts)).points;
        points.into_iter().map(|(when, point)| ((when.as_second() - at(0).as_second()) / 60, point)).collect()
    }

    #[test]
    fn a_period_counts_only_when_every_listed_sender_reported() {
        let value = Point::Value;
        assert_eq!(aligned(&["edge1", "edge2"], "requests.2.3.0"), [(0, value(15.0)), (2, value(1.0))]);
        assert_eq!(aligned(&["edge1", "edge2"], "errors.2.3.0"), [(0, value(2.0))]);
        assert_eq!(aligned(&[], "requests.2.3.0"), [(0, value(15.0)), (1, value(7.0)), (2, value(1.0))]);
        assert_eq!(aligned(&["edge1", "edge2", "edge3"], "requests.2.3.0"), []);
        assert_eq!(aligned(&[], "errors.2.2.0"), [], "a push again takes back what was pushed before");
    }

    #[test]
    fn a_rate_does_not_depend_on_how_finely_it_is_asked_for() {
        let pushes: Vec<Pushed<'_>> = (0..10).map(|minute| (minute, "edge1", &[("requests", 120)][..])).collect();
        let book = book(&pushes);
        for step in [1, 15, 60, 120] {
            let span = Span { from: at(0), to: at(10), step: Duration::from_secs(step) };
            let span = span_for(&book, span, Purpose::Level);
            let points = align(&book, "requests", &complete_periods(&book, &[], span), (span, Purpose::Level)).points;
            assert!(!points.is_empty() && points.values().all(|point| *point == Point::Value(2.0)), "step {step}: {points:?}");
        }
    }

    #[test]
    fn what_is_forgotten_was_never_reported_and_a_backward_span_holds_nothing() {
        let mut book = book(&[(0, "edge1", &[("requests", 1)]), (5, "edge1", &[("requests", 2)])]);
        let span = |from, to| Span { from: at(from), to: at(to), step: Duration::from_mins(1) };
        assert_eq!(complete_periods(&book, &[], span(0, 9)).len(), 2);
        assert_eq!(complete_periods(&book, &[], span(9, 0)).len(), 0);
        book.forget_before(at(1));
        assert_eq!((book.begins(), complete_periods(&book, &[], span(0, 9)).len()), (Some(at(5)), 1));
        assert_eq!(align(&book, "requests", &[at(0), at(5)].into(), (span(0, 9), Purpose::Counts)).points.len(), 1);
    }
}
