//! All valid documents as one whole, with the hashes that sign-offs and answers carry.
//!
//! Invariant: the result depends on what documents say, never on the order or names of their files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{checklist, gate, metrics, release, scaling, shell, throttle};
use crate::core::load::Adoption;
use crate::core::words::Name;
use crate::shell::settings::digest::{Beginning, canonical, sha256};
use crate::shell::settings::draft::{Draft, Typed};
use crate::shell::settings::schema::Kind;
use crate::shell::spec::Documents;

/// Puts the valid documents together.
pub fn assemble(drafts: &[Draft<'_>]) -> Documents {
    let mut whole = Documents::default();
    let valid: Vec<&Draft<'_>> = drafts.iter().filter(|draft| draft.is_valid()).collect();
    for draft in &valid {
        add(&mut whole, draft);
    }
    let zone = whole.settings.as_ref().and_then(|settings| settings.time_zone.clone());
    for release in whole.config.releases.values_mut().filter(|release| release.time_zone.is_none()) {
        release.time_zone.clone_from(&zone);
    }
    whole.config.scalings.values_mut().for_each(|policy| policy.time_zone.clone_from(&zone));
    for draft in &valid {
        follow_calendar(&mut whole, draft, zone.as_deref());
    }
    whole.notifiers.sort_by(|one, other| one.name.cmp(&other.name));
    let texts = Texts::of(&valid);
    whole.config.contents = texts.contents(&whole);
    whole.config.revision = texts.revision(&whole);
    whole
}

fn add(whole: &mut Documents, draft: &Draft<'_>) {
    let folder = draft.source.folder();
    let config = &mut whole.config;
    match &draft.typed {
        None => {}
        Some(Typed::Settings(from)) => whole.settings = Some(shell::settings(from, folder)),
        Some(Typed::Release(from)) => drop(config.releases.insert(from.name.clone(), release::release(from, folder))),
        Some(Typed::Checklist(from)) => drop(config.checklists.insert(from.name.clone(), checklist::checklist(from, folder))),
        Some(Typed::ThrottlePolicy(from)) => drop(config.throttles.insert(from.name.clone(), throttle::policy(from))),
        Some(Typed::MetricsSource(from)) => {
            whole.sources.extend(metrics::source(from, folder).map(|source| (from.name.clone(), source)));
        }
        Some(Typed::GatePolicy(from)) => {
            config.gates.insert(from.name.clone(), gate::policy(from));
            whole.gate_queries.insert(from.name.clone(), gate::queries(from));
        }
        Some(Typed::ScalingPolicy(from)) => {
            config.scalings.insert(from.name.clone(), scaling::policy(from));
            whole.groups.insert(from.name.clone(), scaling::group(from, folder));
            whole.load_queries.extend(scaling::load_query(from).map(|query| (from.name.clone(), query)));
        }
        Some(Typed::PrimingPolicy(from)) => {
            config.primings.insert(from.name.clone(), shell::priming_policy(from));
            whole.primings.insert(from.name.clone(), shell::priming_spec(from, folder));
        }
        Some(Typed::Notifier(from)) => whole.notifiers.push(shell::notifier(from, folder)),
    }
}

/// Schedules that name no zone follow that of the settings, which may stand in any file.
fn follow_calendar(whole: &mut Documents, draft: &Draft<'_>, zone: Option<&str>) {
    let Some(Typed::PrimingPolicy(from)) = &draft.typed else { return };
    if let Some(policy) = whole.config.primings.get_mut(&from.name) {
        policy.schedule = from.schedule.as_ref().and_then(|schedule| shell::schedule(schedule, zone));
    }
}

/// Documents with their canonical texts, by kind and name.
struct Texts<'d> {
    by_name: BTreeMap<(Kind, Name), (&'d Value, String)>,
}

impl<'d> Texts<'d> {
    fn of(valid: &[&'d Draft<'_>]) -> Self {
        let named = valid.iter().filter_map(|draft| {
            let text = canonical(&draft.json);
            Some(((draft.kind, draft.name.clone()?), (&draft.json, text)))
        });
        Self { by_name: named.collect() }
    }

    fn text(&self, kind: Kind, name: &Name) -> &str {
        self.by_name.get(&(kind, name.clone())).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// What is signed: the release but for its date, the item, and the policies that the release leans on.
    fn contents(&self, whole: &Documents) -> BTreeMap<String, String> {
        let mut contents = BTreeMap::new();
        for release in whole.config.releases.values() {
            let Some((json, _)) = self.by_name.get(&(Kind::Release, release.name.clone())) else { continue };
            let mut undated = (*json).clone();
            undated.as_object_mut().map(|map| map.remove("launch_at"));
            let gates = release.gate.iter().map(|name| self.text(Kind::GatePolicy, name));
            let scalings = release.scaling.iter().map(|name| self.text(Kind::ScalingPolicy, name));
            let primings = release.priming.iter().map(|name| self.text(Kind::PrimingPolicy, name));
            let policies = gates.chain(scalings).chain(primings);
            let signed = policies.fold(Beginning::default().then(&canonical(&undated)), Beginning::then);
            for (id, item) in release.checklists.iter().flat_map(|name| self.items(name)) {
                let key = format!("{}/{}", release.name.folded(), id.to_ascii_lowercase());
                contents.insert(key, signed.clone().then(&item).digest());
            }
        }
        contents
    }

    fn items(&self, checklist: &Name) -> Vec<(String, String)> {
        let json = self.by_name.get(&(Kind::Checklist, checklist.clone()));
        let items = json.and_then(|(json, _)| json["items"].as_array()).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| Some((item["id"].as_str()?.to_owned(), canonical(item)))).collect()
    }

    /// Changes with every change of any document, and of a curve that one was read with.
    fn revision(&self, whole: &Documents) -> String {
        let audiences = whole.config.releases.values().filter_map(|release| release.audience.as_ref());
        let curves = audiences.filter_map(|audience| curve(&audience.adoption));
        let curves: Vec<String> = curves.collect();
        sha256(self.by_name.values().map(|(_, text)| text.as_str()).chain(curves.iter().map(String::as_str)))
    }
}

fn curve(adoption: &Adoption) -> Option<String> {
    match adoption {
        Adoption::Curve(points) => Some(format!("{points:?}")),
        Adoption::Recorded(Some(otherwise)) => curve(otherwise),
        Adoption::HalfLife { .. } | Adoption::Recorded(None) => None,
    }
}
