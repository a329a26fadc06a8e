//! What a plan was made from, in words that can be compared: documents, state, world, and what is planned for each group.
//!
//! A saved plan carries it, and the daemon carries a saved plan out only while all of it is as it was. Instants at which
//! things were looked at are not in it: a plan does not grow old by time alone. Not here: carrying anything out.
//! Invariant: the same documents, state and world give the same basis at any instant between two changes of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::snapshot::{Config, GroupObservation, Observations, State};
use crate::core::load::GroupPlan;
use crate::core::release::Release;
use crate::core::throttle::HaltTarget;
use crate::core::words::{Capacity, Name};

/// See the module. Keys and values are for people too: a difference is told by them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Digests of the documents that the plan leans on, by `Kind/name`.
    pub documents: BTreeMap<String, String>,
    /// Where the release stands, and which floors are held.
    pub state: BTreeMap<String, String>,
    /// Groups as described, and what is proven of caches.
    pub world: BTreeMap<String, String>,
    /// Floors from now on, by group.
    pub floors: BTreeMap<String, String>,
}

/// What a basis is taken from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    pub(super) config: &'a Config,
    pub(super) state: &'a State,
    pub(super) observed: &'a Observations,
    pub(super) plans: &'a BTreeMap<Name, GroupPlan>,
}

impl Basis {
    pub(super) fn of(ground: Ground<'_>, release: &Release) -> Self {
        Self {
            documents: documents(ground.config, release),
            state: state(ground.state, release),
            world: world(ground.observed, release),
            floors: release.scaling.iter().filter_map(|group| Some((group.to_string(), floors(ground, group)?))).collect(),
        }
    }

    /// SHA-256 of all of it, in lower-case hex.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// What moved since, a fragment each, documents first; empty: nothing.
    pub fn moved(&self, now: &Self) -> Vec<String> {
        let documents = moved(&self.documents, &now.documents, |name, sides| match sides {
            (Some(_), Some(_)) => format!("{name} has changed"),
            (None, _) => format!("{name} is new"),
            (_, None) => format!("{name} is gone"),
        });
        let told = |name: &str, (before, after): (Option<&String>, Option<&String>)| {
            let side = |side: Option<&String>| side.map_or("not known", String::as_str).to_owned();
            format!("{name} was {} and is {}", side(before), side(after))
        };
        let state = moved(&self.state, &now.state, told);
        let world = moved(&self.world, &now.world, told);
        let floors = moved(&self.floors, &now.floors, |name, (before, after)| {
            let side = |side: Option<&String>| side.map_or("nothing", String::as_str).to_owned();
            format!("for {name} {} was planned and {} would be now", side(before), side(after))
        });
        [documents, state, world, floors].concat()
    }
}

type Sides<'s> = (Option<&'s String>, Option<&'s String>);

fn moved(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    told: impl Fn(&str, Sides<'_>) -> String,
) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let sides = |name: &String| (before.get(name), after.get(name));
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(|name| told(name, sides(name))).collect()
}

fn digest(value: &impl Serialize) -> String {
    // What cannot be written has no digest, and equals nothing that has one.
    let text = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
        hex.extend([digit(byte >> 4), digit(byte & 15)]);
        hex
    })
}

fn documents(config: &Config, release: &Release) -> BTreeMap<String, String> {
    fn named<'c, T: Serialize>(kind: &str, all: &'c BTreeMap<Name, T>, names: &[Name]) -> Vec<(String, &'c T)> {
        names.iter().filter_map(|name| Some((format!("{kind}/{name}"), all.get(name)?))).collect()
    }
    fn digests<T: Serialize>(all: Vec<(String, &T)>) -> impl Iterator<Item = (String, String)> {
        all.into_iter().map(|(name, document)| (name, digest(document)))
    }
    let gates: Vec<Name> = release.gate.iter().cloned().collect();
    digests(named("Release", &config.releases, std::slice::from_ref(&release.name)))
        .chain(digests(named("Checklist", &config.checklists, &release.checklists)))
        .chain(digests(named("ScalingPolicy", &config.scalings, &release.scaling)))
        .chain(digests(named("PrimingPolicy", &config.primings, &release.priming)))
        .chain(digests(named("GatePolicy", &config.gates, &gates)))
        .collect()
}

fn state(state: &State, release: &Release) -> BTreeMap<String, String> {
    let phase = state.releases.get(&release.name).map_or("planned".into(), |own| {
        let step = own.admitted.last().map_or(String::new(), |(_, percent)| format!(" at {percent} %"));
        format!("{}{step}", own.phase.word())
    });
    let floor = |group: &Name| {
        let held = state.floors.get(group)?;
        Some((format!("the floor of {group}"), format!("held at {}, to go back to {}", held.floor, held.restore)))
    };
    let of_app = |target: &HaltTarget| match target {
        HaltTarget::Everything => true,
        HaltTarget::App { app } | HaltTarget::Channel { app, .. } | HaltTarget::Version { app, .. } => *app == release.app,
    };
    let is_halted = state.halts.iter().any(|halt| of_app(&halt.target));
    let halted = is_halted.then(|| (format!("updates of {}", release.app), "halted".to_owned()));
    let phase = [(release.name.to_string(), phase)].into_iter();
    phase.chain(release.scaling.iter().filter_map(floor)).chain(halted).collect()
}

fn world(observed: &Observations, release: &Release) -> BTreeMap<String, String> {
    let group = |group: &Name| {
        let seen = observed.groups.get(group).map_or("not observed".to_owned(), described);
        (group.to_string(), seen)
    };
    let coverage = |policy: &Name| {
        let least = observed.coverage.get(policy)?.nodes.values().copied().reduce(f64::min)?;
        Some((format!("coverage of {policy}"), format!("{} %", (least * 1_000.0).floor() / 10.0)))
    };
    release.scaling.iter().map(group).chain(release.priming.iter().filter_map(coverage)).collect()
}

fn described(group: &GroupObservation) -> String {
    let GroupObservation { floor, ceiling, desired, in_service, .. } = group;
    format!("floor {floor}, ceiling {ceiling}, desired {desired}, {in_service} in service")
}

/// `4 -> 12 -> 24 -> 4`: what was asked for already is behind us.
fn floors(ground: Ground<'_>, group: &Name) -> Option<String> {
    let plan = ground.plans.get(group)?;
    let held = ground.state.floors.get(group).map(|held| held.floor);
    let ahead = plan.timeline.iter().enumerate().filter(|(index, change)| *index > 0 || held != Some(change.to));
    let steps: Vec<String> = ahead.map(|(_, change)| change.to.to_string()).collect();
    Some(if steps.is_empty() { "no change".into() } else { steps.join(" -> ") })
}

/// The highest floor that a group has or will have by its plan.
pub(super) fn peak(plan: &GroupPlan) -> Capacity {
    let held = plan.held.map_or(Capacity(0), |held| held.peak);
    plan.timeline.iter().map(|change| change.to).fold(held, Capacity::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_told_by_name_and_nothing_else_is() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let before = Basis {
            documents: of(&[("Release/r", "a"), ("ScalingPolicy/g", "b")]),
            state: of(&[("r", "planned")]),
            world: of(&[("g", "floor 4")]),
            floors: of(&[("g", "12 -> 4")]),
        };
        assert_eq!(before.moved(&before), Vec::<String>::new());
        let after = Basis {
            documents: of(&[("Release/r", "x"), ("Checklist/c", "b")]),
            state: of(&[("r", "preparing")]),
            world: of(&[("g", "floor 8")]),
            floors: of(&[("g", "12 -> 4")]),
        };
        let told = before.moved(&after).join("; ");
        let expected = "Checklist/c is new; Release/r has changed; ScalingPolicy/g is gone; r was planned and is preparing; \
                        g was floor 4 and is floor 8";
        assert_eq!(told, expected);
        assert_ne!(before.digest(), after.digest());
        assert_eq!(before.digest().len(), 64);
    }
}
