//! What releases put on the table when nobody ran them: their documents and a clock, without a daemon's state.
//!
//! For `tminus decide` and for plans. Not here: rollouts; a release that no daemon launched is live only where it is
//! early, or where its document says it was out already. Invariant: nothing is live before its time (I5).

use jiff::Timestamp;

use super::{Audience, Offer};
use crate::core::release::Release;
use crate::core::words::Name;

/// The offers of releases in their initial state at an instant. A shadow release is on offer nowhere.
pub fn offers_offline<'a>(releases: impl IntoIterator<Item = &'a Release>, at: Timestamp) -> Vec<Offer> {
    releases.into_iter().map(|release| offer(release, at)).collect()
}

fn offer(release: &Release, at: Timestamp) -> Offer {
    let audiences = if release.shadow { Vec::new() } else { audiences(release, at) };
    Offer {
        release: release.name.clone(),
        app: release.app.clone(),
        version: release.version.clone(),
        from: release.from.clone(),
        was_live: audiences.iter().any(|audience| !audience.channels.is_empty()),
        complete: release.released && !release.shadow,
        audiences,
    }
}

fn audiences(release: &Release, at: Timestamp) -> Vec<Audience> {
    let due = release.early.iter().filter(|early| early.at.at(release.launch_at) <= at);
    let mut audiences: Vec<_> = due.map(|early| Audience { channels: early.channels.clone(), early: true, step: None }).collect();
    if release.released {
        // A channel that has the release as everybody has it is no exception any more: policies bind there.
        for audience in &mut audiences {
            audience.channels.retain(|channel: &Name| !release.channels.contains(channel));
        }
        audiences.push(Audience { channels: release.channels.clone(), early: false, step: None });
    }
    audiences
}
