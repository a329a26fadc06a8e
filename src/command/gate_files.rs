//! The two files of `gate replay`: a policy and counts, each read whole or told with all its problems.
//!
//! Not here: what they prove. Invariant: no file is read beyond a limit, whatever its size.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

// Temporary: becomes `use crate::shell::settings::{Loaded, Severity, load_texts};` when that room is there.
use super::gate_shim::{Loaded, load_texts};
use crate::core::gate::{HoldReason, Policy, RowProblem, Verdict, WrittenRow, read_rows, replay};
use crate::shell::settings::Severity;

/// Largest file that is read, in bytes: a million rows and more.
const LARGEST_FILE: u64 = 128 << 20;

/// A name that refers to nothing: `gate replay` does not resolve query names.
const UNRESOLVED: &str = "TM0301";

/// The first GatePolicy of a file.
pub fn policy(path: &Path) -> Result<Policy, Vec<String>> {
    let file = path.display().to_string();
    let text = read(path).map_err(|problem| vec![problem])?;
    let Loaded { documents, findings } = load_texts(&[(file.clone(), text.clone())]);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error && finding.code != UNRESOLVED);
    let told: Vec<String> = errors.map(|f| format!("{}:{}:{}: {} ({})", f.file, f.line, f.column, f.message, f.help)).collect();
    if !told.is_empty() {
        return Err(told);
    }
    // The policies are kept by name; each document alone tells which is the first.
    let mut alone = text.split_inclusive("\n---").map(|part| load_texts(&[(file.clone(), part.trim_end_matches("---").into())]));
    let first = alone.find_map(|loaded| loaded.documents.config.gates.into_keys().next());
    let gates = documents.config.gates;
    let policy = first.and_then(|name| gates.get(&name).cloned()).or_else(|| gates.into_values().next());
    let policy = policy.ok_or_else(|| vec![format!("{file}: there is no document of kind GatePolicy in it")])?;
    match replay(&policy, &[]).verdict {
        Verdict::Hold(unusable @ HoldReason::Unusable { .. }) => Err(vec![format!("{file}: {unusable}")]),
        _ => Ok(policy),
    }
}

/// The rows of a file of counts.
pub fn rows(path: &Path) -> Result<Vec<WrittenRow>, Vec<String>> {
    let text = read(path).map_err(|problem| vec![problem])?;
    let told = |problem: RowProblem| format!("{}:{}: {}", path.display(), problem.line, problem.message);
    read_rows(&text).map_err(|problems| problems.into_iter().map(told).collect())
}

/// The text of a file; bytes that are no text become a mark, which no field accepts.
fn read(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(told)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(format!("{}: larger than {} MiB; split the file", path.display(), LARGEST_FILE >> 20));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
