//! `tminus audit verify | replay`: reads the audit chain of a data folder, also while the daemon runs.
//!
//! It changes nothing. Invariant: exit 0 only when every row up to the head verified, or the decision came out the same.

use clap::Subcommand;

use super::data_folder::DataFolder;
use super::progress::Progress;
use super::replay_show::{Shown, human as shown};
use super::terminal::Form;
use super::{Exit, Outcome};
use crate::shell::store::{AuditReport, Verdict, audit_record_of, replay, verify_folder};

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
        #[command(flatten)]
        folder: DataFolder,
        #[command(flatten)]
        form: Form,
    },
    /// Makes a decision again from its record, compares it byte for byte, and shows why it was made.
    Replay {
        /// The audit row, as the daemon's log and `audit verify` name it
        #[arg(value_name = "ID")]
        id: i64,
        #[command(flatten)]
        folder: DataFolder,
        #[command(flatten)]
        form: Form,
    },
}

/// Runs the verb.
pub(super) fn run(args: Args) -> Outcome {
    match args.verb {
        AuditVerb::Verify { folder, form } => verify(&folder, form),
        AuditVerb::Replay { id, folder, form } => again(id, &folder, form),
    }
}

fn verify(folder: &DataFolder, form: Form) -> Outcome {
    let mut bar = Progress::new();
    let report = verify_folder(&folder.path()?, &mut |rows, all| bar.show("rows", (rows, all)));
    drop(bar);
    let report = report.map_err(|error| error.to_string())?;
    form.print(&report, human)?;
    Ok(if report.first_bad.is_none() { Exit::Done } else { Exit::Error })
}

fn again(id: i64, folder: &DataFolder, form: Form) -> Outcome {
    let record = audit_record_of(&folder.path()?, id).map_err(|error| error.to_string())?;
    let replayed = replay(&record).map_err(|error| error.to_string())?;
    form.print(&Shown::of(&record, &replayed), shown)?;
    Ok(match replayed.verdict {
        Verdict::Reproduced => Exit::Done,
        Verdict::CoreChanged => Exit::Warnings,
        Verdict::Differs => Exit::Error,
    })
}

fn human(report: &AuditReport) -> String {
    let before = report.checkpoint.as_ref().map_or(String::new(), |checkpoint| {
        format!(
            "Rows 1 to {} were removed by `retention`, last on {}; the first row that is kept is bound to them by the hash {}.\n",
            checkpoint.removed_to, checkpoint.at, checkpoint.hash
        )
    });
    match &report.first_bad {
        None => format!(
            "The audit chain is whole: {} rows, head {}.\n{before}Compare the head with one noted elsewhere, such as the daemon's \
             log: a chain that was made anew as a whole also verifies.\n",
            report.rows, report.head
        ),
        Some(bad) => format!(
            "Row {} of the audit chain is bad: {}.\nThe {} rows before it verify; nothing from it on proves what was decided. \
             Keep the file, and compare it with a backup.\n{before}",
            bad.id, bad.what, report.rows
        ),
    }
}
