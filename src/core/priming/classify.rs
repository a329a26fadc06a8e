//! What one response proves about the cache that sent it.
//!
//! The order of trust: Cache-Status of the named cache, vendors' status words, X-Varnish, ATS Via, then Age against
//! the lifetime. Not here: asking again. Invariant: `HitFresh` is said only of a response that came out of a cache and
//! whose stated lifetime, where there is one, is not over.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::freshness::{forbids_storing, lifetime};
use super::headers::Headers;
use super::said::{Said, said};

/// What a response is judged by.
#[derive(Clone, Copy, Debug)]
pub struct ResponseFacts<'a> {
    /// The node's name, as it may call itself in Cache-Status.
    pub node: &'a str,
    /// Its headers.
    pub headers: &'a Headers,
}

/// What a response proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// From the cache, fresh for the margin at least.
    HitFresh,
    /// From the cache, fresh, but not for as long as the margin.
    HitExpiring,
    /// From the cache, stale.
    HitStale,
    /// Fetched, and nothing speaks against its being kept: a next request must prove it.
    MissStored,
    /// Fetched and not kept.
    MissNotStored,
    /// Passed through.
    Bypass,
    /// Nothing tells.
    Unknown,
}

impl Class {
    /// Every class, from the best proof to none.
    pub const ALL: [Self; 7] =
        [Self::HitFresh, Self::HitExpiring, Self::HitStale, Self::MissStored, Self::MissNotStored, Self::Bypass, Self::Unknown];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::HitFresh => "hit-fresh",
            Self::HitExpiring => "hit-expiring",
            Self::HitStale => "hit-stale",
            Self::MissStored => "miss-stored",
            Self::MissNotStored => "miss-not-stored",
            Self::Bypass => "bypass",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the origin was spared this request.
    pub fn spares_origin(self) -> bool {
        matches!(self, Self::HitFresh | Self::HitExpiring)
    }

    /// Counts by name, classes that did not occur left out.
    pub fn by_name(counts: &BTreeMap<Self, u64>) -> BTreeMap<&'static str, u64> {
        counts.iter().filter(|(_, count)| **count > 0).map(|(class, count)| (class.name(), *count)).collect()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A class with what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The class.
    pub class: Class,
    /// The header that decided, or the one that forbids storing; for people.
    pub reason: String,
    /// Freshness left, if the response tells.
    pub remaining: Option<Duration>,
}

/// Judges a response. `margin` is how long a hit must stay fresh to count as [`Class::HitFresh`].
pub fn classify(facts: &ResponseFacts<'_>, margin: Duration) -> Proof {
    let remaining = remaining_by_headers(facts.headers);
    let Some((said, word)) = said(facts.headers, facts.node) else {
        return by_age(facts.headers, margin);
    };
    match said {
        Said::Hit { ttl } => hit(facts.headers, ttl, Word { text: word, margin }),
        Said::Stale => Proof { class: Class::HitStale, reason: word, remaining: Some(Duration::ZERO) },
        Said::Stored { ttl } => Proof { class: Class::MissStored, reason: word, remaining: from_ttl(ttl).or(remaining) },
        Said::Missed => missed(facts.headers, word),
        Said::NotStored => not_stored(facts.headers, Class::MissNotStored, word),
        Said::Bypass => not_stored(facts.headers, Class::Bypass, word),
        Said::Nothing => Proof { class: Class::Unknown, reason: word, remaining },
    }
}

/// The header's text with the margin it is judged by.
struct Word {
    text: String,
    margin: Duration,
}

/// A stated ttl is the cache's own clock and beats headers that were written for browsers.
fn hit(headers: &Headers, ttl: Option<i64>, word: Word) -> Proof {
    let Word { text, margin } = word;
    let (remaining, is_over) = match ttl {
        Some(ttl) => (from_ttl(Some(ttl)), ttl < 0),
        None => (remaining_by_headers(headers), is_over_age(headers)),
    };
    if is_over {
        return Proof { class: Class::HitStale, reason: format!("{text}, past its lifetime"), remaining: Some(Duration::ZERO) };
    }
    // Without an Age the lifetime is an upper bound on what is left: too short is proven, long enough is not.
    let most = remaining.or_else(|| lifetime(headers));
    let class = if most.is_some_and(|most| most < margin) { Class::HitExpiring } else { Class::HitFresh };
    Proof { class, reason: text, remaining }
}

fn missed(headers: &Headers, word: String) -> Proof {
    if forbids_storing(headers).is_some() {
        return not_stored(headers, Class::MissNotStored, word);
    }
    Proof { class: Class::MissStored, reason: word, remaining: remaining_by_headers(headers) }
}

fn not_stored(headers: &Headers, class: Class, word: String) -> Proof {
    Proof { class, reason: forbids_storing(headers).unwrap_or(word), remaining: None }
}

/// No cache says anything: an Age of a second and more within a lifetime is a stored response's, less proves nothing
/// (ATS and Varnish send `Age: 0` on a miss).
fn by_age(headers: &Headers, margin: Duration) -> Proof {
    let unknown = |reason: String| Proof { class: Class::Unknown, reason, remaining: remaining_by_headers(headers) };
    match (headers.age(), lifetime(headers)) {
        (Some(age), Some(_)) if !age.is_zero() => hit(headers, None, Word { text: format!("Age: {}", age.as_secs()), margin }),
        (Some(age), _) => unknown(format!("Age: {} and no header that tells a hit from a miss", age.as_secs())),
        (None, _) => unknown("no header tells a hit from a miss".into()),
    }
}

fn is_over_age(headers: &Headers) -> bool {
    headers.age().zip(lifetime(headers)).is_some_and(|(age, life)| age > life)
}

/// Lifetime minus Age; without an Age only a fresh fetch would be as young as its lifetime says, so nothing is claimed.
fn remaining_by_headers(headers: &Headers) -> Option<Duration> {
    headers.age().zip(lifetime(headers)).map(|(age, life)| life.saturating_sub(age))
}

fn from_ttl(ttl: Option<i64>) -> Option<Duration> {
    ttl.map(|ttl| Duration::from_secs(u64::try_from(ttl).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Duration = Duration::from_mins(1);

    fn proof(lines: &[&str]) -> Proof {
        let pairs =
            lines.iter().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
        classify(&ResponseFacts { node: "edge1", headers: &Headers::new(pairs) }, MARGIN)
    }

    #[test]
    fn recorded_responses_prove_what_the_origin_log_said() {
        let check = |what: &str, lines: &[&str], class: Class| assert_eq!(proof(lines).class, class, "{what}: {lines:?}");
        // nginx 1.22 with add_header X-Cache-Status $upstream_cache_status always; it sends no Age.
        check("nginx miss", &["X-Cache-Status: MISS", "Cache-Control: max-age=600"], Class::MissStored);
        check("nginx hit", &["X-Cache-Status: HIT", "Cache-Control: max-age=600"], Class::HitFresh);
        check("nginx short-lived hit", &["X-Cache-Status: HIT", "Cache-Control: max-age=30"], Class::HitExpiring);
        check("nginx stale", &["X-Cache-Status: STALE", "Cache-Control: max-age=600"], Class::HitStale);
        check("nginx updating", &["X-Cache-Status: UPDATING", "Cache-Control: max-age=600"], Class::HitStale);
        check("nginx expired, refetched", &["X-Cache-Status: EXPIRED", "Cache-Control: max-age=600"], Class::MissStored);
        check("nginx no-store", &["X-Cache-Status: MISS", "Cache-Control: no-store"], Class::MissNotStored);
        check("nginx cookie", &["X-Cache-Status: MISS", "Cache-Control: max-age=600", "Set-Cookie: a=1"], Class::MissNotStored);
        check("nginx bypass", &["X-Cache-Status: BYPASS", "Cache-Control: max-age=600"], Class::Bypass);
        // Varnish 7.1.
        let via = "Via: 1.1 varnish (Varnish/7.1)";
        check("varnish miss", &["X-Varnish: 2", "Age: 0", via, "Cache-Control: max-age=600"], Class::MissStored);
        check("varnish hit", &["X-Varnish: 32770 3", "Age: 0", via, "Cache-Control: max-age=600"], Class::HitFresh);
        check("varnish grace", &["X-Varnish: 32770 3", "Age: 3", via, "Cache-Control: max-age=2"], Class::HitStale);
        check("varnish hit-for-miss", &["X-Varnish: 5", "Age: 0", via, "Set-Cookie: a=1"], Class::MissNotStored);
        // Squid 5.7.
        check(
            "squid miss",
            &["X-Cache: MISS from edge1", "X-Cache-Lookup: MISS from edge1:21430", "Cache-Control: max-age=600"],
            Class::MissStored,
        );
        check("squid hit", &["Age: 0", "X-Cache: HIT from edge1", "Cache-Control: max-age=600"], Class::HitFresh);
        check(
            "squid vary loop",
            &["X-Cache: MISS from edge1", "X-Cache-Lookup: HIT from edge1:21430", "Cache-Control: max-age=600"],
            Class::MissStored,
        );
        check(
            "squid keeps what sets cookies",
            &["Age: 2", "X-Cache: HIT from edge1", "Cache-Control: public, max-age=600"],
            Class::HitFresh,
        );
        // Apache Traffic Server 9.2.
        let ats = |codes: &str| format!("Via: http/1.1 edge1 (ApacheTrafficServer/9.2.9 [{codes}])");
        for (codes, class) in [
            ("cMsSfW", Class::MissStored),
            ("cHs f ", Class::HitFresh),
            ("cRs f ", Class::HitFresh),
            ("cSsNfU", Class::HitStale),
            ("cSsSfW", Class::MissStored),
            ("cMsSf ", Class::MissNotStored),
            ("cMs f ", Class::MissNotStored),
            ("uScHs f p eN:t cCHp s ", Class::HitFresh),
        ] {
            check("ats", &[&ats(codes), "Age: 0", "Cache-Control: max-age=600"], class);
        }
        check("ats xdebug", &["X-Cache: hit-fresh", "Age: 1", "Cache-Control: max-age=600"], Class::HitFresh);
        check("ats xdebug stale", &["X-Cache: hit-stale", "Age: 1", "Cache-Control: max-age=600"], Class::HitStale);
        // Vendors.
        check("cloudfront", &["X-Cache: Hit from cloudfront", "Age: 5", "Cache-Control: max-age=600"], Class::HitFresh);
        check("cloudfront refresh", &["X-Cache: RefreshHit from cloudfront", "Cache-Control: max-age=600"], Class::MissStored);
        check("cloudfront miss", &["X-Cache: Miss from cloudfront", "Cache-Control: max-age=600"], Class::MissStored);
        check("cloudfront error", &["X-Cache: Error from cloudfront"], Class::Unknown);
        check("fastly: shield hit, edge miss", &["X-Cache: HIT, MISS", "Cache-Control: max-age=600"], Class::MissStored);
        check("cloudflare", &["CF-Cache-Status: DYNAMIC", "Cache-Control: max-age=600"], Class::Bypass);
        check("akamai", &["X-Cache: TCP_MEM_HIT from a1 (AkamaiGHost/1)", "Cache-Control: max-age=600"], Class::HitFresh);
    }

    #[test]
    fn cache_status_of_the_named_cache_outranks_other_words() {
        let check = |lines: &[&str], class: Class| assert_eq!(proof(lines).class, class, "{lines:?}");
        check(&["Cache-Status: edge1; hit; ttl=600", "X-Cache: MISS from parent"], Class::HitFresh);
        check(&["Cache-Status: edge1; hit; ttl=59"], Class::HitExpiring);
        check(&["Cache-Status: edge1; hit; ttl=-1", "Cache-Control: max-age=600"], Class::HitStale);
        check(&["Cache-Status: edge1; hit; ttl=600", "Age: 900", "Cache-Control: max-age=60"], Class::HitFresh);
        check(&["Cache-Status: edge1; hit", "Age: 900", "Cache-Control: max-age=60"], Class::HitStale);
        check(&["Cache-Status: shield; hit; ttl=600, edge1; fwd=uri-miss; stored"], Class::MissStored);
        check(&["Cache-Status: edge1; fwd=uri-miss", "Cache-Control: private"], Class::MissNotStored);
        check(&["Cache-Status: edge1; fwd=uri-miss; stored=?0", "Cache-Control: max-age=60"], Class::MissNotStored);
        check(&["Cache-Status: edge1; fwd=bypass"], Class::Bypass);
        check(&["Cache-Status: edge1", "X-Cache: HIT"], Class::HitFresh);
    }

    #[test]
    fn age_proves_a_hit_only_past_a_second_and_within_a_lifetime() {
        let check = |lines: &[&str], class: Class| assert_eq!(proof(lines).class, class, "{lines:?}");
        check(&["Age: 5", "Cache-Control: max-age=600"], Class::HitFresh);
        check(&["Age: 590", "Cache-Control: max-age=600"], Class::HitExpiring);
        check(&["Age: 601", "Cache-Control: max-age=600"], Class::HitStale);
        check(&["Age: 0", "Cache-Control: max-age=600"], Class::Unknown);
        check(&["Age: 5"], Class::Unknown);
        check(&["Age: -5", "Cache-Control: max-age=600"], Class::Unknown);
        check(&["Cache-Control: max-age=600"], Class::Unknown);
        check(&[], Class::Unknown);
    }

    #[test]
    fn what_is_left_is_claimed_only_when_it_is_known() {
        let left = |lines: &[&str]| proof(lines).remaining.map(|left| left.as_secs());
        assert_eq!(left(&["X-Cache: HIT", "Age: 100", "Cache-Control: max-age=600"]), Some(500));
        assert_eq!(left(&["X-Cache-Status: HIT", "Cache-Control: max-age=600"]), None);
        assert_eq!(left(&["Cache-Status: edge1; hit; ttl=42"]), Some(42));
    }

    #[test]
    fn the_reason_names_the_header_that_forbids_storing() {
        for (lines, reason) in [
            (["X-Cache-Status: MISS", "Cache-Control: no-store"], "Cache-Control: no-store"),
            (["X-Cache-Status: MISS", "Set-Cookie: a=1"], "Set-Cookie"),
            (["Cache-Status: edge1; fwd=bypass", "Vary: *"], "Vary: *"),
            (["Cache-Status: edge1; fwd=bypass", "Cache-Control: max-age=60"], "Cache-Status: edge1; fwd=bypass"),
        ] {
            assert_eq!(proof(&lines).reason, reason);
        }
    }
}
