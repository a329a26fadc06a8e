//! Response headers as a cache sent them, and the small grammars that several of them share.
//!
//! Not here: what they mean. Invariant: reading is total; a malformed value is as good as none.

use std::time::Duration;

use jiff::Timestamp;

/// Most seconds that a delta may state: 2^31, as RFC 9111 section 1.2.2 has caches do on overflow.
const MOST_SECS: u64 = 1 << 31;

/// Names in lower case with values, in the order of the wire; repeated names stay apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Folds the names.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
    }

    /// Every value of a name (in lower case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a name: the line that the nearest cache wrote, where caches append.
    pub fn last<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next_back()
    }

    /// Comma-separated members over all lines of a name, trimmed, empty ones left out.
    pub fn members<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.all(name).flat_map(|line| split_outside_quotes(line, ',')).map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    /// `Age` in whole seconds, if there is a readable one.
    pub fn age(&self) -> Option<Duration> {
        self.last("age").and_then(delta_secs)
    }

    /// A directive of `Cache-Control` or a header of that shape: `None` absent, `Some("")` without a value.
    pub fn directive<'a>(&'a self, header: &'a str, name: &str) -> Option<&'a str> {
        self.members(header).into_iter().find_map(|member| {
            let (key, value) = member.split_once('=').unwrap_or((member, ""));
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
        })
    }
}

/// Splits at a separator that stands outside double quotes; backslashes escape within them (RFC 9651 section 3.3.3).
pub(super) fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whole seconds; more than 2^31 count as 2^31.
pub(super) fn delta_secs(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(text.parse().unwrap_or(MOST_SECS).min(MOST_SECS)))
}

/// An HTTP date in its preferred form (RFC 9110 section 5.6.7).
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// `Retry-After` as a wait from `now`: seconds or a date; a date that has passed is no wait.
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    let text = headers.last("retry-after")?;
    delta_secs(text).or_else(|| http_date(text).map(|at| crate::core::words::since(at, now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn directives_are_found_in_any_case_and_unquoted() {
        let one = headers(&[("Cache-Control", "Public, MAX-AGE=\"600\", ext=\"a, no-store\"")]);
        assert_eq!(one.directive("cache-control", "max-age"), Some("600"));
        assert_eq!(one.directive("cache-control", "public"), Some(""));
        assert_eq!(one.directive("cache-control", "no-store"), None);
    }

    #[test]
    fn deltas_are_digits_and_saturate() {
        for (text, secs) in
            [("600", Some(600)), ("99999999999999999999999", Some(1 << 31)), ("-1", None), ("", None), ("1.5", None)]
        {
            assert_eq!(delta_secs(text).map(|delta| delta.as_secs()), secs, "{text:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        for (text, secs) in [
            ("1", Some(1)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("soon", None),
        ] {
            assert_eq!(retry_after(&headers(&[("Retry-After", text)]), now).map(|wait| wait.as_secs()), secs, "{text:?}");
        }
    }
}
