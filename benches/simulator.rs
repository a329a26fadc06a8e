//! The simulator of the core by itself: how many virtual hours a second, or any number of seeds.
//!
//! `cargo bench --bench simulator` measures; `cargo bench --bench simulator -- SEEDS [FIRST]` runs seeds and ends with 1 when
//! one breaks an invariant; `cargo test --bench simulator -- SEEDS [FIRST]` does so without a release build. With `brief` as a
//! further word only the first seed that fails is named, without the time that its transcript takes.
#![expect(clippy::unwrap_used, reason = "it is a test that has a program of its own")]

#[path = "../tests/it/simulator/rig/mod.rs"]
mod rig;

use std::process::ExitCode;
use std::time::Instant;

use rig::options::Options;
use rig::run::{Detail, run};
use rig::script::script;
use rig::seeds::{report, seeds, sentence};

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    match numbers.as_slice() {
        [] => measure(),
        [count, rest @ ..] => many(rest.first().copied().unwrap_or(0), *count),
    }
}

/// Virtual hours a second on one core, for one release at the daemon's default tick.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn measure() -> ExitCode {
    let options = Options::single();
    let started = Instant::now();
    let ended = run(&options, &script(&options), Detail::Changes);
    let seconds = started.elapsed().as_secs_f64();
    let hours = options.hours as f64 / seconds;
    println!("the trace is {:016x}", ended.hash);
    println!(
        "one release, a tick of 10 s: {hours:.0} virtual hours a second ({} decisions in {seconds:.2} s)",
        ended.tally.decisions
    );
    let started = Instant::now();
    let decisions: u64 = (0..8)
        .map(|seed| {
            let options = Options::of(seed);
            run(&options, &script(&options), Detail::Changes).tally.decisions
        })
        .sum();
    let seconds = started.elapsed().as_secs_f64();
    println!("worlds of the gate: {:.0} virtual hours a second ({decisions} decisions in {seconds:.2} s)", 8.0 * 48.0 / seconds);
    if ended.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn many(first: u64, count: u64) -> ExitCode {
    let done = seeds(first, count);
    println!("{}", done.tally);
    let Some((seed, broken)) = done.failed.first() else {
        println!("{count} seeds from {first} on keep every invariant; what never happened: {:?}", done.tally.missing());
        return ExitCode::SUCCESS;
    };
    let is_brief = std::env::args().any(|argument| argument == "brief");
    println!("{}", if is_brief { sentence(*seed, broken) } else { report(*seed, broken) });
    ExitCode::FAILURE
}
