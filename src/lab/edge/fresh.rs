//! How long a response may be kept, by RFC 9111: what it says of itself, and how old it came.
//!
//! It keeps nothing. Only an explicit lifetime counts; guessing one (section 4.2.2) would hide mistakes of the scene.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{AGE, CACHE_CONTROL, HeaderName, SET_COOKIE, VARY};

/// What a response allows a shared cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// Not to be stored.
    No,
    /// To be stored for so long, as one variant per value of these request headers.
    Store {
        /// `s-maxage`, else `max-age`.
        lifetime: Duration,
        /// The members of `Vary`, sorted.
        vary: Vec<HeaderName>,
    },
}

/// Reads the allowance of a 200 response.
pub(super) fn allowance(headers: &HeaderMap) -> Allowance {
    let directives = list(headers, &CACHE_CONTROL);
    let forbidden = |directive: &String| ["no-store", "no-cache", "private"].contains(&directive.as_str());
    let seconds = |name: &str| {
        let value = directives.iter().find_map(|directive| directive.strip_prefix(name)?.strip_prefix('='))?;
        value.trim_matches('"').parse::<u32>().ok().map(u64::from).map(Duration::from_secs)
    };
    let vary: Result<Vec<_>, _> = list(headers, &VARY).iter().map(|name| HeaderName::from_bytes(name.as_bytes())).collect();
    let lifetime = seconds("s-maxage").or_else(|| seconds("max-age"));
    let forbidden = directives.iter().any(forbidden) || headers.contains_key(SET_COOKIE);
    match (lifetime, vary) {
        (Some(lifetime), Ok(mut vary)) if !forbidden && !vary.iter().any(|name| name.as_str() == "*") => {
            vary.sort_by(|one, other| one.as_str().cmp(other.as_str()));
            vary.dedup();
            Allowance::Store { lifetime, vary }
        }
        // Also a Vary that cannot be read, or `*`: no later request can be known to match.
        _ => Allowance::No,
    }
}

/// How old it was when it came.
pub(super) fn initial_age(headers: &HeaderMap) -> Duration {
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()).and_then(|age| age.parse::<u32>().ok());
    Duration::from_secs(age.map_or(0, u64::from))
}

fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(|part| part.trim().to_ascii_lowercase()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<(u64, &[&str])>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let expected = expected.map_or(Allowance::No, |(secs, vary)| Allowance::Store {
            lifetime: Duration::from_secs(secs),
            vary: vary.iter().map(|name| name.parse().unwrap()).collect(),
        });
        assert_eq!(allowance(&map), expected, "{headers:?}");
    }

    #[test]
    fn a_shared_cache_keeps_what_it_may() {
        check(&[("cache-control", "public, max-age=60")], Some((60, &[])));
        check(&[("cache-control", "max-age=60, s-maxage=5")], Some((5, &[])));
        check(
            &[("cache-control", "Max-Age=60"), ("vary", "Accept-Encoding, Accept")],
            Some((60, &["accept", "accept-encoding"])),
        );
        check(&[], None);
        check(&[("cache-control", "no-store, max-age=60")], None);
        check(&[("cache-control", "private"), ("cache-control", "max-age=60")], None);
        check(&[("cache-control", "max-age=60"), ("set-cookie", "a=b")], None);
        check(&[("cache-control", "max-age=60"), ("vary", "*")], None);
        check(&[("cache-control", "max-age=99999999999999999999")], None);
    }
}
