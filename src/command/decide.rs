//! `tminus decide`: one throttle decision from documents alone, with its reasons.
//!
//! The daemon's halts and rollouts are not known here: a release is live where it is early by `--at`, or `released`.
//! Invariant: the answer has the fields and values that the decision listener would give for the same documents.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::arguments::{client, instant, name, version};
use super::output::Output;
use super::{Exit, Outcome};
use crate::core::throttle::{Decision, Force, Request, Table, TableInput, next_change, offers_offline};
use crate::core::words::{Name, Version, format_duration, since};
use crate::shell::clock;
use crate::shell::decision::DecisionWire;
use crate::shell::settings::{self, show};
use crate::shell::spec::Documents;

/// One throttle decision from documents alone.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and folders with ThrottlePolicy and Release documents.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    policy: Vec<PathBuf>,
    /// The app that asks.
    #[arg(long, value_parser = name)]
    app: Name,
    /// The version it has.
    #[arg(long, value_name = "V", value_parser = version)]
    version: Version,
    /// Its channel.
    #[arg(long, value_parser = name)]
    channel: Name,
    /// Its client id, which decides its bucket.
    #[arg(long, value_name = "ID", value_parser = client, allow_hyphen_values = true)]
    client: Option<String>,
    /// 1: a person asked; -1: the held-back side. Anything else is none.
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    force: Option<String>,
    /// The instant, RFC 3339 or with a zone in brackets; now without it.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
    /// Says on stderr what each layer found.
    #[arg(long)]
    explain: bool,
    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Loads, decides and prints. Held back is an answer, not an error: exit 0.
pub(super) fn run(asked: Args) -> Outcome {
    let loaded = settings::load_alone(&asked.policy);
    // Findings are prose here, warnings too: the data is the decision.
    anstream::eprint!("{}", show::human(&loaded));
    if loaded.has_errors() {
        return Err("nothing was decided, since documents with errors are not used; correct what is named above".into());
    }
    let table = table(loaded.documents, asked.at.unwrap_or_else(clock::now));
    let Args { app, version, channel, client, force, .. } = asked;
    let client = client.filter(|client| !client.is_empty());
    let request = Request { app, version, channel, client, force: Force::parse(force.as_deref()) };
    let (decision, notes) = table.explain(&request, clock::draw());
    if asked.explain {
        anstream::eprintln!("{}", notes.join("\n"));
    }
    match asked.output.render(&DecisionWire::from(&decision), |_| human(&decision)) {
        Ok(text) => anstream::print!("{text}"),
        Err(error) => return Err(format!("the decision could not be written: {error}")),
    }
    Ok(Exit::Done)
}

fn table(documents: Documents, at: Timestamp) -> Table {
    let config = documents.config;
    let next = next_change(config.releases.values(), at).map(|next| since(next, at).as_secs());
    Table::build(TableInput {
        offers: offers_offline(config.releases.values(), at),
        policies: config.throttles.into_values().collect(),
        halts: Vec::new(),
        revision: config.revision,
        next_change_secs: next.map(|secs| u32::try_from(secs).unwrap_or(u32::MAX)),
    })
}

fn human(decision: &Decision) -> String {
    let verdict = match (decision.serve, &decision.version) {
        (true, Some(version)) => format!("served {version}"),
        (true, None) => "served".into(),
        (false, Some(version)) => format!("held back; may take {version} instead"),
        (false, None) => "held back".into(),
    };
    let bucket = decision.bucket.map_or("none".into(), |bucket| format!("{bucket} of 1,000,000"));
    let rule = decision.rule.as_deref().unwrap_or("none");
    // Whole minutes read better than 5249s, and nobody asks sooner than told.
    let again = format_duration(Duration::from_mins(u64::from(decision.retry_after_secs.div_ceil(60))));
    format!(
        "{verdict}\nreason     {} at {} %\nrule       {rule}\nbucket     {bucket}\nask again  in {again}\nrevision   {}\n",
        decision.reason.word(),
        decision.percent,
        decision.revision
    )
}
