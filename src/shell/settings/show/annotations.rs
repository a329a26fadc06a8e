//! Findings as annotations of a CI run: one workflow command a line, as GitHub Actions reads them.
//!
//! Invariant: a line of output is one command, whatever stands in names and texts; nothing in them begins another one.

use std::fmt::Write as _;

use super::super::hidden::visible;
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

/// As in the toolkit of the Actions runner: data escapes percent and line ends, properties colon and comma too. Other
/// control characters would reach the terminals of those who read the log.
fn escaped(text: &str) -> String {
    let ends = |part: &str| visible(part).replace('%', "%25");
    let lines: Vec<String> = text.split('\n').map(|line| line.split('\r').map(ends).collect::<Vec<_>>().join("%0D")).collect();
    lines.join("%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_a_property_or_begins_a_command() {
        assert_eq!(property("a,b::c%d\n::error::x\r\u{1b}[0m"), "a%2Cb%3A%3Ac%25d%0A%3A%3Aerror%3A%3Ax%0D<U+001B>[0m");
        assert_eq!(escaped("50% of a, b: c\nd"), "50%25 of a, b: c%0Ad");
    }
}
