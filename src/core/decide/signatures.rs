//! Sign-offs that a change of documents made void: whose, of what, and that they hear of it.
//!
//! Not here: whether a sign-off counts; that is the checklist's. Invariant: each void signature is told once, to the one who
//! gave it by name, and only while it still matters: before the launch.

use super::announce::Text;
use super::draft::Draft;
use super::effect::Topic;
use super::remind::once;
use super::snapshot::{Config, State};
use crate::core::checklist::{Demand, SignOff};
use crate::core::release::{Phase, Release, ReleaseState};
use crate::core::words::Name;

/// Signatures that count under the one configuration and not under the other, as `release/item (person)`.
pub fn voided(state: &State, before: &Config, after: &Config) -> Vec<String> {
    let mut voided = Vec::new();
    for (name, standing) in state.releases.iter().filter(|(_, standing)| matters(standing)) {
        for signed in &standing.sign_offs {
            if binds(before, name, signed) && after.releases.contains_key(name) && !binds(after, name, signed) {
                voided.push(format!("{name}/{} ({})", signed.item, signed.by));
            }
        }
    }
    voided
}

/// A sign-off is given for a launch; afterwards it is history.
fn matters(state: &ReleaseState) -> bool {
    let over = matches!(state.phase, Phase::Aborted { .. } | Phase::Scrubbed { .. } | Phase::Complete);
    !over && state.evidence_from.is_none()
}

fn binds(config: &Config, release: &Name, signed: &SignOff) -> bool {
    let key = format!("{}/{}", release.folded(), signed.item.folded());
    config.contents.get(&key) == Some(&signed.content)
}

/// Tells who has to look and sign again.
pub(super) fn remind(draft: &mut Draft<'_>, release: &Release) {
    let name = &release.name;
    let Some(state) = draft.state.releases.get(name).filter(|state| matters(state)) else { return };
    let config = &draft.snapshot.config;
    let items: Vec<&Name> =
        draft.items(release).filter(|item| matches!(item.demand, Demand::SignOff { .. })).map(|item| &item.id).collect();
    let void = state.sign_offs.iter().filter(|signed| items.contains(&&signed.item) && !binds(config, name, signed));
    let void: Vec<SignOff> = void.cloned().collect();
    for signed in void {
        let key = format!("{name}:void:{}:{}:{}", signed.item.folded(), signed.by.folded(), signed.content);
        let text = Text {
            topic: Topic::Readiness,
            key,
            what: format!("{}'s sign-off of {} of {name} is void: what was signed has changed.", signed.by, signed.item),
            meaning: "It does not count any more; readiness follows.".into(),
            next: format!("{}: look at the change, then `tminus sign-off {name} {}`.", signed.by, signed.item),
        };
        once(draft, release, text);
    }
}
