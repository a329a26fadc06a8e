//! `tminus schema [KIND]`: the JSON Schema of a kind of document, or the list of kinds.

use super::{Exit, Outcome};
use crate::shell::settings::{Kind, did_you_mean};

/// Prints the JSON Schema of a kind of document.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind; without it all kinds are listed.
    kind: Option<String>,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> Outcome {
    let Some(word) = &args.kind else {
        for kind in Kind::ALL {
            anstream::println!("{}", kind.word());
        }
        return Ok(Exit::Done);
    };
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(word)) else {
        let help = did_you_mean(word, Kind::ALL.map(Kind::word));
        return Err(format!("`{word}` is not a kind of document; {help}"));
    };
    anstream::print!("{}", kind.published());
    Ok(Exit::Done)
}
