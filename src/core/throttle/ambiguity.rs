//! Rules between which a request could not choose: equally specific, and both match it.
//!
//! Settings refuses documents that have such a pair, with both places named; the table never has to guess.
//! Invariant: no pair is reported for a set of rules in which every request has one most specific match, and each rule
//! that is part of a tie is in at least one pair, so that a person sees all of them in one run. The work is that of a sort.

use std::collections::BTreeMap;

use super::interval::Interval;
use super::{Policy, Rule};
use crate::core::words::{Name, Version, VersionRule};

/// Pairs of labels that tie, in order; `policy/global` stands for a policy's global percent, of which there can be one.
pub fn ambiguities<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Vec<(String, String)> {
    let mut alike: BTreeMap<(&Name, Option<&Name>), Vec<&Rule>> = BTreeMap::new();
    let mut globals = Vec::new();
    for policy in policies {
        if policy.global.is_some() {
            globals.push(format!("{}/global", policy.name));
        }
        for rule in &policy.rules {
            alike.entry((&rule.app, rule.channel.as_ref())).or_default().push(rule);
        }
    }
    let mut ties: Vec<_> = alike.into_values().flat_map(|rules| ties_among(&rules)).collect();
    ties.extend(globals.windows(2).map(|two| pair(&two[0], &two[1])));
    ties.sort();
    ties.dedup();
    ties
}

/// Ties among rules of one app and channel, kind by kind of their version.
fn ties_among(rules: &[&Rule]) -> Vec<(String, String)> {
    let (mut texts, mut ranges, mut prefixes, mut every) = (Texts::default(), Vec::new(), Vec::new(), Vec::new());
    for rule in rules {
        let label = rule.label.as_str();
        match &rule.version {
            Some(VersionRule::Exact(exact)) => texts.claim((false, exact.as_str()), label),
            Some(VersionRule::List(list)) => {
                list.iter().map(Version::as_str).for_each(|one| texts.claim((true, one), label));
            }
            Some(VersionRule::Range(bounds)) => ranges.push((Interval::of(bounds), label)),
            Some(VersionRule::Prefix(prefix)) => prefixes.push((prefix.as_str(), label)),
            None => every.push(label),
        }
    }
    let mut ties = texts.ties;
    ties.extend(every.windows(2).map(|two| pair(two[0], two[1])));
    ties.extend(ties_of_ranges(ranges));
    ties.extend(ties_of_prefixes(prefixes));
    ties
}

/// Who claimed a text first; exact versions and members of lists are apart.
#[derive(Default)]
struct Texts<'a> {
    claims: BTreeMap<(bool, &'a str), &'a str>,
    ties: Vec<(String, String)>,
}

impl<'a> Texts<'a> {
    fn claim(&mut self, text: (bool, &'a str), label: &'a str) {
        let first = self.claims.entry(text).or_insert(label);
        // A list that names one version twice is no tie.
        if *first != label {
            self.ties.push(pair(first, label));
        }
    }
}

/// By lower end: a range ties with an earlier one exactly if the one that reaches furthest so far reaches it.
fn ties_of_ranges(mut ranges: Vec<(Interval, &str)>) -> Vec<(String, String)> {
    ranges.retain(|(range, _)| !range.is_empty());
    ranges.sort_by(|(one, _), (other, _)| one.starts_before(other));
    let mut ties = Vec::new();
    let mut furthest: Option<&(Interval, &str)> = None;
    for entry in &ranges {
        if let Some((earlier, label)) = furthest
            && entry.0.is_reached_by(earlier)
        {
            ties.push(pair(label, entry.1));
        }
        if furthest.is_none_or(|(earlier, _)| earlier.ends_before(&entry.0).is_lt()) {
            furthest = Some(entry);
        }
    }
    ties
}

/// In the order of texts, everything that begins with a prefix follows it directly.
fn ties_of_prefixes(mut prefixes: Vec<(&str, &str)>) -> Vec<(String, String)> {
    prefixes.sort_unstable();
    let mut ties = Vec::new();
    let mut open: Option<(&str, &str)> = None;
    for (prefix, label) in prefixes {
        match open {
            Some((shorter, other)) if prefix.starts_with(shorter) => ties.push(pair(other, label)),
            _ => open = Some((prefix, label)),
        }
    }
    ties
}

fn pair(one: &str, other: &str) -> (String, String) {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    (first.into(), second.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::words::Percent;

    fn policy(name: &str, rules: &[&str], global: Option<Percent>) -> Policy {
        let rules = rules.iter().enumerate().map(|(number, text)| rule(&format!("{name}/rules[{number}]"), text)).collect();
        Policy { rules, global, ..Policy::named(Name::new(name).unwrap()) }
    }

    /// `app version channel`, with `-` for none.
    fn rule(label: &str, text: &str) -> Rule {
        let fields: Vec<_> = text.split('|').collect();
        let given = |field: &str| (field != "-").then(|| field.to_owned());
        Rule {
            label: label.into(),
            version: given(fields[1]).map(|text| text.parse().unwrap()),
            channel: given(fields[2]).map(|text| Name::new(&text).unwrap()),
            ..Rule::about(Name::new(fields[0]).unwrap(), Percent::ZERO)
        }
    }

    fn check(rules: &[&str], expected: &[(usize, usize)]) {
        let label = |number: usize| format!("p/rules[{number}]");
        let expected: Vec<_> = expected.iter().map(|&(one, other)| (label(one), label(other))).collect();
        assert_eq!(ambiguities([&policy("p", rules, None)]), expected, "{rules:?}");
    }

    #[test]
    fn rules_of_one_kind_that_share_a_request_tie() {
        check(&["A|1.0|-", "a|1.0|-"], &[(0, 1)]);
        check(&["A|1.0|beta", "A|1.0|BETA"], &[(0, 1)]);
        check(&["A|1.0, 1.1|-", "A|1.1, 1.2|-", "A|1.3, 1.3|-"], &[(0, 1)]);
        check(&["A|<2|-", "A|>=1 <3|-", "A|>=3|-"], &[(0, 1)]);
        check(&["A|>0 <9|-", "A|>=1 <2|-", "A|>=3 <4|-"], &[(0, 1), (0, 2)]);
        check(&["A|3.*|-", "A|3.6.*|-", "A|4.*|-", "A|3.6.1*|-"], &[(0, 1), (0, 3)]);
        check(&["A|*|-", "A|4.*|-"], &[(0, 1)]);
        check(&["A|-|-", "A|-|-", "A|-|-"], &[(0, 1), (1, 2)]);
    }

    #[test]
    fn rules_of_different_specificity_or_audience_do_not() {
        check(&["A|1.0|-", "A|1.0, 1.1|-", "A|<2|-", "A|1.*|-", "A|-|-"], &[]);
        check(&["A|1.0|-", "A|1.0|beta", "A|1.0|release", "B|1.0|-"], &[]);
        check(&["A|1.0|-", "A|1.00|-"], &[]);
        check(&["A|<2|-", "A|>=2 <3|-", "A|>2 <1|-"], &[]);
        check(&["A|3.6.*|-", "A|3.7.*|-"], &[]);
    }

    #[test]
    fn ties_reach_across_policies_and_there_is_one_global_percent() {
        let one = policy("one", &["A|1.0|-"], Some(Percent::ZERO));
        let two = policy("two", &["A|1.0|-"], Some(Percent::FULL));
        let expected = [("one/global", "two/global"), ("one/rules[0]", "two/rules[0]")];
        assert_eq!(ambiguities([&two, &one]), expected.map(|(one, other)| (one.to_owned(), other.to_owned())));
    }

    #[test]
    fn many_rules_of_one_app_are_read_at_once() {
        let rules: Vec<_> = (0..20_000).map(|number| format!("A|>={number} <{}|-", number + 1)).collect();
        let rules: Vec<_> = rules.iter().map(String::as_str).collect();
        check(&rules, &[]);
    }
}
