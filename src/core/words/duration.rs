//! Durations as written in documents: `90s`, `2.5s`, `20m`, `6h`, `3d`.
//!
//! Not here: calendars. A day is 24 hours; schedules that follow civil time use the calendar.

use std::time::Duration;

/// Longest duration: a hundred years in days. Beyond it additions to an instant would saturate.
const LONGEST_SECS: f64 = 36_525.0 * 86_400.0;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a duration is a number and a unit, such as 90s, 20m, 6h or 3d, not {0:?}")]
pub struct InvalidDuration(pub String);

/// Reads a duration: decimal digits, at most one point, then `s`, `m`, `h` or `d`; at most 100 years; whole milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.chars().take(40).collect());
    let unit_secs = match text.bytes().last() {
        Some(b's') => 1.0,
        Some(b'm') => 60.0,
        Some(b'h') => 3_600.0,
        Some(b'd') => 86_400.0,
        _ => return Err(invalid()),
    };
    let number = &text[..text.len() - 1];
    let well_formed = number.starts_with(|first: char| first.is_ascii_digit())
        && number.ends_with(|last: char| last.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !well_formed {
        return Err(invalid());
    }
    let secs = number.parse::<f64>().map_err(|_| invalid())? * unit_secs;
    if secs > LONGEST_SECS {
        return Err(invalid());
    }
    Ok(Duration::from_millis((secs * 1_000.0).round() as u64))
}

/// Writes a duration in the largest unit that leaves a whole number; fractions only below a second.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if !millis.is_multiple_of(1_000) {
        return format!("{}s", duration.as_millis() as f64 / 1_000.0);
    }
    let secs = millis / 1_000;
    match secs {
        0 => "0s".into(),
        _ if secs.is_multiple_of(86_400) => format!("{}d", secs / 86_400),
        _ if secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ if secs.is_multiple_of(60) => format!("{}m", secs / 60),
        _ => format!("{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for text in ["0s", "90s", "2.5s", "20m", "6h", "3d", "400d"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(parse_duration("1.5h").unwrap(), Duration::from_mins(90));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "5", "-5s", "5 s", "1h30m", "1.s", ".5s", "1.2.3s", "5ms", "5é", "1e3s", "99999999d"] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }
}
