//! The one table of (phase, event): every pair gives the next state or a typed refusal.
//!
//! It does not measure anything: readiness and gate come in as [`Facts`]. Invariants: the first step needs GO and a
//! go, every later rise needs SAFE or a person (I4); ABORT and the final phases are left only by a person, or never.

use std::time::Duration;

use jiff::Timestamp;

use super::{Active, Armed, Go, OnAbort, Phase, Release, ReleaseState, next_step, percent, stands_at};
use crate::core::checklist::Word;
use crate::core::gate::{AbortReason, Judgement, Verdict};
use crate::core::words::{Name, Percent, later};

/// How long after T-0 an automatic or armed go still launches by itself. A launch that comes later than the people who
/// planned it expect should be said again by one of them.
const GO_LASTS: Duration = Duration::from_hours(1);

/// What a tick knows.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Readiness of what blocks the launch.
    pub readiness: Word,
    /// Why the next step may not be entered although the gate is SAFE: capacity, coverage, items that block steps.
    pub step_blocked: Option<String>,
    /// The gate's word; `None`: the release has no gate, or is not launched.
    pub gate: Option<Judgement>,
    /// When preparing begins.
    pub prepare_at: Timestamp,
}

impl Facts {
    fn abort(&self) -> Option<&AbortReason> {
        match &self.gate.as_ref()?.verdict {
            Verdict::Abort(reason) => Some(reason),
            Verdict::Safe | Verdict::Hold(_) => None,
        }
    }
}

/// What can happen to a release.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed.
    Tick(Facts),
    /// A person says go.
    Go {
        /// Who.
        by: Name,
        /// Why.
        reason: String,
        /// Readiness now.
        readiness: Word,
        /// What stands against it, for the refusal.
        missing: Vec<String>,
    },
    /// A person says hold.
    Hold {
        /// Who.
        by: Name,
        /// Why.
        reason: String,
    },
    /// A person lets it go on.
    Resume,
    /// A person enters the next step without SAFE.
    Advance,
    /// A person goes to 100 %.
    Promote,
    /// A person aborts.
    Abort {
        /// Why.
        reason: String,
    },
    /// A person clears an ABORT.
    Clear {
        /// Who.
        by: Name,
        /// Why.
        reason: String,
    },
    /// A person calls it off.
    Scrub {
        /// Why.
        reason: String,
    },
}

/// Why an event does nothing. Every one is a 409 with its code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is so already.
    #[error("{0} already")]
    Already(&'static str),
    /// Readiness is not GO.
    #[error("readiness is not GO: {0}; make these items green, or waive them")]
    NotReady(String),
    /// The phase does not allow it.
    #[error("{order} does nothing while the release is {phase}: {instead}")]
    Phase {
        /// The order.
        order: &'static str,
        /// The phase, in one word.
        phase: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

impl Refused {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Already(_) => "already",
            Self::NotReady(_) => "not_ready",
            Self::Phase { .. } => "wrong_phase",
        }
    }
}

/// Decides one event. The state is returned whole; equal to the given one when nothing happened.
pub fn step(release: &Release, state: &ReleaseState, event: Event, now: Timestamp) -> Result<ReleaseState, Refused> {
    let at = Place { release, state, now };
    match (&state.phase, event) {
        (Phase::Planned, Event::Tick(facts)) => Ok(at.planned(&facts)),
        (Phase::Active(active), Event::Tick(facts)) => Ok(at.active(*active, &facts)),
        (Phase::Held { at: held, .. }, Event::Tick(facts)) => Ok(at.held(*held, &facts)),
        (Phase::Aborted { .. } | Phase::Scrubbed { .. } | Phase::Complete, Event::Tick(_)) => Ok(state.clone()),

        (Phase::Active(Active::Preparing | Active::Ready), Event::Go { by, reason, readiness, missing }) => {
            at.go(Armed { by, at: now, reason }, readiness, &missing)
        }
        (Phase::Planned, Event::Go { missing, .. }) => Err(Refused::NotReady(listed(&missing))),
        (Phase::Active(Active::Rolling { .. } | Active::Baking) | Phase::Complete, Event::Go { .. }) => {
            Err(Refused::Already("launched"))
        }

        (Phase::Active(active), Event::Hold { by, reason }) => Ok(at.hold(*active, by, reason)),
        (Phase::Held { .. }, Event::Hold { .. }) => Err(Refused::Already("held")),
        (Phase::Planned, Event::Hold { .. }) => {
            refuse("hold", state, "nothing is being done yet; scrub it, or change its document")
        }

        (Phase::Held { at: held, .. }, Event::Resume) => Ok(at.resume(*held)),
        (Phase::Planned | Phase::Active(_), Event::Resume) => Err(Refused::Already("going on")),

        (Phase::Active(Active::Rolling { .. }), Event::Advance) => Ok(at.enter_step(next_step(release, state))),
        (Phase::Active(Active::Rolling { .. }), Event::Promote) => Ok(at.promote()),
        (Phase::Active(Active::Baking), Event::Advance | Event::Promote) => Err(Refused::Already("at 100 %")),
        (Phase::Held { .. }, Event::Advance | Event::Promote) => refuse("advance or promote", state, "resume it first"),
        (Phase::Planned | Phase::Active(_), Event::Advance | Event::Promote) => {
            refuse("advance or promote", state, "it is not launched; `go` launches it")
        }

        (
            Phase::Active(running @ (Active::Rolling { .. } | Active::Baking))
            | Phase::Held { at: running @ (Active::Rolling { .. } | Active::Baking), .. },
            Event::Abort { reason },
        ) => Ok(at.abort(*running, reason)),
        (Phase::Planned | Phase::Active(_) | Phase::Held { .. }, Event::Abort { .. }) => {
            refuse("abort", state, "it is not launched; `scrub` calls it off")
        }

        (Phase::Aborted { at: aborted, .. }, Event::Clear { by, reason }) => Ok(at.clear(*aborted, by, reason)),
        (Phase::Planned | Phase::Active(_) | Phase::Held { .. } | Phase::Complete, Event::Clear { .. }) => {
            refuse("clear", state, "there is no ABORT to clear")
        }

        (
            Phase::Planned
            | Phase::Active(Active::Preparing | Active::Ready)
            | Phase::Held { at: Active::Preparing | Active::Ready, .. },
            Event::Scrub { reason },
        ) => Ok(at.end(Phase::Scrubbed { reason })),
        (Phase::Active(_) | Phase::Held { .. }, Event::Scrub { .. }) => {
            refuse("scrub", state, "it is launched; `abort` stops it")
        }

        (Phase::Held { .. }, Event::Go { .. }) => refuse("go", state, "resume it first"),
        (Phase::Aborted { .. }, Event::Abort { .. }) => Err(Refused::Already("aborted")),
        (Phase::Scrubbed { .. }, Event::Scrub { .. }) => Err(Refused::Already("scrubbed")),
        (
            Phase::Aborted { .. },
            Event::Go { .. } | Event::Hold { .. } | Event::Resume | Event::Advance | Event::Promote | Event::Scrub { .. },
        ) => refuse("this order", state, "an ABORT stays until somebody clears it"),
        (
            Phase::Scrubbed { .. },
            Event::Go { .. }
            | Event::Hold { .. }
            | Event::Resume
            | Event::Advance
            | Event::Promote
            | Event::Abort { .. }
            | Event::Clear { .. },
        ) => refuse("this order", state, "it was called off; apply a new release"),
        (
            Phase::Complete,
            Event::Hold { .. } | Event::Resume | Event::Advance | Event::Promote | Event::Abort { .. } | Event::Scrub { .. },
        ) => refuse("this order", state, "it is complete; halt the version to stop it"),
    }
}

fn listed(missing: &[String]) -> String {
    if missing.is_empty() { "nothing was measured yet".into() } else { missing.join("; ") }
}

fn refuse(order: &'static str, state: &ReleaseState, instead: &'static str) -> Result<ReleaseState, Refused> {
    Err(Refused::Phase { order, phase: state.phase.word(), instead })
}

/// A release, its state and the instant: what every transition needs.
struct Place<'a> {
    release: &'a Release,
    state: &'a ReleaseState,
    now: Timestamp,
}

impl Place<'_> {
    fn to(&self, phase: Phase) -> ReleaseState {
        ReleaseState { phase, entered_at: self.now, ..self.state.clone() }
    }

    fn end(&self, phase: Phase) -> ReleaseState {
        ReleaseState { ended_at: Some(self.now), dwell_from: None, armed: None, ..self.to(phase) }
    }

    fn planned(&self, facts: &Facts) -> ReleaseState {
        if self.release.released {
            return ReleaseState { certified: Percent::FULL, ..self.end(Phase::Complete) };
        }
        if facts.prepare_at <= self.now { self.to(Phase::Active(Active::Preparing)) } else { self.state.clone() }
    }

    fn active(&self, active: Active, facts: &Facts) -> ReleaseState {
        match active {
            Active::Preparing | Active::Ready => self.before_launch(active, facts),
            Active::Rolling { step } => self.rolling(step, facts),
            Active::Baking => self.baking(facts),
        }
    }

    fn before_launch(&self, active: Active, facts: &Facts) -> ReleaseState {
        let ready = facts.readiness == Word::Go;
        if ready && self.may_launch_by_itself() {
            return self.launch();
        }
        let next = if ready { Active::Ready } else { Active::Preparing };
        if next == active { self.state.clone() } else { self.to(Phase::Active(next)) }
    }

    /// T-0 has come, somebody or `go: auto` said go, and it is not so late that people should be asked again.
    fn may_launch_by_itself(&self) -> bool {
        let said = self.release.goes_by_itself() || self.state.armed.is_some();
        let said_late = self.state.armed.as_ref().is_some_and(|armed| armed.at > self.release.launch_at);
        let in_time = self.now <= self.release.launches_by_itself_until();
        said && self.release.launch_at <= self.now && (in_time || said_late)
    }

    fn launch(&self) -> ReleaseState {
        ReleaseState { evidence_from: Some(self.now), armed: None, ..self.enter_step(0) }
    }

    fn go(&self, armed: Armed, readiness: Word, missing: &[String]) -> Result<ReleaseState, Refused> {
        if readiness != Word::Go {
            return Err(Refused::NotReady(listed(missing)));
        }
        if self.release.launch_at <= self.now {
            return Ok(self.launch());
        }
        if self.state.armed.is_some() {
            return Err(Refused::Already("armed"));
        }
        Ok(ReleaseState { armed: Some(armed), ..self.state.clone() })
    }

    /// Enters a step; 100 % is baking. Evidence for SAFE and dwell begin anew.
    fn enter_step(&self, step: usize) -> ReleaseState {
        let percent = self.release.rollout.steps.get(step).map_or(Percent::FULL, |step| step.percent);
        let full = percent == Percent::FULL;
        let active = if full { Active::Baking } else { Active::Rolling { step } };
        ReleaseState {
            percent: Some(percent),
            full_at: full.then_some(self.now),
            step_from: Some(self.now),
            dwelled: Duration::ZERO,
            dwell_from: Some(self.now),
            ..self.to(Phase::Active(active))
        }
    }

    fn promote(&self) -> ReleaseState {
        ReleaseState { certified: Percent::FULL, ..self.enter_step(self.release.rollout.steps.len()) }
    }

    fn rolling(&self, step: usize, facts: &Facts) -> ReleaseState {
        if let Some(reason) = facts.abort() {
            return self.abort(Active::Rolling { step }, reason.sentence());
        }
        let current = stands_at(self.release, self.state).and_then(|step| self.release.rollout.steps.get(step));
        let Some(current) = current else { return self.state.clone() };
        let safe = facts.gate.as_ref().is_some_and(|gate| gate.verdict == Verdict::Safe);
        if safe && facts.step_blocked.is_none() && self.dwelled() >= current.dwell {
            // Certified is what was watched, which is less than the step says where somebody raised it since.
            let certified = percent(self.release, self.state).unwrap_or(current.percent);
            return ReleaseState { certified, ..self.enter_step(next_step(self.release, self.state)) };
        }
        self.state.clone()
    }

    fn baking(&self, facts: &Facts) -> ReleaseState {
        if let Some(reason) = facts.abort() {
            return self.abort(Active::Baking, reason.sentence());
        }
        let blind = facts.gate.as_ref().is_some_and(|gate| !gate.is_fresh());
        if blind || self.dwelled() < self.release.bake() {
            return self.state.clone();
        }
        ReleaseState { certified: Percent::FULL, ..self.end(Phase::Complete) }
    }

    /// A hold stops the rollout, not the abort test.
    fn held(&self, at: Active, facts: &Facts) -> ReleaseState {
        match (facts.abort(), at) {
            (Some(reason), Active::Rolling { .. } | Active::Baking) => self.abort(at, reason.sentence()),
            _ => self.state.clone(),
        }
    }

    fn hold(&self, at: Active, by: Name, reason: String) -> ReleaseState {
        ReleaseState { dwelled: self.dwelled(), dwell_from: None, ..self.to(Phase::Held { at, by, reason }) }
    }

    fn resume(&self, at: Active) -> ReleaseState {
        let dwell_from = matches!(at, Active::Rolling { .. } | Active::Baking).then_some(self.now);
        ReleaseState { dwell_from, vanished: None, ..self.to(Phase::Active(at)) }
    }

    fn abort(&self, at: Active, reason: String) -> ReleaseState {
        self.end(Phase::Aborted { at, reason })
    }

    /// Back to the last certified percent, held; before any, back to preparing, which takes a new go.
    fn clear(&self, _aborted: Active, by: Name, reason: String) -> ReleaseState {
        let (steps, certified) = (&self.release.rollout.steps, self.state.certified);
        let at = match steps.iter().position(|step| step.percent >= certified) {
            _ if certified == Percent::FULL => Active::Baking,
            // Where its step was taken out since, the next one stands there, and it stays below that.
            Some(step) if certified > Percent::ZERO || steps[step].percent == certified => Active::Rolling { step },
            _ => Active::Preparing,
        };
        let launched = (at != Active::Preparing).then_some(self.now);
        ReleaseState {
            percent: launched.map(|_| certified),
            evidence_from: launched,
            step_from: launched,
            dwelled: Duration::ZERO,
            dwell_from: None,
            ended_at: None,
            ..self.to(Phase::Held { at, by, reason })
        }
    }

    fn dwelled(&self) -> Duration {
        self.state.dwelled_at(self.now)
    }
}

/// What its document means for its life.
impl Release {
    /// Whether readiness alone says go.
    pub fn goes_by_itself(&self) -> bool {
        self.go == Go::Auto
    }

    /// Until when an automatic go, or one that was said before T-0, still launches it.
    pub fn launches_by_itself_until(&self) -> Timestamp {
        later(self.launch_at, GO_LASTS)
    }

    /// Whether an ABORT halts the version.
    pub fn halts_on_abort(&self) -> bool {
        self.rollout.on_abort == OnAbort::Halt
    }

    /// What was offered where it was aborted; `None`: it was not, or not after its launch.
    pub fn offered_at(&self, phase: &Phase) -> Option<Percent> {
        match phase {
            Phase::Aborted { at: Active::Rolling { step }, .. } => self.rollout.steps.get(*step).map(|step| step.percent),
            Phase::Aborted { at: Active::Baking, .. } => Some(Percent::FULL),
            _ => None,
        }
    }

    /// How long it is watched at 100 %: dwell and bake of the last step.
    pub fn bake(&self) -> Duration {
        self.rollout.steps.last().map_or(Duration::ZERO, |step| step.dwell + step.bake)
    }
}
