//! `tminus schema [KIND]`: the JSON Schema of a kind of document, or the list of kinds.

use std::process::ExitCode;

use clap::Args;

use super::{Exit, failed};
use crate::shell::settings::{Kind, did_you_mean};

/// Prints the JSON Schema of a kind of document.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The kind; without it all kinds are listed.
    kind: Option<String>,
}

/// Runs the verb.
pub(super) fn run(schema: &Schema) -> ExitCode {
    let Some(word) = &schema.kind else {
        Kind::ALL.iter().for_each(|kind| anstream::println!("{}", kind.word()));
        return Exit::Done.into();
    };
    let folded = Kind::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(word));
    match folded.map(|kind| kind.published()) {
        Some(text) => {
            anstream::print!("{text}");
            Exit::Done.into()
        }
        None => {
            let help = did_you_mean(word, Kind::ALL.map(Kind::word));
            failed(&format!("`{word}` is not a kind of document; {help}"))
        }
    }
}
