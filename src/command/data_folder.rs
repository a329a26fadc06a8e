//! Which data folder an offline verb works on: by flag, by the settings file, or where `serve` keeps it by default.
//!
//! Invariant: with the same `--config` it is the folder that the daemon uses.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::shell::settings::{self, show};

/// Where `serve` looks for its settings when nothing is said.
pub(super) const SETTINGS: &str = "tminus.yaml";

/// Where `serve` keeps its data without settings.
const DEFAULT: &str = "tminus-data";

/// `--data` or `--config`.
#[derive(Debug, Args)]
pub(super) struct DataFolder {
    /// The daemon's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// The daemon's settings file, which names it; without both, ./tminus.yaml if it exists, else ./tminus-data
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl DataFolder {
    /// The folder; an error where the settings cannot be read.
    pub(super) fn path(&self) -> Result<PathBuf, String> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let default = Path::new(SETTINGS);
        match self.config.as_deref().or_else(|| default.is_file().then_some(default)) {
            Some(file) => of_settings(file),
            None => Ok(DEFAULT.into()),
        }
    }
}

fn of_settings(file: &Path) -> Result<PathBuf, String> {
    let loaded = settings::load_alone(&[file.to_path_buf()]);
    if loaded.has_errors() {
        anstream::eprint!("{}", show::human(&loaded));
        return Err(format!("{} has errors; name the data folder with --data", file.display()));
    }
    let settings = loaded.documents.settings.ok_or_else(|| format!("{} holds no Settings document", file.display()))?;
    Ok(settings.data)
}
