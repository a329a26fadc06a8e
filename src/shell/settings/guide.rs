//! Reads a tree by its schema: which branch was meant, and what each scalar therefore is.
//!
//! Where text is wanted a scalar is its source text, so that version 3.10 is not 3.1. Invariant: this only reads; whether
//! the result fits is the validator's business, so anything that cannot be converted is left as text.

use serde_json::{Map, Number, Value};

use super::node::{Node, Scalar, Tree};
use crate::core::words::Percent;

/// A place in a schema, with the schema's root for references.
#[derive(Clone, Copy)]
pub struct Guide<'s> {
    root: &'s Value,
    at: &'s Value,
}

/// Deepest chain of references and branches followed at one place; generated schemas have three.
const LONGEST_CHAIN: usize = 16;

/// Deepest place in a schema that is looked for, branches counted: the deepest key of any kind is there at ten.
const DEEPEST_SCHEMA: usize = 12;

impl<'s> Guide<'s> {
    /// At the root.
    pub fn new(root: &'s Value) -> Self {
        Self { root, at: root }
    }

    /// A keyword here, not looking through references.
    pub fn keyword(self, name: &str) -> Option<&'s Value> {
        self.at.get(name)
    }

    /// The kind that names here refer to.
    pub fn refers_to(self) -> Option<&'s str> {
        self.keyword("x-refers-to").and_then(Value::as_str)
    }

    /// Behind references.
    pub fn resolved(self) -> Self {
        let mut at = self.at;
        for _ in 0..LONGEST_CHAIN {
            let Some(target) = at.get("$ref").and_then(Value::as_str) else { break };
            let Some(next) = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else { break };
            at = next;
        }
        Self { at, ..self }
    }

    /// The alternatives here, if there are any.
    pub fn branches(self) -> Option<Vec<Self>> {
        let here = self.resolved();
        let list = here.keyword("oneOf").or_else(|| here.keyword("anyOf"))?.as_array()?;
        Some(list.iter().map(|at| Self { at, ..self }).collect())
    }

    /// The alternative that this node was meant as, with its position.
    pub fn meant(self, node: &Node) -> Option<(usize, Self)> {
        let branches = self.branches()?;
        let find = |fits: &dyn Fn(Self) -> bool| branches.iter().position(|branch| fits(*branch));
        let found = if node.is_null() {
            find(&|branch| branch.takes("null"))
        } else {
            let first = node.keys().find_map(|key| find(&|branch| branch.resolved().keys().contains(&key)));
            first.or_else(|| find(&|branch| branch.recognises(node))).or_else(|| {
                let mut others = (0..branches.len()).filter(|at| !branches[*at].takes("null"));
                // Only one real alternative (the other is null): it was meant, whatever stands there.
                others.next().filter(|_| others.next().is_none())
            })
        };
        found.map(|at| (at, branches[at]))
    }

    /// Behind references and alternatives, as far as the node tells which one was meant.
    pub fn follow(self, node: &Node) -> Self {
        let mut here = self.resolved();
        for _ in 0..LONGEST_CHAIN {
            match here.meant(node) {
                Some((_, branch)) => here = branch.resolved(),
                None => break,
            }
        }
        here
    }

    /// Under a key of a mapping; call on a followed guide.
    pub fn under(self, key: &str) -> Option<Self> {
        let named = self.keyword("properties").and_then(|properties| properties.get(key));
        let any = self.keyword("additionalProperties").filter(|schema| schema.is_object());
        named.or(any).map(|at| Self { at, ..self })
    }

    /// At an item of a list; call on a followed guide.
    pub fn item(self) -> Option<Self> {
        self.keyword("items").map(|at| Self { at, ..self })
    }

    /// Where below this place a mapping takes that key: `rollout`, `items[].sign_off`, nothing for this place itself.
    pub fn elsewhere(self, key: &str) -> Option<String> {
        let mut level = vec![(String::new(), self)];
        for _ in 0..DEEPEST_SCHEMA {
            let mut next = Vec::new();
            for (place, guide) in level {
                let here = guide.resolved();
                if here.keys().contains(&key) {
                    return Some(place);
                }
                next.extend(here.below(&place));
            }
            level = next;
        }
        None
    }

    fn below(self, place: &str) -> Vec<(String, Self)> {
        let dot = if place.is_empty() { "" } else { "." };
        let keys = self.keys().into_iter().filter_map(|key| Some((format!("{place}{dot}{key}"), self.under(key)?)));
        let items = self.item().into_iter().map(|item| (format!("{place}[]"), item));
        let branches = self.branches().unwrap_or_default().into_iter().map(|branch| (place.to_owned(), branch));
        keys.chain(items).chain(branches).collect()
    }

    /// The keys that a mapping may have here.
    pub fn keys(self) -> Vec<&'s str> {
        let properties = self.keyword("properties").and_then(Value::as_object);
        properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// Whether a type is accepted here.
    pub fn takes(self, wanted: &str) -> bool {
        match self.resolved().keyword("type") {
            Some(Value::String(one)) => one == wanted,
            Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
            _ => wanted == "string" && !self.words().is_empty(),
        }
    }

    /// The words that are accepted here.
    pub fn words(self) -> Vec<&'s str> {
        let here = self.resolved();
        let own = here.keyword("const").into_iter().chain(here.keyword("enum").and_then(Value::as_array).into_iter().flatten());
        own.filter_map(Value::as_str).collect()
    }

    /// The name of the scalar format here.
    pub fn format(self) -> Option<&'s str> {
        self.resolved().keyword("format").and_then(Value::as_str)
    }

    /// A whole number is written in digits: 1e3 and 3.0 are refused where one is wanted, as every reader of the types does.
    fn holds(self, number: &Number) -> bool {
        self.takes("number") || !self.takes("integer") || number.is_i64() || number.is_u64()
    }

    fn recognises(self, node: &Node) -> bool {
        let here = self.resolved();
        match &node.tree {
            Tree::Map(_) => false,
            Tree::List(_) => here.takes("array"),
            Tree::Scalar(scalar) => {
                here.words().contains(&scalar.text.as_str()) || here.branches().is_some_and(|_| here.meant(node).is_some())
            }
        }
    }

    /// The value as JSON.
    pub fn convert(self, node: &Node) -> Value {
        let here = self.follow(node);
        match &node.tree {
            Tree::Scalar(scalar) => here.convert_scalar(scalar),
            Tree::List(items) => {
                Value::Array(items.iter().map(|item| here.item().map_or_else(|| untyped(item), |at| at.convert(item))).collect())
            }
            Tree::Map(entries) => {
                let value = |key: &str, value: &Node| here.under(key).map_or_else(|| untyped(value), |at| at.convert(value));
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), value(&entry.key, &entry.value))).collect())
            }
        }
    }

    fn convert_scalar(self, scalar: &Scalar) -> Value {
        let text = || Value::String(scalar.text.clone());
        if scalar.is_null() {
            return Value::Null;
        }
        if !scalar.plain || self.takes("string") {
            return text();
        }
        if self.format() == Some("tminus-percent") && scalar.text.parse::<Percent>().is_err() {
            return text();
        }
        match scalar.text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => read_number(number).filter(|number| self.holds(number)).map_or_else(text, Value::Number),
        }
    }
}

/// Where no schema reaches: only so that something stands there.
fn untyped(node: &Node) -> Value {
    match &node.tree {
        Tree::Scalar(scalar) if scalar.is_null() => Value::Null,
        Tree::Scalar(scalar) => Value::String(scalar.text.clone()),
        Tree::List(items) => Value::Array(items.iter().map(untyped).collect()),
        Tree::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), untyped(&entry.value))).collect::<Map<_, _>>().into()
        }
    }
}

/// A number in the grammar of JSON (RFC 8259, section 6), finite: no octal, hex, infinities or NaN.
fn read_number(text: &str) -> Option<Number> {
    serde_json::from_str::<Number>(text).ok().filter(|number| number.as_f64().is_some_and(f64::is_finite))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn convert(schema: &Value, yaml: &str) -> Value {
        let chunk = super::super::yaml::parse(yaml).next().unwrap();
        Guide::new(schema).convert(chunk.root.as_ref().unwrap())
    }

    #[test]
    fn scalars_are_what_their_place_wants() {
        let text = json!({"type": ["string", "number"]});
        let number = json!({"type": "number"});
        for (schema, yaml, expected) in [
            (&text, "3.10", json!("3.10")),
            (&text, "no", json!("no")),
            (&text, "0x1", json!("0x1")),
            (&text, "true", json!("true")),
            (&text, "~", Value::Null),
            (&text, "'null'", json!("null")),
            (&number, "3.10", json!(3.1)),
            (&number, "7", json!(7)),
            (&number, "'7'", json!("7")),
            (&number, "0x1", json!("0x1")),
            (&number, "010", json!("010")),
            (&number, ".inf", json!(".inf")),
            (&number, "1e999", json!("1e999")),
            (&number, "1e3", json!(1e3)),
            (&json!({"type": "integer"}), "1e3", json!("1e3")),
            (&json!({"type": "integer"}), "3.0", json!("3.0")),
            (&json!({"type": "boolean"}), "true", json!(true)),
            (&json!({"type": "boolean"}), "yes", json!("yes")),
        ] {
            assert_eq!(convert(schema, yaml), expected, "{yaml} by {schema}");
        }
    }
}
