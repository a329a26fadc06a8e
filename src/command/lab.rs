//! `tminus lab`: the parts of the demo, one process each. Not for production; hidden from the help.

use clap::Subcommand;

use super::{Exit, Outcome};
use crate::lab::{edge, origin, swarm};

/// Runs one part of the demo.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// A content and API origin.
    Origin(Box<origin::Options>),
    /// A caching edge node.
    Edge(Box<edge::Options>),
    /// A swarm of clients; prints what it saw as JSON.
    Swarm(Box<swarm::Options>),
}

pub(super) async fn run(lab: Args) -> Outcome {
    let ended = match lab.part {
        Part::Origin(options) => origin::run(*options).await,
        Part::Edge(options) => edge::run(*options).await,
        Part::Swarm(options) => swarm::run(*options).await,
    };
    ended.map(|()| Exit::Done).map_err(|error| format!("this part of the demo did not run: {error}"))
}
