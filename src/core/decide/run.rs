//! One decision: orders first, then every release on its own slice, then the world they need.
//!
//! Pure and total. Invariant: a decision that changes nothing leaves state equal and asks nothing, so that it need not
//! be kept (level-triggered).

use jiff::Timestamp;

use super::announce;
use super::decision::{Decision, ReleaseView};
use super::draft::Draft;
use super::facts::{self, Known};
use super::learning;
use super::memory::Memory;
use super::orders;
use super::overrides;
use super::remind;
use super::scheduled;
use super::signatures;
use super::snapshot::Snapshot;
use super::uptime;
use super::vanished;
use super::{warmth, world};
use crate::core::checklist::{Readiness, Word};
use crate::core::gate::Verdict;
use crate::core::release::{Active, Event, Phase, Release, ReleaseState, percent, stand, stands_at, step};
use crate::core::words::{Name, Percent, later};

/// Decides.
pub fn decide(snapshot: &Snapshot) -> Decision {
    whole(snapshot, &Memory::default())
}

/// Decides everything, with what is known from the decision before.
pub(super) fn whole(snapshot: &Snapshot, memory: &Memory) -> Decision {
    let (mut draft, replies) = begin(snapshot, memory);
    for name in snapshot.config.releases.keys() {
        tick(&mut draft, name);
    }
    learning::waves(&mut draft);
    // A release that just ended gives back from now on.
    draft.plan_again();
    world::floors(&mut draft);
    scheduled::ask(&mut draft);
    warmth::runs(&mut draft);
    learning::uptakes(&mut draft);
    world::reports(&mut draft);
    finish(draft, replies)
}

/// Carries out orders and the halt file, and nothing else: what is left when a whole decision may not be committed, so
/// that a halt or a hold never waits for what is broken elsewhere (I11).
pub fn decide_orders(snapshot: &Snapshot) -> Decision {
    orders_alone(snapshot, &Memory::default())
}

pub(super) fn orders_alone(snapshot: &Snapshot, memory: &Memory) -> Decision {
    let (draft, replies) = begin(snapshot, memory);
    finish(draft, replies)
}

fn begin<'a>(snapshot: &'a Snapshot, memory: &'a Memory) -> (Draft<'a>, Vec<Result<super::Told, super::Told>>) {
    let mut draft = Draft::new(snapshot, memory);
    let jump = uptime::jump(snapshot.state.clocks.as_ref(), (snapshot.now, snapshot.observed.uptime.as_ref()));
    draft.state.releases.values_mut().for_each(|state| state.clock_jumped(jump));
    announce::halt_file(&mut draft);
    vanished::documents(&mut draft);
    overrides::end(&mut draft);
    let replies = snapshot.commands.iter().map(|command| orders::carry_out(&mut draft, command)).collect();
    overrides::warn(&mut draft);
    draft.plan_again();
    (draft, replies)
}

/// One release lives on by one tick. It needs nothing of the others.
fn tick(draft: &mut Draft<'_>, name: &Name) {
    let Some(release) = draft.snapshot.config.releases.get(name) else { return };
    edited(draft, release);
    if vanished::follow(draft, release) == vanished::Goes::Nowhere {
        return;
    }
    signatures::remind(draft, release);
    let Some(before) = draft.state.releases.get(name).cloned() else { return };
    let known = facts::known(draft, release, &before);
    // A tick is never refused; a refusal would leave the state as it is.
    if let Ok(after) = step(release, &before, Event::Tick(known.facts.clone()), draft.snapshot.now) {
        draft.state.releases.insert(name.clone(), after.clone());
        announce::transition(draft, release, (&before, &after, None));
    }
    remind::remind(draft, release, &known);
    draft.known.insert(name.clone(), (before, known));
}

/// Its steps are not those that it stood among.
fn edited(draft: &mut Draft<'_>, release: &Release) {
    let Some(before) = draft.state.releases.get(&release.name).cloned() else { return };
    let after = stand(release, &before, draft.snapshot.now);
    if after != before {
        draft.state.releases.insert(release.name.clone(), after.clone());
        announce::edited(draft, release, (&before, &after));
    }
}

fn finish(mut draft: Draft<'_>, replies: Vec<Result<super::Told, super::Told>>) -> Decision {
    let changed = !draft.effects.is_empty() || draft.state != draft.snapshot.state;
    if changed {
        draft.state.decisions += 1;
        draft.state.clocks = draft.snapshot.observed.uptime.clone().map(|uptime| (draft.snapshot.now, uptime));
    }
    let mut known = std::mem::take(&mut draft.known);
    let seen = |(release, state): (&Release, &ReleaseState)| {
        let known = known.remove(&release.name).filter(|(before, _)| before == state).map(|(_, known)| known);
        (release.name.clone(), view(&draft, (release, state), known))
    };
    let releases = draft.releases().map(seen).collect();
    Decision {
        intents: draft.intents(),
        replies,
        offers: draft.offers(),
        halts: draft.halts(),
        wake_at: wake_at(&draft),
        primings: warmth::upcoming(&draft),
        plans: draft.plans.clone(),
        releases,
        changed,
        state: draft.state,
    }
}

/// `known` is what the tick knew, if nothing has changed since.
fn view<'a>(draft: &Draft<'a>, (release, state): (&'a Release, &ReleaseState), known: Option<Known>) -> ReleaseView {
    let known = known.unwrap_or_else(|| facts::known(draft, release, state));
    ReleaseView {
        phase: state.phase.word().into(),
        percent: percent(release, state).filter(|_| !draft.is_version_halted(release)).unwrap_or(Percent::ZERO),
        step: stands_at(release, state),
        waiting: vanished::sentences(state).chain(waiting(release, (state, draft.snapshot.now), &known)).collect(),
        next_at: next_at(draft, release, state),
        readiness: if state.phase == Phase::Complete { settled(known.readiness) } else { known.readiness },
        gate: known.facts.gate,
    }
}

/// Readiness of a release that is out: nothing is asked of its items any more.
fn settled(readiness: Readiness) -> Readiness {
    Readiness { word: Word::Go, reasons: Vec::new(), ..readiness }
}

/// Why it is not further, the first reason first.
fn waiting(release: &Release, (state, now): (&ReleaseState, Timestamp), known: &Known) -> Vec<String> {
    match &state.phase {
        Phase::Planned => vec![format!("preparing begins at {}", release.local(known.facts.prepare_at))],
        Phase::Active(Active::Preparing) => known.readiness.reasons.clone(),
        Phase::Active(Active::Ready) if now > release.launches_by_itself_until() => vec!["somebody has to say go".into()],
        Phase::Active(Active::Ready) if state.armed.is_some() || release.goes_by_itself() => {
            vec![format!("launches at {}", release.local(release.launch_at))]
        }
        Phase::Active(Active::Ready) => vec!["somebody has to say go".into()],
        Phase::Active(Active::Rolling { .. } | Active::Baking) => rolling(release, (state, now), known),
        Phase::Held { by, reason, .. } => vec![format!("held by {by}: {reason}")],
        Phase::Aborted { reason, .. } => vec![format!("aborted: {reason}")],
        Phase::Scrubbed { reason } => vec![format!("called off: {reason}")],
        Phase::Complete => Vec::new(),
    }
}

fn rolling(release: &Release, (state, now): (&ReleaseState, Timestamp), known: &Known) -> Vec<String> {
    let gate = match known.facts.gate.as_ref().map(|gate| &gate.verdict) {
        None if state.phase == Phase::Active(Active::Baking) => None,
        None => Some("it has no gate: `advance` enters the next step".to_owned()),
        Some(Verdict::Hold(reason)) => Some(reason.sentence()),
        Some(Verdict::Abort(reason)) => Some(reason.sentence()),
        Some(Verdict::Safe) => None,
    };
    let dwell = dwell_ends(release, state).filter(|at| *at > now).map(|at| format!("dwells until {}", release.local(at)));
    gate.into_iter().chain(known.facts.step_blocked.clone()).chain(dwell).collect()
}

/// When the running dwell or bake is over; `None` when none runs.
fn dwell_ends(release: &Release, state: &ReleaseState) -> Option<Timestamp> {
    let from = state.dwell_from?;
    let whole = match state.phase {
        Phase::Active(Active::Rolling { .. }) => release.rollout.steps.get(stands_at(release, state)?)?.dwell,
        Phase::Active(Active::Baking) => release.bake(),
        _ => return None,
    };
    Some(later(from, whole.saturating_sub(state.dwelled)))
}

fn next_at<'a>(draft: &Draft<'a>, release: &'a Release, state: &ReleaseState) -> Option<Timestamp> {
    let raises = release
        .scaling
        .iter()
        .filter_map(|group| draft.plans.get(group))
        .flat_map(|plan| plan.timeline.iter().map(|change| change.at));
    let early = release.early.iter().map(|entry| entry.at.at(release.launch_at));
    let waivers = state.waivers.iter().map(|waiver| waiver.expires_at);
    let dues = draft.items(release).filter_map(|item| item.due).map(|due| due.at(release.launch_at));
    let prepares = (state.phase == Phase::Planned).then(|| facts::prepare_at(&draft.snapshot.config, &draft.plans, release));
    let known = raises
        .chain(dues)
        .chain(prepares)
        .chain(early)
        .chain(waivers)
        .chain(dwell_ends(release, state))
        .chain([release.launch_at])
        .chain(remind::tells_at(state));
    known.filter(|at| *at > draft.snapshot.now).min()
}

fn wake_at(draft: &Draft<'_>) -> Option<Timestamp> {
    let releases = draft.releases().filter_map(|(release, state)| next_at(draft, release, state));
    releases.chain(warmth::next_fires(draft)).chain(overrides::next_at(draft)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::check::check;
    use crate::core::decide::{Command, Config, Effect, Observations, Order, Person, State};
    use crate::core::throttle::HaltTarget;

    #[test]
    fn orders_alone_halt_and_touch_nothing_else() {
        let app = Name::new("reader").unwrap();
        let order = Order::Halt { target: HaltTarget::App { app } };
        let by = Person { name: Name::new("ann").unwrap(), roles: Vec::new() };
        let snapshot = Snapshot {
            config: Config::default(),
            state: State::default(),
            observed: Observations { halt_file: true, ..Observations::default() },
            commands: vec![Command { by, order, reason: "fire".into() }],
            now: Timestamp::UNIX_EPOCH,
        };
        let decision = decide_orders(&snapshot);
        assert_eq!(check(&decision, &snapshot), []);
        assert_eq!((decision.state.halts.len(), decision.halts.len()), (1, 2), "the order and the halt file");
        assert!(decision.intents.iter().all(|intent| matches!(intent.effect, Effect::Notify(_))));
        assert!(decision.replies[0].is_ok());
    }
}
