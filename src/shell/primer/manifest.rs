//! One line of an NDJSON manifest: `{"url","size"?,"digest"?,"priority"?,"variants"?,"not_before"?}`.
//!
//! Not here: whether the object may be fetched. Invariant: total on hostile lines; a key that is not known is refused,
//! since a misspelt `digest` would silently give up the proof of bytes.

use std::collections::BTreeMap;

use jiff::{Timestamp, Zoned};
use serde_json::Value;

use super::lines::Line;
use crate::core::priming::{Fields, Object, Variant};

/// Reads a line; `None` for a blank one.
pub(super) fn read(line: Line) -> Option<Result<Object, String>> {
    let Line::Text(bytes) = line else { return Some(Err("a line is at most 64 KiB".into())) };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii();
    if text.is_empty() { None } else { Some(object(text)) }
}

fn object(text: &[u8]) -> Result<Object, String> {
    let mut members: BTreeMap<String, Value> =
        serde_json::from_slice(text).map_err(|error| format!("not a JSON object: {error}"))?;
    // null means without, as in every document.
    members.retain(|_, value| !value.is_null());
    let fields = Fields {
        url: required_text(&mut members, "url")?,
        size: take(&mut members, "size", "a whole number of bytes", Value::as_u64)?,
        digest: take(&mut members, "digest", "a text", text_of)?,
        priority: take(&mut members, "priority", "a number", Value::as_f64)?,
        variants: variants(&mut members)?,
        not_before: take(&mut members, "not_before", "an instant such as 2026-12-01T19:00:00Z", instant)?,
    };
    match members.keys().next() {
        Some(key) => Err(format!("the key {key:?} is not known: url, size, digest, priority, variants and not_before are")),
        None => Object::new(fields).map_err(|error| error.to_string()),
    }
}

fn required_text(members: &mut BTreeMap<String, Value>, key: &str) -> Result<String, String> {
    take(members, key, "a text", text_of)?.ok_or_else(|| format!("{key:?} is missing"))
}

fn take<T>(
    members: &mut BTreeMap<String, Value>,
    key: &str,
    wanted: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, String> {
    let Some(value) = members.remove(key) else { return Ok(None) };
    read(&value).map(Some).ok_or_else(|| format!("{key:?} is {wanted}"))
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    text.parse().ok().or_else(|| text.parse::<Zoned>().ok().map(|zoned| zoned.timestamp()))
}

fn variants(members: &mut BTreeMap<String, Value>) -> Result<Vec<Variant>, String> {
    let wanted = "a list of header sets such as [{\"accept-encoding\": \"gzip\"}]";
    let sets = take(members, "variants", wanted, |value| value.as_array().cloned())?.unwrap_or_default();
    sets.into_iter().map(|set| variant(&set, wanted)).collect()
}

fn variant(set: &Value, wanted: &str) -> Result<Variant, String> {
    let not_headers = || format!("\"variants\" is {wanted}");
    let headers = set.as_object().ok_or_else(not_headers)?;
    let pairs: Option<Vec<(String, String)>> =
        headers.iter().map(|(name, value)| value.as_str().map(|value| (name.clone(), value.to_owned()))).collect();
    Variant::new(pairs.ok_or_else(not_headers)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<Result<Object, String>> {
        read(Line::Text(text.into()))
    }

    #[test]
    fn a_full_line_reads() {
        let hex = "0a".repeat(32);
        let text = format!(
            r#"{{"url":"https://a/x","size":3,"digest":"sha256:{hex}","priority":2.5,"variants":[{{"Accept-Encoding":"gzip"}}],"not_before":"2026-12-01T19:00:00Z"}}"#
        );
        let object = line(&text).unwrap().unwrap();
        assert_eq!(object.url(), "https://a/x");
        assert_eq!(object.bytes().size, Some(3));
        assert_eq!(object.bytes().sha256.as_deref(), Some(hex.as_str()));
        assert_eq!(object.variants()[0].label().as_deref(), Some("accept-encoding: gzip"));
        assert!(object.is_early("2026-12-01T18:59:59Z".parse().unwrap()));
        assert!(line("\u{feff}{\"url\":\"https://a/\",\"size\":null}\r").unwrap().is_ok());
        assert!(line("  ").is_none());
    }

    #[test]
    fn hostile_lines_say_what_is_wrong() {
        let deep = "[".repeat(60_000);
        for (text, reason) in [
            ("nonsense", "not a JSON object"),
            ("[]", "not a JSON object"),
            (deep.as_str(), "not a JSON object"),
            ("{\"url\":\"https://a/\"", "not a JSON object"),
            ("{}", "\"url\" is missing"),
            ("{\"url\":7}", "\"url\" is a text"),
            ("{\"url\":\"file:///etc/passwd\"}", "is not a URL that can be primed"),
            ("{\"url\":\"https://a/\",\"size\":-1}", "\"size\" is a whole number"),
            ("{\"url\":\"https://a/\",\"size\":1e30}", "\"size\" is a whole number"),
            ("{\"url\":\"https://a/\",\"digest\":\"md5:0\"}", "a digest is sha256:"),
            ("{\"url\":\"https://a/\",\"diggest\":\"x\"}", "\"diggest\" is not known"),
            ("{\"url\":\"https://a/\",\"variants\":[{\"host\":\"b\"}]}", "host cannot be set"),
            ("{\"url\":\"https://a/\",\"variants\":[7]}", "\"variants\" is a list of header sets"),
            ("{\"url\":\"https://a/\",\"not_before\":\"soon\"}", "\"not_before\" is an instant"),
        ] {
            let error = line(text).unwrap().unwrap_err();
            assert!(error.contains(reason), "{error:?} does not say {reason:?}");
        }
        assert!(read(Line::TooLong).unwrap().is_err());
        assert!(read(Line::Text(vec![0xff, 0xfe, 0x00])).unwrap().is_err());
    }
}
