//! `tminus audit verify`: walks the audit chain of a data folder, also while the daemon runs.
//!
//! It changes nothing. Invariant: exit 0 only when every row up to the head verified.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::Form;
use super::{Exit, Outcome};
use crate::shell::clock;
use crate::shell::store::{AuditReport, verify_folder};

/// A walk shorter than this shows no bar: it would only flicker.
const QUIET: Duration = Duration::from_secs(2);

/// The audit chain: one row per decision that changed something.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: AuditVerb,
}

#[derive(Debug, Subcommand)]
enum AuditVerb {
    /// Proves that no row was changed, removed, added or moved, or names the first that was.
    Verify {
        /// The daemon's data folder; the default is that of `serve` without settings.
        #[arg(long, value_name = "DIR", default_value = "tminus-data")]
        data: PathBuf,
        #[command(flatten)]
        form: Form,
    },
}

/// Runs the verb.
pub(super) fn run(args: Args) -> Outcome {
    let AuditVerb::Verify { data, form } = args.verb;
    let mut bar = Bar { begun: clock::monotonic(), shown: None };
    let report = verify_folder(&data, &mut |rows, all| bar.show(rows, all));
    drop(bar);
    let report = report.map_err(|error| error.to_string())?;
    form.print(&report, human)?;
    Ok(if report.first_bad.is_none() { Exit::Done } else { Exit::Error })
}

fn human(report: &AuditReport) -> String {
    match &report.first_bad {
        None => format!(
            "The audit chain is whole: {} rows, head {}.\nCompare the head with one noted elsewhere, such as the daemon's log: \
             a chain that was made anew as a whole also verifies.\n",
            report.rows, report.head
        ),
        Some(bad) => format!(
            "Row {} of the audit chain is bad: {}.\nThe {} rows before it verify; nothing from it on proves what was decided. \
             Keep the file, and compare it with a backup.\n",
            bad.id, bad.what, report.rows
        ),
    }
}

/// Shows itself at a terminal once the walk takes long.
struct Bar {
    begun: Instant,
    shown: Option<ProgressBar>,
}

impl Bar {
    fn show(&mut self, rows: u64, all: u64) {
        if self.shown.is_none() && self.begun.elapsed() > QUIET {
            let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows, {eta} left");
            self.shown = Some(ProgressBar::new(all).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        }
        if let Some(bar) = &self.shown {
            bar.set_position(rows);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
