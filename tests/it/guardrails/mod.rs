//! Random policies, launches, overrides, drifts and failures: no invariant of floors breaks, in a hundred thousand worlds.
//!
//! Each world is a group with its own life, two launches that lean on it, people who impose and clear, others who change
//! the group by their own hand, a provider that fails, forgets and repeats, and a daemon that restarts. The seed is
//! printed; `TMINUS_SEED=S TMINUS_WORLDS=1` plays one again. The suite plays the same worlds every time, so that what fails
//! is the change; `tests/long/properties` plays a million others.

mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::decide::bench::config;
use world::{DOCUMENTS, Tally, World};

/// Worlds in the suite; the long rig asks for more.
const WORLDS: u64 = 100_000;
/// The seed of the first of them.
const FIRST: u64 = 1_795_288_890_755_800_839;
/// Worlds that are played beside each other.
const THREADS: u64 = 2;

#[test]
fn nothing_that_people_launches_or_failures_do_breaks_a_guardrail() {
    let worlds = setting("TMINUS_WORLDS").unwrap_or(WORLDS);
    let first = setting("TMINUS_SEED").unwrap_or(FIRST);
    println!("{worlds} worlds from seed {first}");
    let (base, next) = (config(DOCUMENTS), AtomicU64::new(0));
    let play = || {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= worlds {
                return tally;
            }
            let seed = first.wrapping_add(number);
            let Ok(of_one) = std::panic::catch_unwind(|| World::new(&base, seed).play()) else {
                panic!("a guardrail broke: TMINUS_SEED={seed} TMINUS_WORLDS=1 plays it again")
            };
            tally.add(&of_one);
        }
    };
    let tally = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(play)).collect();
        let mut tally = Tally::default();
        for thread in threads {
            tally.add(&thread.join().unwrap());
        }
        tally
    });
    println!("{tally:?}");
    // Worlds in which nothing happens would prove nothing.
    if worlds >= 1_000 {
        for (what, count) in tally.named() {
            assert!(count > worlds / 200, "{what} happened {count} times in {worlds} worlds");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how the long rig says how many, and a person which")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
