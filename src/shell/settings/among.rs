//! Rules among documents beyond references: names that are taken, rules that tie, what a release needs of its documents.

use std::collections::{BTreeMap, BTreeSet};

use super::build::throttle_policy;
use super::draft::{Draft, Typed};
use super::kinds::checklist::Checklist;
use super::limits::MOST_ITEMS_OF_RUN;
use super::node::{Path, way};
use super::notes::Notes;
use super::schema::Kind;
use crate::core::throttle::{Policy, ambiguities};
use crate::core::words::Name;
use crate::shell::data::Finding;

/// Whether what documents refer to must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolve {
    /// For a launch: names refer to something, and documents have what a release needs of them.
    All,
    /// For a verb that uses one document by itself.
    Nothing,
}

/// Checks the documents against each other.
pub fn check(drafts: &mut [Draft<'_>], resolve: Resolve) {
    let mut found = taken(drafts);
    found.append(&mut ties(drafts));
    if resolve == Resolve::All {
        found.append(&mut queries(drafts));
        found.append(&mut needs(drafts));
        found.append(&mut shared_items(drafts));
        found.append(&mut super::clouds::check(drafts));
    }
    for (at, mut findings) in found {
        drafts[at].findings.append(&mut findings);
    }
}

/// Findings by the draft they are about.
type Found = Vec<(usize, Vec<Finding>)>;

fn about(drafts: &[Draft<'_>], at: usize, say: impl FnOnce(&mut Notes<'_>)) -> (usize, Vec<Finding>) {
    let mut notes = drafts[at].notes();
    say(&mut notes);
    (at, notes.into_findings())
}

/// One document per kind and name; one Settings document at all.
fn taken(drafts: &[Draft<'_>]) -> Found {
    let mut found = Vec::new();
    let mut seen: BTreeMap<(Kind, Option<&Name>), &Draft<'_>> = BTreeMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        let key = match (draft.kind, &draft.name) {
            (Kind::Settings, _) => (Kind::Settings, None),
            (_, None) => continue,
            (kind, name) => (kind, name.as_ref()),
        };
        let Some(first) = seen.get(&key) else {
            seen.insert(key, draft);
            continue;
        };
        let message = match key.1 {
            None => format!("there are two Settings documents; the first is at {}", first.whereabouts()),
            Some(name) => format!("`{name}` is taken: a {} of that name is at {}", draft.kind.word(), first.whereabouts()),
        };
        found.push(about(drafts, at, |notes| {
            notes.value(way!["name"]).error("TM0302", message, "rename or remove one of the two");
        }));
    }
    found
}

/// Throttle rules between which a request could not choose, and a second `global`; both places are named.
fn ties(drafts: &[Draft<'_>]) -> Found {
    let policies: Vec<Policy> = drafts.iter().enumerate().filter_map(|(at, draft)| labelled(at, draft)).collect();
    let mut found = Vec::new();
    for (one, other) in ambiguities(&policies) {
        let (Some(one), Some(other)) = (unlabelled(&one), unlabelled(&other)) else { continue };
        let ((first_at, first_path), (at, path)) = if one < other { (one, other) } else { (other, one) };
        let first = format!("{} ({first_path})", drafts[first_at].place(&first_path));
        found.push(about(drafts, at, |notes| {
            if path.0.len() == 1 {
                notes.key(path).error(
                    "TM0304",
                    format!("a second `global` layer; the first is at {first}"),
                    "keep one of the two",
                );
            } else {
                let message = format!("this rule and the one at {first} match the same request, and neither is more specific");
                notes.value(path).error("TM0303", message, "make one narrower by version or channel, or merge the two");
            }
        }));
    }
    found
}

/// A policy whose labels are positions: names may be taken twice.
fn labelled(at: usize, draft: &Draft<'_>) -> Option<Policy> {
    let Some(Typed::ThrottlePolicy(from)) = &draft.typed else { return None };
    let mut policy = throttle_policy(from);
    policy.name = Name::new(&at.to_string()).ok()?;
    for (index, rule) in policy.rules.iter_mut().enumerate() {
        rule.label = format!("{at}/{index}");
    }
    Some(policy)
}

fn unlabelled(label: &str) -> Option<(usize, Path)> {
    let (at, rest) = label.split_once('/')?;
    let path = if rest == "global" { way!["global"] } else { way!["rules", rest.parse::<usize>().ok()?] };
    Some((at.parse().ok()?, path))
}

/// Gates and checks name a query without its source, so its name is one among all sources.
fn queries(drafts: &[Draft<'_>]) -> Found {
    let mut found = Vec::new();
    let mut seen: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.kind == Kind::MetricsSource) {
        for key in draft.notes().keys_at("queries") {
            match seen.get(&key.to_ascii_lowercase()) {
                Some((first, spelt)) if *first != at => {
                    let place = drafts[*first].place(&way!["queries", spelt.as_str()]);
                    let message = format!("a query `{spelt}` is at {place} already, and a gate could mean either");
                    found.push(about(drafts, at, |notes| {
                        notes.key(way!["queries", key.as_str()]).error("TM0302", message, "rename one of the two");
                    }));
                }
                Some(_) => {}
                None => drop(seen.insert(key.to_ascii_lowercase(), (at, key))),
            }
        }
    }
    found
}

/// A gate policy may be without metrics for a replay, but not for a release.
fn needs(drafts: &[Draft<'_>]) -> Found {
    let mut found = Vec::new();
    let bare: BTreeSet<&Name> = drafts.iter().filter_map(without_metrics).collect();
    for (at, draft) in drafts.iter().enumerate() {
        let Some(Typed::Release(release)) = &draft.typed else { continue };
        if let Some(gate) = release.gate.as_ref().filter(|gate| bare.contains(gate)) {
            let message = format!("the gate policy `{gate}` watches no metric, so no step could ever be SAFE");
            found.push(about(drafts, at, |notes| {
                notes.value(way!["gate"]).error("TM0305", message, "add `metrics` to the policy");
            }));
        }
    }
    found
}

fn without_metrics<'d>(draft: &'d Draft<'_>) -> Option<&'d Name> {
    match &draft.typed {
        Some(Typed::GatePolicy(gate)) if gate.metrics.is_empty() => Some(&gate.name),
        _ => None,
    }
}

fn checklist<'d>(draft: &'d Draft<'_>) -> Option<(&'d Name, &'d Checklist)> {
    match &draft.typed {
        Some(Typed::Checklist(checklist)) => Some((&checklist.name, checklist)),
        _ => None,
    }
}

/// Sign-offs name release and item, so an id is one among the checklists of a release.
fn shared_items(drafts: &[Draft<'_>]) -> Found {
    let mut found = Vec::new();
    // Of two of one name the first: the second is refused.
    let checklists: BTreeMap<&Name, &Checklist> = drafts.iter().rev().filter_map(checklist).collect();
    let mut items = 0;
    for (at, draft) in drafts.iter().enumerate() {
        let Some(Typed::Release(release)) = &draft.typed else { continue };
        items += release.checklists.iter().filter_map(|name| checklists.get(name)).map(|list| list.items.len()).sum::<usize>();
        if items > MOST_ITEMS_OF_RUN {
            found.push(about(drafts, at, |notes| {
                let message = format!("the releases up to this one have more than {MOST_ITEMS_OF_RUN} checklist items together");
                notes.value(way!["checklists"]).error("TM0111", message, "take releases out that are long complete");
            }));
            continue;
        }
        let mut seen: BTreeMap<&Name, &Name> = BTreeMap::new();
        for (index, name) in release.checklists.iter().enumerate() {
            let Some(list) = checklists.get(name) else { continue };
            let twice: Vec<_> = list.items.iter().filter_map(|item| seen.get(&item.id).map(|first| (&item.id, *first))).collect();
            if let Some((id, first)) = twice.first() {
                let message =
                    format!("the checklists `{first}` and `{name}` both have an item `{id}`, and a sign-off could mean either");
                found.push(about(drafts, at, |notes| {
                    notes.value(way!["checklists", index]).error(
                        "TM0305",
                        message,
                        "rename one of the items, or take one checklist out",
                    );
                }));
            }
            seen.extend(list.items.iter().map(|item| (&item.id, name)));
        }
    }
    found
}
