//! Reads a status out of a view: the core's types become wire types here, and only here.
//!
//! Invariant: a release whose slice was not decided reads HOLD and says so; nothing is made up for it.

use std::time::Duration;

use jiff::Timestamp;

use super::desk::View;
use super::sentences;
use super::status::{
    ArmedStatus, CoverageStatus, DocumentsStatus, GateBoard, GateStatus, GroupStatus, HaltStatus, ItemStatus, OverrideStatus,
    ReadinessStatus, RunStatus, RunwayStatus, Status, StatusList, StepStatus,
};
use crate::core::checklist::{Readiness, Word};
use crate::core::decide::{GroupObservation, ReleaseView};
use crate::core::gate::Judgement;
use crate::core::load::{GroupPlan, Quantiles, findings, runway};
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::throttle::{Halt, HaltTarget};
use crate::core::words::{Capacity, Name, Percent, Rate, since};
use crate::shell::data::Severity;

/// A view and the instant it is read at: ages are counted from there.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// How things stand.
    pub view: &'a View,
    /// When it is read.
    pub now: Timestamp,
}

impl Reading<'_> {
    /// All releases.
    pub fn list(self) -> StatusList {
        StatusList {
            releases: self.view.snapshot.config.releases.values().map(|release| self.status(release)).collect(),
            scheduled: self.scheduled(),
            overrides: self.overrides(None),
            document_errors: self.view.papers.findings.iter().filter(|finding| finding.severity == Severity::Error).count(),
            epoch: self.view.decision.state.epoch,
            decided_at: self.view.snapshot.now,
            data_age_secs: self.age(self.view.snapshot.now),
            documents: self.documents(),
        }
    }

    /// One release.
    pub fn status(self, release: &Release) -> Status {
        let state = self.view.decision.state.releases.get(&release.name);
        let decided = self.view.decision.releases.get(&release.name);
        let percent = decided.map_or(Percent::ZERO, |decided| decided.percent);
        Status {
            release: release.name.to_string(),
            app: release.app.to_string(),
            version: release.version.as_str().into(),
            channels: texts(&release.channels),
            phase: phase(decided, state),
            phase_before: state.and_then(|state| phase_before(&state.phase)).map(Into::into),
            entered_at: state.map(|state| state.entered_at),
            percent: as_percent(percent),
            percent_ppm: percent.ppm(),
            step: decided.and_then(|decided| decided.step),
            steps: steps(release),
            launch_at: release.launch_at,
            time_zone: release.time_zone.clone(),
            clock: sentences::clock(self.now, release.launch_at),
            clock_secs: self.now.as_second() - release.launch_at.as_second(),
            shadow: release.shadow,
            armed: state.and_then(armed),
            readiness: self.readiness(decided.map(|decided| &decided.readiness)),
            gate: decided.and_then(|decided| decided.gate.as_ref()).map(gate),
            waiting: decided.map_or_else(|| vec![NOT_DECIDED.into()], |decided| decided.waiting.clone()),
            next_at: decided.and_then(|decided| decided.next_at),
            halts: self.halts(Some(&release.app)),
            groups: release.scaling.iter().map(|name| self.group(name)).collect(),
            coverage: release.priming.iter().map(|name| self.coverage(name)).collect(),
            epoch: self.view.decision.state.epoch,
            decided_at: self.view.snapshot.now,
            data_age_secs: self.age(self.view.snapshot.now),
            documents: self.documents(),
        }
    }

    fn documents(self) -> DocumentsStatus {
        let papers = &self.view.papers;
        DocumentsStatus {
            valid: papers.rejected_at.is_none(),
            loaded_at: Some(papers.loaded_at),
            rejected_at: papers.rejected_at,
            findings: papers.findings.iter().take(MOST_FINDINGS).cloned().collect(),
            vanished: papers.vanished.iter().map(|missing| missing.document.clone()).collect(),
            at_restart: papers.at_restart.clone(),
            sentences: sentences::papers(papers).collect(),
        }
    }

    fn readiness(self, readiness: Option<&Readiness>) -> ReadinessStatus {
        let Some(readiness) = readiness else {
            return ReadinessStatus { word: Word::Hold, reasons: vec![NOT_DECIDED.into()], items: Vec::new() };
        };
        let items = readiness.items.iter().map(|item| ItemStatus {
            id: item.id.to_string(),
            title: item.title.clone(),
            owner: item.owner.as_ref().map(Name::to_string),
            state: item.state,
            detail: item.detail.clone(),
            measured_at: item.measured_at,
            age_secs: item.measured_at.map(|at| self.age(at)),
            due_at: item.due_at,
            blocks: item.blocks,
        });
        ReadinessStatus { word: readiness.word, reasons: readiness.reasons.clone(), items: items.collect() }
    }

    /// Halts of an app, or all of them.
    pub fn halts(self, app: Option<&Name>) -> Vec<HaltStatus> {
        let halts = &self.view.decision.state.halts;
        let concerned = halts.iter().filter(|halt| app.is_none_or(|app| concerns(&halt.target, app)));
        let mut read: Vec<HaltStatus> = concerned.map(|halt| self.halt(halt)).collect();
        let listed = halts.iter().any(|halt| halt.target == HaltTarget::Everything);
        if self.view.snapshot.observed.halt_file && !listed {
            read.insert(0, halt_file());
        }
        read
    }

    fn halt(self, halt: &Halt) -> HaltStatus {
        let (app, channel, version) = match &halt.target {
            HaltTarget::Everything => (None, None, None),
            HaltTarget::App { app } => (Some(app), None, None),
            HaltTarget::Channel { app, channel } => (Some(app), Some(channel), None),
            HaltTarget::Version { app, version } => (Some(app), None, Some(version)),
        };
        HaltStatus {
            app: app.map(Name::to_string),
            channel: channel.map(Name::to_string),
            version: version.cloned(),
            by: halt.by.clone(),
            reason: halt.reason.clone(),
            at: Some(halt.at),
            age_secs: Some(self.age(halt.at)),
            lifts: texts(&halt.lifts),
        }
    }

    fn group(self, name: &Name) -> GroupStatus {
        let group = self.view.groups.get(name);
        let observed = group.and_then(|group| group.observed.as_ref());
        let plan = group.and_then(|group| group.plan.as_ref());
        let figure = |read: fn(&GroupObservation) -> Capacity| observed.map(|observed| read(observed).0);
        GroupStatus {
            group: name.to_string(),
            floor: figure(|observed| observed.floor),
            ceiling: figure(|observed| observed.ceiling),
            desired: figure(|observed| observed.desired),
            in_service: figure(|observed| observed.in_service),
            load_per_second: group.and_then(|group| group.load).map(Rate::value),
            load_p95_per_second: plan.map(|plan: &GroupPlan| plan.load).map(|load: Quantiles| load.p95),
            instances_needed: plan.map(|plan| plan.needed().0),
            planned_floor: plan.and_then(|plan| plan.floor).map(|floor| floor.0),
            problems: plan.map(|plan| self.problems(plan, observed)).unwrap_or_default(),
            age_secs: observed.map(|observed| self.age(observed.observed_at)),
            overrides: self.overrides(Some(name)),
            runway: self.runway(name),
        }
    }

    /// Overrides of a group, or all of them.
    pub fn overrides(self, group: Option<&Name>) -> Vec<OverrideStatus> {
        let all = self.view.decision.state.overrides.list.iter();
        let asked = all.filter(|one| one.is_in_force(self.now) && group.is_none_or(|group| one.group == *group));
        let read = asked.map(|one| OverrideStatus {
            id: one.id,
            group: one.group.to_string(),
            kind: one.to.kind().word().into(),
            instances: one.to.instances().map(|instances| instances.0),
            owner: one.owner.to_string(),
            reason: one.reason.clone(),
            created_at: one.created_at,
            expires_at: one.expires_at,
            left_secs: since(one.expires_at, self.now).as_secs(),
        });
        read.collect()
    }

    fn runway(self, name: &Name) -> Option<RunwayStatus> {
        let snapshot = &self.view.snapshot;
        let (policy, seen) = (snapshot.config.scalings.get(name)?, snapshot.observed.groups.get(name)?);
        let runway = runway(policy, seen, snapshot.observed.recent.get(name)?, snapshot.now)?;
        Some(RunwayStatus {
            utilisation: runway.utilisation,
            growth_per_minute: runway.growth_per_minute,
            queue_growth_per_second: runway.queue_growth_per_second,
            minutes: runway.minutes,
            age_secs: self.age(runway.at),
        })
    }

    /// What is wrong with a plan, and what people should know of its group before a launch.
    fn problems(self, plan: &GroupPlan, observed: Option<&GroupObservation>) -> Vec<String> {
        let found = observed.map(|observed| findings(plan, observed, self.view.snapshot.now)).unwrap_or_default();
        let problems = plan.problems.iter().map(|problem| problem.sentence(&plan.group));
        problems.chain(found.iter().map(|finding| finding.sentence(&plan.group))).collect()
    }

    /// Priming of one policy.
    pub fn coverage(self, policy: &Name) -> CoverageStatus {
        let document = self.view.snapshot.config.primings.get(policy);
        let proven = self.view.snapshot.observed.coverage.get(policy);
        let demanded_nodes = document.map(|document| document.nodes.iter()).into_iter().flatten();
        let nodes = demanded_nodes.map(|node| (node.to_string(), proven.and_then(|proven| proven.nodes.get(node)).copied()));
        let status = CoverageStatus {
            policy: policy.to_string(),
            demanded_percent: document.map_or(100.0, |document| document.coverage),
            nodes: nodes.collect(),
            run: self
                .view
                .snapshot
                .observed
                .priming
                .get(policy)
                .map(|run| RunStatus { proven: run.proven, targets: run.targets }),
            objects: proven.map(|proven| proven.objects),
            problems: proven.map(|proven| proven.problems),
            first_problem: proven.and_then(|proven| proven.first_problem.clone()),
            fresh_until: proven.and_then(|proven| proven.fresh_until),
            measured_at: proven.map(|proven| proven.measured_at),
            age_secs: proven.map(|proven| self.age(proven.measured_at)),
            schedule: None,
            poll: None,
            began_at: None,
            next_run_at: None,
        };
        self.with_upcoming(policy, status)
    }

    /// The gate of a release, with the bounds it decides by.
    pub fn gate(self, release: &Release) -> GateBoard {
        let policy = release.gate.as_ref().and_then(|name| self.view.snapshot.config.gates.get(name));
        let series = self.view.snapshot.observed.minutes.get(&release.name);
        let minutes = series.into_iter().flat_map(|metrics| metrics.values()).flatten();
        let newest_at = minutes.filter(|minute| minute.candidate.is_some()).map(|minute| minute.at).max();
        let judgement = self.view.decision.releases.get(&release.name).and_then(|decided| decided.gate.as_ref());
        GateBoard {
            release: release.name.to_string(),
            policy: release.gate.as_ref().map(Name::to_string),
            abort_at: policy.map(|policy| 1.0 / policy.alpha),
            safe_at: policy.map(|policy| 1.0 / policy.beta),
            gate: judgement.map(gate),
            newest_at,
            age_secs: newest_at.map(|at| self.age(at)),
        }
    }

    fn age(self, at: Timestamp) -> u64 {
        since(self.now, at).as_secs()
    }
}

/// The phases, as statuses name them.
pub const PHASES: [&str; 9] = ["planned", "preparing", "ready", "rolling", "baking", "complete", "held", "aborted", "scrubbed"];

/// Findings that a status carries; `document_errors` counts them all, and `tminus check` shows them.
const MOST_FINDINGS: usize = 100;

const NOT_DECIDED: &str = "This release has not been decided yet: nothing is known about it, and nothing is done for it.";

fn phase(decided: Option<&ReleaseView>, state: Option<&ReleaseState>) -> String {
    let from_state = || state.map_or("planned", |state| phase_word(&state.phase)).to_owned();
    decided.map_or_else(from_state, |decided| decided.phase.clone())
}

/// The phase in one word.
pub fn phase_word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Planned => "planned",
        Phase::Active(active) => active_word(*active),
        Phase::Held { .. } => "held",
        Phase::Aborted { .. } => "aborted",
        Phase::Scrubbed { .. } => "scrubbed",
        Phase::Complete => "complete",
    }
}

fn active_word(active: Active) -> &'static str {
    match active {
        Active::Preparing => "preparing",
        Active::Ready => "ready",
        Active::Rolling { .. } => "rolling",
        Active::Baking => "baking",
    }
}

fn phase_before(phase: &Phase) -> Option<&'static str> {
    match phase {
        Phase::Held { at, .. } | Phase::Aborted { at, .. } => Some(active_word(*at)),
        Phase::Planned | Phase::Active(_) | Phase::Scrubbed { .. } | Phase::Complete => None,
    }
}

fn concerns(target: &HaltTarget, asked: &Name) -> bool {
    match target {
        HaltTarget::Everything => true,
        HaltTarget::App { app } | HaltTarget::Channel { app, .. } | HaltTarget::Version { app, .. } => app == asked,
    }
}

fn halt_file() -> HaltStatus {
    HaltStatus {
        app: None,
        channel: None,
        version: None,
        by: "halt file".into(),
        reason: "The halt file exists: everything is halted until it is removed.".into(),
        at: None,
        age_secs: None,
        lifts: Vec::new(),
    }
}

fn gate(judgement: &Judgement) -> GateStatus {
    GateStatus {
        verdict: sentences::verdict_word(&judgement.verdict).into(),
        e: judgement.e,
        p: judgement.p,
        safe_e: judgement.safe_e,
        requests: judgement.requests,
        errors: judgement.errors,
        sentence: sentences::verdict(&judgement.verdict),
    }
}

fn armed(state: &ReleaseState) -> Option<ArmedStatus> {
    let armed = state.armed.as_ref()?;
    Some(ArmedStatus { by: armed.by.to_string(), at: armed.at, reason: armed.reason.clone() })
}

fn steps(release: &Release) -> Vec<StepStatus> {
    let secs = |duration: Duration| duration.as_secs();
    let read = release.rollout.steps.iter().map(|step| StepStatus {
        percent: as_percent(step.percent),
        dwell_secs: secs(step.dwell),
        bake_secs: secs(step.bake),
    });
    read.collect()
}

fn as_percent(percent: Percent) -> f64 {
    f64::from(percent.ppm()) / 10_000.0
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(Name::to_string).collect()
}
