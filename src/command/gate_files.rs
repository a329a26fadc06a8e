//! The two files of `gate replay`: a policy and counts, each read whole or told with all its problems.
//!
//! Not here: what they prove. Invariant: no file is read beyond a limit, whatever its size.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::core::gate::{HoldReason, Policy, RowProblem, Verdict, WrittenRow, read_rows, replay};
use crate::core::words::Name;
use crate::shell::settings::{Finding, Kind, Loaded, Severity, load_alone};

/// Largest file of counts that is read, in bytes: a million rows and more.
const LARGEST_FILE: u64 = 128 << 20;

/// The first GatePolicy of a file. Names of queries need not refer to anything.
pub fn policy(path: &Path) -> Result<Policy, Vec<String>> {
    let mut loaded = load_alone(&[path.to_owned()]);
    let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let told: Vec<String> = errors.map(told).collect();
    if !told.is_empty() {
        return Err(told);
    }
    let policy = first(&loaded).and_then(|name| loaded.documents.config.gates.remove(&name));
    let file = path.display();
    let policy = policy.ok_or_else(|| vec![format!("{file}: there is no document of kind GatePolicy in it")])?;
    // Documents are checked already; the gate looks once more, and what it cannot use is no policy either.
    match replay(&policy, &[]).verdict {
        Verdict::Hold(unusable @ HoldReason::Unusable { .. }) => Err(vec![format!("{file}: {unusable}")]),
        _ => Ok(policy),
    }
}

/// Parts come by name; their texts tell which stands first in the file.
fn first(loaded: &Loaded) -> Option<Name> {
    let place = |text: &str| loaded.sources.iter().find_map(|source| source.text.find(text));
    let policies = loaded.parts.iter().filter(|part| part.kind == Kind::GatePolicy);
    policies.min_by_key(|part| place(&part.text)).map(|part| part.name.clone())
}

fn told(finding: &Finding) -> String {
    let Finding { file, line, column, path, message, help, .. } = finding;
    format!("{file}:{line}:{column}: {path}: {message}; {help}")
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
