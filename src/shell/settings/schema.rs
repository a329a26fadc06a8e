//! The kinds of documents, and the JSON Schema of each: generated from `kinds`, published, and what documents are checked by.
//!
//! Invariant: what is published is what is checked, but for `pattern`, which stands there for editors; the formats decide.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::kinds;
use super::words::FORMATS;

/// The version that every document names.
pub const API_VERSION: &str = "tminus/v1";

/// Kinds of documents that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The daemon's own settings.
    Settings,
    /// One launch.
    Release,
    /// What must be green before it.
    Checklist,
    /// How far the gas pedal is down.
    ThrottlePolicy,
    /// Where numbers come from.
    MetricsSource,
    /// When a step is SAFE.
    GatePolicy,
    /// How many instances a group needs.
    ScalingPolicy,
    /// What is fetched into which caches.
    PrimingPolicy,
    /// Who is told what.
    Notifier,
}

/// Kinds that documents may have in a later version.
pub const LATER_KINDS: &[&str] = &["ShieldPolicy", "CountingPolicy"];

impl Kind {
    /// All of them, in the order of the manual.
    pub const ALL: [Self; 9] = [
        Self::Settings,
        Self::Release,
        Self::Checklist,
        Self::ThrottlePolicy,
        Self::MetricsSource,
        Self::GatePolicy,
        Self::ScalingPolicy,
        Self::PrimingPolicy,
        Self::Notifier,
    ];

    /// Its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Release => "Release",
            Self::Checklist => "Checklist",
            Self::ThrottlePolicy => "ThrottlePolicy",
            Self::MetricsSource => "MetricsSource",
            Self::GatePolicy => "GatePolicy",
            Self::ScalingPolicy => "ScalingPolicy",
            Self::PrimingPolicy => "PrimingPolicy",
            Self::Notifier => "Notifier",
        }
    }

    /// By its word, exactly.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The schema as it is published.
    pub fn schema(self) -> Value {
        let generated = match self {
            Self::Settings => schemars::schema_for!(kinds::settings::Settings),
            Self::Release => schemars::schema_for!(kinds::release::Release),
            Self::Checklist => schemars::schema_for!(kinds::checklist::Checklist),
            Self::ThrottlePolicy => schemars::schema_for!(kinds::throttle::ThrottlePolicy),
            Self::MetricsSource => schemars::schema_for!(kinds::metrics::MetricsSource),
            Self::GatePolicy => schemars::schema_for!(kinds::gate::GatePolicy),
            Self::ScalingPolicy => schemars::schema_for!(kinds::scaling::ScalingPolicy),
            Self::PrimingPolicy => schemars::schema_for!(kinds::priming::PrimingPolicy),
            Self::Notifier => schemars::schema_for!(kinds::notifier::Notifier),
        };
        let mut schema = generated.to_value();
        bound(&mut schema);
        with_head(schema, self)
    }

    /// The schema as text, ending with a line break; what `tminus schema` prints and `docs/schema` holds.
    pub fn published(self) -> String {
        format!("{:#}\n", self.schema())
    }

    /// The schema with its validator, compiled on first use and then kept.
    pub fn rules(self) -> &'static Rules {
        static CACHE: [OnceLock<Rules>; 9] = [const { OnceLock::new() }; 9];
        CACHE[self as usize].get_or_init(|| Rules::compile(self.schema()))
    }
}

/// Says how large whole numbers may be: schemars names their width alone, and a validator takes any number for it.
fn bound(schema: &mut Value) {
    if let Value::Object(map) = schema {
        let largest = match map.get("format").and_then(Value::as_str) {
            Some("uint16") => Some(u64::from(u16::MAX)),
            Some("uint32") => Some(u64::from(u32::MAX)),
            _ => None,
        };
        if let Some(largest) = largest {
            map.entry("maximum").or_insert_with(|| json!(largest));
        }
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(bound),
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

/// Adds the two keys that every document has beside those of its kind.
fn with_head(mut schema: Value, kind: Kind) -> Value {
    schema["title"] = json!(kind.word());
    let head = [
        ("apiVersion", json!({"description": "The version of the file format.", "const": API_VERSION})),
        ("kind", json!({"description": "The kind of document.", "const": kind.word()})),
    ];
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.extend(head.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    }
    if let Some(required) = schema["required"].as_array_mut() {
        head.iter().rev().for_each(|(key, _)| required.insert(0, json!(key)));
    }
    schema
}

/// A schema and its validator.
pub struct Rules {
    /// The schema, without what only editors use.
    pub schema: Value,
    validator: Option<Validator>,
}

impl Rules {
    fn compile(mut schema: Value) -> Self {
        strip(&mut schema);
        let mut options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
        for format in FORMATS {
            options = options.with_format(format.name, |text: &str| (format.read)(text).is_ok());
        }
        let validator = options.build(&schema).ok();
        Self { schema, validator }
    }

    /// The validator; `None` only if a generated schema is not one, which a test refuses.
    pub fn validator(&self) -> Option<&Validator> {
        self.validator.as_ref()
    }
}

/// Takes out what the formats say better, and what costs time without checking anything.
fn strip(schema: &mut Value) {
    match schema {
        Value::Object(map) => strip_object(map),
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn strip_object(map: &mut Map<String, Value>) {
    let formatted = map.get("format").is_some_and(|format| format.as_str().is_some_and(|name| name.starts_with("tminus-")));
    if formatted {
        map.retain(|key, _| !["pattern", "minLength", "maxLength", "examples", "minimum", "maximum"].contains(&key.as_str()));
    }
    // schemars names the width of integers; their range stands beside it.
    if map.get("format").is_some_and(|format| !format.as_str().is_some_and(|name| name.starts_with("tminus-"))) {
        map.remove("format");
    }
    map.values_mut().for_each(strip);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_schema_that_compiles() {
        for kind in Kind::ALL {
            assert!(kind.rules().validator().is_some(), "{}", kind.word());
            assert_eq!(Kind::of(kind.word()), Some(kind));
        }
    }

    #[test]
    fn every_format_of_a_schema_has_a_reader() {
        fn walk(value: &Value) {
            if let Some(name) = value.get("format").and_then(Value::as_str) {
                assert!(super::super::words::format(name).is_some(), "{name}");
            }
            match value {
                Value::Object(map) => map.values().for_each(walk),
                Value::Array(items) => items.iter().for_each(walk),
                _ => {}
            }
        }
        for kind in Kind::ALL {
            walk(&kind.rules().schema);
        }
    }
}
