//! Coverage per node: how many targets were proven, of how many.
//!
//! Invariant: a ratio is 0..=1, and below 1 as long as one target is unproven or the list was not read to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Class;

/// What became of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Proven fresh with the right bytes.
    Covered,
    /// Anything else.
    Open,
}

/// Counts of a run. Nodes are those that were named when it began.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    nodes: BTreeMap<String, (u64, u64)>,
    classes: BTreeMap<Class, u64>,
    soonest: Option<Duration>,
    torn: bool,
}

impl Tally {
    /// Starts with every node at nothing proven.
    pub fn new(nodes: impl IntoIterator<Item = String>) -> Self {
        Self { nodes: nodes.into_iter().map(|node| (node, (0, 0))).collect(), ..Self::default() }
    }

    /// One target at its end.
    pub fn count(&mut self, node: &str, class: Class, verdict: Verdict) {
        let (covered, targets) = self.nodes.entry(node.to_owned()).or_default();
        *targets += 1;
        *covered += u64::from(verdict == Verdict::Covered);
        *self.classes.entry(class).or_default() += 1;
    }

    /// An entry of the list that names no target: one unproven target at every node, without a class of its own.
    pub fn count_unreadable(&mut self) {
        self.nodes.values_mut().for_each(|(_, targets)| *targets += 1);
    }

    /// A covered target goes stale at this offset from the run's start.
    pub fn stale_at(&mut self, offset: Duration) {
        self.soonest = Some(self.soonest.map_or(offset, |soonest| soonest.min(offset)));
    }

    /// The list broke off: nobody knows how much is missing, so no ratio of it can be stated.
    pub fn tear(&mut self) {
        self.torn = true;
    }

    /// Proven share per node, 0..=1; 0 where there were no targets, or the list broke off: nothing is proven of it.
    pub fn coverage(&self) -> BTreeMap<String, f64> {
        let ratio =
            |(covered, targets): (u64, u64)| if self.torn || targets == 0 { 0.0 } else { covered as f64 / targets as f64 };
        self.nodes.iter().map(|(node, counts)| (node.clone(), ratio(*counts))).collect()
    }

    /// Whether every node reaches this percent; the last thousandth of a ppm is rounding, not a target.
    pub fn reaches(&self, percent: f64) -> bool {
        !self.nodes.is_empty() && self.coverage().values().all(|ratio| ratio * 100.0 >= percent - 1e-9)
    }

    /// Targets by class.
    pub fn classes(&self) -> &BTreeMap<Class, u64> {
        &self.classes
    }

    /// Offset from the run's start at which the first covered target goes stale, if any tells.
    pub fn soonest_stale(&self) -> Option<Duration> {
        self.soonest
    }

    /// Targets and covered ones over all nodes.
    pub fn totals(&self) -> (u64, u64) {
        self.nodes.values().fold((0, 0), |(targets, covered), (c, t)| (targets + t, covered + c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_per_node_and_counts_what_is_open() {
        let mut tally = Tally::new(["a".to_owned(), "b".to_owned()]);
        for _ in 0..3 {
            tally.count("a", Class::HitFresh, Verdict::Covered);
        }
        tally.count("a", Class::HitFresh, Verdict::Open); // wrong bytes
        tally.count("b", Class::HitFresh, Verdict::Covered);
        assert_eq!(tally.coverage(), BTreeMap::from([("a".to_owned(), 0.75), ("b".to_owned(), 1.0)]));
        assert!(tally.reaches(75.0) && !tally.reaches(75.1));
        tally.count_unreadable();
        assert_eq!(tally.coverage()["b"], 0.5);
        assert_eq!(tally.totals(), (7, 4));
    }

    #[test]
    fn nothing_is_proven_of_an_empty_or_torn_list() {
        let mut tally = Tally::new(["a".to_owned()]);
        assert!(!tally.reaches(1.0));
        tally.count("a", Class::HitFresh, Verdict::Covered);
        assert!(tally.reaches(100.0));
        tally.tear();
        assert_eq!(tally.coverage()["a"], 0.0);
        assert!(!Tally::default().reaches(0.0), "without nodes nothing is reached");
    }
}
