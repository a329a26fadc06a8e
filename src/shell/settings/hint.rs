//! What to write instead: the wording of helps, from the schema and the value that stands there.

use jsonschema::error::ValidationErrorKind as Limit;
use serde_json::Value;

use super::guide::Guide;
use super::meant;
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
    // The width of a number is no bound that anybody has in mind, unless it is the one that was broken.
    let of_width = |bound: &f64| *bound == f64::from(u32::MAX) && !matches!(limit, Limit::Maximum { .. });
    let bound = |name: &str| guide.keyword(name)?.as_f64().filter(|bound| !of_width(bound)).map(|bound| bound.to_string());
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!("write {phrase} from {low} to {high}"),
        (Some(low), None) => format!("write {phrase} of at least {low}"),
        (None, Some(high)) => format!("write {phrase} of at most {high}"),
        (None, None) => format!("write {phrase}"),
    }
}

/// What a scalar of a format should read, judging by what stands there.
pub fn scalar(format: &Format, text: &str) -> String {
    let likely = match format.name {
        "tminus-percent" => Some(meant::percent(text)),
        "tminus-duration" => meant::duration(text),
        "tminus-t-relative" => meant::t_relative(text),
        "tminus-instant" => meant::instant(text),
        "tminus-rate" => meant::rate(text),
        "tminus-count" => meant::count(text),
        "tminus-url" => meant::url(text),
        "tminus-host-port" => meant::host_port(text),
        "tminus-listen" => meant::listen(text),
        "tminus-cron" => text.parse::<crate::core::calendar::Line>().err().map(|error| error.fix()),
        "tminus-time-zone" => Some(meant::zone(text)),
        "tminus-name" => meant::name(text),
        "tminus-sha256" => Some(meant::sha256(text)),
        _ => None,
    };
    likely.unwrap_or_else(|| format!("write {}", format.wanted))
}

/// A scalar where another type is wanted.
pub fn untyped(guide: Guide<'_>, scalar: &Scalar) -> String {
    let word = scalar.text.to_ascii_lowercase();
    if guide.takes("boolean") {
        return match word.as_str() {
            "true" | "1" => "write `true`".to_owned(),
            "false" | "0" => "write `false`".to_owned(),
            "yes" | "on" | "y" => "write `true`; yes and on were booleans in YAML 1.1 and are texts since".to_owned(),
            "no" | "off" | "n" => "write `false`; no and off were booleans in YAML 1.1 and are texts since".to_owned(),
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
    number(guide, &scalar.text).unwrap_or_else(|| format!("write {}", wanted(guide)))
}

/// The number that was meant, in digits.
fn number(guide: Guide<'_>, text: &str) -> Option<String> {
    if guide.takes("integer") || guide.takes("number") {
        let bare = text.trim_start_matches(['.', '-', '+']).to_ascii_lowercase();
        if ["inf", "infinity", "nan"].contains(&bare.as_str()) || text.parse::<f64>().is_ok_and(f64::is_infinite) {
            let null = if guide.takes("null") { ", or null for none" } else { "" };
            return Some(format!("write {} that is finite{null}", wanted(guide)));
        }
    }
    let written = meant::decimal(text)?;
    if guide.takes("integer") && written.parse::<u64>().is_err() {
        return None;
    }
    let leading = text.starts_with('0') && text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(match text {
        _ if leading => format!("write `{written}`, without the leading zero"),
        text if text.contains(':') => format!("write `{written}`: numbers to the base of 60 are YAML 1.1"),
        _ => format!("write `{written}`"),
    })
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
