//! Findings as SARIF 2.1.0: the table of codes as rules, and one result per finding.
//!
//! Source of the form: OASIS SARIF 2.1.0, sections 3.4 (addresses), 3.19 (tool), 3.27 (results). Invariant: an address is a
//! URI reference that leads back to the very bytes of the file's name.

use serde_json::{Value, json};

use crate::shell::settings::codes::CODES;
use crate::shell::settings::{Finding, Severity};

/// Where the codes are explained.
const HELP: &str = "docs/FINDINGS.md";

/// The report.
pub fn sarif(findings: &[Finding]) -> Value {
    let rules = CODES.iter().map(|code| {
        json!({
            "id": code.code,
            "name": code.title,
            "shortDescription": {"text": code.title},
            "fullDescription": {"text": code.text},
            "help": {"text": format!("{}\n\n`tminus explain {}` and {HELP} say the same.", code.text, code.code)},
        })
    });
    let driver = json!({"name": "tminus", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules.collect::<Vec<_>>()});
    let run = json!({
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": findings.iter().map(result).collect::<Vec<_>>(),
    });
    json!({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})
}

fn result(finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let region = json!({"startLine": finding.line, "startColumn": finding.column});
    let physical = json!({"artifactLocation": {"uri": uri(&finding.file)}, "region": region});
    let location = if finding.path.is_empty() {
        json!({"physicalLocation": physical})
    } else {
        json!({"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": finding.path}]})
    };
    let mut result = json!({
        "ruleId": finding.code,
        "level": level,
        "message": {"text": format!("{}; {}", finding.message, finding.help)},
        "locations": [location],
    });
    if let Some(index) = CODES.iter().position(|code| code.code == finding.code) {
        result["ruleIndex"] = json!(index);
    }
    result
}

/// A path as a URI reference (RFC 3986): a relative one stays relative, its first part never reads as a scheme.
fn uri(file: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+;=@".contains(&byte);
    let path: String =
        file.bytes().map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
    match file.as_bytes() {
        // Two slashes would begin the name of a host.
        [b'/', ..] => format!("file:///{}", path.trim_start_matches('/')),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        for (file, expected) in [
            ("policies/a.yaml", "policies/a.yaml"),
            ("/etc/tminus/a b.yaml", "file:///etc/tminus/a%20b.yaml"),
            ("c:d.yaml", "c%3Ad.yaml"),
            ("é%\n]]>.yaml", "%C3%A9%25%0A%5D%5D%3E.yaml"),
        ] {
            assert_eq!(uri(file), expected);
        }
    }
}
