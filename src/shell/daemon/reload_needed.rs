//! Which documents must not go with their file, and which releases stop while one of theirs is gone.
//!
//! What clients are served by, what capacity stands by, what people signed, and everything these lean on. Whether one
//! release is kept is the core's rule ([`keeps`]). Invariant: what is kept loads by itself; nothing it names is missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::documents::{InForce, Key, spelt};
use crate::core::decide::{Config, State, keeps};
use crate::core::release::{Missing, Release, fixed};
use crate::core::throttle::{Lift, Policy};
use crate::core::words::Name;
use crate::shell::settings::{Finding, Kind, Part, Severity};

/// Documents that stay in force when they vanish.
pub(super) fn needed(current: &InForce, state: &State, now: Timestamp) -> BTreeSet<Key> {
    let config = &current.documents.config;
    let standing = |name: &Name| state.releases.get(name);
    let kept = config.releases.values().filter(|release| standing(&release.name).is_some_and(|state| keeps(release, state, now)));
    let releases = kept.map(|release| (Kind::Release, release.name.clone()));
    let brakes =
        config.throttles.values().filter(|policy| brakes(policy)).map(|policy| (Kind::ThrottlePolicy, policy.name.clone()));
    let floors = state.floors.keys().map(|group| (Kind::ScalingPolicy, group.clone()));
    let is_live = |name: &Name| standing(name).is_some_and(|state| state.phase.active().is_some());
    // Who is told may not go while there is something to tell them.
    let told = current.parts.keys().filter(|key| key.0 == Kind::Notifier && config.releases.keys().any(is_live)).cloned();
    let roots: Vec<Key> = releases.chain(brakes).chain(floors).chain(told).collect();
    closure(&current.parts, roots)
}

/// Whether a policy holds anybody back: without it more would be let through at once.
fn brakes(policy: &Policy) -> bool {
    !policy.rules.is_empty() || policy.global.is_some() || policy.lift != Lift::default()
}

/// These documents and all that they lean on.
fn closure(parts: &BTreeMap<Key, Part>, from: impl IntoIterator<Item = Key>) -> BTreeSet<Key> {
    let (mut reached, mut open) = (BTreeSet::new(), from.into_iter().collect::<Vec<Key>>());
    while let Some(key) = open.pop() {
        if let Some(part) = parts.get(&key)
            && reached.insert(key)
        {
            open.extend(part.leans_on.iter().cloned());
        }
    }
    reached
}

/// By release, what of it is gone: its document, one it leans on, or a throttle policy about its app.
pub(super) fn marks(parts: &BTreeMap<Key, Part>, config: &Config, gone: &BTreeMap<Key, String>) -> BTreeMap<Name, Vec<Missing>> {
    if gone.is_empty() {
        return BTreeMap::new();
    }
    let of = |release: &Release| -> Vec<Missing> {
        let about = config.throttles.values().filter(|policy| is_about(policy, release));
        let own = (Kind::Release, release.name.clone());
        let roots = about.map(|policy| (Kind::ThrottlePolicy, policy.name.clone())).chain([own]);
        let all = closure(parts, roots);
        gone.iter().filter(|(key, _)| all.contains(*key)).map(|(key, file)| missing(key, file)).collect()
    };
    let marked = config.releases.values().map(|release| (release.name.clone(), of(release)));
    marked.filter(|(_, missing)| !missing.is_empty()).collect()
}

fn missing(key: &Key, file: &str) -> Missing {
    Missing { document: spelt(key), file: file.into() }
}

fn is_about(policy: &Policy, release: &Release) -> bool {
    policy.global.is_some() || policy.rules.iter().any(|rule| rule.app == release.app)
}

/// What a change may not do to releases that are under way.
pub(super) fn objections(current: &InForce, next: &InForce, state: &State) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, after) in &next.documents.config.releases {
        let (Some(before), Some(standing)) = (current.documents.config.releases.get(name), state.releases.get(name)) else {
            continue;
        };
        let part = next.parts.get(&(Kind::Release, name.clone()));
        for key in fixed(before, after, standing) {
            found.push(Finding {
                file: part.map_or_else(String::new, |part| part.file.clone()),
                line: part.map_or(1, |part| part.line),
                column: 1,
                path: key.into(),
                code: "TM0401".into(),
                severity: Severity::Error,
                message: format!("{name} is {}, and its `{key}` may not change so any more", standing.phase.word()),
                help: "write another Release document for what is new".into(),
            });
        }
    }
    found
}
