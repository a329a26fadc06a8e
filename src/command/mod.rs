//! The command line: one file per verb, each under 100 lines.
//!
//! Data goes to stdout, prose to stderr. Exit codes are in [`Exit`].

mod apply;
mod arguments;
mod audit;
mod backup;
mod board;
mod board_priming;
mod check;
mod client;
mod cron;
mod data_folder;
mod decide;
mod demo;
mod explain;
mod forecast;
mod forecast_file;
mod forecast_show;
mod gate;
mod gate_files;
mod lab;
mod orders;
mod output;
mod override_;
mod override_show;
mod plan;
mod plan_file;
mod plan_show;
mod prime;
mod prime_show;
mod prime_wanted;
mod progress;
mod replay_show;
mod restore;
mod schema;
mod serve;
mod sign_off;
mod status;
mod terminal;
mod throttle;
mod wait;
mod watch;

use std::collections::BTreeMap;
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
    /// Checks documents: all findings of all files, in one run
    Check(check::Args),
    /// Prints the JSON Schema of a kind of document
    Schema(schema::Args),
    /// Explains a finding by its code
    Explain(explain::Args),
    /// Runs the daemon
    Serve(serve::Args),
    /// Creates or changes documents in the daemon
    Apply(apply::Args),
    /// Shows everything a release will do: when, what, why, cost
    Plan(plan::Args),
    /// Shows how releases stand
    Status(status::Args),
    /// Shows how releases stand, again and again, until the release has ended
    Watch(watch::Args),
    /// Waits until a release is so far
    Wait(wait::Args),
    /// Says go: arms the launch, or launches when T-0 has passed
    Go(orders::Args),
    /// Stops a release where it is
    Hold(orders::Args),
    /// Lets a held release go on
    Resume(orders::Args),
    /// Enters the next step without SAFE
    Advance(orders::Args),
    /// Goes to 100 % without SAFE
    Promote(orders::Args),
    /// Aborts a rollout
    Abort(orders::Args),
    /// Clears an ABORT: back to the last certified percent, held
    Clear(orders::Args),
    /// Calls a release off before T-0
    Scrub(orders::Args),
    /// Signs an item of a release
    SignOff(sign_off::SignOff),
    /// Waives an item of a release for a while
    Waive(sign_off::Waive),
    /// The brake: halts, lifts, shows
    #[command(subcommand)]
    Throttle(throttle::Verb),
    /// What on-call imposes on a group for a while: floor, ceiling, pin, freeze
    #[command(subcommand)]
    Override(override_::Verb),
    /// One throttle decision from documents alone, without a daemon
    Decide(decide::Args),
    /// Forecasts the load of ordinary days from its history, with a backtest
    Forecast(forecast::Args),
    /// The gate, offline
    #[command(subcommand)]
    Gate(gate::Verb),
    /// Fills cache nodes and proves them warm, without a daemon
    Prime(prime::Args),
    /// Schedules
    #[command(subcommand)]
    Cron(cron::Verb),
    /// Checks the audit chain
    /// Checks the audit chain, and makes its decisions again
    Audit(audit::Args),
    /// Copies the store into one file, also while the daemon serves
    Backup(backup::Args),
    /// Puts the store of a backup into the data folder
    Restore(restore::Args),
    /// The whole story on this machine: real processes, real sockets, the real daemon
    Demo(demo::Args),
    /// Parts of the demo, one process each
    #[command(hide = true)]
    Lab(lab::Args),
    /// Prints the version
    Version(terminal::Form),
}

/// What a verb comes to: an exit code, or an error sentence for stderr (1).
type Outcome = Result<Exit, String>;

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

impl Exit {
    /// Every code.
    pub const ALL: [Self; 8] =
        [Self::Done, Self::Error, Self::Differences, Self::Warnings, Self::TimedOut, Self::Hold, Self::NoGo, Self::Usage];

    /// When a verb ends with it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Error => "an error, or invalid documents; `audit verify`: a bad row; `audit replay`: it differs",
            Self::Differences => "`plan --detailed-exitcode`: there is something to do",
            Self::Warnings => "`check`: warnings only; `audit replay`: it differs, and the core's version explains it",
            Self::TimedOut => "`wait`: timed out",
            Self::Hold => "`status --exit-code`, `gate replay --exit-code`: HOLD",
            Self::NoGo => "the same: NO-GO or ABORT; `wait`, `watch`: the release was aborted or scrubbed",
            Self::Usage => "the command line was wrong; nothing was done",
        }
    }
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
    match act(cli.verb).await {
        Ok(exit) => exit.into(),
        Err(message) => failed(&message),
    }
}

async fn act(verb: Verb) -> Outcome {
    match verb {
        Verb::Check(args) => check::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Serve(args) => serve::run(args).await,
        Verb::Apply(args) => apply::run(args).await,
        Verb::Plan(args) => plan::run(args).await,
        Verb::Status(args) => status::run(args).await,
        Verb::Watch(args) => watch::run(args).await,
        Verb::Wait(args) => wait::run(args).await,
        Verb::Go(args) => orders::run("go", args).await,
        Verb::Hold(args) => orders::run("hold", args).await,
        Verb::Resume(args) => orders::run("resume", args).await,
        Verb::Advance(args) => orders::run("advance", args).await,
        Verb::Promote(args) => orders::run("promote", args).await,
        Verb::Abort(args) => orders::run("abort", args).await,
        Verb::Clear(args) => orders::run("clear", args).await,
        Verb::Scrub(args) => orders::run("scrub", args).await,
        Verb::SignOff(args) => sign_off::sign_off(args).await,
        Verb::Waive(args) => sign_off::waive(args).await,
        Verb::Throttle(verb) => throttle::run(verb).await,
        Verb::Override(verb) => override_::run(verb).await,
        Verb::Decide(args) => decide::run(args),
        Verb::Forecast(args) => forecast::run(&args),
        Verb::Gate(verb) => gate::run(&verb),
        Verb::Prime(args) => prime::run(args).await,
        Verb::Cron(verb) => cron::run(verb),
        Verb::Audit(args) => audit::run(args),
        Verb::Backup(args) => backup::run(&args),
        Verb::Restore(args) => restore::run(&args),
        Verb::Demo(args) => demo::run(args).await,
        Verb::Lab(args) => lab::run(args).await,
        Verb::Version(form) => {
            let version = BTreeMap::from([("version", env!("CARGO_PKG_VERSION"))]);
            form.print(&version, |_| concat!("tminus ", env!("CARGO_PKG_VERSION")).into())?;
            Ok(Exit::Done)
        }
    }
}
