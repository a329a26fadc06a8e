//! Temporary: reads GatePolicy documents until `shell::settings` does. To be deleted with its line in `command/mod.rs`.
//!
//! It knows no other kind, and gives one finding a document. Invariant: the same shape as the room it stands for.

use std::collections::BTreeMap;
use std::time::Duration;

use saphyr_parser::{Event, Parser};

use crate::core::gate::{Dispersion, Metric, NoData, NoDataThen, Onset, Policy};
use crate::core::words::{Name, parse_duration};
use crate::shell::settings::{Finding, Severity};
use crate::shell::spec::Documents;

/// What was read.
pub struct Loaded {
    /// The documents.
    pub documents: Documents,
    /// The problems.
    pub findings: Vec<Finding>,
}

/// Reads the texts.
pub fn load_texts(texts: &[(String, String)]) -> Loaded {
    let mut loaded = Loaded { documents: Documents::default(), findings: Vec::new() };
    for (file, text) in texts {
        for document in text.split("\n---") {
            match policy(document) {
                Ok(Some(policy)) => {
                    loaded.documents.config.gates.insert(policy.name.clone(), policy);
                }
                Ok(None) => {}
                Err(message) => loaded.findings.push(Finding {
                    file: file.clone(),
                    line: 1,
                    column: 1,
                    path: String::new(),
                    code: "TM0000".into(),
                    severity: Severity::Error,
                    message,
                    help: "see the documentation of GatePolicy".into(),
                }),
            }
        }
    }
    loaded
}

/// Scalars by path, such as `metrics.0.name`.
fn scalars(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let mut path: Vec<(String, Option<usize>)> = Vec::new();
    let mut key: Option<String> = None;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        let place = |path: &mut Vec<(String, Option<usize>)>, key: &mut Option<String>| match path.last_mut() {
            Some((_, Some(index))) => {
                *index += 1;
                (*index - 1).to_string()
            }
            _ => key.take().unwrap_or_default(),
        };
        match event {
            Event::MappingStart(..) => {
                let step = place(&mut path, &mut key);
                path.push((step, None));
            }
            Event::SequenceStart(..) => {
                let step = place(&mut path, &mut key);
                path.push((step, Some(0)));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                path.pop();
            }
            Event::Scalar(value, ..) => {
                if matches!(path.last(), Some((_, None))) && key.is_none() {
                    key = Some(value.to_string());
                } else {
                    let step = place(&mut path, &mut key);
                    let at: Vec<&str> = path.iter().skip(1).map(|(step, _)| step.as_str()).chain([step.as_str()]).collect();
                    found.insert(at.join("."), value.to_string());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn policy(text: &str) -> Result<Option<Policy>, String> {
    let keys = scalars(text)?;
    if keys.get("kind").map(String::as_str) != Some("GatePolicy") {
        return Ok(None);
    }
    let number = |key: &str, default: f64| keys.get(key).map_or(Ok(default), |text| parsed(key, text));
    let length = |key: &str, default: u64| {
        let read = |text: &String| parse_duration(text).map_err(|error| format!("{key}: {error}"));
        keys.get(key).map_or(Ok(Duration::from_secs(default)), read)
    };
    let null = |key: &str| matches!(keys.get(key).map(String::as_str), Some("null" | "~"));
    let name = |key: &str| Name::new(keys.get(key).map_or("", String::as_str)).map_err(|error| format!("{key}: {error}"));
    let metric = |index: usize| -> Result<Metric, String> {
        let has_baseline = keys.contains_key(&format!("metrics.{index}.baseline.requests"));
        Ok(Metric { name: name(&format!("metrics.{index}.name"))?, has_baseline })
    };
    let count = (0..100).take_while(|index| keys.contains_key(&format!("metrics.{index}.name"))).count();
    let horizon = keys.get("onset.horizon").map(|text| parsed::<u32>("onset.horizon", text)).transpose()?;
    Ok(Some(Policy {
        name: name("name")?,
        metrics: (0..count).map(metric).collect::<Result<_, _>>()?,
        alpha: number("alpha", 0.01)?,
        beta: number("beta", 0.05)?,
        tolerance: number("tolerance", 1.25)?,
        regression: number("regression", 2.0)?,
        slo: keys.get("slo.percent").map(|text| parsed::<f64>("slo.percent", text)).transpose()?.map(|percent| percent / 100.0),
        cap: if null("cap") { None } else { Some(number("cap", 10.0)?) },
        onset: if null("onset") { None } else { Some(Onset { first: number("onset.first", 0.5)?, horizon }) },
        dispersion: match keys.get("calibrate.over") {
            Some(_) => Dispersion::Calibrate { over: length("calibrate.over", 0)? },
            None => Dispersion::Fixed(number("dispersion", 1.0)?),
        },
        period: length("period", 60)?,
        lag: length("lag", 120)?,
        no_data: NoData {
            max_gap: length("no_data.max_gap", 300)?,
            deadline: length("no_data.deadline", 1800)?,
            then: NoDataThen::Hold,
        },
    }))
}

fn parsed<T: std::str::FromStr>(key: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{key} is not a number: {text:?}"))
}
