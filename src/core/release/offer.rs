//! What the throttle may serve because of a release.
//!
//! Invariant: no audience before its time, none of a scrubbed or shadow release (I5), and none that is new while a
//! document of the release is missing.

use jiff::Timestamp;

use super::{Active, Phase, Release, ReleaseState};
use crate::core::throttle::{Audience, Offer};
use crate::core::words::Percent;

/// The offer of a release now; `None` for shadow ones, which never serve. A scrubbed one serves nobody; that it was live
/// on an early channel is remembered, so that the app does not become somebody else's.
pub fn offer(release: &Release, state: &ReleaseState, now: Timestamp) -> Option<Offer> {
    if release.shadow {
        return None;
    }
    // What falls due while a document is missing waits for the person who resumes it.
    let seen_until = state.vanished.as_ref().map_or(now, |vanished| vanished.since.min(now));
    let early = early(release, seen_until);
    let was_early = !early.is_empty();
    let early = if matches!(state.phase, Phase::Scrubbed { .. }) { Vec::new() } else { early };
    let rollout = rollout(release, state);
    Some(Offer {
        release: release.name.clone(),
        app: release.app.clone(),
        version: release.version.clone(),
        from: release.from.clone(),
        was_live: was_early || rollout.is_some() || state.evidence_from.is_some(),
        audiences: early.into_iter().chain(rollout).collect(),
        complete: state.phase == Phase::Complete || release.released,
    })
}

fn early(release: &Release, now: Timestamp) -> Vec<Audience> {
    let due = release.early.iter().filter(|entry| entry.at.at(release.launch_at) <= now);
    due.map(|entry| Audience { channels: entry.channels.clone(), early: true, step: None }).collect()
}

fn rollout(release: &Release, state: &ReleaseState) -> Option<Audience> {
    let step = if release.released || state.phase == Phase::Complete { None } else { Some(percent(release, state)?) };
    Some(Audience { channels: release.channels.clone(), early: false, step })
}

/// The percent in force for the rollout's channels; `None`: not launched.
pub fn percent(release: &Release, state: &ReleaseState) -> Option<Percent> {
    match &state.phase {
        Phase::Active(active) | Phase::Held { at: active, .. } => match active {
            Active::Preparing | Active::Ready => None,
            Active::Rolling { step } => {
                state.percent.or_else(|| release.rollout.steps.get(*step).map(|step| step.percent)).or(Some(state.certified))
            }
            Active::Baking => Some(Percent::FULL),
        },
        // Halted or not, the last certified percent stays; 0 before any, which force still passes.
        Phase::Aborted { .. } => Some(state.certified),
        Phase::Complete => Some(Percent::FULL),
        Phase::Planned | Phase::Scrubbed { .. } => None,
    }
}
