//! RFC 9211 `Cache-Status`: which member speaks for a node, and what it says.
//!
//! A List of Items, origin-nearest first. Reading is lenient: members that are not understood are skipped.

use super::headers::{Headers, split_outside_quotes};
use super::said::Said;

/// What the member of the named cache says; without one of that name, the last, which is the nearest to us.
pub(super) fn cache_status(headers: &Headers, node: &str) -> Option<(Said, String)> {
    let members = headers.members("cache-status");
    let named = members.iter().rev().find(|member| cache_name(member).eq_ignore_ascii_case(node));
    let member = named.or(members.last())?;
    Some((read(member), format!("Cache-Status: {member}")))
}

fn cache_name(member: &str) -> &str {
    split_outside_quotes(member, ';').first().map_or("", |name| name.trim().trim_matches('"'))
}

fn read(member: &str) -> Said {
    let parameters: Vec<(&str, &str)> = split_outside_quotes(member, ';')
        .into_iter()
        .skip(1)
        .map(|part| part.split_once('=').unwrap_or((part, "?1")))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let find = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let hit = find("hit") == Some("?1");
    let ttl = find("ttl").and_then(|ttl| ttl.parse::<i64>().ok());
    match (hit, find("fwd"), find("stored")) {
        (true, None, _) => Said::Hit { ttl },
        (_, Some("bypass" | "method"), _) => Said::Bypass,
        (_, Some(_), Some("?1")) => Said::Stored { ttl },
        (_, Some(_), Some(_)) => Said::NotStored,
        (_, Some(_), None) => Said::Missed,
        (false, None, _) => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_read_as_in_the_rfc() {
        let check = |line: &str, node: &str, expected: Said| {
            let headers = Headers::new([("Cache-Status".into(), line.into())]);
            assert_eq!(cache_status(&headers, node).map(|(said, _)| said), Some(expected), "{line}");
        };
        check("ExampleCache; hit", "edge1", Said::Hit { ttl: None });
        check("ExampleCache; hit; ttl=376", "edge1", Said::Hit { ttl: Some(376) });
        check("ExampleCache; hit; ttl=-412", "edge1", Said::Hit { ttl: Some(-412) });
        check("ExampleCache; fwd=uri-miss; collapsed", "edge1", Said::Missed);
        check("ExampleCache; fwd=stale; fwd-status=304; stored", "edge1", Said::Stored { ttl: None });
        check("ExampleCache; fwd=bypass", "edge1", Said::Bypass);
        check("ExampleCache; fwd=uri-miss; stored=?0", "edge1", Said::NotStored);
        check("OriginCache; hit; ttl=1100, \"CDN, Here\"; fwd=uri-miss; stored", "edge1", Said::Stored { ttl: None });
        check("\"edge1\"; hit; detail=\"a;b, c\", Outer; fwd=miss", "EDGE1", Said::Hit { ttl: None });
        check("ExampleCache", "edge1", Said::Nothing);
        check("; ; ;===\"", "edge1", Said::Nothing);
    }
}
