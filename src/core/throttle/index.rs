//! The specific rules of one app, searched by specificity: version first, then channel (DESIGN section 5).
//!
//! Not here: what a rule then does. Invariant: a search costs the same with ten rules or a hundred thousand, and what
//! it finds does not depend on the order of the rules: they are numbered from the strictest, and the lowest number wins
//! where validation would have refused a tie.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::Rule;
use super::interval::{Interval, Intervals};
use crate::core::words::{Name, Version, VersionRule};

/// A map that is only looked up, never listed, so that its order cannot show. Its hash has fixed keys: only documents
/// put keys in, requests do not, so nobody can make them collide.
pub(super) type Lookup<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// The rules of one app.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    by_channel: Lookup<Name, Versions>,
    any_channel: Versions,
}

/// Rules for one channel, or for any, by the kind of their version.
#[derive(Clone, Debug, Default)]
struct Versions {
    exact: Lookup<Version, usize>,
    listed: Lookup<Version, usize>,
    ranges: Intervals,
    prefixes: Prefixes,
    every: Option<usize>,
}

/// Trailing `*`: texts, and the lengths they come in, so that a search hashes each such length once.
#[derive(Clone, Debug, Default)]
struct Prefixes {
    rules: Lookup<String, usize>,
    lengths: Vec<usize>,
}

/// The kinds in order of specificity.
const KINDS: [fn(&Versions, &Version) -> Option<usize>; 5] = [
    |versions, version| versions.exact.get(version).copied(),
    |versions, version| versions.listed.get(version).copied(),
    |versions, version| versions.ranges.find(version),
    |versions, version| versions.prefixes.find(version),
    |versions, _| versions.every,
];

impl Index {
    /// Indexes rules of one app, each with its number; strictest first.
    pub(super) fn build<'a>(rules: impl IntoIterator<Item = (usize, &'a Rule)>) -> Self {
        let mut by_channel: Lookup<Name, Vec<(usize, &Rule)>> = Lookup::default();
        let mut any_channel = Vec::new();
        for (number, rule) in rules {
            let same = rule.channel.as_ref().map_or(&mut any_channel, |name| by_channel.entry(name.clone()).or_default());
            same.push((number, rule));
        }
        let by_channel = by_channel.into_iter().map(|(channel, rules)| (channel, Versions::build(&rules))).collect();
        Self { by_channel, any_channel: Versions::build(&any_channel) }
    }

    /// The number of the most specific rule for this request.
    pub(super) fn find(&self, version: &Version, channel: &Name) -> Option<usize> {
        let own = self.by_channel.get(channel);
        KINDS.iter().find_map(|kind| own.and_then(|own| kind(own, version)).or_else(|| kind(&self.any_channel, version)))
    }
}

impl Versions {
    fn build(rules: &[(usize, &Rule)]) -> Self {
        let mut versions = Self::default();
        let mut ranges = Vec::new();
        for &(number, rule) in rules {
            match &rule.version {
                Some(VersionRule::Exact(exact)) => keep(&mut versions.exact, exact.clone(), number),
                Some(VersionRule::List(list)) => {
                    for one in list {
                        keep(&mut versions.listed, one.clone(), number);
                    }
                }
                Some(VersionRule::Range(bounds)) => ranges.push((Interval::of(bounds), number)),
                Some(VersionRule::Prefix(prefix)) => keep(&mut versions.prefixes.rules, prefix.clone(), number),
                None => versions.every = Some(versions.every.map_or(number, |kept| kept.min(number))),
            }
        }
        versions.ranges = Intervals::build(ranges);
        versions.prefixes.measure();
        versions
    }
}

fn keep<K: Eq + std::hash::Hash>(map: &mut Lookup<K, usize>, key: K, number: usize) {
    map.entry(key).and_modify(|kept| *kept = (*kept).min(number)).or_insert(number);
}

impl Prefixes {
    fn measure(&mut self) {
        self.lengths = self.rules.keys().map(String::len).collect();
        self.lengths.sort_unstable();
        self.lengths.dedup();
    }

    /// All prefixes of a version are equally specific, so the lowest number wins, not the longest text.
    fn find(&self, version: &Version) -> Option<usize> {
        let beginnings = self.lengths.iter().filter_map(|&length| version.as_str().get(..length));
        beginnings.filter_map(|beginning| self.rules.get(beginning)).copied().min()
    }
}
