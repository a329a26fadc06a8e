//! How verbs print data: for people, as JSON or as YAML.
//!
//! Prose goes to stderr and is not made here. Invariant: JSON and YAML hold the same value; JSON keeps the order of
//! the fields, YAML sorts them.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

/// What `-o` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people; may change.
    #[default]
    Human,
    /// One JSON document; stable.
    Json,
    /// The same as YAML.
    Yaml,
}

impl Output {
    /// The value in this form, ending with a line break; `human` is asked only when it is wanted.
    pub fn render<T: Serialize>(self, value: &T, human: impl FnOnce(&T) -> String) -> Result<String, serde_json::Error> {
        Ok(match self {
            Self::Human => human(value),
            Self::Json => serde_json::to_string_pretty(value)? + "\n",
            Self::Yaml => yaml(&serde_json::to_value(value)?),
        })
    }
}

fn yaml(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// Collections with something in them go in block style, everything else is a JSON scalar: YAML 1.2 reads those alike.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let _ = write!(text, "{:indent$}{}:", "", Value::from(key.as_str()));
                nested(value, indent + 2, text);
            }
        }
        Value::Array(entries) if !entries.is_empty() => {
            for entry in entries {
                let _ = write!(text, "{:indent$}-", "");
                nested(entry, indent + 2, text);
            }
        }
        scalar => {
            let _ = writeln!(text, "{scalar}");
        }
    }
}

fn nested(value: &Value, indent: usize, text: &mut String) {
    let is_block =
        value.as_object().is_some_and(|fields| !fields.is_empty()) || value.as_array().is_some_and(|entries| !entries.is_empty());
    text.push(if is_block { '\n' } else { ' ' });
    block(value, indent, text);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_the_same_value() {
        let value = json!({"rows": 3, "none": null, "empty": [], "bad": {"id": 7, "what": "a: \"b\"\n# c"}, "list": [1, [2], {"x": true}]});
        let expected = "\"bad\":\n  \"id\": 7\n  \"what\": \"a: \\\"b\\\"\\n# c\"\n\"empty\": []\n\"list\":\n  - 1\n  -\n    - 2\n  -\n    \"x\": true\n\"none\": null\n\"rows\": 3\n";
        assert_eq!(yaml(&value), expected);
    }

    #[test]
    fn people_get_their_own_form() {
        assert_eq!(Output::Human.render(&1, |n| format!("one is {n}\n")).unwrap(), "one is 1\n");
        assert_eq!(Output::Json.render(&json!({"a": 1}), |_| String::new()).unwrap(), "{\n  \"a\": 1\n}\n");
    }
}
