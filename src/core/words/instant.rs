//! Instants and times relative to T-0, such as `T-2h` and `T+30m`.
//!
//! Invariant: arithmetic saturates at the ends of the calendar; it never panics on a hostile date.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::duration::{format_duration, parse_duration};

/// `now` plus a duration, at the end of time if it is beyond.
pub fn later(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// How long ago `earlier` was; zero if it lies ahead.
pub fn since(now: Timestamp, earlier: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

/// An instant on people's clocks: to the minute where the seconds are zero, in an IANA zone, in UTC without a known one.
pub fn local(at: Timestamp, zone: Option<&str>) -> String {
    let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    let zoned = at.to_zoned(zone);
    let form = if zoned.second() == 0 { "%Y-%m-%d %H:%M %Z" } else { "%Y-%m-%d %H:%M:%S %Z" };
    zoned.strftime(form).to_string()
}

/// A time relative to the launch, in whole milliseconds; negative before T-0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TRelative(SignedDuration);

/// Why a text is not a T-relative time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time relative to the launch is T-2h or T+30m, not {0:?}")]
pub struct InvalidTRelative(pub String);

impl TRelative {
    /// The launch itself.
    pub const ZERO: Self = Self(SignedDuration::ZERO);

    /// The instant, given the launch.
    pub fn at(self, launch_at: Timestamp) -> Timestamp {
        let end = if self.0.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        launch_at.checked_add(self.0).unwrap_or(end)
    }

    /// Where `now` stands relative to the launch.
    pub fn of(now: Timestamp, launch_at: Timestamp) -> Self {
        Self(SignedDuration::from_millis(now.as_millisecond() - launch_at.as_millisecond()))
    }

    /// As people read a countdown, in whole seconds and every unit that is not zero: `T-1d23h`, `T-12m30s`, `T-0`.
    pub fn clock(self) -> String {
        let secs = self.0.as_secs();
        let whole = secs.unsigned_abs();
        let units = [(whole / 86_400, "d"), (whole / 3_600 % 24, "h"), (whole / 60 % 60, "m"), (whole % 60, "s")];
        let units = units.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}"));
        let shown = units.collect::<Vec<_>>().concat();
        match (secs, shown.as_str()) {
            (0, _) => "T-0".into(),
            (..0, shown) => format!("T-{shown}"),
            (_, shown) => format!("T+{shown}"),
        }
    }

    /// Whether it lies before T-0.
    pub fn is_before_launch(self) -> bool {
        self.0.is_negative()
    }
}

impl FromStr for TRelative {
    type Err = InvalidTRelative;

    fn from_str(text: &str) -> Result<Self, InvalidTRelative> {
        let invalid = || InvalidTRelative(text.chars().take(40).collect());
        let rest = text.strip_prefix('T').ok_or_else(invalid)?;
        let magnitude = |part: &str| {
            let duration = parse_duration(part).map_err(|_| invalid())?;
            SignedDuration::try_from(duration).map_err(|_| invalid())
        };
        match rest.as_bytes().first() {
            Some(b'-') => Ok(Self(-magnitude(&rest[1..])?)),
            Some(b'+') => Ok(Self(magnitude(&rest[1..])?)),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for TRelative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0.is_negative() { '-' } else { '+' };
        write!(f, "T{sign}{}", format_duration(self.0.unsigned_abs()))
    }
}

impl TryFrom<String> for TRelative {
    type Error = InvalidTRelative;

    fn try_from(text: String) -> Result<Self, InvalidTRelative> {
        text.parse()
    }
}

impl From<TRelative> for String {
    fn from(at: TRelative) -> Self {
        at.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_relative_to_the_launch_resolve_on_both_sides() {
        let launch: Timestamp = "2026-12-01T19:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<TRelative>().unwrap().at(launch).to_string();
        assert_eq!(at("T-2h"), "2026-12-01T17:00:00Z");
        assert_eq!(at("T+30m"), "2026-12-01T19:30:00Z");
        assert_eq!(at("T-0s"), "2026-12-01T19:00:00Z");
        assert!("T-2h" == "T-2h".parse::<TRelative>().unwrap().to_string());
    }

    #[test]
    fn a_countdown_reads_in_every_unit() {
        let clock = |text: &str| text.parse::<TRelative>().unwrap().clock();
        let cases = [
            ("T-0s", "T-0"),
            ("T+0.9s", "T-0"),
            ("T-90s", "T-1m30s"),
            ("T+45m", "T+45m"),
            ("T-172790s", "T-1d23h59m50s"),
            ("T+50h", "T+2d2h"),
        ];
        for (text, shown) in cases {
            assert_eq!(clock(text), shown, "{text}");
        }
    }

    #[test]
    fn instants_read_in_the_zone_of_their_people() {
        let at: Timestamp = "2026-12-01T19:00:00Z".parse().unwrap();
        assert_eq!(local(at, Some("America/Los_Angeles")), "2026-12-01 11:00 PST");
        assert_eq!(local(at, Some("Nowhere/At-All")), "2026-12-01 19:00 UTC");
        assert_eq!(local(later(at, Duration::from_secs(5)), None), "2026-12-01 19:00:05 UTC");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "T", "2h", "T2h", "t-2h", "T--2h", "T-", "T-é", "T- 2h"] {
            assert!(text.parse::<TRelative>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let far: TRelative = "T+36500d".parse().unwrap();
        assert_eq!(far.at(Timestamp::MAX), Timestamp::MAX);
        assert_eq!(later(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(since(Timestamp::MIN, Timestamp::MAX), Duration::ZERO);
    }
}
