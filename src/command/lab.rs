//! `tminus lab`: the parts of the demo, one process each. Not for production; hidden from the help.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Exit, failed};
use crate::lab::{edge, origin, swarm};

/// Runs one part of the demo.
#[derive(Debug, Args)]
pub(super) struct Lab {
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

pub(super) async fn run(lab: Lab) -> ExitCode {
    let ended = match lab.part {
        Part::Origin(options) => origin::run(*options).await,
        Part::Edge(options) => edge::run(*options).await,
        Part::Swarm(options) => swarm::run(*options).await,
    };
    match ended {
        Ok(()) => Exit::Done.into(),
        Err(error) => failed(&format!("this part of the demo did not run: {error}")),
    }
}
