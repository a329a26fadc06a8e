//! Findings as report files: JUnit XML and SARIF 2.1.0.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::shell::settings::codes::CODES;
use crate::shell::settings::{Finding, Loaded, Severity};

/// JUnit: one case per file, failed by its errors; warnings stand in its output.
pub fn junit(loaded: &Loaded) -> String {
    let mut by_file: BTreeMap<&str, Vec<&Finding>> =
        loaded.sources.iter().map(|source| (source.file.as_str(), Vec::new())).collect();
    loaded.findings.iter().for_each(|finding| by_file.entry(&finding.file).or_default().push(finding));
    let failed = |findings: &[&Finding]| findings.iter().any(|finding| finding.severity == Severity::Error);
    let failures = by_file.values().filter(|findings| failed(findings)).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, "<testsuites><testsuite name=\"tminus check\" tests=\"{}\" failures=\"{failures}\">", by_file.len());
    for (file, findings) in by_file {
        let _ = writeln!(text, "<testcase classname=\"tminus.check\" name=\"{}\">", xml(file));
        for finding in findings {
            let Finding { line, column, code, message, help, .. } = finding;
            let (message, help) = (xml(message), xml(help));
            let _ = match finding.severity {
                Severity::Error => {
                    writeln!(text, "<failure type=\"{code}\" message=\"{line}:{column}: {message}\">{help}</failure>")
                }
                Severity::Warning => writeln!(text, "<system-out>{line}:{column}: {code}: {message}; {help}</system-out>"),
            };
        }
        text.push_str("</testcase>\n");
    }
    text.push_str("</testsuite></testsuites>\n");
    text
}

/// XML 1.0 has no way to write most control characters.
fn xml(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

/// SARIF: the table of codes as rules, and one result per finding.
pub fn sarif(findings: &[Finding]) -> Value {
    let rules = CODES
        .iter()
        .map(|code| json!({"id": code.code, "shortDescription": {"text": code.title}, "fullDescription": {"text": code.text}}));
    let results = findings.iter().map(|finding| {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let region = json!({"startLine": finding.line, "startColumn": finding.column});
        let location = json!({"physicalLocation": {"artifactLocation": {"uri": finding.file}, "region": region}});
        let text = format!("{}; {}", finding.message, finding.help);
        json!({"ruleId": finding.code, "level": level, "message": {"text": text}, "locations": [location]})
    });
    let driver = json!({"name": "tminus", "version": env!("CARGO_PKG_VERSION"), "rules": rules.collect::<Vec<_>>()});
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results.collect::<Vec<_>>()}],
    })
}
