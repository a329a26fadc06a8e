//! `tminus explain CODE`: what a finding means and what to do about it.

use super::terminal::Form;
use super::{Exit, Outcome};
use crate::shell::settings::{codes, did_you_mean};

/// Explains a finding by its code, such as TM0103.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The code.
    code: String,
    #[command(flatten)]
    form: Form,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> Outcome {
    let Some(code) = codes::explain(&args.code) else {
        let help = did_you_mean(&args.code, codes::CODES.iter().map(|code| code.code));
        return Err(format!("`{}` is not a code of a finding; {help}", args.code));
    };
    args.form.print(code, |code| format!("{}: {}\n\n{}", code.code, code.title, wrapped(code.text)))?;
    Ok(Exit::Done)
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
