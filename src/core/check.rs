//! The independent checker: re-derives the invariants on any decision, without the code that made it.
//!
//! It runs in tests on every decision and in the daemon before every commit. Invariant: it shares only types with the
//! maker, so that one mistake cannot hide in both.

mod ahead;
mod capacity;
mod launch;
mod overrides;
mod people;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::core::decide::{Decision, Effect, Order, Snapshot, State};
use crate::core::gate::Verdict;
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::throttle::HaltTarget;
use crate::core::words::{Name, Percent, later};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number, such as `I4`.
    pub invariant: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

/// Everything that is wrong with a decision; empty when nothing is.
pub fn check(decision: &Decision, snapshot: &Snapshot) -> Vec<Broken> {
    let mut broken = Vec::new();
    keys(decision, snapshot, &mut broken);
    floors(decision, snapshot, &mut broken);
    primings(decision, snapshot, &mut broken);
    capacity::check(decision, snapshot, &mut broken);
    ahead::check(decision, snapshot, &mut broken);
    overrides::check(decision, snapshot, &mut broken);
    people::halts(decision, snapshot, &mut broken);
    people::signatures(decision, snapshot, &mut broken);
    for (name, release) in &snapshot.config.releases {
        let Some(after) = decision.state.releases.get(name) else {
            say(&mut broken, "I9", format!("{name} is forgotten"));
            continue;
        };
        let change = Change { release, before: snapshot.state.releases.get(name), after, decision, snapshot };
        rollout(&change, &mut broken);
        launch::check(&change, &mut broken);
    }
    offers(decision, snapshot, &mut broken);
    quiet(decision, snapshot, &mut broken);
    broken
}

fn say(broken: &mut Vec<Broken>, invariant: &'static str, message: String) {
    broken.push(Broken { invariant, message });
}

/// I1, I2: this epoch's intents only, each key once, none that is open already.
fn keys(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    let mut seen = BTreeSet::new();
    for intent in &decision.intents {
        if intent.epoch != snapshot.state.epoch {
            say(broken, "I1", format!("{} carries epoch {}, not {}", intent.key, intent.epoch, snapshot.state.epoch));
        }
        if !seen.insert(&intent.key) || snapshot.observed.open.contains(&intent.key) {
            say(broken, "I2", format!("{} is asked twice", intent.key));
        }
    }
}

/// I2: runs of one priming policy never overlap. I5: nothing is primed for a shadow.
fn primings(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    let mut begun = BTreeSet::new();
    for intent in &decision.intents {
        let Effect::Prime { policy, release } = &intent.effect else { continue };
        let goes_on = snapshot.observed.open.iter().any(|key| {
            key.rsplit_once(':').is_some_and(|(of, run)| of == format!("prime:{policy}") && run.parse::<u64>().is_ok())
        });
        if goes_on || !begun.insert(policy) {
            say(broken, "I2", format!("{policy} would be primed twice at once"));
        }
        let shadow = release.as_ref().and_then(|name| snapshot.config.releases.get(name)).is_some_and(|release| release.shadow);
        if shadow {
            say(broken, "I5", format!("{policy} would be primed for a shadow"));
        }
    }
}

/// How long a description of a group counts. What is older is no ground to take capacity away.
const OBSERVED: Duration = Duration::from_mins(2);

/// I3: floors within limits, and no scale-in of a group that was not observed.
fn floors(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    for intent in &decision.intents {
        let Effect::SetFloor { group, floor, .. } = &intent.effect else { continue };
        let Some(policy) = snapshot.config.scalings.get(group) else {
            say(broken, "I3", format!("{group} has no scaling policy"));
            continue;
        };
        let held = capacity::stands(snapshot, group);
        // What others raised beyond the limits is given back by the ramp, and its first steps lie beyond them too; and what
        // is there already is nobody's raise.
        let gives_back = snapshot.observed.groups.get(group).is_some_and(|seen| *floor <= seen.floor);
        let beyond = *floor > policy.limits.ceiling || policy.limits.quota.is_some_and(|quota| *floor > quota);
        if beyond && !gives_back {
            say(broken, "I3", format!("floor {floor} of {group} is above its ceiling or quota"));
        }
        let lowers = held.is_some_and(|held| *floor < held);
        let seen = snapshot.observed.groups.get(group);
        if lowers && seen.is_none_or(|seen| later(seen.observed_at, OBSERVED) < snapshot.now) {
            say(broken, "I3", format!("{group} would be scaled in without being observed"));
        }
        if lowers && in_window(decision, snapshot, group) {
            say(broken, "I3", format!("{group} would be scaled in during a launch"));
        }
    }
}

fn in_window(decision: &Decision, snapshot: &Snapshot, group: &Name) -> bool {
    let leaning = snapshot.config.releases.values().filter(|release| release.scaling.contains(group) && !release.shadow);
    let state = |release: &Release| decision.state.releases.get(&release.name).and_then(|state| state.phase.active());
    leaning.into_iter().any(|release| matches!(state(release), Some(Active::Rolling { .. } | Active::Baking)))
}

struct Change<'a> {
    release: &'a Release,
    before: Option<&'a ReleaseState>,
    after: &'a ReleaseState,
    decision: &'a Decision,
    snapshot: &'a Snapshot,
}

/// I4: the first step needs GO and a go; each later rise SAFE or a person; final phases stay.
fn rollout(change: &Change<'_>, broken: &mut Vec<Broken>) {
    let name = &change.release.name;
    let before = change.before.map_or(Percent::ZERO, |state| exposure(change.release, state));
    let after = exposure(change.release, change.after);
    let ordered = launch::accepted(change, |order| matches!(order, Order::Advance { .. } | Order::Promote { .. }));
    let released = change.release.released;
    if after > before && before > Percent::ZERO && !released && !ordered && gate_of_before(change) != Some(true) {
        say(broken, "I4", format!("{name} rises from {before} to {after} % without SAFE and without a person"));
    }
    if after > before && before > Percent::ZERO && !released && !ordered {
        launch::stands_on_counts(change, broken);
    }
    let place = |state: &ReleaseState| match state.phase.active() {
        Some(Active::Rolling { step }) => Some(step),
        _ => None,
    };
    let entered = place(change.after).filter(|step| change.before.and_then(place) != Some(*step));
    let stated = entered.and_then(|step| change.release.rollout.steps.get(step)).map(|step| step.percent);
    let cleared = change.before.is_some_and(|state| matches!(state.phase, Phase::Aborted { .. }));
    if stated.is_some_and(|stated| stated > after) && !cleared {
        say(broken, "I4", format!("{name} enters a step above the {after} % that it lets through"));
    }
    if after > before && change.snapshot.config.vanished.contains_key(name) {
        say(broken, "I4", format!("{name} rises from {before} to {after} % although a document of it vanished"));
    }
    if let Some(old) = change.before {
        let goes_on = matches!(old.phase, Phase::Held { .. }) && matches!(change.after.phase, Phase::Active(_) | Phase::Complete);
        if goes_on && !launch::accepted(change, |order| matches!(order, Order::Resume { .. })) {
            say(broken, "I4", format!("{name} goes on although somebody holds it"));
        }
        finality(name, (old, change.after), broken);
    }
}

/// Whether the gate said SAFE for the step that is left. The view is of the step that was entered, so the maker's word
/// is taken from `certified`, which only a SAFE step or a person raises.
fn gate_of_before(change: &Change<'_>) -> Option<bool> {
    let before = change.before?;
    let left = exposure(change.release, before);
    let aborting = change.decision.releases.get(&change.release.name)?.gate.as_ref();
    let abort = aborting.is_some_and(|judgement| matches!(judgement.verdict, Verdict::Abort(_)));
    Some(change.release.gate.is_some() && change.after.certified >= left && !abort)
}

fn finality(name: &Name, (before, after): (&ReleaseState, &ReleaseState), broken: &mut Vec<Broken>) {
    let stays = matches!(before.phase, Phase::Complete | Phase::Scrubbed { .. });
    if stays && before.phase != after.phase {
        say(broken, "I4", format!("{name} leaves {}", before.phase.word()));
    }
}

/// The share of its audience that a release is offered to.
fn exposure(release: &Release, state: &ReleaseState) -> Percent {
    match &state.phase {
        Phase::Active(Active::Rolling { step }) | Phase::Held { at: Active::Rolling { step }, .. } => {
            let stated = release.rollout.steps.get(*step).map_or(Percent::ZERO, |step| step.percent);
            state.percent.unwrap_or(stated)
        }
        Phase::Active(Active::Baking) | Phase::Held { at: Active::Baking, .. } | Phase::Complete => Percent::FULL,
        Phase::Aborted { .. } if release.halts_on_abort() => Percent::ZERO,
        Phase::Aborted { .. } => state.certified,
        Phase::Planned | Phase::Active(_) | Phase::Held { .. } | Phase::Scrubbed { .. } => Percent::ZERO,
    }
}

/// I5: nothing of a shadow or scrubbed release, nothing before its time; an aborted version is halted.
fn offers(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    for offer in &decision.offers {
        let Some(release) = snapshot.config.releases.get(&offer.release) else { continue };
        let Some(state) = decision.state.releases.get(&offer.release) else { continue };
        if matches!(state.phase, Phase::Active(_) | Phase::Held { .. }) && !release.released {
            let stands_at = exposure(release, state);
            let let_through = offer.audiences.iter().filter(|audience| !audience.early).filter_map(|audience| audience.step);
            if let_through.max().is_some_and(|percent| percent > stands_at) {
                say(broken, "I4", format!("{} is offered to more than the {stands_at} % it stands at", release.name));
            }
        }
        let frozen = state.vanished.as_ref().map_or(snapshot.now, |vanished| vanished.since.min(snapshot.now));
        if release.shadow {
            say(broken, "I5", format!("{} is a shadow and is offered", release.name));
        }
        let early_before_time = release.early.iter().any(|entry| {
            let due = entry.at.at(release.launch_at) <= frozen;
            !due && offer.audiences.iter().any(|audience| audience.early && audience.channels == entry.channels)
        });
        if early_before_time {
            say(broken, "I5", format!("{} is offered early before its time", release.name));
        }
    }
    for (name, release) in &snapshot.config.releases {
        let aborted = decision.state.releases.get(name).is_some_and(|state| matches!(state.phase, Phase::Aborted { .. }));
        let newly = snapshot.state.releases.get(name).is_none_or(|state| !matches!(state.phase, Phase::Aborted { .. }));
        if aborted && newly && release.halts_on_abort() && !release.shadow && !is_halted(&decision.state, release) {
            say(broken, "I4", format!("{name} is aborted and its version is not halted"));
        }
    }
}

fn is_halted(state: &State, release: &Release) -> bool {
    let target = HaltTarget::Version { app: release.app.clone(), version: release.version.as_str().into() };
    state.halts.iter().any(|halt| halt.target == target)
}

/// A decision that changes nothing must say so, and one that changes something must be kept (I10).
fn quiet(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    let differs = decision.state != snapshot.state || !decision.intents.is_empty();
    let counted = snapshot.state.decisions + u64::from(decision.changed);
    if decision.state.decisions != counted || decision.state.epoch != snapshot.state.epoch {
        let (decisions, epoch) = (decision.state.decisions, decision.state.epoch);
        say(broken, "I10", format!("decision {decisions} of epoch {epoch} follows {}", snapshot.state.decisions));
    }
    if decision.replies.len() != snapshot.commands.len() {
        let (orders, replies) = (snapshot.commands.len(), decision.replies.len());
        say(broken, "I10", format!("{orders} orders got {replies} replies"));
    }
    if differs != decision.changed {
        say(broken, "I10", format!("changed is {} although state or effects say {differs}", decision.changed));
    }
    let unfired: Option<Timestamp> = decision.wake_at.filter(|at| *at <= snapshot.now);
    if unfired.is_some() {
        say(broken, "I9", "the decision wants to wake in the past".into());
    }
}
