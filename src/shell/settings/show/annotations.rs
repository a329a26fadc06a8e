//! Findings as annotations of a CI run: one workflow command a line, as GitHub Actions reads them.

use std::fmt::Write as _;

use crate::shell::settings::{Finding, Severity};

/// One command per finding.
pub fn github(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Finding { file, line, column, code, message, help, .. } = finding;
        let message = escaped(&format!("{message}; {help}"));
        let _ = writeln!(text, "::{level} file={},line={line},col={column},title={code}::{message}", property(file));
        text
    })
}

/// As in the toolkit of the Actions runner: data escapes percent and line ends, properties colon and comma too.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
