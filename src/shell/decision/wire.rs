//! A decision as JSON, the same from the listener and from `tminus decide`, and its entity tag.
//!
//! Invariant: equal answers have equal tags whatever `retry_after_secs` says, and a halt changes the tag.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use crate::core::throttle::Decision;
use crate::core::words::Version;

/// The fields of docs/API.md, in its order.
#[derive(Debug, Serialize)]
pub struct DecisionWire<'a> {
    serve: bool,
    version: Option<&'a str>,
    reason: &'static str,
    rule: Option<&'a str>,
    percent_ppm: u32,
    bucket: Option<u32>,
    retry_after_secs: u32,
    revision: &'a str,
}

impl<'a> From<&'a Decision> for DecisionWire<'a> {
    fn from(decision: &'a Decision) -> Self {
        Self {
            serve: decision.serve,
            version: decision.version.as_ref().map(Version::as_str),
            reason: decision.reason.word(),
            rule: decision.rule.as_deref(),
            percent_ppm: decision.percent.ppm(),
            bucket: decision.bucket,
            retry_after_secs: decision.retry_after_secs,
            revision: &decision.revision,
        }
    }
}

/// One JSON object, without a line end.
pub(super) fn to_json(decision: &Decision) -> String {
    // Strings, numbers and booleans always serialise; an empty answer would fail at the client, towards what it has.
    serde_json::to_string(&DecisionWire::from(decision)).unwrap_or_default()
}

/// A weak tag: answers that differ in `retry_after_secs` alone mean the same, and that field moves with the clock.
/// The hash has fixed keys; another build may give other tags, which costs one full answer.
pub(super) fn entity_tag(decision: &Decision) -> String {
    let mut hasher = DefaultHasher::new();
    (decision.serve, &decision.version, decision.reason, &decision.rule).hash(&mut hasher);
    (decision.percent, decision.bucket, &decision.revision).hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

/// Whether `If-None-Match` names this tag, by weak comparison (RFC 9110, sections 8.8.3.2 and 13.1.2).
pub(super) fn names_tag(if_none_match: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.split(',').any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::throttle::Reason;
    use crate::core::words::Percent;

    fn decision() -> Decision {
        Decision {
            serve: true,
            version: Some(Version::new("2.3.0").unwrap()),
            reason: Reason::Rollout,
            rule: Some("p/rules[0]".into()),
            percent: "12.5".parse().unwrap(),
            bucket: None,
            retry_after_secs: 90,
            revision: "7\"".into(),
        }
    }

    #[test]
    fn the_fields_are_the_contract() {
        assert_eq!(
            to_json(&decision()),
            r#"{"serve":true,"version":"2.3.0","reason":"rollout","rule":"p/rules[0]","percent_ppm":125000,"bucket":null,"retry_after_secs":90,"revision":"7\""}"#
        );
    }

    #[test]
    fn tags_follow_the_answer_but_not_the_clock() {
        let tag = entity_tag(&decision());
        assert_eq!(entity_tag(&Decision { retry_after_secs: 91, ..decision() }), tag);
        let changed = [
            Decision { serve: false, ..decision() },
            Decision { version: None, ..decision() },
            Decision { reason: Reason::Halt, ..decision() },
            Decision { rule: None, ..decision() },
            Decision { percent: Percent::ZERO, ..decision() },
            Decision { bucket: Some(1), ..decision() },
            Decision { revision: "8".into(), ..decision() },
        ];
        assert!(changed.iter().all(|other| entity_tag(other) != tag));
    }

    #[test]
    fn tags_are_compared_weakly() {
        let tag = "W/\"ab\"";
        for (header, named) in
            [("W/\"ab\"", true), ("\"ab\"", true), ("\"x\" , W/\"ab\"", true), ("*", true), ("\"abc\"", false), ("", false)]
        {
            assert_eq!(names_tag(header, tag), named, "{header}");
        }
    }
}
