//! `tminus restore FILE`: puts the store of a backup into the data folder, all of it or nothing.

use std::path::PathBuf;

use serde::Serialize;

use super::backup::unit;
use super::data_folder::DataFolder;
use super::progress::Progress;
use super::terminal::Form;
use super::{Exit, Outcome};
use crate::shell::clock;
use crate::shell::store::{Existing, Manifest, Restored, restore};

/// Puts the store of a backup into the data folder; the daemon must not run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What `tminus backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Puts a store that is there already aside, and keeps it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    folder: DataFolder,
    #[command(flatten)]
    form: Form,
}

/// What `-o json` prints.
#[derive(Serialize)]
struct Done<'a> {
    file: &'a PathBuf,
    data: PathBuf,
    backup: Manifest,
    rows: u64,
    epoch: u64,
    aside: Option<PathBuf>,
    seconds: f64,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> Outcome {
    let (begun, mut bar) = (clock::monotonic(), Progress::new());
    let data = args.folder.path()?;
    let existing = if args.force { Existing::PutAside } else { Existing::Refuse };
    let restored =
        restore(&args.file, (&data, existing), clock::now(), &mut |stage, done, all| bar.show(unit(stage), (done, all)));
    drop(bar);
    let Restored { manifest, rows, epoch, aside } = restored.map_err(|error| error.to_string())?;
    let done = Done { file: &args.file, data, backup: manifest, rows, epoch, aside, seconds: begun.elapsed().as_secs_f64() };
    args.form.print(&done, human)?;
    Ok(Exit::Done)
}

fn human(done: &Done<'_>) -> String {
    let aside = done.aside.as_ref().map_or(String::new(), |aside| format!("The store that was there is {}.\n", aside.display()));
    format!(
        "{} has the store of {}, audit row {}: {} rows verified, epoch {} from now on.\n{aside}What happened after the backup is not \
         known here. When the daemon starts, {} effects that were open then are sent again, and releases go on from how they stood: \
         hold what must not go on before you start it (the halt file stops every update), and compare with what people know.\n",
        done.data.display(),
        done.backup.made_at,
        done.backup.last_row,
        done.rows,
        done.epoch,
        done.backup.open_intents,
    )
}
