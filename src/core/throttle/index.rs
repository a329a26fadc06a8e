//! The specific rules of one app, searched by specificity: version first, then channel (docs/THROTTLE.md).
//!
//! Not here: what a rule then does. Invariant: a search costs the same with ten rules or a hundred thousand, and what
//! it finds does not depend on the order of the rules: they are numbered from the strictest, and the lowest number wins
//! where validation would have refused a tie.

use std::collections::BTreeMap;

use super::Rule;
use super::interval::{Interval, Intervals};
use super::lookup::Lookup;
use crate::core::words::{Name, Version, VersionRule};

/// The rules of one app.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    by_channel: Lookup<Name, Versions>,
    any_channel: Versions,
}

/// Rules for one channel, or for any, by the kind of their version.
#[derive(Clone, Debug, Default)]
struct Versions {
    exact: Lookup<String, usize>,
    listed: Lookup<String, usize>,
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
    |versions, version| versions.exact.get(version.as_str()).copied(),
    |versions, version| versions.listed.get(version.as_str()).copied(),
    |versions, version| versions.ranges.find(version),
    |versions, version| versions.prefixes.find(version),
    |versions, _| versions.every,
];

impl Index {
    /// Indexes rules of one app, each with its number; strictest first.
    pub(super) fn build<'a>(rules: impl IntoIterator<Item = (usize, &'a Rule)>) -> Self {
        let mut by_channel: BTreeMap<Name, Vec<(usize, &Rule)>> = BTreeMap::new();
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
        let (mut exact, mut listed, mut ranges, mut prefixes, mut every) =
            (Claims::new(), Claims::new(), vec![], Claims::new(), None);
        for &(number, rule) in rules {
            match &rule.version {
                Some(VersionRule::Exact(version)) => claim(&mut exact, version.as_str(), number),
                Some(VersionRule::List(list)) => {
                    for version in list {
                        claim(&mut listed, version.as_str(), number);
                    }
                }
                Some(VersionRule::Range(bounds)) => ranges.push((Interval::of(bounds), number)),
                Some(VersionRule::Prefix(prefix)) => claim(&mut prefixes, prefix, number),
                None => every = Some(every.map_or(number, |kept: usize| kept.min(number))),
            }
        }
        let (exact, listed) = (exact.into_iter().collect(), listed.into_iter().collect());
        Self { exact, listed, ranges: Intervals::build(ranges), prefixes: Prefixes::build(prefixes), every }
    }
}

/// The lowest number that claims each text.
type Claims = BTreeMap<String, usize>;

fn claim(claims: &mut Claims, text: &str, number: usize) {
    claims.entry(text.into()).and_modify(|kept| *kept = (*kept).min(number)).or_insert(number);
}

impl Prefixes {
    fn build(rules: Claims) -> Self {
        let mut lengths: Vec<_> = rules.keys().map(String::len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Self { rules: rules.into_iter().collect(), lengths }
    }

    /// All prefixes of a version are equally specific, so the lowest number wins, not the longest text.
    fn find(&self, version: &Version) -> Option<usize> {
        let beginnings = self.lengths.iter().filter_map(|&length| version.as_str().get(..length));
        beginnings.filter_map(|beginning| self.rules.get(beginning)).copied().min()
    }
}
