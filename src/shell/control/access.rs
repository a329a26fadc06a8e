//! Who asks, and whether they may.
//!
//! Tokens are kept as SHA-256 and compared without an early exit. Invariant: a route answers nobody with less than its
//! least role, and the only way around a token is a daemon without people, on loopback.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sha2::{Digest, Sha256};

use super::desk::{Desk, People, View};
use super::problem::Problem;
use crate::core::checklist::Demand;
use crate::core::decide::{Config, Person};
use crate::core::words::Name;

/// The least that somebody must be to use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Nobody in particular: health and metrics, for monitors on this machine.
    Anybody,
    /// Anybody with a token: the core looks at their roles itself.
    Known,
    /// May read.
    Viewer,
    /// May give orders.
    Operator,
    /// May change documents.
    Admin,
}

impl Least {
    /// Roles that are enough: admin implies operator implies viewer.
    fn enough(self) -> &'static [&'static str] {
        match self {
            Self::Anybody | Self::Known => &[],
            Self::Viewer => &["viewer", "operator", "admin"],
            Self::Operator => &["operator", "admin"],
            Self::Admin => &["admin"],
        }
    }

    /// The role as documents name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anybody => "none",
            Self::Known => "any",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Whether these roles are enough.
    pub fn admits(self, person: &Person) -> Result<(), Problem> {
        let enough = self.enough();
        let has = |role: &&str| person.roles.iter().any(|own| own.as_str().eq_ignore_ascii_case(role));
        if enough.is_empty() || enough.iter().any(has) { Ok(()) } else { Err(Problem::forbidden(self.word())) }
    }
}

/// The person behind a request; 401 when people are configured and this is none of them.
pub fn person(desk: &Desk, view: &View, headers: &HeaderMap) -> Result<Person, Problem> {
    let people = desk.people.load();
    let People::Known(people) = people.as_ref() else { return local(&view.snapshot.config) };
    let token = bearer(headers).ok_or_else(Problem::unknown_person)?;
    let digest = hex(&Sha256::digest(token.as_bytes()));
    // Every entry is compared in full, so that the time taken does not tell how much of a hash was right.
    let found = people.iter().fold(None, |found, (hash, person)| if same(hash, &digest) { Some(person) } else { found });
    found.cloned().ok_or_else(Problem::unknown_person)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn same(one: &str, other: &str) -> bool {
    let difference = one.bytes().zip(other.bytes()).fold(0_u8, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
    one.len() == other.len() && difference == 0
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

/// Everybody on loopback, when nobody is configured: every role that the documents know.
fn local(config: &Config) -> Result<Person, Problem> {
    let items = config.checklists.values().flat_map(|checklist| &checklist.items);
    let signing = items.flat_map(|item| match &item.demand {
        Demand::SignOff { roles, .. } => roles.as_slice(),
        Demand::Check(_) => &[],
    });
    let lifting = config.throttles.values().flat_map(|policy| &policy.lift.roles);
    let own = ["viewer", "operator", "admin"].into_iter().map(name).collect::<Result<Vec<Name>, Problem>>()?;
    let roles: BTreeSet<Name> = signing.chain(lifting).cloned().chain(own).collect();
    Ok(Person { name: name("local")?, roles: roles.into_iter().collect() })
}

fn name(text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::malformed(error.to_string()))
}

/// Refuses requests that a page of somebody else's may have made: a name that only resolves to loopback (DNS
/// rebinding), or a change from another origin. Programs send neither.
pub fn from_here(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let authorities = [uri.authority().map(Authority::as_str), host];
    if authorities.iter().all(Option::is_none) {
        return Err(Problem::malformed("the request has no Host"));
    }
    let foreign_origin = !method.is_safe() && headers.get(ORIGIN).is_some_and(|origin| !is_own_origin(origin.as_bytes(), host));
    if authorities.into_iter().flatten().all(is_loopback) && !foreign_origin {
        return Ok(());
    }
    let detail = "this listener answers to localhost, 127.0.0.1 and [::1] only, and takes orders from no other origin";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_host", detail))
}

fn is_loopback(authority: &str) -> bool {
    let Ok(parsed) = authority.parse::<Authority>() else { return false };
    let host = parsed.host().trim_start_matches('[').trim_end_matches(']');
    let address_is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !authority.contains('@') && (address_is_loopback || host.eq_ignore_ascii_case("localhost"))
}

fn is_own_origin(origin: &[u8], host: Option<&str>) -> bool {
    let origin = std::str::from_utf8(origin).unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| Some(authority) == host)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(method: &Method, headers: &[(&'static str, &str)], passes: bool) {
        let mut map = HeaderMap::new();
        for (header, value) in headers {
            map.insert(*header, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(from_here(method, &Uri::from_static("/api/v1/releases"), &map).is_ok(), passes, "{method} {headers:?}");
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for host in ["localhost", "LOCALHOST:8017", "127.0.0.1:8017", "127.9.9.9", "[::1]:8017"] {
            check(&Method::GET, &[("host", host)], true);
        }
        for host in
            ["example.com", "127.0.0.1.example.com", "localhost.example.com", "localhost@example.com", "10.0.0.1", "", "a b"]
        {
            check(&Method::GET, &[("host", host)], false);
        }
        check(&Method::GET, &[], false);
    }

    #[test]
    fn a_page_of_another_origin_gives_no_orders() {
        let host = ("host", "127.0.0.1:8017");
        check(&Method::PUT, &[host], true);
        check(&Method::PUT, &[host, ("origin", "http://127.0.0.1:8017")], true);
        check(&Method::PUT, &[host, ("origin", "http://127.0.0.1:9999")], false);
        check(&Method::PUT, &[host, ("origin", "https://example.com")], false);
        check(&Method::PUT, &[host, ("origin", "null")], false);
        check(&Method::GET, &[host, ("origin", "https://example.com")], true);
    }

    #[test]
    fn each_role_admits_what_it_implies() {
        let with = |role: &str| Person { name: Name::new("ann").unwrap(), roles: vec![Name::new(role).unwrap()] };
        for (role, admitted) in [
            ("viewer", [true, true, false, false]),
            ("Operator", [true, true, true, false]),
            ("admin", [true, true, true, true]),
            ("sre", [true, false, false, false]),
        ] {
            for (least, expected) in [Least::Known, Least::Viewer, Least::Operator, Least::Admin].into_iter().zip(admitted) {
                assert_eq!(least.admits(&with(role)).is_ok(), expected, "{role} {least:?}");
            }
        }
    }
}
