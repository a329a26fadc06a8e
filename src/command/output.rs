//! How verbs print data: `-o human|json|yaml` on stdout.
//!
//! JSON keeps the order of the type's fields; YAML is the same document with keys sorted, strings always quoted.
//! Not here: what a verb says to people. Invariant: a reader that went away is not an error.

use std::fmt::Write as _;
use std::io::Write as _;

use serde::Serialize;
use serde_json::Value;

/// The form of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Human,
    /// Stable, for programs.
    Json,
    /// The same as JSON.
    Yaml,
}

impl Output {
    /// The text of a value; `human` writes the one for people.
    pub fn render<T: Serialize>(self, value: &T, human: impl FnOnce(&T) -> String) -> Result<String, String> {
        let failed = |error: serde_json::Error| format!("the answer could not be written: {error}");
        match self {
            Self::Human => Ok(human(value)),
            Self::Json => serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(failed),
            Self::Yaml => serde_json::to_value(value).map(|value| yaml(&value)).map_err(failed),
        }
    }
}

/// Prints on stdout. When nobody reads any more there is nothing left to do.
pub fn print(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

/// A JSON value as a block YAML document. Scalars and keys are written as in JSON, which YAML reads the same way.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (index, (key, value)) in entries.iter().enumerate() {
                lead(text, index, indent);
                text.push_str(&plain_key(key));
                text.push(':');
                nested(text, value, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                lead(text, index, indent);
                text.push_str("- ");
                block(text, item, indent + 2);
            }
        }
        scalar => {
            let _ = writeln!(text, "{scalar}");
        }
    }
}

/// The first entry stands where the cursor is; the others on their own lines.
fn lead(text: &mut String, index: usize, indent: usize) {
    if index > 0 {
        text.push_str(&" ".repeat(indent));
    }
}

fn nested(text: &mut String, value: &Value, indent: usize) {
    let is_block =
        value.as_object().is_some_and(|entries| !entries.is_empty()) || value.as_array().is_some_and(|items| !items.is_empty());
    if is_block {
        text.push('\n');
        text.push_str(&" ".repeat(indent));
    } else {
        text.push(' ');
    }
    block(text, value, indent);
}

/// Keys that some YAML reader could take for something else are quoted.
fn plain_key(key: &str) -> String {
    let word = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let taken = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&key);
    if word && !taken { key.into() } else { Value::from(key).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_the_same_document() {
        let value = serde_json::json!({
            "minutes": [{"minute": "2026-12-01T19:00:00Z", "e": 1.5, "gap": false}, {"minute": "no: \"x\"\n"}],
            "empty": [], "none": null, "deep": {"list": [[1, 2], {}]}, "no": "yes"
        });
        let expected = "deep:\n  list:\n    - - 1\n      - 2\n    - {}\nempty: []\nminutes:\n  - e: 1.5\n    gap: false\n    minute: \"2026-12-01T19:00:00Z\"\n  - minute: \"no: \\\"x\\\"\\n\"\n\"no\": \"yes\"\nnone: null\n";
        assert_eq!(yaml(&value), expected);
    }
}
