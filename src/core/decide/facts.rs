//! What is known about one release at this instant: readiness, the gate's word, when preparing begins.
//!
//! Invariant: it reads the draft and changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::draft::Draft;
use super::measure;
use super::snapshot::Config;
use crate::core::checklist::{
    Assessment, Blocks, Check, Demand, Item, ItemState, ItemStatus, Readiness, Word, assess, readiness as add_up, step_blocked,
};
use crate::core::gate::{self, Evidence, Exposure, HoldReason, Judgement, Verdict};
use crate::core::load::{GroupPlan, Problem};
use crate::core::release::{Active, Facts, Phase, Release, ReleaseState};
use crate::core::words::{Name, Percent};

/// Preparing begins this much before the first thing that has to be done, so that its first measurement is in time.
const MARGIN: Duration = Duration::from_hours(1);

/// The facts for a tick, with the readiness behind them.
pub(super) struct Known {
    pub(super) facts: Facts,
    pub(super) readiness: Readiness,
}

/// Everything a tick of this release needs.
pub(super) fn known<'a>(draft: &Draft<'a>, release: &'a Release, state: &ReleaseState) -> Known {
    let readiness = readiness_of(draft, release, state);
    let facts = Facts {
        readiness: readiness.word,
        step_blocked: blocked(release, draft, &readiness.items),
        gate: judge(draft, release, state),
        prepare_at: prepare_at(&draft.snapshot.config, &draft.plans, release),
    };
    Known { facts, readiness }
}

/// Readiness of a release by name; `None` when there is no such release.
pub(super) fn readiness(draft: &Draft<'_>, name: &Name) -> Option<Readiness> {
    let release = draft.snapshot.config.releases.get(name)?;
    Some(readiness_of(draft, release, draft.state.releases.get(name)?))
}

fn readiness_of<'a>(draft: &Draft<'a>, release: &'a Release, state: &ReleaseState) -> Readiness {
    let absent = release.checklists.iter().filter(|name| !draft.snapshot.config.checklists.contains_key(*name));
    let items = draft.items(release).map(|item| status(draft, (release, state), item)).chain(absent.map(missing)).collect();
    // Nothing is measured for a release that is out, and nothing stands against it.
    if state.phase == Phase::Complete { Readiness { word: Word::Go, reasons: Vec::new(), items } } else { add_up(items) }
}

/// A checklist that is not in force demands what nobody knows: it is open, never green (I11).
fn missing(checklist: &Name) -> ItemStatus {
    ItemStatus {
        id: checklist.clone(),
        title: format!("The checklist {checklist}"),
        owner: None,
        state: ItemState::Unknown,
        detail: "its document is not in force; correct or apply it".into(),
        measured_at: None,
        due_at: None,
        blocks: Blocks::Launch,
    }
}

fn status(draft: &Draft<'_>, (release, state): (&Release, &ReleaseState), item: &Item) -> ItemStatus {
    let evidence = measure::evidence(draft, release, item);
    let content = draft.snapshot.config.contents.get(&format!("{}/{}", release.name.folded(), item.id.folded()));
    assess(&Assessment {
        item,
        evidence: evidence.as_ref(),
        renewed_every: measure::renewed_every(draft, item),
        content: content.map(String::as_str),
        sign_offs: &state.sign_offs,
        waivers: &state.waivers,
        applied_by: state.applied_by.as_ref(),
        launch_at: release.launch_at,
        launched_at: state.evidence_from.or(state.ended_at),
        now: draft.snapshot.now,
    })
}

/// Capacity and coverage must hold at every rise, whatever their items block.
fn blocked<'a>(release: &'a Release, draft: &Draft<'a>, statuses: &[ItemStatus]) -> Option<String> {
    let physical = |item: &Item| matches!(item.demand, Demand::Check(Check::Capacity { .. } | Check::Primed { .. }));
    let green = |status: &ItemStatus| matches!(status.state, ItemState::Green | ItemState::Waived);
    let mut pairs = draft.items(release).zip(statuses);
    let failing = pairs.find(|(item, status)| physical(item) && !green(status));
    let short = || failing.map(|(_, status)| format!("{}: {}", status.id, status.detail));
    outrun(release, draft).or_else(short).or_else(|| step_blocked(statuses))
}

/// A surge that is more than was planned for lets nobody else in, whatever the checklist asks for.
fn outrun(release: &Release, draft: &Draft<'_>) -> Option<String> {
    let plans = release.scaling.iter().filter_map(|group| draft.plans.get(group));
    let mut problems = plans.flat_map(|plan| plan.problems.iter().map(move |problem| (plan, problem)));
    let outrun = problems.find(|(_, problem)| matches!(problem, Problem::Outrun { .. }));
    outrun.map(|(plan, problem)| problem.sentence(&plan.group).trim_end_matches('.').to_owned())
}

fn judge(draft: &Draft<'_>, release: &Release, state: &ReleaseState) -> Option<Judgement> {
    let name = release.gate.as_ref()?;
    let (rollout_from, step_from) = (state.evidence_from?, state.step_from?);
    if !matches!(state.phase.active(), Some(Active::Rolling { .. } | Active::Baking))
        && !matches!(state.phase, Phase::Aborted { .. })
    {
        return None;
    }
    let Some(policy) = draft.snapshot.config.gates.get(name) else { return Some(unusable()) };
    let nothing = BTreeMap::new();
    let minutes = draft.snapshot.observed.minutes.get(&release.name).unwrap_or(&nothing);
    let full = super::super::release::percent(release, state) == Some(Percent::FULL);
    let history = BTreeMap::new();
    let evidence = Evidence {
        metrics: minutes,
        history: &history,
        rollout_from,
        step_from,
        exposure: if full { Exposure::Full } else { Exposure::Partial },
        planned_checks: planned_checks(release, policy),
        now: state.ended_at.unwrap_or(draft.snapshot.now),
    };
    let judgement = draft.judged().judge(&release.name, policy, &evidence);
    // After an ABORT its counts may be gone, or a person did it: then the gate has nothing to say, rather than HOLD.
    let aborted = matches!(state.phase, Phase::Aborted { .. });
    (!aborted || matches!(judgement.verdict, Verdict::Abort(_))).then_some(judgement)
}

/// A gate whose document is not in force lets nothing through and aborts nothing.
fn unusable() -> Judgement {
    let verdict = Verdict::Hold(HoldReason::Unusable { key: "document".into() });
    Judgement { verdict, e: 1.0, p: 1.0, safe_e: 1.0, requests: 0, errors: 0 }
}

/// As many checks as the release plans: all dwells and the bake, in periods.
fn planned_checks(release: &Release, policy: &gate::Policy) -> Option<u32> {
    let planned: Duration = release.rollout.steps.iter().map(|step| step.dwell + step.bake).sum();
    let periods = planned.as_millis().checked_div(policy.period.as_millis())?;
    u32::try_from(periods).ok().filter(|periods| *periods > 1)
}

/// The earliest of: the first raise, the first item due, the first early entry, the first tightening of a poll; an hour
/// before that.
pub(super) fn prepare_at(config: &Config, plans: &BTreeMap<Name, GroupPlan>, release: &Release) -> Timestamp {
    // What people impose before the window opens is not the release's.
    let first =
        |plan: &GroupPlan| plan.timeline.iter().find(|change| plan.window.is_none_or(|(opens, _)| opens <= change.at)).cloned();
    let raises = release.scaling.iter().filter_map(|group| plans.get(group)).filter_map(first);
    let checklists = release.checklists.iter().filter_map(|name| config.checklists.get(name));
    let dues = checklists.flat_map(|list| &list.items).filter_map(|item| item.due).map(|due| due.at(release.launch_at));
    let early = release.early.iter().map(|entry| entry.at.at(release.launch_at));
    let primings = release.priming.iter().filter_map(|name| config.primings.get(name));
    let polls = primings.flat_map(|policy| &policy.tighten).map(|tighten| tighten.from.at(release.launch_at));
    let first = raises.map(|change| change.at).chain(dues).chain(early).chain(polls).min().unwrap_or(release.launch_at);
    first.min(release.launch_at).checked_sub(MARGIN).unwrap_or(Timestamp::MIN)
}
