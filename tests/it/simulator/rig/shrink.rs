//! Makes a failing script as short as it can be: what the failure does not need is taken out.
//!
//! Not here: running. Invariant: what is left still breaks the same invariant.

use super::options::{HOUR, Options};
use super::run::{Broken, Detail, run};
use super::script::Event;

/// Most runs that shortening may take; the longest ones take a second.
const MOST_RUNS: usize = 150;

/// The shortest script found that still breaks the same invariant.
pub fn shrink(options: &Options, script: &[Event], broken: &Broken) -> Vec<Event> {
    let mut kept: Vec<Event> = script.iter().filter(|event| event.at <= broken.at).cloned().collect();
    // What fails later by other means is another story.
    let options = Options { until: broken.at + HOUR, ..options.clone() };
    let mut runs = 0;
    let mut still = |events: &[Event]| {
        runs += 1;
        let ended = run(&options, events, Detail::Changes);
        (runs <= MOST_RUNS && ended.broken.is_some_and(|other| other.invariant == broken.invariant), runs <= MOST_RUNS)
    };
    let mut chunk = kept.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        while from < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(from..(from + chunk).min(kept.len()));
            let (fails, may_go_on) = still(&fewer);
            if !may_go_on {
                return kept;
            }
            if fails { kept = fewer } else { from += chunk }
        }
        if chunk == 1 {
            return kept;
        }
        chunk = chunk.div_ceil(2);
    }
}
