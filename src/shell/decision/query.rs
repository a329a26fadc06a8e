//! What a request asks, from its query and header: percent-decoding and the typed request.
//!
//! Invariant: hostile input gives a typed problem that names the parameter; nothing here allocates more than the
//! request's own size, which the listener bounds.

use std::borrow::Cow;

use serde::Serialize;

use crate::core::throttle::{Force, LONGEST_CLIENT, Request};
use crate::core::words::{Name, Version};

/// A parameter that is missing or can't be read.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    /// Which.
    pub(super) parameter: &'static str,
    /// What is wrong with it.
    pub(super) detail: String,
}

/// The parameters that mean something, in the order of problems. Others are ignored: clients append what they like.
const PARAMETERS: [&str; 5] = ["app", "version", "channel", "client", "force"];

/// Reads a request. The header's client counts where the query has none.
pub(super) fn read(query: &str, client_header: Option<&[u8]>) -> Result<Request, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut texts = split(query, &mut problems);
    let client = texts[3].take().or_else(|| header(client_header, &mut problems)).filter(|client| !client.is_empty());
    if client.as_ref().is_some_and(|client| client.len() > LONGEST_CLIENT) {
        problems.push(Problem { parameter: "client", detail: format!("a client id is at most {LONGEST_CLIENT} bytes") });
    }
    let [app, version, channel, _, force] = texts;
    let app = needed("app", app, &mut problems, Name::new);
    let version = needed("version", version, &mut problems, Version::new);
    let channel = needed("channel", channel, &mut problems, Name::new);
    match (app, version, channel) {
        (Some(app), Some(version), Some(channel)) if problems.is_empty() => {
            let client = client.map(Cow::into_owned);
            Ok(Request { app, version, channel, client, force: Force::parse(force.as_deref()) })
        }
        _ => Err(problems),
    }
}

/// The texts of [`PARAMETERS`], decoded. Empty ones count as absent.
fn split<'a>(query: &'a str, problems: &mut Vec<Problem>) -> [Option<Cow<'a, str>>; 5] {
    let mut texts = [const { None }; 5];
    for part in query.split('&') {
        let (name, text) = part.split_once('=').unwrap_or((part, ""));
        let Some(place) = PARAMETERS.iter().position(|parameter| *parameter == name) else { continue };
        let parameter = PARAMETERS[place];
        // Versions such as 1.0+build have no spaces but a plus, which many callers forget to encode.
        let plus = if parameter == "version" { b'+' } else { b' ' };
        match decode(text, plus) {
            Some(text) if text.is_empty() => {}
            Some(_) if texts[place].is_some() => twice(parameter, problems),
            Some(text) => texts[place] = Some(text),
            None => {
                let detail = "not percent-encoded UTF-8: after % come two hexadecimal digits".into();
                problems.push(Problem { parameter, detail });
            }
        }
    }
    texts
}

/// Two values would leave it to chance which one counts, and `force` can turn the answer round.
fn twice(parameter: &'static str, problems: &mut Vec<Problem>) {
    if problems.iter().all(|problem| problem.parameter != parameter) {
        problems.push(Problem { parameter, detail: "given twice".into() });
    }
}

fn header<'a>(text: Option<&'a [u8]>, problems: &mut Vec<Problem>) -> Option<Cow<'a, str>> {
    let text = std::str::from_utf8(text?);
    if text.is_err() {
        problems.push(Problem { parameter: "client", detail: "the X-Tminus-Client header is not UTF-8".into() });
    }
    text.ok().map(Cow::Borrowed)
}

fn needed<T, E: std::fmt::Display>(
    parameter: &'static str,
    text: Option<Cow<'_, str>>,
    problems: &mut Vec<Problem>,
    read: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    if problems.iter().any(|problem| problem.parameter == parameter) {
        return None;
    }
    let read = text.map_or_else(|| Err("missing".to_owned()), |text| read(&text).map_err(|error| error.to_string()));
    read.map_err(|detail| problems.push(Problem { parameter, detail })).ok()
}

/// Percent-decodes; `plus` is what a plus stands for. `None`: not an encoding, or not UTF-8.
fn decode(text: &str, plus: u8) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || (byte == b'+' && plus != b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' => plus,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_decoded_exactly() {
        for (text, plus, expected) in [
            ("plain", b' ', Some("plain")),
            ("a+b%20c", b' ', Some("a b c")),
            ("1.0+x%2By", b'+', Some("1.0+x+y")),
            ("%C3%A9%c3%a9", b' ', Some("éé")),
            ("%41%61", b' ', Some("Aa")),
            ("%", b' ', None),
            ("%4", b' ', None),
            ("%zz", b' ', None),
            ("%+1", b' ', None),
            ("%ff", b' ', None),
            ("", b' ', Some("")),
        ] {
            assert_eq!(decode(text, plus).as_deref(), expected, "{text}");
        }
    }

    /// `app version channel client force`, or the problems.
    fn check(query: &str, header: Option<&str>, expected: &str) {
        let told = match read(query, header.map(str::as_bytes)) {
            Ok(Request { app, version, channel, client, force }) => {
                format!("{app} {version} {channel} {} {force:?}", client.unwrap_or_else(|| "-".into()))
            }
            Err(problems) => {
                let told: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.parameter, problem.detail)).collect();
                told.join("\n")
            }
        };
        assert_eq!(told, expected, "{query}");
    }

    #[test]
    fn requests_are_read_whole() {
        check("app=A&version=1.0&channel=release", None, "A 1.0 release - None");
        check("force=1&client=c&channel=My+Channel&version=1.0+x&app=%41&avast=1", None, "A 1.0+x My Channel c Serve");
        check("app=A&version=1&channel=c&client=&force=", Some("h"), "A 1 c h None");
        check("app=A&version=1&channel=c&client=q", Some("h"), "A 1 c q None");
        check("app=A&version=1&channel=c&force=-1&&=&x", None, "A 1 c - HoldBack");
        check("app=A&version=1&channel=c&force=1?avast=1", None, "A 1 c - None");
    }

    #[test]
    fn problems_name_every_parameter_at_once() {
        check("", None, "app: missing\nversion: missing\nchannel: missing");
        check("app=A&app=B&version=1&channel=c", None, "app: given twice");
        check("app=%&version=1&channel=c", None, "app: not percent-encoded UTF-8: after % come two hexadecimal digits");
        check("app=A&version=1&channel=c&force=1&force=-1&force=1", None, "force: given twice");
        let long = format!("app=A&version=1&channel=c&client={}", "x".repeat(257));
        check(&long, None, "client: a client id is at most 256 bytes");
        assert!(read("app=A&version=1&channel=c", Some(b"\xff")).is_err());
        assert_eq!(read("app=A&version=1+2%20&channel=c", None).unwrap_err()[0].parameter, "version");
    }

    proptest! {
        #[test]
        fn hostile_queries_never_panic(query in "[ -~]{0,80}", header in prop::option::of(prop::collection::vec(any::<u8>(), 0..40))) {
            let _ = read(&query, header.as_deref());
        }

        #[test]
        fn whatever_is_encoded_comes_back(text in "\\PC{0,20}") {
            let encoded: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let encoded = encoded.concat();
            let decoded = decode(&encoded, b' ');
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }
    }
}
