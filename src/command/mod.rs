//! The command line: one file per verb, each under 100 lines.
//!
//! Data goes to stdout, prose to stderr. Exit codes are in [`Exit`].

mod audit;
mod check;
mod explain;
mod gate;
mod gate_files;
mod lab;
mod output;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Takes a release from T-minus days to 100 % of its users without a launch-day outage.
#[derive(Debug, Parser)]
#[command(name = "tminus", version, arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Checks the audit chain.
    Audit(audit::Audit),
    /// Checks documents: all findings of all files, in one run.
    Check(check::Check),
    /// Explains a finding by its code.
    Explain(explain::Explain),
    /// Parts of the demo, one process each.
    #[command(hide = true)]
    Lab(lab::Lab),
    /// Prints the JSON Schema of a kind of document.
    Schema(schema::Schema),
    /// The gate, offline.
    #[command(subcommand)]
    Gate(gate::GateVerb),
    /// Prints the version.
    Version,
}

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// An error, or invalid documents.
    Error = 1,
    /// `plan --detailed-exitcode`: there are differences.
    Differences = 2,
    /// `check`: warnings only.
    Warnings = 3,
    /// `wait`: timed out.
    TimedOut = 4,
    /// HOLD.
    Hold = 5,
    /// NO-GO or ABORT.
    NoGo = 6,
    /// The command line was wrong.
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Prints what clap has to say: help and version are done, anything else is usage (64).
pub fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    // Nothing is left to do when even stderr is gone.
    let _ = error.print();
    exit.into()
}

/// Prints an error sentence on stderr.
pub fn failed(message: &str) -> ExitCode {
    anstream::eprintln!("error: {message}");
    Exit::Error.into()
}

/// Runs a verb.
pub async fn run(cli: Cli) -> ExitCode {
    match cli.verb {
        Verb::Audit(audit) => audit::run(audit),
        Verb::Check(check) => check::run(&check),
        Verb::Explain(explain) => explain::run(&explain),
        Verb::Lab(part) => lab::run(part).await,
        Verb::Schema(schema) => schema::run(&schema),
        Verb::Gate(verb) => gate::run(&verb),
        Verb::Version => version(),
    }
}

fn version() -> ExitCode {
    anstream::println!("tminus {}", env!("CARGO_PKG_VERSION"));
    Exit::Done.into()
}
