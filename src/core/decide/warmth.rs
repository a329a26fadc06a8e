//! When caches are primed: by a policy's schedule, and for releases under way until they are proven warm. Level-triggered.
//!
//! A schedule is a product of its own: it runs whether a release leans on the policy or not. Polls and their tightening
//! are for releases alone, and shadow releases act on nothing. Invariant: runs of one policy never overlap; what falls
//! due during a run, or while nobody looked, is caught up by one.

use jiff::Timestamp;

use super::draft::Draft;
use super::effect::Effect;
use crate::core::priming::{Coverage, NextPoll, Pace, Policy, Runs, Upcoming};
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::words::{Name, later, since};

/// Asks for the runs that are due.
pub(super) fn runs(draft: &mut Draft<'_>) {
    let policies = &draft.snapshot.config.primings;
    draft.state.primings.retain(|name, _| policies.contains_key(name));
    for (name, policy) in policies {
        follow(draft, policy);
        let Some(Due { release }) = due(draft, policy) else { continue };
        let key = format!("prime:{name}:{}", draft.state.decisions + 1);
        draft.state.primings.entry(name.clone()).or_default().begin(draft.snapshot.now);
        draft.ask(key, Effect::Prime { policy: name.clone(), release });
    }
}

/// Follows the documents: what is known of runs is about the schedule in force. Without one nothing is known until it runs.
fn follow(draft: &mut Draft<'_>, policy: &Policy) {
    if policy.schedule.is_some() || draft.state.primings.contains_key(&policy.name) {
        let known = draft.state.primings.entry(policy.name.clone()).or_default();
        known.follow(policy.schedule.as_ref(), draft.snapshot.now);
    }
}

/// A run that is due.
struct Due {
    /// For whom; nobody: the schedule's own.
    release: Option<Name>,
}

/// For whom a run is due: a release whose caches are cold, else the nearest launch or nobody when the schedule fires.
fn due(draft: &Draft<'_>, policy: &Policy) -> Option<Due> {
    if is_open(draft, policy) {
        return None;
    }
    let cold = leaning(draft, policy).find(|release| is_cold(draft, policy, release));
    if let Some(release) = cold {
        return Some(Due { release: Some(release.name.clone()) });
    }
    let fires = next_fire(draft, policy).is_some_and(|fire| fire <= draft.snapshot.now);
    fires.then(|| Due { release: nearest(draft, policy).map(|release| release.name.clone()) })
}

fn is_open(draft: &Draft<'_>, policy: &Policy) -> bool {
    draft.snapshot.observed.open.iter().any(|key| is_run_of(key, &policy.name))
}

/// A key is `prime:POLICY:NUMBER`; a name may have colons of its own.
fn is_run_of(key: &str, policy: &Name) -> bool {
    let run = key.strip_prefix("prime:").and_then(|rest| rest.strip_prefix(policy.as_str()));
    let number = run.and_then(|run| run.strip_prefix(':'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Releases under way that lean on a policy, in the order of their names.
fn leaning<'a>(draft: &Draft<'a>, policy: &Policy) -> impl Iterator<Item = &'a Release> {
    let under_way = draft.releases().filter(|(release, state)| wants_warmth(release, state));
    under_way.map(|(release, _)| release).filter(|release| release.priming.contains(&policy.name))
}

fn wants_warmth(release: &Release, state: &ReleaseState) -> bool {
    let rising =
        matches!(state.phase.active(), Some(Active::Preparing | Active::Ready | Active::Rolling { .. } | Active::Baking));
    rising && !release.shadow && !release.released && !matches!(state.phase, Phase::Aborted { .. })
}

/// The first launch of those under way: the one whose tightening has come furthest.
fn nearest<'a>(draft: &Draft<'a>, policy: &Policy) -> Option<&'a Release> {
    leaning(draft, policy).min_by_key(|release| release.launch_at)
}

fn pace(draft: &Draft<'_>, policy: &Policy) -> Pace {
    policy.pace(nearest(draft, policy).map(|release| release.launch_at), draft.snapshot.now)
}

/// Nothing proven yet, not enough, too old, or going stale before it may.
fn is_cold(draft: &Draft<'_>, policy: &Policy, release: &Release) -> bool {
    let now = draft.snapshot.now;
    let Some(coverage) = draft.snapshot.observed.coverage.get(&policy.name) else { return true };
    let age = since(now, coverage.measured_at);
    // Proven by a clock that was set back since: nobody knows how long ago.
    let ahead = coverage.measured_at > now;
    ahead || age >= pace(draft, policy).every || (goes_stale(policy, coverage, release) && age >= policy.retry_every())
}

fn goes_stale(policy: &Policy, coverage: &Coverage, release: &Release) -> bool {
    let short = coverage.nodes.values().any(|ratio| ratio * 100.0 < policy.coverage);
    let needed = policy.fresh_until.map(|until| until.at(release.launch_at));
    let expires = coverage.fresh_until.zip(needed).is_some_and(|(fresh, needed)| fresh < needed);
    short || expires
}

fn next_fire(draft: &Draft<'_>, policy: &Policy) -> Option<Timestamp> {
    draft.state.primings.get(&policy.name).and_then(Runs::next_fire)
}

/// Fires that lie ahead.
pub(super) fn next_fires(draft: &Draft<'_>) -> impl Iterator<Item = Timestamp> {
    let fires = draft.snapshot.config.primings.values().filter_map(|policy| next_fire(draft, policy));
    fires.filter(|fire| *fire > draft.snapshot.now)
}

/// When each policy runs next.
pub(super) fn upcoming(draft: &Draft<'_>) -> std::collections::BTreeMap<Name, Upcoming> {
    let config = &draft.snapshot.config;
    config.primings.iter().map(|(name, policy)| (name.clone(), next(draft, policy))).collect()
}

fn next(draft: &Draft<'_>, policy: &Policy) -> Upcoming {
    let known = draft.state.primings.get(&policy.name);
    let asked = |effect: &Effect| matches!(effect, Effect::Prime { policy: asked, .. } if *asked == policy.name);
    let running = is_open(draft, policy) || draft.effects.iter().any(|(_, effect)| asked(effect));
    let poll = nearest(draft, policy).map(|_| {
        let Pace { every, tightened_from } = pace(draft, policy);
        let proven = draft.snapshot.observed.coverage.get(&policy.name).filter(|_| !running);
        NextPoll { at: proven.map(|proven| later(proven.measured_at, every)), every, tightened_from }
    });
    let (scheduled_at, began_at) = (next_fire(draft, policy), known.and_then(|known| known.began_at));
    Upcoming { running, scheduled_at, poll, began_at }
}
