//! Policies, offers and halts, indexed by app so that a decision costs the same with ten rules or a hundred thousand.
//!
//! Not here: how the layers decide; that is `layers`. Invariant: a table is immutable and whole; the listener swaps it
//! in one step, so no answer mixes two revisions. The order of its input shows nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::index::Index;
use super::lookup::Lookup;
use super::{Audience, Halt, HaltTarget, NoClientId, Offer, Policy, Rule};
use crate::core::words::{Name, Percent, Version};

/// What a table is built from.
#[derive(Clone, Debug, Default)]
pub struct TableInput {
    /// All throttle policies.
    pub policies: Vec<Policy>,
    /// All offers.
    pub offers: Vec<Offer>,
    /// All halts in force.
    pub halts: Vec<Halt>,
    /// Named in every answer.
    pub revision: String,
    /// Seconds until the next known change (a step, an early entry): when asking again is useful.
    pub next_change_secs: Option<u32>,
}

/// The indexed table. The default one is not in force: it holds everybody back.
#[derive(Clone, Debug, Default)]
pub struct Table {
    input: TableInput,
    in_force: bool,
    /// Policy and rule in the input, strictest first.
    rules: Vec<(usize, usize)>,
    apps: Lookup<Name, App>,
    /// What is known of an app that nothing names.
    unknown: App,
    everything_halted: bool,
    global: Option<Percent>,
}

/// Everything about one app.
#[derive(Clone, Debug, Default)]
pub(super) struct App {
    rules: Index,
    /// By channel, newest first; halted versions are not among them.
    live: Lookup<Name, Vec<Live>>,
    /// Whether any release of it was ever live, on any channel.
    pub(super) was_live: bool,
    halted: bool,
    halted_channels: BTreeSet<Name>,
    halted_versions: BTreeSet<String>,
    /// Versions that only releases bring which never were live: nothing serves them before their time.
    ahead: BTreeSet<String>,
    pub(super) no_client_id: NoClientId,
}

/// An offer on a channel where it is live.
#[derive(Clone, Debug)]
pub(super) struct Live {
    offer: usize,
    /// Served whole, by reason `exception`.
    pub(super) early: bool,
    /// The running step's percent, 100 where none binds.
    pub(super) step: Percent,
    /// What buckets are salted with unless a rule says otherwise.
    pub(super) salt: String,
}

impl Table {
    /// Indexes the input.
    pub fn build(input: TableInput) -> Self {
        let rules = strictest_first(&input.policies);
        let apps = apps_of(&input, &rules);
        let global = input.policies.iter().filter_map(|policy| policy.global).min();
        let everything_halted = input.halts.iter().any(|halt| halt.target == HaltTarget::Everything);
        let unknown = App { no_client_id: agreed(input.policies.iter()), ..App::default() };
        Self { in_force: true, rules, apps, unknown, everything_halted, global, input }
    }

    /// What it was built from.
    pub fn input(&self) -> &TableInput {
        &self.input
    }

    /// Whether it was built from documents; the default table was not.
    pub fn is_in_force(&self) -> bool {
        self.in_force
    }

    /// The optional layer under the specific rules; the strictest where validation would have refused a second one.
    pub(super) fn global(&self) -> Option<Percent> {
        self.global
    }

    pub(super) fn app(&self, name: &Name) -> &App {
        self.apps.get(name).unwrap_or(&self.unknown)
    }

    pub(super) fn offer(&self, live: &Live) -> &Offer {
        &self.input.offers[live.offer]
    }

    pub(super) fn rule(&self, app: &App, version: &Version, channel: &Name) -> Option<&Rule> {
        let (policy, rule) = self.rules[app.rules.find(version, channel)?];
        self.input.policies.get(policy)?.rules.get(rule)
    }

    /// What the policies alone allow of background requests, and the rule that says so: without halts, offers and steps.
    /// It is what will hold once something is on offer.
    pub fn allowed(&self, app: &Name, version: &Version, channel: &Name) -> (Percent, Option<&str>) {
        match self.rule(self.app(app), version, channel) {
            Some(rule) if rule.except_channels.contains(channel) => (Percent::FULL, Some(&rule.label)),
            Some(rule) => (rule.percent, Some(&rule.label)),
            None => (self.global().unwrap_or(Percent::FULL), None),
        }
    }

    /// The policy that answers for a request without a client id: the matching rule's, else what the app's agree on.
    pub(super) fn no_client_id(&self, app: &App, version: &Version, channel: &Name) -> NoClientId {
        let number = app.rules.find(version, channel);
        number.map_or(app.no_client_id, |number| self.input.policies[self.rules[number].0].no_client_id)
    }

    /// What of this request is halted, in words; `None`: nothing.
    pub(super) fn halted(&self, app: &App, channel: &Name) -> Option<&'static str> {
        let causes = [
            (!self.in_force, "no documents are in force yet"),
            (self.everything_halted, "everything is halted"),
            (app.halted, "the app is halted"),
            (app.halted_channels.contains(channel), "the app's channel is halted"),
        ];
        causes.into_iter().find(|(halted, _)| *halted).map(|(_, cause)| cause)
    }
}

impl App {
    /// What is live on a channel, newest first.
    pub(super) fn live(&self, channel: &Name) -> &[Live] {
        self.live.get(channel).map_or(&[], Vec::as_slice)
    }

    /// Whether a fallback must not be given: halted, or brought by a release whose time has not come.
    pub(super) fn withholds(&self, version: &Version) -> bool {
        self.halted_versions.contains(version.as_str()) || self.ahead.contains(version.as_str())
    }
}

/// Rules get their numbers from here: what would tie goes to the strictest, whatever the order of documents.
fn strictest_first(policies: &[Policy]) -> Vec<(usize, usize)> {
    let places = policies.iter().enumerate().flat_map(|(number, policy)| (0..policy.rules.len()).map(move |rule| (number, rule)));
    let mut places: Vec<_> = places.collect();
    places.sort_by_key(|&(policy, rule)| {
        let rule = &policies[policy].rules[rule];
        (rule.percent, rule.label.as_str())
    });
    places
}

/// Random only if all of them say so: a client that can't be told apart is held back rather than served by mistake.
fn agreed<'a>(policies: impl Iterator<Item = &'a Policy>) -> NoClientId {
    let mut policies = policies.peekable();
    let random = policies.peek().is_some() && policies.all(|policy| policy.no_client_id == NoClientId::Random);
    if random { NoClientId::Random } else { NoClientId::HoldBack }
}

/// What of the input is about one app.
#[derive(Default)]
struct Parts<'a> {
    rules: Vec<(usize, &'a Rule)>,
    policies: BTreeSet<usize>,
    offers: Vec<(usize, &'a Offer)>,
    halts: Vec<&'a HaltTarget>,
}

fn apps_of(input: &TableInput, rules: &[(usize, usize)]) -> Lookup<Name, App> {
    let mut parts: BTreeMap<Name, Parts<'_>> = BTreeMap::new();
    for (number, &(policy, rule)) in rules.iter().enumerate() {
        let rule = &input.policies[policy].rules[rule];
        let part = parts.entry(rule.app.clone()).or_default();
        part.rules.push((number, rule));
        part.policies.insert(policy);
    }
    for (number, offer) in input.offers.iter().enumerate() {
        parts.entry(offer.app.clone()).or_default().offers.push((number, offer));
    }
    for halt in &input.halts {
        if let HaltTarget::App { app } | HaltTarget::Channel { app, .. } | HaltTarget::Version { app, .. } = &halt.target {
            parts.entry(app.clone()).or_default().halts.push(&halt.target);
        }
    }
    parts.into_iter().map(|(name, parts)| (name, parts.into_app(&input.policies))).collect()
}

impl Parts<'_> {
    fn into_app(self, policies: &[Policy]) -> App {
        let mut app = App { rules: Index::build(self.rules), ..App::default() };
        for halt in self.halts {
            match halt {
                HaltTarget::Everything => {}
                HaltTarget::App { .. } => app.halted = true,
                HaltTarget::Channel { channel, .. } => drop(app.halted_channels.insert(channel.clone())),
                HaltTarget::Version { version, .. } => drop(app.halted_versions.insert(version.clone())),
            }
        }
        // A policy that names the app speaks for it; where none does, all have to agree.
        let own: Vec<_> = self.policies.iter().filter_map(|&number| policies.get(number)).collect();
        app.no_client_id = if own.is_empty() { agreed(policies.iter()) } else { agreed(own.into_iter()) };
        app.take_offers(self.offers);
        app
    }
}

impl App {
    fn take_offers(&mut self, mut offers: Vec<(usize, &Offer)>) {
        // Newest first; the text and the release's name make the order independent of the input's.
        offers.sort_by(|(_, one), (_, other)| {
            let order = other.version.order(&one.version);
            order.then_with(|| other.version.as_str().cmp(one.version.as_str())).then_with(|| one.release.cmp(&other.release))
        });
        self.was_live = offers.iter().any(|(_, offer)| offer.was_live);
        let started: BTreeSet<_> = offers.iter().filter(|(_, offer)| offer.was_live).map(|(_, o)| o.version.as_str()).collect();
        let ahead = offers.iter().map(|(_, offer)| offer.version.as_str()).filter(|version| !started.contains(version));
        self.ahead = ahead.map(String::from).collect();
        let running = offers.into_iter().filter(|(_, offer)| !self.halted_versions.contains(offer.version.as_str()));
        let mut live = BTreeMap::new();
        running.for_each(|(number, offer)| put_live(&mut live, number, offer));
        self.live = live.into_iter().collect();
    }
}

/// Puts an offer on its channels.
fn put_live(all: &mut BTreeMap<Name, Vec<Live>>, number: usize, offer: &Offer) {
    let salt = format!("{}/{}", offer.app.folded(), offer.version);
    // A channel that one release names twice, early and in its rollout, stays served whole while the rollout runs;
    // complete, the early entry is no exception any more, and policies bind.
    let rank = |live: &Live| (live.early != offer.complete, live.step);
    for Audience { channels, early, step } in &offer.audiences {
        for channel in channels {
            let live = Live { offer: number, early: *early, step: step.unwrap_or(Percent::FULL), salt: salt.clone() };
            let others = all.entry(channel.clone()).or_default();
            match others.last_mut().filter(|last| last.offer == number) {
                Some(last) if rank(last) >= rank(&live) => {}
                Some(last) => *last = live,
                None => others.push(live),
            }
        }
    }
}

/// How far open an offer is, to choose among several releases of one version.
pub(super) fn openness(live: &Live) -> (bool, Percent) {
    (live.early, live.step)
}
