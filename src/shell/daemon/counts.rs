//! Pushed counts out of the store, and the gates' periods out of all sources.
//!
//! Invariant: a sender that reported a period without a series we ask for did report it; one that did not, did not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::core::decide::State;
use crate::core::gate::{self, Minute};
use crate::core::release::{Phase, Release};
use crate::core::words::Name;
use crate::shell::observe::{GateAsk, Pushed, Pushes, Sources, Span, Substitution, Tick};
use crate::shell::spec::{Documents, QuerySpec, SourceSpec, SourceSystem};
use crate::shell::store::Store;

/// How far back pushed counts are looked at before a rollout: enough for the `gate` check and short `metric` checks.
const LOOK_BACK: Duration = Duration::from_mins(15);

/// What a release's queries are filled with.
pub(super) fn substitution(release: &Release) -> Substitution {
    Substitution {
        app: Some(release.app.to_string()),
        version: Some(release.version.as_str().into()),
        channel: release.channels.first().map(Name::to_string),
    }
}

/// Everything that push sources hold for the time that anybody asks about.
pub(super) fn pushes(store: &Store, (documents, state): (&Documents, &State), now: Timestamp) -> Pushes {
    let since = asked_since(state, now);
    let pushed = documents.sources.iter().filter(|(_, spec)| matches!(spec.system, SourceSystem::Push { .. }));
    pushed.map(|(name, spec)| (name.clone(), rows(store, (name, &series(spec, documents)), since))).collect()
}

/// The beginning of the oldest rollout that goes on, or a little while ago.
fn asked_since(state: &State, now: Timestamp) -> Timestamp {
    let recent = now.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
    let rollouts = state.releases.values().filter(|state| state.ended_at.is_none()).filter_map(|state| state.evidence_from);
    rollouts.min().map_or(recent, |oldest| oldest.min(recent))
}

/// The names of a source's series, filled for every release.
fn series(spec: &SourceSpec, documents: &Documents) -> Vec<String> {
    let templates = spec.queries.values().filter_map(|query| match query {
        QuerySpec::Series(series) => Some(series),
        QuerySpec::PromQl(_) | QuerySpec::CloudWatch(_) => None,
    });
    let with: Vec<Substitution> = documents.config.releases.values().map(substitution).chain([Substitution::default()]).collect();
    // A template that cannot be filled for one release may be for another.
    let names: BTreeSet<String> = templates.flat_map(|text| with.iter().filter_map(|with| with.fill_plain(text).ok())).collect();
    names.into_iter().collect()
}

fn rows(store: &Store, (source, series): (&Name, &[String]), since: Timestamp) -> Vec<Pushed> {
    let periods = store.counts(source, series, since).unwrap_or_else(|error| {
        tracing::warn!(%source, %error, "pushed counts could not be read; they are missing");
        Vec::new()
    });
    let mut rows = Vec::new();
    for period in periods {
        for (sender, counts) in period.senders {
            // The nameless row says that the sender reported, whatever it counted.
            rows.push(Pushed { at: period.at, sender: sender.clone(), series: String::new(), value: 0 });
            let row = |(series, value)| Pushed { at: period.at, sender: sender.clone(), series, value };
            rows.extend(counts.into_iter().map(row));
        }
    }
    rows
}

/// The closed periods of every release that has a gate.
pub(super) async fn minutes(
    sources: &Sources,
    (documents, state): (&Documents, &State),
    tick: Tick<'_>,
) -> BTreeMap<Name, BTreeMap<Name, Vec<Minute>>> {
    let gated: Vec<(&Release, GateAsk<'_>)> = documents
        .config
        .releases
        .values()
        .filter_map(|release| Some((release, ask(release, (documents, state), tick.now)?)))
        .collect();
    let asks: Vec<GateAsk<'_>> = gated.iter().map(|(_, ask)| ask.clone()).collect();
    let answers = sources.gate_minutes(&asks, tick).await;
    let mut minutes = BTreeMap::new();
    for ((release, _), answer) in gated.into_iter().zip(answers) {
        if let Some(reason) = answer.reasons.first() {
            tracing::warn!(release.name = %release.name, reason, "some of the gate's counts are missing");
        }
        minutes.insert(release.name.clone(), answer.minutes);
    }
    minutes
}

fn ask<'a>(release: &Release, (documents, state): (&'a Documents, &State), now: Timestamp) -> Option<GateAsk<'a>> {
    let standing = state.releases.get(&release.name)?;
    // What an ABORT was decided from stays in view until somebody clears it; time stands still for it.
    let now = match (&standing.phase, standing.ended_at) {
        (Phase::Aborted { .. }, Some(ended_at)) => ended_at.min(now),
        (_, None) if !release.released => now,
        _ => return None,
    };
    let name = release.gate.as_ref()?;
    let (policy, queries) = (documents.config.gates.get(name)?, documents.gate_queries.get(name)?);
    Some(GateAsk { queries, with: substitution(release), span: span(policy, standing.evidence_from, now) })
}

fn span(policy: &gate::Policy, from: Option<Timestamp>, now: Timestamp) -> Span {
    let back = policy.no_data.max_gap + policy.lag + policy.period * 2;
    let recent = now.checked_sub(back).unwrap_or(Timestamp::MIN);
    let to = now.checked_sub(policy.lag).unwrap_or(Timestamp::MIN);
    Span { from: from.map_or(recent, |from| from.min(recent)), to, step: policy.period }
}
