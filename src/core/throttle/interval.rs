//! A range rule as an interval of release order, and many of them to be searched at once.
//!
//! Invariant: `Intervals::find` costs the logarithm of their number when they do not overlap, as validated rules do
//! not; when they overlap it still finds every one that holds the version.

use std::cmp::Ordering;

use crate::core::words::{Bound, Version};

/// An end of an interval; `None` where the interval is open to that side.
type End = Option<(Version, bool)>;

/// All versions between two ends, in release order.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    /// The lower end and whether it belongs to the interval.
    lower: End,
    /// The upper end and whether it belongs to the interval.
    upper: End,
}

impl Interval {
    /// What is left when all bounds hold.
    pub(super) fn of(bounds: &[(Bound, Version)]) -> Self {
        let mut interval = Self { lower: None, upper: None };
        for (bound, end) in bounds {
            let end = Some((end.clone(), matches!(bound, Bound::AtMost | Bound::AtLeast)));
            match bound {
                Bound::Above | Bound::AtLeast if lower_order(&end, &interval.lower) == Ordering::Greater => interval.lower = end,
                Bound::Below | Bound::AtMost if upper_order(&end, &interval.upper) == Ordering::Less => interval.upper = end,
                _ => {}
            }
        }
        interval
    }

    /// Whether no version can lie in it, such as in `>2 <1`.
    pub(super) fn is_empty(&self) -> bool {
        !reaches(&self.upper, &self.lower)
    }

    /// The order by lower ends.
    pub(super) fn starts_before(&self, other: &Self) -> Ordering {
        lower_order(&self.lower, &other.lower)
    }

    /// The order by upper ends.
    pub(super) fn ends_before(&self, other: &Self) -> Ordering {
        upper_order(&self.upper, &other.upper)
    }

    /// Whether an interval that starts no later reaches into this one.
    pub(super) fn is_reached_by(&self, earlier: &Self) -> bool {
        reaches(&earlier.upper, &self.lower)
    }

    fn starts_at_or_before(&self, version: &Version) -> bool {
        let Some((lower, inside)) = &self.lower else { return true };
        let order = lower.order(version);
        order == Ordering::Less || (order == Ordering::Equal && *inside)
    }

    fn ends_at_or_after(&self, version: &Version) -> bool {
        let Some((upper, inside)) = &self.upper else { return true };
        let order = upper.order(version);
        order == Ordering::Greater || (order == Ordering::Equal && *inside)
    }
}

fn lower_order(one: &End, other: &End) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some((one, one_inside)), Some((other, other_inside))) => one.order(other).then(other_inside.cmp(one_inside)),
    }
}

fn upper_order(one: &End, other: &End) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some((one, one_inside)), Some((other, other_inside))) => one.order(other).then(one_inside.cmp(other_inside)),
    }
}

/// Whether an upper end lies at or beyond a lower one. Release order has a version between any two that differ.
fn reaches(upper: &End, lower: &End) -> bool {
    let (Some((upper, upper_inside)), Some((lower, lower_inside))) = (upper, lower) else { return true };
    match upper.order(lower) {
        Ordering::Greater => true,
        Ordering::Equal => *upper_inside && *lower_inside,
        Ordering::Less => false,
    }
}

/// Intervals by lower end, each with the number of its rule and how far any one up to it reaches.
#[derive(Clone, Debug, Default)]
pub(super) struct Intervals(Vec<(Interval, usize, End)>);

impl Intervals {
    /// Sorts them for search. Empty ones are left out: they match nothing.
    pub(super) fn build(mut intervals: Vec<(Interval, usize)>) -> Self {
        intervals.retain(|(interval, _)| !interval.is_empty());
        intervals.sort_by(|(one, _), (other, _)| one.starts_before(other));
        let mut reach: Option<End> = None;
        let with_reach = intervals.into_iter().map(|(interval, rule)| {
            let further = reach.as_ref().is_none_or(|reach| upper_order(&interval.upper, reach) == Ordering::Greater);
            if further {
                reach = Some(interval.upper.clone());
            }
            let reach = reach.clone().unwrap_or(None);
            (interval, rule, reach)
        });
        Self(with_reach.collect())
    }

    /// The lowest number among the rules that hold this version.
    pub(super) fn find(&self, version: &Version) -> Option<usize> {
        let started = self.0.partition_point(|(interval, _, _)| interval.starts_at_or_before(version));
        let reaching =
            |(_, _, reach): &&(Interval, usize, End)| Interval { lower: None, upper: reach.clone() }.ends_at_or_after(version);
        let holding = self.0[..started].iter().rev().take_while(reaching);
        holding.filter(|(interval, _, _)| interval.ends_at_or_after(version)).map(|(_, rule, _)| *rule).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::words::VersionRule;

    fn interval(text: &str) -> Interval {
        match text.parse().unwrap() {
            VersionRule::Range(bounds) => Interval::of(&bounds),
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn only_impossible_intervals_are_empty() {
        for (text, empty) in [
            ("<2", false),
            (">2", false),
            (">2 <1", true),
            (">=2 <2.0", true),
            (">2 <=2", true),
            (">=2 <=2.0", false),
            (">=1 <3 <2", false),
            (">=1 >2 <2", true),
        ] {
            assert_eq!(interval(text).is_empty(), empty, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_search_finds_what_a_scan_finds(
            rules in prop::collection::vec("(>|>=)[0-3]\\.[0-3]( (<|<=)[0-3]\\.[0-3])?|(<|<=)[0-3]\\.[0-3]", 0..6),
            version in "[0-3]\\.[0-3](a|\\.0|\\.1)?",
        ) {
            let version = Version::new(&version).unwrap();
            let parsed: Vec<VersionRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
            let scan = parsed.iter().position(|rule| rule.matches(&version));
            let intervals = rules.iter().enumerate().map(|(number, rule)| (interval(rule), number)).collect();
            prop_assert_eq!(Intervals::build(intervals).find(&version), scan);
        }
    }
}
