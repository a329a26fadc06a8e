//! The floors of a group from now on: what [`Pace`](super::floors::Pace) makes of what the [`Scene`] wishes, instant by instant.
//!
//! Not here: deciding anything anew. Invariant: the first move is what is done now, by the same function that will
//! decide the later ones when their time comes.

use std::time::Duration;

use jiff::Timestamp;

use super::Override;
use super::floors::{HeldFloor, Wish};
use super::layer::{Bent, Laid};
use super::scene::Scene;
use crate::core::words::{Capacity, later, since};

/// Most instants that are looked at: a ramp of 100 steps and its waits fit several times; the rest is planned later.
const MOST_LOOKS: usize = 1_000;
/// Longest wait between two looks at a ramp that the surge still stops.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// One change of a floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Move<'a> {
    pub at: Timestamp,
    pub from: Capacity,
    pub after: HeldFloor,
    pub wish: Wish,
    /// The override that asks for it, if one does.
    pub by: Option<&'a Override>,
}

/// Every change from `start` on, oldest first, given what is held then. While the group is frozen there is none.
pub(super) fn moves<'a>(scene: &Scene<'_>, laid: &Laid<'a>, held: Option<HeldFloor>, start: Timestamp) -> Vec<Move<'a>> {
    let (mut at, mut held, mut moves) = (start, held, Vec::new());
    let first_wait = scene.pace.ramp_down.every.clamp(Duration::from_secs(1), LONGEST_WAIT);
    let mut wait = first_wait;
    for _ in 0..MOST_LOOKS {
        let bent = laid.wish(scene, at, held);
        if let Some(Bent { wish, by }) = bent {
            let next = scene.pace.next(held, wish, at);
            if let Some(after) = next.filter(|_| next != held) {
                moves.push(Move { at, from: held.map_or(scene.pace.standing, |held| held.floor), after, wish, by });
                wait = first_wait;
            }
            held = next.filter(|held| !is_given_back(*held, wish));
        }
        let look = bent.and_then(|bent| scene.pace.next_look(held, bent.wish)).map(|look| {
            if look > at {
                return look;
            }
            // The ramp waits for the surge to fade; looking ever more rarely finds out when it will be over.
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            later(at, wait)
        });
        let boundaries = scene.next_boundary(at).into_iter().chain(laid.next_boundary(at));
        let Some(next_at) = look.into_iter().chain(boundaries).min().filter(|next| *next > at) else { break };
        at = next_at;
    }
    moves
}

/// Whether nothing of it is left to give back.
pub(super) fn is_given_back(held: HeldFloor, wish: Wish) -> bool {
    matches!(wish, Wish::GiveBack(_)) && held.floor <= held.restore
}

/// Instance hours above the restored floor: until now by what is held, from now on by the moves.
pub(super) fn raised_hours(scene: &Scene<'_>, held: Option<HeldFloor>, moves: &[Move<'_>]) -> f64 {
    let hours = |from: Timestamp, until: Timestamp| since(until, from).as_secs_f64() / 3_600.0;
    let raised = |held: HeldFloor| f64::from(held.floor.0.saturating_sub(held.restore.0));
    let opened = scene.current().map_or(scene.now, |window| window.opens.min(scene.now));
    let (mut sum, mut level, mut from) = (0.0, held.map_or(0.0, raised), opened);
    for change in moves {
        sum += level * hours(from, change.at);
        (level, from) = (raised(change.after), change.at);
    }
    sum
}
