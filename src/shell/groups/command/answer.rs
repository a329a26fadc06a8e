//! What `describe` prints, read and held to what a group can be.
//!
//! Not here: the running of it. Invariant: odd numbers are an error with what is odd about them, never an observation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::core::decide::GroupObservation;
use crate::core::words::Capacity;

/// Most instances that are believed: beyond it a script prints something else.
const MOST_INSTANCES: u32 = 100_000;

/// Most zones, and their longest name in bytes.
const MOST_ZONES: usize = 64;
const LONGEST_ZONE: usize = 128;

/// Longest boot that is believed: a day.
const LONGEST_BOOT_SECS: f64 = 86_400.0;

/// The JSON object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// The lower bound, as it is now.
    floor: u32,
    /// The upper bound.
    ceiling: u32,
    /// What the group is heading for.
    desired: u32,
    /// Instances that take traffic.
    in_service: u32,
    /// Those by zone.
    #[serde(default)]
    zones: BTreeMap<String, u32>,
    /// 95th percentile of recent boots, if it is known.
    #[serde(default)]
    boot_p95_secs: Option<f64>,
}

/// Reads the output of a `describe` that was begun at an instant. The error is a fragment that follows "describe".
pub(super) fn read(output: &[u8], begun_at: Timestamp) -> Result<GroupObservation, String> {
    let answer: Answer = serde_json::from_slice(output).map_err(|error| format!("prints no group: {error}"))?;
    check(&answer)?;
    Ok(GroupObservation {
        floor: Capacity(answer.floor),
        ceiling: Capacity(answer.ceiling),
        desired: Capacity(answer.desired),
        in_service: Capacity(answer.in_service),
        zones: answer.zones,
        boot_p95_ms: answer.boot_p95_secs.map(|secs| (secs * 1_000.0).round() as u64),
        observed_at: begun_at,
        schedule: None,
        others: Vec::new(),
        findings: Vec::new(),
    })
}

fn check(answer: &Answer) -> Result<(), String> {
    let counts =
        [("floor", answer.floor), ("ceiling", answer.ceiling), ("desired", answer.desired), ("in_service", answer.in_service)];
    if let Some((name, count)) = counts.iter().find(|(_, count)| *count > MOST_INSTANCES) {
        return Err(format!("says {name} {count}; more than {MOST_INSTANCES} instances are not believed"));
    }
    if answer.floor > answer.ceiling {
        return Err(format!("says floor {} above ceiling {}", answer.floor, answer.ceiling));
    }
    if answer.zones.len() > MOST_ZONES || answer.zones.keys().any(|zone| zone.len() > LONGEST_ZONE) {
        return Err(format!("names more than {MOST_ZONES} zones, or one with more than {LONGEST_ZONE} bytes"));
    }
    match answer.boot_p95_secs {
        Some(secs) if !(0.0..=LONGEST_BOOT_SECS).contains(&secs) => {
            Err(format!("says boot_p95_secs {secs}, which is not within 0 and {LONGEST_BOOT_SECS}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<GroupObservation, String> {
        read(text.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_group_is_read_as_printed() {
        let group = answer(
            r#"{"floor": 4, "ceiling": 60, "desired": 6, "in_service": 5, "zones": {"a": 3, "b": 2}, "boot_p95_secs": 95.5}"#,
        )
        .unwrap();
        let numbers = [group.floor, group.ceiling, group.desired, group.in_service].map(|capacity| capacity.0);
        assert_eq!((numbers, group.zones.len(), group.boot_p95_ms), ([4, 60, 6, 5], 2, Some(95_500)));
        assert_eq!(group.schedule, None, "it keeps no schedule for us");
    }

    #[test]
    fn what_is_odd_is_refused_with_what_is_odd() {
        let with = |more: &str| format!(r#"{{"ceiling": 60, "desired": 6, "in_service": 5, {more}}}"#);
        for (text, expected) in [
            (String::new(), "prints no group: EOF"),
            ("ERROR: not logged in".into(), "prints no group: expected value at line 1 column 1"),
            (with(r#""flor": 4"#), "unknown field `flor`"),
            (with(r#""zones": {}"#), "missing field `floor`"),
            (with(r#""floor": -1"#), "invalid value"),
            (with(r#""floor": 4.5"#), "invalid type"),
            (with(r#""floor": 61"#), "floor 61 above ceiling 60"),
            (with(r#""floor": 4000000000"#), "more than 100000 instances"),
            (with(r#""floor": 4, "boot_p95_secs": -3"#), "boot_p95_secs -3"),
        ] {
            let error = answer(&text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let zones: Vec<String> = (0..65).map(|zone| format!(r#""{zone}": 1"#)).collect();
        assert!(answer(&with(&format!(r#""floor": 4, "zones": {{{}}}"#, zones.join(",")))).is_err());
    }
}
