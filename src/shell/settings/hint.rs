//! What to write instead: the wording of helps, from the schema and the value that stands there.

use jsonschema::error::ValidationErrorKind as Limit;
use serde_json::Value;

use super::guide::Guide;
use super::instant::corrected;
use super::node::Scalar;
use super::suggest;
use super::words::{self, Format};

/// What is wanted at a place, as a phrase: `a duration such as 20m`.
pub fn wanted(guide: Guide<'_>) -> String {
    if let Some(format) = guide.format().and_then(words::format) {
        return format.wanted.to_owned();
    }
    let branches = guide.branches().unwrap_or_else(|| vec![guide]);
    let words: Vec<&str> = branches.iter().flat_map(|branch| branch.words()).collect();
    if !words.is_empty() {
        return format!("one of {}", suggest::listed(&words));
    }
    let known = [
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "true or false"),
        ("string", "a text"),
        ("array", "a list"),
        ("object", "a mapping"),
    ];
    let takes = |name: &str| branches.iter().any(|branch| branch.takes(name));
    known.iter().find(|(name, _)| takes(name)).map_or("something else", |(_, phrase)| phrase).to_owned()
}

/// What a key is for: the first sentence of its description.
pub fn key(guide: Guide<'_>) -> String {
    let described = guide.keyword("description").or_else(|| guide.resolved().keyword("description")).and_then(Value::as_str);
    let first = described.map(|text| text.replace('\n', " ")).unwrap_or_default();
    first.split_inclusive(". ").next().unwrap_or_default().trim_end().to_owned()
}

/// What is in range: the key's own words.
pub fn range(guide: Guide<'_>, limit: &Limit) -> String {
    match limit {
        Limit::MinItems { .. } => return "add an entry".to_owned(),
        Limit::MaxItems { .. } => return "take entries out".to_owned(),
        Limit::Pattern { pattern } if pattern == "^/" => return "write a path such as `/health`".to_owned(),
        _ => {}
    }
    let phrase = wanted(guide);
    let bound = |name: &str| guide.keyword(name).and_then(Value::as_f64).map(|bound| bound.to_string());
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!("write {phrase} from {low} to {high}"),
        (Some(low), None) => format!("write {phrase} of at least {low}"),
        (None, Some(high)) => format!("write {phrase} of at most {high}"),
        (None, None) => format!("write {phrase}"),
    }
}

/// What a scalar of a format should read, judging by what stands there.
pub fn scalar(format: &Format, text: &str) -> String {
    let bare_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match format.name {
        "tminus-percent" => percent(text),
        "tminus-duration" if bare_number => format!("write the unit: `{text}s`, `{text}m`, `{text}h` or `{text}d`"),
        "tminus-duration" if text.ends_with("ms") => "the smallest unit is s: `0.5s`".to_owned(),
        "tminus-t-relative" if crate::core::words::parse_duration(text).is_ok() => {
            format!("write `T-{text}` for before the launch, `T+{text}` for after it")
        }
        "tminus-t-relative" if text == "T" || text == "T-0" => "write `T-0s`".to_owned(),
        "tminus-instant" if corrected(text).is_some() => {
            format!("write `{}`, or another zone", corrected(text).unwrap_or_default())
        }
        "tminus-instant" if text.contains('T') => "add the offset, and best the zone: `-08:00[America/Los_Angeles]`".to_owned(),
        "tminus-rate" if bare_number => format!("write the period: `{text}/s` or `{text}/m`"),
        "tminus-count" if text.ends_with('K') => "the letter for a thousand is a small k".to_owned(),
        "tminus-url" if !text.contains("://") && !text.is_empty() => {
            format!("write `https://{}`", text.chars().take(80).collect::<String>())
        }
        "tminus-time-zone" => zone(text),
        "tminus-cron" => text.parse::<crate::core::calendar::Line>().map_or_else(|error| error.fix(), |_| String::new()),
        _ => format!("write {}", format.wanted),
    }
}

fn percent(text: &str) -> String {
    let number = text.trim_end_matches('%').trim();
    let usable = text.ends_with('%') && number.parse::<crate::core::words::Percent>().is_ok();
    if usable {
        return format!("write `{number}`");
    }
    match text.parse::<f64>() {
        Ok(value) if value > 100.0 => "100 is everybody".to_owned(),
        Ok(value) if value < 0.0 => "0 is nobody".to_owned(),
        Ok(value) if value > 0.0 && value < 0.0001 => "the smallest percent above nobody is 0.0001".to_owned(),
        Ok(value) if (0.0..=100.0).contains(&value) => format!("write `{}`", (value.abs() * 10_000.0).round() / 10_000.0),
        _ => "write a number from 0 (nobody) to 100 (everybody), such as 12.5".to_owned(),
    }
}

fn zone(text: &str) -> String {
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    match suggest::nearest(text, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write a name such as `America/Los_Angeles` or `UTC`".to_owned(),
    }
}

/// A scalar where another type is wanted.
pub fn untyped(guide: Guide<'_>, scalar: &Scalar) -> String {
    let word = scalar.text.to_ascii_lowercase();
    if guide.takes("boolean") {
        return match word.as_str() {
            "yes" | "on" | "true" | "y" => "write `true`".to_owned(),
            "no" | "off" | "false" | "n" => "write `false`".to_owned(),
            _ => "write `true` or `false`".to_owned(),
        };
    }
    if guide.takes("array") {
        return format!("write a list: `[{}]`", scalar.text.chars().take(60).collect::<String>());
    }
    if guide.takes("object") {
        return shape(guide);
    }
    if !scalar.plain && serde_json::from_str::<serde_json::Number>(&scalar.text).is_ok() {
        return format!("write `{}` without quotes", scalar.text);
    }
    let trimmed = scalar.text.trim_start_matches('0');
    if scalar.text.starts_with('0') && !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("write `{trimmed}`, without the leading zero");
    }
    format!("write {}", wanted(guide))
}

/// A list or mapping where another shape is wanted.
pub fn shape(guide: Guide<'_>) -> String {
    let keys = guide.keys();
    let tags: Vec<&str> = guide.branches().into_iter().flatten().flat_map(|branch| branch.resolved().keys()).collect();
    match (keys.is_empty(), tags.is_empty()) {
        (false, _) => format!("its keys are {}", suggest::listed(&keys)),
        (true, false) => format!("it takes one of {}", suggest::listed(&tags)),
        (true, true) => format!("write {}", wanted(guide)),
    }
}
