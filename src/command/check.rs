//! `tminus check PATH...`: all findings of all files, in one run.
//!
//! It changes nothing and needs no daemon. Exit codes: 0 clean, 1 errors, 3 warnings only.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use super::output::Output;
use super::{Exit, Outcome};
use crate::shell::settings::{self, Finding, Loaded, show};

/// Checks documents: shapes, values, rules, and what they refer to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, and folders with all *.yaml and *.yml below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How to print the findings.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// What `-o` takes here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people; may change.
    #[default]
    Human,
    /// One JSON document; stable.
    Json,
    /// The same as YAML.
    Yaml,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML, a suite per file and a case per finding.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
}

/// The stable form.
#[derive(Serialize)]
struct Report<'l> {
    findings: &'l [Finding],
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> Outcome {
    let loaded = settings::load(&args.paths);
    print(&loaded, args.output)?;
    if args.output == Form::Human {
        anstream::eprintln!("{}", show::counted(&loaded));
    }
    Ok(match (loaded.has_errors(), loaded.findings.is_empty()) {
        (true, _) => Exit::Error,
        (false, false) => Exit::Warnings,
        (false, true) => Exit::Done,
    })
}

fn print(loaded: &Loaded, form: Form) -> Result<(), String> {
    let report = Report { findings: &loaded.findings };
    let text = match form {
        Form::Json => Output::Json.render(&report, |_| String::new()).map(|text| show::plain_json(&text)),
        Form::Yaml => Output::Yaml.render(&report, |_| String::new()).map(|text| show::plain_yaml(&text)),
        Form::Sarif => Output::Json.render(&show::sarif(&loaded.findings), |_| String::new()).map(|text| show::plain_json(&text)),
        Form::Human => Ok(show::human(loaded)),
        Form::Github => Ok(show::github(&loaded.findings)),
        Form::Junit => Ok(show::junit(loaded)),
    };
    let failed = |error: &dyn std::fmt::Display| format!("the findings cannot be written: {error}");
    let text = text.map_err(|error| failed(&error))?;
    match anstream::stdout().write_all(text.as_bytes()).and_then(|()| anstream::stdout().flush()) {
        // Who reads only the beginning (`| head`) has read what they wanted.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(&error)),
        _ => Ok(()),
    }
}
