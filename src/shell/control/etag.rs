//! What If-Match is compared with: a hash of what orders change, not of ages and measurements.
//!
//! Invariant: two answers with the same tag stand in the same place for every order that a person can give.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::access::hex;
use super::desk::View;
use crate::core::words::Name;

/// Bytes of the hash that are shown: 64 bits, far beyond any number of changes of one release.
const SHOWN_BYTES: usize = 8;

/// The tag of a release: its document, phase, step, sign-offs and waivers, and the halts in force.
pub fn release(view: &View, name: &Name) -> String {
    let state = view.snapshot.state.releases.get(name);
    let state = view.decision.state.releases.get(name).or(state);
    let place = state.map(|state| {
        let (phase, sign_offs) = (&state.phase, &state.sign_offs);
        (phase, &state.entered_at, &state.armed, sign_offs, &state.waivers, state.certified)
    });
    tag(&(view.snapshot.config.releases.get(name), place, &view.decision.state.halts))
}

/// The tag of all releases.
pub fn releases(view: &View) -> String {
    let tags: Vec<String> = view.snapshot.config.releases.keys().map(|name| release(view, name)).collect();
    tag(&tags)
}

/// The tag of the halts.
pub fn halts(view: &View) -> String {
    tag(&(&view.decision.state.halts, view.snapshot.observed.halt_file))
}

/// The tag of the overrides.
pub fn overrides(view: &View) -> String {
    tag(&view.decision.state.overrides.list)
}

fn tag(content: &impl Serialize) -> String {
    // These are plain data with string keys, which always serialise; a failure would only make tags differ more often.
    let bytes = serde_json::to_vec(content).unwrap_or_default();
    let digest = Sha256::digest(&bytes);
    format!("\"{}\"", hex(&digest[..SHOWN_BYTES]))
}
