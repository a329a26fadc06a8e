//! What a cache says it did with one request, in vendors' words: Cache-Status, X-Cache and its kin, X-Varnish, ATS Via.
//!
//! Not here: whether to believe it (age and lifetime are weighed by `classify`). Source of the maps: headers
//! recorded from nginx 1.22, Varnish 7.1, Squid 5.7, ATS 9.2 and the vendors' documentation.

use super::cache_status::cache_status;
use super::headers::Headers;

/// One cache's word on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Served from the cache; `ttl` in seconds, negative when stale, if it tells.
    Hit { ttl: Option<i64> },
    /// Served from the cache though no longer fresh, or fresh only after asking the origin.
    Stale,
    /// Fetched, and said to be kept.
    Stored { ttl: Option<i64> },
    /// Fetched; whether it was kept is not said.
    Missed,
    /// Fetched, and said not to be kept.
    NotStored,
    /// Passed through.
    Bypass,
    /// Nothing that is understood.
    Nothing,
}

/// Headers with one status word, the more specific first.
const STATUS_HEADERS: [(&str, &str); 4] = [
    ("cf-cache-status", "CF-Cache-Status"),
    ("x-cache-status", "X-Cache-Status"),
    ("x-proxy-cache", "X-Proxy-Cache"),
    ("x-cache", "X-Cache"),
];

/// What the node says, with the header that says it, in the order in which headers are to be trusted.
pub(super) fn said(headers: &Headers, node: &str) -> Option<(Said, String)> {
    let understood = |found: &(Said, String)| found.0 != Said::Nothing;
    cache_status(headers, node)
        .filter(understood)
        .or_else(|| status_word(headers).filter(understood))
        .or_else(|| varnish(headers))
        .or_else(|| traffic_server(headers).filter(understood))
}

/// The nearest cache is the last member of the last line (Fastly: `HIT, MISS` is shield, then edge).
fn status_word(headers: &Headers) -> Option<(Said, String)> {
    STATUS_HEADERS.iter().find_map(|(key, shown)| {
        let member = headers.members(key).into_iter().next_back()?;
        let word = member.split_whitespace().next()?.to_ascii_uppercase();
        Some((from_word(&word), format!("{shown}: {member}")))
    })
}

fn from_word(word: &str) -> Said {
    match word {
        "HIT" | "HIT-FRESH" | "TCP_HIT" | "TCP_MEM_HIT" | "TCP_IMS_HIT" | "TCP_NEGATIVE_HIT" => Said::Hit { ttl: None },
        "STALE" | "UPDATING" | "HIT-STALE" | "TCP_REFRESH_FAIL_HIT" => Said::Stale,
        "MISS" | "TCP_MISS" | "EXPIRED" | "REVALIDATED" | "TCP_REFRESH_MISS" | "TCP_REFRESH_HIT" | "REFRESHHIT" => Said::Missed,
        "BYPASS" | "DYNAMIC" | "PASS" | "SKIPPED" | "LAMBDAGENERATEDRESPONSE" | "FUNCTIONGENERATEDRESPONSE" => Said::Bypass,
        _ => Said::Nothing,
    }
}

/// Varnish names its transaction, and on a hit also the one that stored the object.
fn varnish(headers: &Headers) -> Option<(Said, String)> {
    let ids = headers.last("x-varnish")?;
    let said = if ids.split_whitespace().count() > 1 { Said::Hit { ttl: None } } else { Said::Missed };
    Some((said, format!("X-Varnish: {ids}")))
}

/// ATS tells by letters in the brackets of its `Via` (proxy.config.http.insert_response_via_str >= 2):
/// `c` is the cache lookup (H disk, R memory, S stale, M miss), `f` the fill (W written, U updated).
fn traffic_server(headers: &Headers) -> Option<(Said, String)> {
    let via = headers.members("via").into_iter().next_back()?;
    let codes = via.rsplit_once('[').map(|(_, after)| after.split([']', ':']).next().unwrap_or(""))?;
    let letter =
        |key: u8| codes.as_bytes().chunks(2).find(|pair| pair.first() == Some(&key)).and_then(|pair| pair.get(1).copied());
    let said = match (letter(b'c')?, letter(b'f')) {
        (b'H' | b'R', _) => Said::Hit { ttl: None },
        (b'S', Some(b'W')) | (b'M' | b'A', Some(b'W' | b'U')) => Said::Stored { ttl: None },
        (b'S', _) => Said::Stale,
        (b'M' | b'A', _) => Said::NotStored,
        _ => Said::Nothing,
    };
    Some((said, format!("Via: [{codes}]")))
}
