//! The JSON that targets receive.
//!
//! A wire type of its own: the core may rename its fields, receivers cannot. Invariant: the same announcement gives
//! the same bytes, so that a receiver may compare repeats.

use serde::Serialize;

use crate::core::decide::{Announcement, Topic};
use crate::core::words::Name;

#[derive(Serialize)]
struct Message<'a> {
    key: &'a str,
    topic: Topic,
    release: Option<&'a Name>,
    clock: Option<&'a str>,
    what: &'a str,
    meaning: &'a str,
    next: &'a str,
    at: String,
}

/// Header that carries the announcement's key, so that receivers can drop repeats without reading the body.
pub(super) const KEY_HEADER: &str = "x-tminus-event";

/// The announcement as JSON: `key, topic, release, clock, what, meaning, next, at` (RFC 3339).
pub(super) fn json(announcement: &Announcement) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Message {
        key: &announcement.key,
        topic: announcement.topic,
        release: announcement.release.as_ref(),
        clock: announcement.clock.as_deref(),
        what: &announcement.what,
        meaning: &announcement.meaning,
        next: &announcement.next,
        at: announcement.at.to_string(),
    })
}

/// The key as a header value: visible ASCII as it is, everything else, and `%`, percent-encoded.
pub(super) fn header_key(key: &str) -> String {
    let encode = |byte: u8| match byte {
        b'%' => "%25".into(),
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    key.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_header_values() {
        for (key, header) in [("reader-2.3/step/1", "reader-2.3/step/1"), ("a b", "a%20b"), ("é%\n", "%C3%A9%25%0A")] {
            assert_eq!(header_key(key), header);
        }
    }

    #[test]
    fn absent_is_null_and_instants_are_rfc_3339() {
        let announcement = Announcement {
            key: "k".into(),
            topic: Topic::OverrideExpiring,
            release: None,
            clock: None,
            what: "W.".into(),
            meaning: "M.".into(),
            next: "N.".into(),
            at: "2026-12-01T19:00:00Z".parse().unwrap(),
        };
        let text = String::from_utf8(json(&announcement).unwrap()).unwrap();
        let expected = r#"{"key":"k","topic":"override_expiring","release":null,"clock":null,"what":"W.","meaning":"M.","next":"N.","at":"2026-12-01T19:00:00Z"}"#;
        assert_eq!(text, expected);
    }
}
