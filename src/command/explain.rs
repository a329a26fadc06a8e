//! `tminus explain CODE`: what a finding means and what to do about it.

use std::process::ExitCode;

use clap::Args;

use super::{Exit, failed};
use crate::shell::settings::{codes, did_you_mean};

/// Explains a finding by its code, such as TM0103.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code.
    code: String,
}

/// Runs the verb.
pub(super) fn run(explain: &Explain) -> ExitCode {
    match codes::explain(&explain.code) {
        Some(code) => {
            anstream::println!("{}: {}\n\n{}", code.code, code.title, wrapped(code.text));
            Exit::Done.into()
        }
        None => {
            let help = did_you_mean(&explain.code, codes::CODES.iter().map(|code| code.code));
            failed(&format!("`{}` is not a code of a finding; {help}", explain.code))
        }
    }
}

/// At most 100 characters a line.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut().filter(|line| line.chars().count() + word.chars().count() < 100) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
