//! Sign-offs and waivers that a change of documents made void: whose, of what, and that they hear of it.
//!
//! Not here: whether a sign-off counts; that is the checklist's. Invariant: each void signature is told once, to the one who
//! gave it by name, and only while it still matters: before the launch.

use super::announce::Text;
use super::draft::Draft;
use super::effect::Topic;
use super::remind::once;
use super::snapshot::{Config, State};
use crate::core::checklist::{Demand, Item, SignOff, Waiver};
use crate::core::release::{Phase, Release, ReleaseState};
use crate::core::words::Name;

/// Signatures that count under the one configuration and not under the other, as `release/item (person)`.
pub fn voided(state: &State, before: &Config, after: &Config) -> Vec<String> {
    let mut voided = Vec::new();
    for (name, standing) in state.releases.iter().filter(|(_, standing)| matters(standing)) {
        for signed in &standing.sign_offs {
            let bound = |config: &Config| binds(config, (name, &signed.item), &signed.content);
            if bound(before) && after.releases.contains_key(name) && !bound(after) {
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

fn binds(config: &Config, (release, item): (&Name, &Name), content: &str) -> bool {
    config.contents.get(&format!("{}/{}", release.folded(), item.folded())).is_some_and(|bound| bound == content)
}

/// Tells who has to look, and sign or waive again.
pub(super) fn remind(draft: &mut Draft<'_>, release: &Release) {
    let name = &release.name;
    let Some(state) = draft.state.releases.get(name).filter(|state| matters(state)) else { return };
    let items: Vec<&Item> = draft.items(release).collect();
    let bound = |item: &Name, content: &str| binds(&draft.snapshot.config, (name, item), content);
    let asked = |id: &Name| items.iter().any(|item| item.id == *id && matches!(item.demand, Demand::SignOff { .. }));
    let waivable = |id: &Name| items.iter().any(|item| item.id == *id && item.waivable);
    let now = draft.snapshot.now;
    let signed = state.sign_offs.iter().filter(|signed| asked(&signed.item) && !bound(&signed.item, &signed.content));
    let waived = state.waivers.iter().filter(|waiver| waiver.expires_at > now && waivable(&waiver.item));
    let waived = waived.filter(|waiver| !bound(&waiver.item, &waiver.content));
    let texts: Vec<Text> =
        signed.map(|signed| unsigned(name, signed)).chain(waived.map(|waiver| unwaived(name, waiver))).collect();
    for text in texts {
        once(draft, release, text);
    }
}

fn unsigned(release: &Name, signed: &SignOff) -> Text {
    Text {
        topic: Topic::Readiness,
        key: format!("{release}:void:{}:{}:{}", signed.item.folded(), signed.by.folded(), signed.content),
        what: format!("{}'s sign-off of {} of {release} is void: what was signed has changed.", signed.by, signed.item),
        meaning: "It does not count any more; readiness follows.".into(),
        next: format!("{}: look at the change, then `tminus sign-off {release} {}`.", signed.by, signed.item),
    }
}

fn unwaived(release: &Name, waiver: &Waiver) -> Text {
    Text {
        topic: Topic::Readiness,
        key: format!("{release}:void-waiver:{}:{}:{}", waiver.item.folded(), waiver.by.folded(), waiver.content),
        what: format!("{}'s waiver of {} of {release} is void: what was waived has changed.", waiver.by, waiver.item),
        meaning: "The item counts again as it is measured or signed; readiness follows.".into(),
        next: format!("{}: look at the change, then mend the item or `tminus waive {release} {}`.", waiver.by, waiver.item),
    }
}
