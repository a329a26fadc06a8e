//! The `command` check: a program with arguments, no shell, in time.
//!
//! Green: exit 0. Red: any other exit code, with the first line it wrote. Unknown: it could not be started, was killed
//! by a signal, or did not end in time. Invariant: what is not known is never red and never green.

use std::time::Duration;

use crate::core::checklist::Outcome;
use crate::shell::child::{self, Ended, Run};

/// Output kept per stream; a line for people is all that is shown.
const MOST_OUTPUT: usize = 4 * 1024;

pub(super) async fn run(command: &[String], within: Duration) -> (Outcome, String) {
    let program = command.first().map_or("", String::as_str);
    match child::run(Run { command, input: b"", within, kept: MOST_OUTPUT }).await {
        Ok(ended) => verdict(program, &ended),
        Err(error) => (Outcome::Unknown, error.to_string()),
    }
}

fn verdict(program: &str, ended: &Ended) -> (Outcome, String) {
    let said = ended.line().map_or_else(String::new, |line| format!(": {line}"));
    match ended.status.code() {
        Some(0) => (Outcome::Green, format!("{program} exits 0{said}")),
        Some(code) => (Outcome::Red, format!("{program} exits {code}{said}")),
        None => (Outcome::Unknown, format!("{program} was killed by a signal{said}")),
    }
}
