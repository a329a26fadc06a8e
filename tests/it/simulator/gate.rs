//! The gate of the simulator: two hundred worlds of two days each, and what they must have shown.
//!
//! `tests/long/simulator` runs any number of further seeds.

use super::rig::options::Options;
use super::rig::run::{Detail, run};
use super::rig::script::script;
use super::rig::seeds::{report, seeds};

/// Worlds of the gate.
pub const SEEDS: u64 = 200;

#[test]
fn two_hundred_worlds_keep_every_invariant_and_come_to_their_end() {
    let done = seeds(0, SEEDS);
    println!("{}", done.tally);
    if let Some((seed, broken)) = done.failed.first() {
        panic!("{}", report(*seed, broken));
    }
    assert_eq!(done.tally.missing(), Vec::<&str>::new(), "what never happened proves nothing");
}

#[test]
fn one_release_at_the_daemons_own_tick_keeps_every_invariant() {
    let options = Options::single();
    let ended = run(&options, &script(&options), Detail::Changes);
    assert!(ended.broken.is_none() && ended.tally.decisions > 10_000, "{:?}", ended.broken);
}

#[test]
fn the_same_seed_gives_the_same_bytes_i12() {
    for seed in [3, 77] {
        let mut options = Options::of(seed);
        options.hours = 24;
        options.heal_at = 22;
        let events = script(&options);
        let (one, other) = (run(&options, &events, Detail::Everything), run(&options, &events, Detail::Everything));
        assert_eq!((one.hash, one.tally.decisions), (other.hash, other.tally.decisions), "seed {seed}");
    }
}
