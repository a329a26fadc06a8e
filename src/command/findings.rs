//! Findings for people, one paragraph each, on stderr.

use crate::shell::settings::{Finding, Severity};

/// Prints what was found.
pub(super) fn print(found: &[Finding]) {
    for finding in found {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Finding { file, line, column, path, code, message, help, .. } = finding;
        let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
        anstream::eprintln!("{file}:{line}:{column}: {word}[{code}]: {place}{message}\n  help: {help}");
    }
}
