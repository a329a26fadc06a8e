//! Instants as people write them: RFC 3339, or RFC 9557 with the zone in brackets.
//!
//! Invariant: an instant has one meaning. Without an offset, or with an offset that the zone does not have then, it is refused.

use jiff::fmt::temporal::{DateTimeParser, Pieces};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};

/// An instant, and the zone that people think of it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The instant.
    pub at: Timestamp,
    /// The IANA zone in brackets, if there was one.
    pub zone: Option<String>,
}

/// Reads an instant; says what is wrong and, where it can, what was meant.
pub fn read_instant(text: &str) -> Result<Instant, String> {
    let invalid = || {
        let shown: String = text.chars().take(60).collect();
        format!(
            "an instant is a date, a time and an offset, such as 2026-12-01T11:00:00-08:00[America/Los_Angeles], not {shown:?}"
        )
    };
    let pieces = Pieces::parse(text).map_err(|_| invalid())?;
    if pieces.time().is_none() || pieces.offset().is_none() {
        return Err(invalid());
    }
    match pieces.time_zone_annotation() {
        None => text.parse::<Timestamp>().map(|at| Instant { at, zone: None }).map_err(|_| invalid()),
        Some(_) => in_zone(text, &pieces),
    }
}

fn in_zone(text: &str, pieces: &Pieces<'_>) -> Result<Instant, String> {
    let zone = pieces.to_time_zone().map_err(|_| format!("{text:?} names a zone that is not in the IANA database"))?;
    let zone = zone.ok_or_else(|| format!("{text:?} has an empty zone"))?;
    let zoned: Result<Zoned, _> = DateTimeParser::new().parse_zoned(text);
    match zoned {
        Ok(zoned) => Ok(Instant { at: zoned.timestamp(), zone: zone.iana_name().map(str::to_owned) }),
        Err(_) => Err(wrong_offset(pieces, &zone, text)),
    }
}

fn wrong_offset(pieces: &Pieces<'_>, zone: &TimeZone, text: &str) -> String {
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or_default());
    let name = zone.iana_name().unwrap_or("the zone");
    match zone.to_ambiguous_zoned(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => format!("{name} is at {offset} then, so {text:?} contradicts itself"),
        AmbiguousOffset::Gap { before, after } => {
            format!("clocks in {name} jump from {before} to {after} and never show {}, so {text:?} is no instant", civil.time())
        }
        AmbiguousOffset::Fold { before, after } => {
            format!(
                "clocks in {name} show {} twice that day, at {before} and at {after}, and {text:?} says neither",
                civil.time()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_one_meaning() {
        for (text, at, zone) in [
            ("2026-12-01T19:00:00Z", "2026-12-01T19:00:00Z", None),
            ("2026-12-01T11:00:00-08:00", "2026-12-01T19:00:00Z", None),
            ("2026-12-01T11:00:00-08:00[America/Los_Angeles]", "2026-12-01T19:00:00Z", Some("America/Los_Angeles")),
            // Both sides of a fold are told apart by their offset.
            ("2026-11-01T01:30:00-07:00[America/Los_Angeles]", "2026-11-01T08:30:00Z", Some("America/Los_Angeles")),
            ("2026-11-01T01:30:00-08:00[America/Los_Angeles]", "2026-11-01T09:30:00Z", Some("America/Los_Angeles")),
        ] {
            let read = read_instant(text).unwrap();
            assert_eq!((read.at.to_string().as_str(), read.zone.as_deref()), (at, zone), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-12-01",
            "2026-12-01T11:00:00",
            "2026-12-01T11:00:00[America/Los_Angeles]",
            "2026-12-01T11:00:00-07:00[America/Los_Angeles]",
            "2026-12-01T11:00:00-08:00[America/Nowhere]",
            "2026-13-01T11:00:00Z",
            "2026-12-01T25:00:00Z",
            "T-2h",
        ] {
            assert!(read_instant(text).is_err(), "{text:?}");
        }
        let told = read_instant("2026-12-01T11:00:00-07:00[America/Los_Angeles]").unwrap_err();
        assert!(told.contains("America/Los_Angeles is at -08"), "{told}");
    }
}
