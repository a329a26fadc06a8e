//! Documents: every finding at its place, shipped examples, schemas, hashes, the verbs that read them.

mod attack;
mod bad;
mod command_line;
mod findings;
mod meaning;
mod mutations;
mod shipped;

use std::path::{Path, PathBuf};

use tminus::shell::settings::{Loaded, load_texts};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Loads texts under names of no folder.
fn load(texts: &[(&str, &str)]) -> Loaded {
    let owned: Vec<_> = texts.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    load_texts(&owned)
}

/// A document of a kind, from the lines below its head.
fn document(kind: &str, name: &str, body: &str) -> String {
    format!("apiVersion: tminus/v1\nkind: {kind}\nname: {name}\n{body}")
}

/// `line:column path code`, one finding a line.
fn places(loaded: &Loaded) -> Vec<String> {
    loaded.findings.iter().map(|found| format!("{}:{} {} {}", found.line, found.column, found.path, found.code)).collect()
}
