//! What a launch teaches the next one: the waves that were admitted while it rolls, and its uptake when it is complete.
//!
//! Counts are those of the gate, which are of the new version alone; a release without a gate teaches nothing of clients.
//! Not here: taking a curve out of counts ([`crate::core::load`]). Invariant: a release is recorded once, when it becomes
//! complete, and of an app only the last few are kept.

use jiff::Timestamp;

use super::draft::Draft;
use super::snapshot::State;
use crate::core::load::{Counted, Uptake};
use crate::core::release::{Phase, Release, ReleaseState, percent};
use crate::core::words::Name;

/// Records kept of an app: the newest is planned with, the others are there to compare.
const MOST_RECORDS: usize = 3;
/// Waves kept of a release; a rollout has fewer, and a `clear` or an edit adds one.
const MOST_WAVES: usize = 64;

/// The newest record of a release's app, of another release than this; `None`: nothing was recorded.
pub fn newest<'s>(state: &'s State, release: &Release) -> Option<&'s Uptake> {
    state.uptakes.get(&release.app)?.iter().rev().find(|uptake| uptake.release != release.name)
}

/// Remembers every percent that lets more through than before.
pub(super) fn waves(draft: &mut Draft<'_>) {
    let now = draft.snapshot.now;
    for release in draft.snapshot.config.releases.values().filter(|release| !release.released) {
        let Some(state) = draft.state.releases.get_mut(&release.name) else { continue };
        let Some(percent) = percent(release, state) else { continue };
        let more = state.admitted.last().is_none_or(|(_, before)| percent > *before);
        if more && percent.ppm() > 0 && state.admitted.len() < MOST_WAVES {
            state.admitted.push((now, percent));
        }
    }
}

/// Records how releases were taken up that became complete just now.
pub(super) fn uptakes(draft: &mut Draft<'_>) {
    let now = draft.snapshot.now;
    let ended = draft.releases().filter(|(release, state)| !release.released && just_complete(draft, release, state));
    let learned: Vec<(Name, Uptake)> =
        ended.filter_map(|(release, state)| Some((release.app.clone(), learn(draft, (release, state), now)?))).collect();
    for (app, uptake) in learned {
        let records = draft.state.uptakes.entry(app).or_default();
        records.retain(|record| record.release != uptake.release);
        records.push(uptake);
        let surplus = records.len().saturating_sub(MOST_RECORDS);
        records.drain(..surplus);
    }
}

fn just_complete(draft: &Draft<'_>, release: &Release, state: &ReleaseState) -> bool {
    let before = draft.snapshot.state.releases.get(&release.name);
    state.phase == Phase::Complete && before.is_some_and(|before| before.phase != Phase::Complete)
}

fn learn(draft: &Draft<'_>, (release, state): (&Release, &ReleaseState), now: Timestamp) -> Option<Uptake> {
    let audience = release.audience.as_ref()?;
    let policy = draft.snapshot.config.gates.get(release.gate.as_ref()?)?;
    let minutes = draft.snapshot.observed.minutes.get(&release.name)?.get(&policy.metrics.first()?.name)?;
    let known = minutes.iter().filter_map(|minute| Some((minute.at, minute.candidate?.requests)));
    let counted = Counted {
        admitted: &state.admitted,
        requests: known.collect(),
        period: policy.period,
        attempts: audience.clients as f64 * audience.requests_per_client,
    };
    Uptake::learn(release.name.clone(), &counted, now)
}
