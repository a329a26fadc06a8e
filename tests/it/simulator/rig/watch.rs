//! What is watched over time, which no check of a single decision can see: dwell, certified percents, voices, ramps, news.
//!
//! It keeps its own books from what decisions show, and never reads the core's. Clients are watched in
//! [`super::exposure`], evidence in [`super::oracle`]. Invariant: it changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::checklist::Word;
use tminus::core::decide::{Decision, Effect, Order, Snapshot};
use tminus::core::gate::{AbortReason, HoldReason, Verdict};
use tminus::core::load::HeldFloor;
use tminus::core::release::{Active, Go, Phase, Release, ReleaseState};
use tminus::core::throttle::HaltTarget;
use tminus::core::words::{Name, Percent, since};

use super::exposure::Clients;
use super::options::{MINUTE, Options};
use super::oracle;
use super::run::Sim;

/// A broken invariant and what is wrong.
pub type Wrong = (&'static str, String);

/// See the module.
pub struct Watch {
    pub clients: Clients,
    releases: BTreeMap<Name, Book>,
    voices: BTreeMap<String, BTreeSet<Name>>,
    lift_count: usize,
    lowered: BTreeMap<Name, Timestamp>,
    heard: BTreeMap<Option<Name>, (String, Timestamp)>,
}

/// Clocks that differ by less are not told apart: 5 s, and a thousandth of what lies between two decisions that are kept,
/// which may be hours. The core takes that for a time service at its work.
const SLACK: Duration = Duration::from_secs(30);

/// Decisions through which a release may stand still although nothing holds it: what holds it may change within one.
const IDLE_DECISIONS: u32 = 3;

/// What is known of a release.
#[derive(Clone, Debug, Default)]
struct Book {
    phase: Option<Phase>,
    /// What was let through, ppm.
    shown: Option<u32>,
    /// At most so long it was at its step without being held.
    dwelled: Duration,
    at: Option<i64>,
    /// The highest percent that was left by SAFE or promoted to, ppm.
    certified: u32,
    /// Since which decision nothing has held it and it stands still all the same, and how many there were since.
    idle: Option<(i64, u32)>,
}

impl Watch {
    pub fn new(options: &Options) -> Self {
        Self {
            clients: Clients::default(),
            releases: BTreeMap::new(),
            voices: BTreeMap::new(),
            lift_count: options.lift_count as usize,
            lowered: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    /// Looks at a decision that is in force from now on.
    fn look(&mut self, (snapshot, decision): (&Snapshot, &Decision), elapsed: i64) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (name, release) in &snapshot.config.releases {
            let (before, after) = (snapshot.state.releases.get(name), decision.state.releases.get(name));
            if let Some(after) = after {
                let turn = Turn { release, before, after, snapshot, decision, elapsed };
                wrong.extend(self.releases.entry(name.clone()).or_default().turn(&turn));
                wrong.extend(oracle::panic_unheard(&turn));
            }
        }
        wrong.extend(self.lifts(snapshot, decision));
        wrong.extend(self.ramps(snapshot, decision));
        wrong.extend(self.news(snapshot, decision));
        wrong.extend(self.clients.look(snapshot, decision));
        wrong
    }

    /// It takes so many people with the role to lift, or one who breaks the glass.
    fn lifts(&mut self, snapshot: &Snapshot, decision: &Decision) -> Option<Wrong> {
        for (command, reply) in snapshot.commands.iter().zip(&decision.replies) {
            let (target, glass) = match &command.order {
                Order::Lift { target, break_glass } => (target, *break_glass),
                Order::Halt { target } => {
                    self.voices.remove(&text(target));
                    continue;
                }
                _ => continue,
            };
            if command.by.roles.iter().any(|role| role.as_str() == "releng") {
                self.voices.entry(text(target)).or_default().insert(command.by.name.clone());
            }
            if !reply.as_ref().is_ok_and(|told| told.code == "lifted") {
                continue;
            }
            let voices = self.voices.remove(&text(target)).unwrap_or_default();
            if !glass && voices.len() < self.lift_count {
                return Some(("I4", format!("{target:?} was lifted by {} people of {}", voices.len(), self.lift_count)));
            }
        }
        None
    }

    /// What is given back is given back at the pace of the policy.
    fn ramps(&mut self, snapshot: &Snapshot, decision: &Decision) -> Option<Wrong> {
        for (group, held) in &decision.state.floors {
            let before: Option<&HeldFloor> = snapshot.state.floors.get(group);
            if before.is_none() {
                self.lowered.remove(group);
            }
            let Some(before) = before.filter(|before| held.floor < before.floor) else { continue };
            let every = snapshot.config.scalings.get(group).map_or(Duration::ZERO, |policy| policy.ramp_down.every);
            if before.floor < before.peak
                && let Some(at) = self.lowered.get(group)
                && since(snapshot.now, *at) < every
                && *at < snapshot.now
            {
                return Some(("I3", format!("{group} is scaled in again after {:?}, not {every:?}", since(snapshot.now, *at))));
            }
            self.lowered.insert(group.clone(), snapshot.now);
        }
        None
    }

    /// The same news twice in a row is no news.
    fn news(&mut self, snapshot: &Snapshot, decision: &Decision) -> Option<Wrong> {
        // What is halted anew may be lifted anew; of an ABORT people hear as of its release.
        if decision.state.halts.iter().any(|halt| snapshot.state.halts.iter().all(|before| before.target != halt.target)) {
            self.heard.remove(&None);
        }
        for intent in &decision.intents {
            let Effect::Notify(said) = &intent.effect else { continue };
            let again = self.heard.insert(said.release.clone(), (said.what.clone(), said.at));
            if let Some((what, at)) = again
                && what == said.what
                && since(said.at, at) < Duration::from_mins(30)
            {
                return Some(("told once", format!("people hear twice: {what}")));
            }
        }
        None
    }
}

fn text(target: &HaltTarget) -> String {
    format!("{target:?}").to_ascii_lowercase()
}

/// One release in one decision.
pub struct Turn<'a> {
    pub release: &'a Release,
    pub before: Option<&'a ReleaseState>,
    pub after: &'a ReleaseState,
    pub snapshot: &'a Snapshot,
    pub decision: &'a Decision,
    /// Milliseconds that really passed since the start, whatever clocks show.
    pub elapsed: i64,
}

impl Turn<'_> {
    /// The order about this release that was accepted, if there was one.
    pub fn order(&self) -> Option<&Order> {
        let mut given = self.snapshot.commands.iter().zip(&self.decision.replies);
        let about = |order: &Order| order.release() == Some(&self.release.name);
        given.find(|(command, reply)| reply.is_ok() && about(&command.order)).map(|(command, _)| &command.order)
    }
}

/// What a phase lets through to the audience of the steps, ppm; `None`: not launched, or over.
fn shown(release: &Release, state: &ReleaseState) -> Option<u32> {
    match &state.phase {
        Phase::Active(Active::Rolling { step }) | Phase::Held { at: Active::Rolling { step }, .. } => {
            let stated = release.rollout.steps.get(*step).map_or(0, |step| step.percent.ppm());
            Some(state.percent.map_or(stated, Percent::ppm))
        }
        Phase::Active(Active::Baking) | Phase::Held { at: Active::Baking, .. } => Some(Percent::FULL.ppm()),
        _ => None,
    }
}

/// Whether a launch is due and everything it takes is there, or a step has no reason to wait any more.
fn nothing_holds(turn: &Turn<'_>) -> bool {
    let Some(view) = turn.decision.releases.get(&turn.release.name) else { return false };
    let (now, launch_at) = (turn.snapshot.now, turn.release.launch_at);
    match turn.after.phase {
        Phase::Active(Active::Preparing | Active::Ready) => {
            let said = turn.release.go == Go::Auto || turn.after.armed.is_some();
            let in_time = launch_at <= now && since(now, launch_at) < Duration::from_hours(1);
            said && in_time && view.readiness.word == Word::Go
        }
        Phase::Active(Active::Rolling { .. }) => view.waiting.is_empty(),
        _ => false,
    }
}

impl Book {
    fn turn(&mut self, turn: &Turn<'_>) -> Option<Wrong> {
        let before = self.phase.replace(turn.after.phase.clone());
        let here = self.shown;
        self.shown = shown(turn.release, turn.after);
        let since = self.at.replace(turn.elapsed).unwrap_or(turn.elapsed);
        let passed = Duration::from_millis((turn.elapsed - since).unsigned_abs());
        let before = before?;
        if let Phase::Active(Active::Rolling { .. } | Active::Baking) = before {
            self.dwelled += passed;
        }
        let wrong = self.moved((&before, here), turn);
        if here != self.shown || (matches!(before, Phase::Aborted { .. }) && before != turn.after.phase) {
            self.dwelled = Duration::ZERO;
        }
        wrong.or_else(|| self.stays_certified(turn)).or_else(|| self.stands_still(turn))
    }

    /// Nothing that people are told of holds it, and it does not go on (I9): perhaps something else stopped its turn (I11).
    fn stands_still(&mut self, turn: &Turn<'_>) -> Option<Wrong> {
        let stays = turn.before.is_some_and(|before| before.phase == turn.after.phase) && nothing_holds(turn);
        self.idle = stays.then(|| self.idle.map_or((turn.elapsed, 1), |(from, decisions)| (from, decisions + 1)));
        let (from, decisions) = self.idle?;
        (decisions >= IDLE_DECISIONS && turn.elapsed - from >= MINUTE).then(|| {
            let (name, phase) = (&turn.release.name, turn.after.phase.word());
            ("I9", format!("{name} is {phase} and stays so, although nothing holds it"))
        })
    }

    /// A step that is left: by an order, or after its dwell and by evidence.
    fn moved(&mut self, (before, here): (&Phase, Option<u32>), turn: &Turn<'_>) -> Option<Wrong> {
        let name = &turn.release.name;
        let completes = matches!(before, Phase::Active(Active::Baking)) && turn.after.phase == Phase::Complete;
        if completes && turn.order().is_none() {
            let bake = turn.release.bake();
            self.certified = Percent::FULL.ppm();
            return (self.dwelled + SLACK < bake)
                .then(|| ("I4", format!("{name} is complete after {:?} of {bake:?}", self.dwelled)));
        }
        let left = here.filter(|here| self.shown.is_some_and(|shown| shown > *here))?;
        match turn.order() {
            Some(Order::Promote { .. }) => self.certified = Percent::FULL.ppm(),
            Some(Order::Advance { .. }) => {}
            // Whatever else people ordered at this instant, it rose by itself.
            Some(_) | None => {
                self.certified = left;
                // Where it stands among the steps as they are written now.
                let steps = &turn.release.rollout.steps;
                let at = steps.iter().rposition(|step| step.percent.ppm() <= left).unwrap_or(0);
                let dwell = steps.get(at).map_or(Duration::ZERO, |step| step.dwell);
                if self.dwelled + SLACK < dwell {
                    return Some(("I4", format!("{name} rises after {:?} of its dwell of {dwell:?}", self.dwelled)));
                }
                return oracle::unsafe_rise(turn);
            }
        }
        None
    }

    /// After an ABORT, and after it was cleared, nobody is offered more than was certified.
    fn stays_certified(&self, turn: &Turn<'_>) -> Option<Wrong> {
        let view = turn.decision.releases.get(&turn.release.name)?;
        let cleared = matches!(turn.order(), Some(Order::Clear { .. }));
        let back = cleared || matches!(turn.after.phase, Phase::Aborted { .. });
        (back && view.percent.ppm() > self.certified).then(|| {
            let (name, certified) = (&turn.release.name, self.certified);
            ("I4", format!("{name} goes back to {} %, and {certified} ppm were certified", view.percent))
        })
    }
}

impl Sim {
    /// Looks at a decision that is in force from now on, and counts where it got.
    pub fn watch(&mut self, snapshot: &Snapshot, decision: &Decision) {
        let wrong = self.seen.look((snapshot, decision), self.now);
        if let Some((invariant, message)) = wrong.into_iter().next() {
            self.fail(invariant, message);
        }
        self.count(snapshot, decision);
    }

    fn count(&mut self, snapshot: &Snapshot, decision: &Decision) {
        for (name, view) in &decision.releases {
            if let Some(gate) = &view.gate {
                self.tally.hit(said(&gate.verdict));
            }
            let (before, after) = (snapshot.state.releases.get(name), &decision.state.releases[name]);
            if before.is_none_or(|before| before.phase != after.phase) {
                self.tally.hit(reached(&after.phase));
                self.count_move(
                    before,
                    after,
                    view.readiness.items.iter().any(|item| item.state == tminus::core::checklist::ItemState::Waived),
                );
            }
        }
        for reply in decision.replies.iter().filter_map(|reply| reply.as_ref().ok()) {
            if reply.code == "lifted" {
                let glass = matches!(
                    snapshot.commands.first().map(|command| &command.order),
                    Some(Order::Lift { break_glass: true, .. })
                );
                self.tally.hit(if glass { "a halt was lifted by breaking the glass" } else { "a halt was lifted" });
            }
        }
        for intent in &decision.intents {
            if let Effect::SetFloor { group, floor, .. } = &intent.effect {
                let lower = snapshot.state.floors.get(group).is_some_and(|held| *floor < held.floor);
                self.tally.hit(if lower { "a floor was given back" } else { "a floor was raised" });
            }
        }
    }

    fn count_move(&mut self, before: Option<&ReleaseState>, after: &ReleaseState, waived: bool) {
        let before = before.map(|before| &before.phase);
        let is_live = |phase: &Phase| matches!(phase, Phase::Active(Active::Rolling { .. } | Active::Baking));
        let launched = matches!(before, Some(Phase::Active(Active::Preparing | Active::Ready))) && is_live(&after.phase);
        if launched && waived {
            self.tally.hit("a launch with a waiver");
        }
        if let Phase::Aborted { reason, .. } = &after.phase {
            self.tally.hit(if reason.contains(": a reason") { "an abort by hand" } else { "an abort by the gate" });
            if after.certified > Percent::ZERO {
                self.tally.hit("an abort went back to the last safe percent");
            }
        }
        if before.is_some_and(is_live) && is_live(&after.phase) {
            self.tally.hit("a step was entered by a SAFE gate");
        }
    }
}

fn reached(phase: &Phase) -> &'static str {
    match phase.word() {
        "planned" => "reached: planned",
        "preparing" => "reached: preparing",
        "ready" => "reached: ready",
        "rolling" => "reached: rolling",
        "baking" => "reached: baking",
        "complete" => "reached: complete",
        "held" => "reached: held",
        "aborted" => "reached: aborted",
        _ => "reached: scrubbed",
    }
}

fn said(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Safe => "a gate said SAFE",
        Verdict::Hold(HoldReason::NoEvidence) => "a gate said HOLD: no evidence",
        Verdict::Hold(HoldReason::Evidence { .. }) => "a gate said HOLD: evidence",
        Verdict::Hold(HoldReason::Gap { .. }) => "a gate said HOLD: gap",
        Verdict::Hold(HoldReason::NoTraffic { .. }) => "a gate said HOLD: no traffic",
        Verdict::Hold(HoldReason::SharedIncident { .. }) => "a gate said HOLD: shared incident",
        Verdict::Hold(HoldReason::Unusable { .. }) => "a gate said HOLD: unusable",
        Verdict::Abort(AbortReason::Regression { .. }) => "a gate said ABORT: regression",
        Verdict::Abort(AbortReason::Panic { .. }) => "a gate said ABORT: panic",
        Verdict::Abort(AbortReason::NoData { .. }) => "a gate said ABORT: no data",
    }
}
