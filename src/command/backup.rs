//! `tminus backup FILE`: copies the store into one file, also while the daemon serves.

use std::path::PathBuf;

use serde::Serialize;

use super::data_folder::DataFolder;
use super::progress::Progress;
use super::terminal::Form;
use super::{Exit, Outcome};
use crate::shell::clock;
use crate::shell::store::{Manifest, Stage, backup};

/// Copies the store of the daemon into one file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to; an older backup there is replaced once the new one is whole
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    folder: DataFolder,
    #[command(flatten)]
    form: Form,
}

/// What `-o json` prints.
#[derive(Serialize)]
struct Done<'a> {
    file: &'a PathBuf,
    #[serde(flatten)]
    manifest: Manifest,
    seconds: f64,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> Outcome {
    let (begun, mut bar) = (clock::monotonic(), Progress::new());
    let dir = args.folder.path()?;
    let made = backup(&dir, &args.file, clock::now(), &mut |stage, done, all| bar.show(unit(stage), (done, all)));
    drop(bar);
    let manifest = made.map_err(|error| error.to_string())?;
    let done = Done { file: &args.file, manifest, seconds: begun.elapsed().as_secs_f64() };
    args.form.print(&done, human)?;
    Ok(Exit::Done)
}

/// What a stage counts.
pub(super) fn unit(stage: Stage) -> &'static str {
    match stage {
        Stage::Copying => "pages copied",
        Stage::Hashing => "bytes hashed",
        Stage::Verifying => "audit rows verified",
    }
}

fn human(done: &Done<'_>) -> String {
    let Manifest { bytes, first_row, last_row, head, sha256, open_intents, .. } = &done.manifest;
    format!(
        "{} holds the store: {bytes} bytes, audit rows {first_row} to {last_row}, {open_intents} effects not done yet.\nHead of the \
         chain {head}\nSHA-256 of the content {sha256}\n`tminus restore` takes it back. Documents in files, reports and the groups' \
         registry are not in it.\n",
        done.file.display()
    )
}
