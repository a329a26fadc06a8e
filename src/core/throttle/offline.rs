//! What releases put on the table when nobody ran them: their documents and a clock, without a daemon's state.
//!
//! For `tminus decide` and for plans. Not here: rollouts; a release that no daemon launched is live only where it is
//! early, or where its document says it was out already. Invariant: nothing is live before its time (I5).

use jiff::Timestamp;

use super::Offer;
use crate::core::release::{Release, ReleaseState, offer};

/// The offers of releases in their initial state at an instant.
pub fn offers_offline<'a>(releases: impl IntoIterator<Item = &'a Release>, at: Timestamp) -> Vec<Offer> {
    releases.into_iter().filter_map(|release| offer(release, &ReleaseState::new(at, None), at)).collect()
}

/// The next instant at which offers change by the clock alone: an early entry falls due, or a launch comes.
pub fn next_change<'a>(releases: impl IntoIterator<Item = &'a Release>, at: Timestamp) -> Option<Timestamp> {
    let coming = releases.into_iter().filter(|release| !release.released && !release.shadow);
    let instants = coming.flat_map(|release| {
        let early = release.early.iter().map(|early| early.at.at(release.launch_at));
        early.chain([release.launch_at])
    });
    instants.filter(|instant| *instant > at).min()
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{ahead, out};
    use super::*;

    #[test]
    fn offers_change_when_an_early_entry_falls_due_or_the_launch_comes() {
        let releases = [ahead("r 2.0 <2.0", &[(&["beta"], "T-1d"), (&["nightly"], "T-2d")]), out("old 1.0 <1.0", &["release"])];
        for (at, expected) in [
            ("2026-11-01T00:00:00Z", Some("2026-11-29T19:00:00Z")),
            ("2026-11-29T19:00:00Z", Some("2026-11-30T19:00:00Z")),
            ("2026-11-30T20:00:00Z", Some("2026-12-01T19:00:00Z")),
            ("2026-12-01T19:00:00Z", None),
        ] {
            let next = next_change(&releases, at.parse().unwrap());
            assert_eq!(next, expected.map(|instant| instant.parse().unwrap()), "{at}");
        }
    }

    #[test]
    fn a_shadow_release_is_on_offer_nowhere() {
        let at = "2026-12-24T00:00:00Z".parse().unwrap();
        let shadow = Release { shadow: true, ..out("r 2.0 <2.0", &["release"]) };
        assert_eq!(offers_offline([&shadow], at), []);
        assert_eq!(next_change([&Release { released: false, ..shadow }], Timestamp::MIN), None);
    }
}
