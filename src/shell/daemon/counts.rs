//! What every release's queries are filled with, and the gates' periods out of all sources.
//!
//! Invariant: a release that ended, or was out before, asks for nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::decide::State;
use crate::core::gate::{self, Minute};
use crate::core::release::{Phase, Release};
use crate::core::words::Name;
use crate::shell::observe::{GateAsk, Sources, Span, Substitution, Tick};
use crate::shell::spec::Documents;

/// What a release's queries are filled with.
pub(super) fn substitution(release: &Release) -> Substitution {
    Substitution {
        app: Some(release.app.to_string()),
        version: Some(release.version.as_str().into()),
        channel: release.channels.first().map(Name::to_string),
    }
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
