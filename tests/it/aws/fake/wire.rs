//! The query protocol: forms in, XML out.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};

/// A form as names and values.
pub type Form = BTreeMap<String, String>;

pub fn form(body: &[u8]) -> Form {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Who signed a request, for which region and service, as its signature says.
pub fn signer(headers: &HeaderMap) -> (String, String, String) {
    let signature = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scope = signature.split_once("Credential=").map_or("", |(_, rest)| rest.split(',').next().unwrap_or_default());
    let mut parts = scope.split('/').map(str::to_owned);
    let (key, region, service) = (parts.next(), parts.nth(1), parts.next());
    (key.unwrap_or_default(), region.unwrap_or_default(), service.unwrap_or_default())
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        rest = if escaped.is_some() { &tail[2..] } else { tail };
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The members of a list, in order.
pub fn members(form: &Form, list: &str) -> Vec<String> {
    (1..).map_while(|i| form.get(&format!("{list}.member.{i}")).cloned()).collect()
}

pub fn number(form: &Form, name: &str) -> Option<i64> {
    form.get(name)?.parse().ok()
}

/// An instant of a form, as seconds.
pub fn instant(form: &Form, name: &str) -> Option<i64> {
    form.get(name)?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub fn tag(name: &str, value: impl std::fmt::Display) -> String {
    format!("<{name}>{}</{name}>", escaped(&value.to_string()))
}

pub fn time(name: &str, secs: i64) -> String {
    tag(name, jiff::Timestamp::from_second(secs).unwrap())
}

/// A list of members that are XML already.
pub fn list(name: &str, members: impl IntoIterator<Item = String>) -> String {
    let members: Vec<String> = members.into_iter().map(|member| format!("<member>{member}</member>")).collect();
    format!("<{name}>{}</{name}>", members.concat())
}

pub fn success(action: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )
}

pub fn failure(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type>{}{}</Error>\
         <RequestId>1</RequestId></ErrorResponse>",
        tag("Code", code),
        tag("Message", message)
    )
}
