//! `tminus gate replay`: recomputes a gate offline, from a policy and a file of counts.
//!
//! Not here: the rule (core::gate) and reading the files. Invariant: every problem of both files is told in one run,
//! and with any of them nothing is judged.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::gate_files::{policy, rows};
use super::output::Output;
use super::{Exit, Outcome as Ended};
use crate::core::gate::{self, Outcome, Policy, Replay, WrittenRow};

/// The verbs of `gate`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Recomputes the verdict, minute by minute, from a CSV file of counts.
    Replay(ReplayArgs),
}

/// Arguments of `gate replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The file with the GatePolicy; the first one in it is used.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The counts: minute,candidate_errors,candidate_requests,baseline_errors,baseline_requests.
    #[arg(value_name = "COUNTS.csv")]
    counts: PathBuf,
    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Exit with 5 on HOLD and 6 on ABORT.
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    minutes: Vec<Entry<'a>>,
    verdict: Outcome,
    reason: String,
}

/// One row, with its minute as the file writes it.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    minute: &'a str,
    e: f64,
    p: f64,
    safe_e: f64,
    verdict: Outcome,
    gap: bool,
}

/// Runs a verb of `gate`.
pub fn run(verb: &Verb) -> Ended {
    match verb {
        Verb::Replay(args) => replay(args),
    }
}

fn replay(args: &ReplayArgs) -> Ended {
    match (policy(&args.policy), rows(&args.counts)) {
        (Ok(policy), Ok(rows)) => answer(args, &policy, &rows),
        (policy, rows) => {
            let problems: Vec<String> = policy.err().into_iter().chain(rows.err()).flatten().collect();
            Err(problems.join("\nerror: "))
        }
    }
}

fn answer(args: &ReplayArgs, policy: &Policy, written: &[WrittenRow]) -> Ended {
    let rows: Vec<_> = written.iter().map(|written| written.row).collect();
    let replay = gate::replay(policy, &rows);
    let text = args.output.render(&shape(&replay, written), |_| replay.to_string()).map_err(|error| error.to_string())?;
    // A reader that went away, such as `head`, is not an error.
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(match replay.verdict.outcome() {
        Outcome::Hold if args.exit_code => Exit::Hold,
        Outcome::Abort if args.exit_code => Exit::NoGo,
        Outcome::Safe | Outcome::Hold | Outcome::Abort => Exit::Done,
    })
}

fn shape<'a>(replay: &Replay, written: &'a [WrittenRow]) -> Answer<'a> {
    let entry = |(judged, written): (&gate::ReplayMinute, &'a WrittenRow)| {
        let gate::ReplayMinute { e, p, safe_e, verdict, gap, .. } = *judged;
        Entry { minute: &written.minute, e, p, safe_e, verdict, gap }
    };
    let minutes = replay.minutes.iter().zip(written).map(entry).collect();
    Answer { minutes, verdict: replay.verdict.outcome(), reason: replay.reason() }
}
