//! Runs seeds, and says of a failing one everything that is needed to understand it and to see it again.
//!
//! Invariant: a seed that fails is never summed up without its transcript.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::documents;
use super::options::Options;
use super::run::{Broken, Detail, run};
use super::script::script;
use super::shrink::shrink;
use super::tally::Tally;
use super::trace::clock;

/// Lines of a transcript that are shown, the last ones.
const MOST_LINES: usize = 120;

/// What many seeds did.
#[derive(Default)]
pub struct Seeds {
    pub tally: Tally,
    /// The seeds that failed, in order.
    pub failed: Vec<(u64, Broken)>,
}

/// Runs so many seeds from `first` on, on two threads; no further one is begun after a failure.
pub fn seeds(first: u64, count: u64) -> Seeds {
    let (next, done) = (AtomicU64::new(first), Mutex::new(Seeds::default()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(8) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = !done.lock().unwrap().failed.is_empty();
                    if seed >= first + count || enough {
                        break;
                    }
                    let options = Options::of(seed);
                    let ended = run(&options, &script(&options), Detail::Changes);
                    let mut done = done.lock().unwrap();
                    done.tally.add(&ended.tally);
                    done.failed.extend(ended.broken.map(|broken| (seed, broken)));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.failed.sort_by_key(|failed| failed.0);
    done
}

/// What a failing seed breaks, in one line.
pub fn sentence(seed: u64, broken: &Broken) -> String {
    format!("seed {seed} breaks {} at {}: {}", broken.invariant, clock(broken.at), broken.message)
}

/// A failing seed as people need it: what is broken, how to see it again, its documents, and the shortest transcript.
pub fn report(seed: u64, broken: &Broken) -> String {
    let options = Options::of(seed);
    // Said at once, since shortening takes a while.
    println!("{}", sentence(seed, broken));
    let shortest = shrink(&options, &script(&options), broken);
    let ended = run(&options, &shortest, Detail::Lines);
    let events: Vec<String> = shortest.iter().map(|event| format!("{} {:?}", clock(event.at), event.what)).collect();
    let skipped = ended.lines.len().saturating_sub(MOST_LINES);
    let last = ended.broken.as_ref().unwrap_or(broken);
    format!(
        "{}\nagain: cargo test --bench simulator -- 1 {seed}\n\n{options:#?}\n\n{}\n\
         the shortest script that breaks it ({} events):\n{}\n\ntranscript ({skipped} earlier lines left out):\n{}\n\nseed {seed} breaks {}: {}",
        sentence(seed, broken),
        documents::yaml(&options),
        shortest.len(),
        events.join("\n"),
        ended.lines[skipped..].join("\n"),
        last.invariant,
        last.message,
    )
}
