//! Instants in other forms: without an offset, with an abbreviation for a zone, by the date alone, as seconds.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::zones;
use crate::shell::settings::instant::read_instant;

/// What could be made out of a text.
#[derive(Default)]
struct Parts {
    date: Option<Date>,
    time: Option<Time>,
    offset: Option<String>,
    zone: Option<String>,
}

/// The fix for an instant.
pub fn instant(text: &str) -> Option<String> {
    if text.len() > 100 {
        return None;
    }
    if let Some(at) = epoch(text) {
        return Some(format!("write `{at}`"));
    }
    if let Some(help) = impossible(text) {
        return Some(help);
    }
    let parts = Parts::of(text);
    let zone = parts.zone.as_deref().and_then(known);
    match (parts.date, parts.time, zone) {
        (Some(date), Some(time), Some(zone)) => Some(in_zone(date.to_datetime(time), &zone)),
        (Some(date), Some(time), None) if parts.zone.is_some() => {
            let near = parts.zone.as_deref().and_then(zones::meant);
            Some(match near.as_deref().and_then(known) {
                Some(zone) => in_zone(date.to_datetime(time), &zone),
                None => {
                    "write a zone of the IANA database in the brackets, such as `America/Los_Angeles`, or leave them out".into()
                }
            })
        }
        (Some(date), Some(time), None) => Some(without_zone(date.to_datetime(time), parts.offset.as_deref())),
        (Some(date), None, _) => {
            Some(format!("add the time and the offset, such as `{date}T11:00:00-08:00[America/Los_Angeles]`"))
        }
        (None, Some(time), zone) => {
            let zone = zone.or_else(|| known("America/Los_Angeles"))?;
            let example = Date::constant(2026, 12, 1).to_datetime(time).to_zoned(zone).ok()?;
            Some(format!("write the date too, as year-month-day: on the 1st of December 2026 it is `{example}`"))
        }
        (None, None, _) => None,
    }
}

/// A date or time of the right shape that is none: `2026-02-30`, `25:00`.
fn impossible(text: &str) -> Option<String> {
    let shaped = |word: &&str, mark: char| {
        word.split(mark).count() == 3 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == mark as u8)
    };
    let text = spaced(text);
    let words = || text.split([' ', ',', '[', 'Z', 'z', '+']);
    let no_date = words().find(|word| shaped(word, '-') && word.len() == 10 && date(word).is_none());
    let no_time = words().flat_map(|word| word.split('-')).find(|word| shaped(word, ':') && time(word).is_none());
    match (no_date, no_time) {
        (Some(date), _) => Some(format!("there is no {date} in the calendar: write a day that its month has, as year-month-day")),
        (None, Some(time)) => Some(format!("there is no {time} in a day: write a time from 00:00:00 to 23:59:59")),
        (None, None) => None,
    }
}

/// Seconds or milliseconds since 1970, as scripts print them.
fn epoch(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

fn known(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some())
}

fn without_zone(civil: DateTime, offset: Option<&str>) -> String {
    match offset.map(|offset| format!("{civil}{offset}")).filter(|written| read_instant(written).is_ok()) {
        Some(written) => format!("write `{written}`"),
        None => format!("add the offset, and best the zone: `{civil}-08:00[America/Los_Angeles]`, or `{civil}Z` for UTC"),
    }
}

/// The one instant at which the zone's clocks show this, or the two between which they jump.
fn in_zone(civil: DateTime, zone: &TimeZone) -> String {
    let ambiguous = zone.to_ambiguous_zoned(civil);
    let (kind, clone) = (ambiguous.offset(), ambiguous.clone());
    let (Ok(earlier), Ok(later)) = (ambiguous.earlier(), clone.later()) else {
        return "write an instant that the calendar has".into();
    };
    match kind {
        AmbiguousOffset::Unambiguous { .. } => format!("write `{earlier}`"),
        AmbiguousOffset::Gap { .. } => format!("clocks there jump over this time; write `{earlier}` or `{later}`"),
        AmbiguousOffset::Fold { .. } => {
            format!("clocks there show this time twice; write `{earlier}` for the first, `{later}` for the second")
        }
    }
}

impl Parts {
    fn of(text: &str) -> Self {
        let mut parts = Self::default();
        let (text, bracket) = match text.split_once('[') {
            Some((before, rest)) => (before, Some(rest.trim_end_matches(']').trim_start_matches('!').to_owned())),
            None => (text, None),
        };
        for word in spaced(text).split([' ', ',']).filter(|word| !word.is_empty()) {
            parts.take(word);
        }
        parts.zone = bracket.or(parts.zone);
        parts
    }

    fn take(&mut self, word: &str) {
        let (clock, offset) = match word.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-' | 'Z' | 'z')) {
            Some((at, _)) if word.contains(':') => word.split_at(at),
            _ => (word, ""),
        };
        if let Some(date) = date(word) {
            self.date.get_or_insert(date);
        } else if let Some(time) = time(clock) {
            self.time.get_or_insert(time);
            self.offset = self.offset.take().or_else(|| read_offset(offset));
        } else if let Some(offset) = read_offset(word) {
            self.offset.get_or_insert(offset);
        } else if let Some(place) = zones::other_name(word) {
            // Some abbreviations are zones of their own, without summer time: the place is meant.
            self.zone.get_or_insert(place.to_owned());
        } else if known(word).is_some() {
            self.zone.get_or_insert(word.to_owned());
        }
    }
}

/// With a space for the T between date and time; `PST` keeps its own.
fn spaced(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let between = |at: usize| is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1));
    text.char_indices().map(|(at, c)| if matches!(c, 'T' | 't' | '_') && between(at) { ' ' } else { c }).collect()
}

/// `2026-12-01`, `2026/12/01`, `20261201`.
fn date(word: &str) -> Option<Date> {
    let word = word.replace(['/', '.'], "-");
    let fields: Vec<&str> = word.split('-').collect();
    match fields.as_slice() {
        [year, month, day] if year.len() == 4 => Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok(),
        [all] if all.len() == 8 && all.is_ascii() => {
            Date::new(all[..4].parse().ok()?, all[4..6].parse().ok()?, all[6..].parse().ok()?).ok()
        }
        _ => None,
    }
}

/// `11:00`, `11:00:30`, `11:00am`.
fn time(word: &str) -> Option<Time> {
    let lower = word.to_ascii_lowercase();
    let (clock, shift) = match (lower.strip_suffix("pm"), lower.strip_suffix("am")) {
        (Some(clock), _) => (clock, 12),
        (None, Some(clock)) => (clock, 0),
        (None, None) => (lower.as_str(), 0),
    };
    let fields: Option<Vec<i8>> = clock.split(':').map(|field| field.split('.').next()?.parse().ok()).collect();
    let fields = fields.filter(|fields| (2..=3).contains(&fields.len()))?;
    let hour = if shift == 12 && fields[0] < 12 { fields[0] + 12 } else { fields[0] };
    Time::new(hour, fields[1], fields.get(2).copied().unwrap_or(0), 0).ok()
}

/// `-0800`, `-08`, `+05:30`, `Z`, as RFC 3339 has it.
fn read_offset(word: &str) -> Option<String> {
    if word.eq_ignore_ascii_case("z") {
        return Some("Z".into());
    }
    let sign = word.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    let digits: String = word[1..].chars().filter(|c| *c != ':').collect();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.len() {
        1 if is_number => Some(format!("{sign}0{digits}:00")),
        2 if is_number => Some(format!("{sign}{digits}:00")),
        4 if is_number => Some(format!("{sign}{}:{}", &digits[..2], &digits[2..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_understood_and_what_is_proposed_is_read() {
        for (text, expected) in [
            ("2026-12-01 11:00 PST", "write `2026-12-01T11:00:00-08:00[America/Los_Angeles]`"),
            ("2026-12-01T11:00:00[America/Los_Angeles]", "write `2026-12-01T11:00:00-08:00[America/Los_Angeles]`"),
            ("2026-12-01T11:00:00-07:00[America/Los_Angeles]", "write `2026-12-01T11:00:00-08:00[America/Los_Angeles]`"),
            ("2026-12-01T11:00:00 America/New_York", "write `2026-12-01T11:00:00-05:00[America/New_York]`"),
            ("2026-12-01 11:00 -0800", "write `2026-12-01T11:00:00-08:00`"),
            ("2026-12-01 11:00Z", "write `2026-12-01T11:00:00Z`"),
            ("2026/12/01 2:30pm CET", "write `2026-12-01T14:30:00+01:00[Europe/Berlin]`"),
            ("1796151600", "write `2026-12-01T19:00:00Z`"),
            ("1796151600000", "write `2026-12-01T19:00:00Z`"),
            ("2026-12-01T11:00:00-08:00[America/Los_Angelos]", "write `2026-12-01T11:00:00-08:00[America/Los_Angeles]`"),
            (
                "2026-03-08T02:30:00[America/Los_Angeles]",
                "clocks there jump over this time; write `2026-03-08T01:30:00-08:00[America/Los_Angeles]` or `2026-03-08T03:30:00-07:00[America/Los_Angeles]`",
            ),
            (
                "2026-11-01T01:30:00[America/Los_Angeles]",
                "clocks there show this time twice; write `2026-11-01T01:30:00-07:00[America/Los_Angeles]` for the first, `2026-11-01T01:30:00-08:00[America/Los_Angeles]` for the second",
            ),
            (
                "2026-12-01T11:00:00",
                "add the offset, and best the zone: `2026-12-01T11:00:00-08:00[America/Los_Angeles]`, or `2026-12-01T11:00:00Z` for UTC",
            ),
            ("2026-12-01", "add the time and the offset, such as `2026-12-01T11:00:00-08:00[America/Los_Angeles]`"),
        ] {
            let help = instant(text).unwrap_or_default();
            assert_eq!(help, expected, "{text}");
            for written in help.split('`').skip(1).step_by(2) {
                assert!(read_instant(written).is_ok(), "{written}");
            }
        }
        assert!(instant("11:00 PST").unwrap().contains("the date"));
        for text in ["", "tomorrow", "T-2h", "2026-13-01", "[", "2026-12-01T11:00:00[Middle/Earth]x"] {
            let _ = instant(text);
        }
    }
}
