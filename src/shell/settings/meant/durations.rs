//! Durations and times relative to the launch in other forms.

use std::time::Duration;

use crate::core::words::{format_duration, parse_duration};

/// Units as people write them, with their seconds.
const UNITS: &[(&str, f64)] = &[
    ("ms", 0.001),
    ("msec", 0.001),
    ("millisecond", 0.001),
    ("s", 1.0),
    ("sec", 1.0),
    ("second", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("minute", 60.0),
    ("h", 3_600.0),
    ("hr", 3_600.0),
    ("hour", 3_600.0),
    ("d", 86_400.0),
    ("day", 86_400.0),
    ("w", 604_800.0),
    ("wk", 604_800.0),
    ("week", 604_800.0),
];

/// Longest text that is looked at: the longest duration is a dozen characters.
const LONGEST: usize = 60;

/// The fix for a duration.
pub fn duration(text: &str) -> Option<String> {
    if is_number(text) {
        return Some(format!("write the unit: `{text}s`, `{text}m`, `{text}h` or `{text}d`"));
    }
    read(text).map(|written| format!("write `{written}`"))
}

/// The fix for a time relative to the launch.
pub fn t_relative(text: &str) -> Option<String> {
    let (after, rest) = signed(text)?;
    let sign = if after { '+' } else { '-' };
    if rest.is_empty() || (is_number(&rest) && rest.parse() == Ok(0.0)) {
        return Some("write `T-0s` for the launch itself".to_owned());
    }
    let bare = !text.trim_start().starts_with(['T', 't', '+', '-', '\u{2212}', '\u{2013}', '\u{2014}']);
    match read(&rest) {
        Some(lasting) if bare => Some(format!("write `T-{lasting}` for before the launch, `T+{lasting}` for after it")),
        Some(lasting) => Some(format!("write `T{sign}{lasting}`")),
        None if is_number(&rest) => Some(format!("write the unit: `T{sign}{rest}m`, `T{sign}{rest}h` or `T{sign}{rest}d`")),
        None => None,
    }
}

/// Whether it is after the launch, and what stands behind the sign.
fn signed(text: &str) -> Option<(bool, String)> {
    if text.len() > LONGEST {
        return None;
    }
    let dashes = |c| if matches!(c, '\u{2212}' | '\u{2013}' | '\u{2014}') { '-' } else { c };
    let text: String = text.trim().chars().map(dashes).collect::<String>().to_lowercase();
    let text = text.strip_prefix('t').unwrap_or(&text).trim_start();
    let text = text.strip_prefix("-minus").or_else(|| text.strip_prefix("-plus").map(|_| text)).unwrap_or(text);
    for (word, after) in [("minus", false), ("plus", true), ("-plus", true), ("-", false), ("+", true)] {
        if let Some(rest) = text.strip_prefix(word) {
            return Some((after, rest.trim().to_owned()));
        }
    }
    Some((false, text.trim().to_owned()))
}

/// Sums `2h 30m`, `2 hours`, `PT2H`, `90sec`; in the form that documents take.
fn read(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.trim().trim_start_matches(['-', '+']).replace(',', ".").replace(['_', 't', 'p'], " ").to_lowercase();
    let mut rest = lower.trim().trim_start_matches("pt").trim_start_matches(['p', 't']).trim();
    let (mut secs, mut parts) = (0.0, 0);
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let behind = rest[number..].trim_start();
        let unit = behind.len() - behind.trim_start_matches(char::is_alphabetic).len();
        secs += rest[..number].parse::<f64>().ok()? * seconds(&behind[..unit])?;
        parts += 1;
        rest = behind[unit..].trim_start_matches(|c: char| c.is_whitespace() || c == '.').trim_start_matches("and ").trim_start();
    }
    let written = (parts > 0).then(|| format_duration(Duration::from_millis((secs * 1_000.0).round().min(1e15) as u64)))?;
    parse_duration(&written).ok().map(|_| written)
}

fn seconds(unit: &str) -> Option<f64> {
    let unit = if unit.len() > 2 { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, secs)| *secs)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_of_durations_are_understood() {
        for (text, expected) in [
            ("2 hours", Some("2h")),
            ("2h30m", Some("150m")),
            ("1 h 30 min", Some("90m")),
            ("PT2H", Some("2h")),
            ("P3D", Some("3d")),
            ("5min", Some("5m")),
            ("90sec", Some("90s")),
            ("500ms", Some("0.5s")),
            ("1w", Some("7d")),
            ("2 weeks", Some("14d")),
            ("2,5h", Some("150m")),
            ("-5m", Some("5m")),
            ("2H", Some("2h")),
            ("1 day and 6 hours", Some("30h")),
            ("3 months", None),
            ("soon", None),
            ("", None),
            ("1e9h", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn other_forms_of_t_relative_times_are_understood() {
        for (text, expected) in [
            ("T+2 h", "write `T+2h`"),
            ("t-2h", "write `T-2h`"),
            ("T - 2 hours", "write `T-2h`"),
            ("T\u{2212}30m", "write `T-30m`"),
            ("T-minus 2 hours", "write `T-2h`"),
            ("T plus 90 min", "write `T+90m`"),
            ("-2h", "write `T-2h`"),
            ("+1d", "write `T+1d`"),
            ("T-1w", "write `T-7d`"),
            ("T-2", "write the unit: `T-2m`, `T-2h` or `T-2d`"),
            ("2d", "write `T-2d` for before the launch, `T+2d` for after it"),
            ("T", "write `T-0s` for the launch itself"),
            ("T-0", "write `T-0s` for the launch itself"),
        ] {
            assert_eq!(t_relative(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(t_relative("tomorrow"), None);
    }
}
