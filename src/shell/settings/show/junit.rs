//! Findings as JUnit XML: a suite per file, a case per finding, and one that passes for a file without errors.
//!
//! A case per finding because most readers keep one failure of a case and drop the others. Invariant: well-formed XML 1.0,
//! whatever stands in names and texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::hidden::visible;
use crate::shell::settings::{Finding, Loaded, Severity};

/// The report.
pub fn junit(loaded: &Loaded) -> String {
    let mut by_file: BTreeMap<&str, Vec<&Finding>> =
        loaded.sources.iter().map(|source| (source.file.as_str(), Vec::new())).collect();
    loaded.findings.iter().for_each(|finding| by_file.entry(&finding.file).or_default().push(finding));
    let suites: Vec<Suite> = by_file.into_iter().map(|(file, findings)| Suite::new(file, &findings)).collect();
    let (tests, failures) = suites.iter().fold((0, 0), |sum, suite| (sum.0 + suite.tests, sum.1 + suite.failures));
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, "<testsuites name=\"tminus check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">");
    for suite in &suites {
        text.push_str(&suite.text);
    }
    text.push_str("</testsuites>\n");
    text
}

struct Suite {
    text: String,
    tests: usize,
    failures: usize,
}

impl Suite {
    fn new(file: &str, findings: &[&Finding]) -> Self {
        let failures = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let tests = findings.len() + usize::from(failures == 0);
        let name = attribute(file);
        let mut text =
            format!("<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n");
        if failures == 0 {
            let _ = writeln!(text, "<testcase classname=\"{name}\" name=\"documents are valid\"/>");
        }
        for finding in findings {
            case(&name, finding, &mut text);
        }
        text.push_str("</testsuite>\n");
        Self { text, tests, failures }
    }
}

fn case(file: &str, finding: &Finding, text: &mut String) {
    let Finding { line, column, path, code, message, help, .. } = finding;
    let place = if path.is_empty() { format!("{line}:{column}") } else { format!("{line}:{column} {path}") };
    let _ = writeln!(text, "<testcase classname=\"{file}\" name=\"{code} at {}\">", attribute(&place));
    let _ = match finding.severity {
        Severity::Error => writeln!(
            text,
            "<failure type=\"{code}\" message=\"{}\">{}</failure>",
            attribute(&format!("{line}:{column}: {message}")),
            content(help)
        ),
        Severity::Warning => {
            writeln!(text, "<system-out>{}</system-out>", content(&format!("{line}:{column}: {code}: {message}; {help}")))
        }
    };
    text.push_str("</testcase>\n");
}

/// XML 1.0 has no way to write most control characters, and a reader takes a line end in an attribute for a space.
fn attribute(text: &str) -> String {
    content(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

fn content(text: &str) -> String {
    visible(text).chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
        out
    })
}
