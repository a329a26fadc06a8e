//! How long a response may be served, and which header forbids a shared cache to keep it.
//!
//! Not here: whether a cache did keep it. Source: RFC 9111 sections 3, 4.2 and 5.2, RFC 9213 for CDN-Cache-Control.

use std::time::Duration;

use super::headers::{Headers, delta_secs, http_date};

/// Freshness lifetime for a shared cache; `None`: nothing states one. Unreadable ones count as zero (RFC 9111 section 4.2.1).
pub fn lifetime(headers: &Headers) -> Option<Duration> {
    let stated = [("cdn-cache-control", "max-age"), ("cache-control", "s-maxage"), ("cache-control", "max-age")]
        .into_iter()
        .find_map(|(header, name)| headers.directive(header, name));
    match stated {
        Some(text) => Some(delta_secs(text).unwrap_or(Duration::ZERO)),
        None => headers.last("expires").map(|text| until_expiry(headers, text)),
    }
}

/// `Expires` minus `Date`; without a readable pair there is no lifetime left.
fn until_expiry(headers: &Headers, expires: &str) -> Duration {
    let pair = http_date(expires).zip(headers.last("date").and_then(http_date));
    pair.map_or(Duration::ZERO, |(expires, date)| crate::core::words::since(expires, date))
}

/// The header that forbids a shared cache to keep this response for a next request; `None`: nothing does.
/// Some caches keep it nevertheless (Squid and ATS store responses with Set-Cookie), so this explains a miss, it proves none.
pub fn forbids_storing(headers: &Headers) -> Option<String> {
    let targeted = !headers.members("cdn-cache-control").is_empty();
    let control = if targeted { "cdn-cache-control" } else { "cache-control" };
    let shown = if targeted { "CDN-Cache-Control" } else { "Cache-Control" };
    if let Some(word) = ["no-store", "private", "no-cache"].into_iter().find(|word| headers.directive(control, word).is_some()) {
        return Some(format!("{shown}: {word}"));
    }
    if headers.members("vary").contains(&"*") {
        return Some("Vary: *".into());
    }
    if headers.last("set-cookie").is_some() {
        return Some("Set-Cookie".into());
    }
    if lifetime(headers) == Some(Duration::ZERO) {
        return Some(no_lifetime(headers, control, shown));
    }
    let pragma = headers.members("cache-control").is_empty() && headers.members("pragma").contains(&"no-cache");
    pragma.then(|| "Pragma: no-cache".into())
}

fn no_lifetime(headers: &Headers, control: &str, shown: &str) -> String {
    let word = ["s-maxage", "max-age"].into_iter().find(|word| headers.directive(control, word).is_some());
    word.map_or_else(|| "Expires, which has passed".into(), |word| format!("{shown}: {word}=0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn the_most_specific_lifetime_counts() {
        let check = |pairs: &[(&str, &str)], secs: Option<u64>| {
            assert_eq!(lifetime(&headers(pairs)).map(|life| life.as_secs()), secs, "{pairs:?}");
        };
        check(&[("Cache-Control", "max-age=600")], Some(600));
        check(&[("Cache-Control", "max-age=600, s-maxage=60")], Some(60));
        check(&[("Cache-Control", "max-age=600"), ("CDN-Cache-Control", "max-age=7")], Some(7));
        check(&[("Cache-Control", "max-age=soon")], Some(0));
        check(&[("Expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(60));
        check(&[("Expires", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Date", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(0));
        check(&[("Expires", "0")], Some(0));
        check(&[("Cache-Control", "public")], None);
    }

    #[test]
    fn what_forbids_storing_is_named() {
        let check = |pairs: &[(&str, &str)], reason: Option<&str>| {
            assert_eq!(forbids_storing(&headers(pairs)).as_deref(), reason, "{pairs:?}");
        };
        check(&[("Cache-Control", "no-store")], Some("Cache-Control: no-store"));
        check(&[("Cache-Control", "Private, max-age=60")], Some("Cache-Control: private"));
        check(&[("Cache-Control", "public, max-age=60"), ("Set-Cookie", "a=1")], Some("Set-Cookie"));
        check(&[("Cache-Control", "max-age=60"), ("Vary", "Accept, *")], Some("Vary: *"));
        check(&[("Cache-Control", "max-age=0")], Some("Cache-Control: max-age=0"));
        check(&[("Cache-Control", "no-store"), ("CDN-Cache-Control", "max-age=60")], None);
        check(&[("Expires", "0")], Some("Expires, which has passed"));
        check(&[("Pragma", "no-cache")], Some("Pragma: no-cache"));
        check(&[("Cache-Control", "max-age=60")], None);
        check(&[], None);
    }
}
