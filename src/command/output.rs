//! Data on stdout in the form that was asked for, and the few colours of human output.
//!
//! Invariant: what others wrote (titles, reasons) never moves the cursor or hides text on a terminal.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

/// `-o`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// How data is printed; json is stable
    #[arg(short, long = "output", value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    pub format: Format,
}

/// A form of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

impl Output {
    /// Prints data, by `human` where that was asked for.
    pub fn print(self, data: &impl Serialize, human: impl FnOnce() -> String) -> Result<(), String> {
        let value = || serde_json::to_value(data).map_err(|error| format!("the answer cannot be written: {error}"));
        let text = match self.format {
            Format::Human => human(),
            Format::Json => serde_json::to_string_pretty(&value()?).map_err(|error| error.to_string())?,
            Format::Yaml => yaml(&value()?),
        };
        anstream::println!("{}", text.trim_end());
        Ok(())
    }
}

/// Text of others, safe for a terminal: control characters and those that turn the direction become `?`.
pub fn plain(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || turns(letter) { '?' } else { letter }).collect()
}

/// A colour of human output; dropped where a terminal does not want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Good.
    Green,
    /// Waits.
    Yellow,
    /// Bad.
    Red,
    /// Beside the point.
    Grey,
    /// Stands out.
    Bold,
}

/// Paints a text.
pub fn paint(colour: Colour, text: &str) -> String {
    let code = match colour {
        Colour::Green => "32",
        Colour::Yellow => "33",
        Colour::Red => "31",
        Colour::Grey => "2",
        Colour::Bold => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A value as block YAML. Texts are quoted as in JSON, which YAML reads the same.
pub fn yaml(value: &Value) -> String {
    let mut lines = Vec::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => yaml_lines(value, 0, &mut lines),
        Value::Array(entries) if !entries.is_empty() => yaml_lines(value, 0, &mut lines),
        scalar => lines.push(scalar.to_string()),
    }
    lines.join("\n") + "\n"
}

fn yaml_lines(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let mut entry = |head: String, value: &Value| match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => {
            lines.push(format!("{indent}{head}"));
            yaml_lines(value, depth + 1, lines);
        }
        scalar => lines.push(format!("{indent}{head} {scalar}")),
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| entry(format!("{}:", key_text(key)), value)),
        Value::Array(entries) => entries.iter().for_each(|value| entry("-".into(), value)),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// A key needs no quotes when it is a plain word that no YAML takes for a number or a truth value.
fn key_text(key: &str) -> String {
    let plain = key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let word = matches!(key, "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    if plain && !word { key.into() } else { Value::from(key).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_indented_and_quoted() {
        let value = serde_json::json!({"release": "a: b", "steps": [{"percent": 1.5, "on": null}, "x"], "none": [], "2.3": {"deep": {"n": true}}});
        let expected = "\"2.3\":\n  deep:\n    \"n\": true\nnone: []\nrelease: \"a: b\"\nsteps:\n  -\n    \"on\": null\n    percent: 1.5\n  - \"x\"\n";
        assert_eq!(yaml(&value), expected);
    }

    #[test]
    fn text_of_others_cannot_drive_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\u{202e}c\r\nd é"), "a?[2Jb?c??d é");
    }
}
