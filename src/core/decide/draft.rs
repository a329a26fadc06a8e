//! The decision while it is being made: the next state, what was planned, and what is to be told.
//!
//! Invariant: it starts from the snapshot and only the rooms of `decide` write to it, one after another.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::effect::{Effect, Intent};
use super::facts::Known;
use super::learning;
use super::memory::Memory;
use super::scheduled;
use super::snapshot::{Snapshot, State};
use crate::core::checklist::{Check, Demand as Demanded, Item};
use crate::core::gate::Judged;
use crate::core::load::{self, Course, Demand, GroupPlan, Launch, Layer, Overrides, Policy, Problem};
use crate::core::release::{Phase, Release, ReleaseState, offer};
use crate::core::throttle::{Halt, HaltTarget, Offer, Table, TableInput};
use crate::core::words::{Name, later};

/// A history that ended longer ago says nothing of today.
const KNOWN_FOR: Duration = Duration::from_hours(24);
/// What a point of a history stands for at most.
const POINT: Duration = Duration::from_hours(1);

/// See the module.
pub(super) struct Draft<'a> {
    /// The input.
    pub(super) snapshot: &'a Snapshot,
    /// The next state so far.
    pub(super) state: State,
    /// Effects so far.
    pub(super) effects: Vec<(String, Effect)>,
    /// The plan of each group, with what is proven warm by now.
    pub(super) plans: BTreeMap<Name, GroupPlan>,
    /// What each release was known by when it was ticked, with the state that it had; empty once plans were made anew.
    pub(super) known: BTreeMap<Name, (ReleaseState, Known)>,
    memory: &'a Memory,
    /// Where the launches were that the plans are made for, and what people imposed.
    planned_for: (BTreeMap<Name, Standing>, Overrides),
    table: OnceCell<Table>,
}

/// What of a release's state plans depend on.
type Standing = (Course, Option<Timestamp>, Option<Timestamp>);

impl<'a> Draft<'a> {
    /// Adopts releases that are new, plans every group.
    pub(super) fn new(snapshot: &'a Snapshot, memory: &'a Memory) -> Self {
        let mut state = snapshot.state.clone();
        for name in snapshot.config.releases.keys() {
            state.releases.entry(name.clone()).or_insert_with(|| ReleaseState::new(snapshot.now, None));
        }
        scheduled::follow(&mut state, snapshot);
        let mut draft = Self {
            snapshot,
            state,
            effects: Vec::new(),
            plans: BTreeMap::new(),
            known: BTreeMap::new(),
            memory,
            planned_for: <_>::default(),
            table: OnceCell::new(),
        };
        draft.plan();
        draft
    }

    /// Plans every group from what is known now.
    fn plan(&mut self) {
        let names = self.snapshot.config.scalings.keys();
        self.plans = names.filter_map(|name| Some((name.clone(), self.plan_of(name)?))).collect();
        self.planned_for = (self.standings(), self.state.overrides.clone());
    }

    /// The plan of one group as things stand; `None`: there is no such group.
    pub(super) fn plan_of(&self, name: &Name) -> Option<GroupPlan> {
        let policy = self.snapshot.config.scalings.get(name)?;
        let (demand, now) = (self.demand(name), self.snapshot.now);
        let forecast = self.memory.learned.forecast(policy, (self.ordinary(policy, demand.history), now));
        let plan = load::plan_learned(policy, &demand, (forecast, now), &self.layer(name));
        Some(GroupPlan { problems: self.missed(name).chain(plan.problems).collect(), ..plan })
    }

    /// The history that says what comes on ordinary days: without the hours of launches that are going on, whose surge is
    /// planned on top of it. Nothing, where the last day is not known.
    fn ordinary<'h>(&self, policy: &Policy, history: &'h [(Timestamp, f64)]) -> &'h [(Timestamp, f64)] {
        let now = self.snapshot.now;
        if history.last().is_none_or(|(at, _)| later(*at, KNOWN_FOR) < now) {
            return &[];
        }
        let leans = |(release, _): &(&Release, &ReleaseState)| release.scaling.contains(&policy.name) && !release.shadow;
        let surges = |state: &ReleaseState| state.ended_at.is_none_or(|ended| now < later(ended, policy.hold_after));
        let began = |state: &ReleaseState| state.admitted.first().map(|(at, _)| *at).filter(|_| surges(state));
        let Some(began) = self.releases().filter(leans).filter_map(|(_, state)| began(state)).min() else { return history };
        // A point is the mean of its hour.
        &history[..history.partition_point(|(at, _)| later(*at, POINT) <= began)]
    }

    /// What lies over a group's plan.
    fn layer(&self, group: &Name) -> Layer<'_> {
        let recent = self.snapshot.observed.recent.get(group).map_or(&[][..], Vec::as_slice);
        Layer { overrides: self.state.overrides.list.iter().filter(|one| one.group == *group).collect(), recent }
    }

    /// Plans anew if a launch is not where it was, or an override came or went: else plans are the same.
    pub(super) fn plan_again(&mut self) {
        if (self.standings(), &self.state.overrides) != (self.planned_for.0.clone(), &self.planned_for.1) {
            self.plan();
            self.known.clear();
        }
    }

    fn standings(&self) -> BTreeMap<Name, Standing> {
        let standing = |state: &ReleaseState| (course(state), state.ended_at, state.full_at);
        self.releases().map(|(release, state)| (release.name.clone(), standing(state))).collect()
    }

    /// What was judged before and holds still.
    pub(super) fn judged(&self) -> &'a Judged {
        &self.memory.judged
    }

    /// The throttle's policies, indexed for checks that ask what they allow; without offers and halts.
    pub(super) fn table(&self) -> &Table {
        let policies = || self.snapshot.config.throttles.values().cloned().collect();
        self.table.get_or_init(|| Table::build(TableInput { policies: policies(), ..TableInput::default() }))
    }

    /// Releases with their documents and states; a state without a document is left as it is.
    pub(super) fn releases(&self) -> impl Iterator<Item = (&'a Release, &ReleaseState)> {
        let states = &self.state.releases;
        self.snapshot.config.releases.iter().filter_map(|(name, release)| Some((release, states.get(name)?)))
    }

    /// What releases offer now.
    pub(super) fn offers(&self) -> Vec<Offer> {
        self.releases().filter_map(|(release, state)| offer(release, state, self.snapshot.now)).collect()
    }

    /// Halts in force, the halt file among them.
    pub(super) fn halts(&self) -> Vec<Halt> {
        let mut halts = self.state.halts.clone();
        if self.snapshot.observed.halt_file {
            halts.push(Halt {
                target: HaltTarget::Everything,
                by: "halt file".into(),
                reason: "the halt file exists".into(),
                at: self.snapshot.now,
                lifts: Vec::new(),
            });
        }
        halts
    }

    /// Whether the release's version is out of the running.
    pub(super) fn is_version_halted(&self, release: &Release) -> bool {
        let target = HaltTarget::Version { app: release.app.clone(), version: release.version.as_str().into() };
        self.state.halts.iter().any(|halt| halt.target == target)
    }

    /// Asks the world for something; the key names the change, so that the same is asked only once.
    pub(super) fn ask(&mut self, key: String, effect: Effect) {
        self.effects.push((key, effect));
    }

    /// The effects as intents of this epoch.
    pub(super) fn intents(&self) -> Vec<Intent> {
        let epoch = self.state.epoch;
        self.effects.iter().map(|(key, effect)| Intent { key: key.clone(), epoch, effect: effect.clone() }).collect()
    }

    fn demand(&self, group: &Name) -> Demand<'_> {
        let observed = &self.snapshot.observed;
        let leaning = self.releases().filter(|(release, _)| release.scaling.contains(group) && leans(release));
        Demand {
            history: observed.history.get(group).map_or(&[], Vec::as_slice),
            launches: leaning.map(|(release, state)| self.launch(group, release, state)).collect(),
            group: observed.groups.get(group),
            held: self.state.floors.get(group).copied(),
        }
    }

    fn launch<'b>(&'b self, group: &Name, release: &'a Release, state: &ReleaseState) -> Launch<'b> {
        Launch {
            release,
            course: if self.is_missed(group, release, state) { Course::CalledOff } else { course(state) },
            primed: self.proven_coverage(release),
            due_at: self.capacity_due(group, release),
            ended_at: state.ended_at,
            full_at: state.full_at,
            recorded: learning::newest(&self.state, release),
        }
    }

    /// Whether its window passed without its start, and the provider gave back by itself what was raised for it.
    fn is_missed(&self, group: &Name, release: &Release, state: &ReleaseState) -> bool {
        let gave_back_at = scheduled::gave_back_at(&self.state, group);
        course(state) == Course::Ahead && gave_back_at.is_some_and(|at| release.launch_at <= at)
    }

    /// Launches that hold nothing any more because their window is over.
    fn missed(&self, group: &Name) -> impl Iterator<Item = Problem> {
        let leaning = self.releases().filter(|(release, _)| release.scaling.contains(group) && leans(release));
        let missed = leaning.filter(|(release, state)| self.is_missed(group, release, state));
        let gave_back_at = scheduled::gave_back_at(&self.state, group);
        let said = |(release, _): (&Release, _)| Some(Problem::GivenBack { release: release.name.clone(), at: gave_back_at? });
        missed.filter_map(said).collect::<Vec<_>>().into_iter()
    }

    /// The least coverage proven over a release's priming policies and their nodes; `None`: nothing primed, or not proven.
    fn proven_coverage(&self, release: &Release) -> Option<f64> {
        let least_node = |name| {
            let coverage = self.snapshot.observed.coverage.get(name)?;
            coverage.nodes.values().copied().min_by(f64::total_cmp)
        };
        let proven: Option<Vec<f64>> = release.priming.iter().map(least_node).collect();
        proven?.into_iter().min_by(f64::total_cmp)
    }

    /// When the checklist wants the group's capacity in service.
    fn capacity_due(&self, group: &Name, release: &Release) -> Option<Timestamp> {
        let wants =
            |item: &&Item| matches!(&item.demand, Demanded::Check(Check::Capacity { group: wanted, .. }) if wanted == group);
        let dues = self.items(release).filter(wants).filter_map(|item| item.due);
        dues.map(|due| due.at(release.launch_at)).min()
    }

    /// A release's items, in the order of its checklists.
    pub(super) fn items(&self, release: &'a Release) -> impl Iterator<Item = &'a Item> + use<'a> {
        let config = &self.snapshot.config;
        release.checklists.iter().filter_map(|name| config.checklists.get(name)).flat_map(|list| &list.items)
    }
}

/// Shadow releases act on nothing, and a release that was out already brings no surge.
fn leans(release: &Release) -> bool {
    !release.shadow && !release.released
}

fn course(state: &ReleaseState) -> Course {
    let launched = state.evidence_from.is_some();
    match &state.phase {
        Phase::Complete => Course::Complete,
        Phase::Aborted { .. } if launched => Course::Aborted,
        Phase::Aborted { .. } | Phase::Scrubbed { .. } => Course::CalledOff,
        Phase::Planned | Phase::Active(_) | Phase::Held { .. } if launched => Course::Underway,
        Phase::Planned | Phase::Active(_) | Phase::Held { .. } => Course::Ahead,
    }
}
