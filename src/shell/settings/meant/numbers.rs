//! Numbers in other notations: percents, counts, rates, and what YAML 1.1 or another language would read as a number.

use crate::core::words::{Percent, Rate, parse_count};

/// Longest text that is looked at.
const LONGEST: usize = 60;

/// A number in another notation, in decimal digits: `0x10`, `0o17`, `1_000`, `1,000.5`, `1e3`, `1:30`, `+5`.
pub fn decimal(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let radix = |prefix: &str, radix: u32| {
        Some(i64::from_str_radix(&lower.strip_prefix(prefix)?.replace('_', ""), radix).ok()?.to_string())
    };
    radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| radix("0b", 2)).or_else(|| sixties(text)).or_else(|| plain(text))
}

/// Digits with separators, a sign, leading zeros or an exponent.
fn plain(text: &str) -> Option<String> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let grouped = |text: &str| {
        let mut groups = text.trim_start_matches('-').split([',', '_', ' ', '\u{a0}', '\u{202f}', '\'']);
        groups.next().is_some_and(|first| !first.is_empty() && first.len() <= 3)
            && groups.all(|group| group.split('.').next().is_some_and(|digits| digits.len() == 3))
    };
    let joined = match text.matches(',').count() {
        // A comma before other than three digits is a decimal point in half of Europe.
        1 if !grouped(text) => text.replace(',', "."),
        _ => text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '\u{a0}' | '\u{202f}' | '\'')).collect(),
    };
    let number: f64 = joined.parse().ok()?;
    let digits = joined.bytes().any(|byte| byte.is_ascii_digit());
    let written = format!("{number}");
    (digits && number.is_finite() && number.abs() < 1e15 && !written.contains('e')).then_some(written)
}

/// `1:30` is 90 in YAML 1.1.
fn sixties(text: &str) -> Option<String> {
    let parts: Option<Vec<u64>> = text.split(':').map(|part| (part.len() <= 4).then(|| part.parse().ok())?).collect();
    let parts = parts.filter(|parts| (2..=3).contains(&parts.len()))?;
    Some(parts.iter().fold(0, |sum, part| sum * 60 + part).to_string())
}

/// The fix for a percent.
pub fn percent(text: &str) -> String {
    let bare = text.trim().trim_end_matches('%').trim();
    let number = decimal(bare).and_then(|written| written.parse::<f64>().ok());
    let rounded = number.map(|number| (number * 10_000.0).round() / 10_000.0);
    match (number, rounded) {
        (Some(number), _) if number > 100.0 && number < 100.01 => {
            "write `100`: it is everybody, and a percent has up to four decimals".into()
        }
        (Some(number), _) if number > 100.0 => "100 is everybody".into(),
        (Some(number), _) if number < 0.0 => "0 is nobody".into(),
        (Some(number), _) if number > 0.0 && number < 0.0001 => "the smallest percent above nobody is 0.0001".into(),
        (Some(_), Some(rounded)) if rounded.abs().to_string().parse::<Percent>().is_ok() => format!("write `{}`", rounded.abs()),
        _ => "write a number from 0 (nobody) to 100 (everybody), such as 12.5".into(),
    }
}

/// The fix for a count.
pub fn count(text: &str) -> Option<String> {
    let (number, letter) = lettered(text.trim())?;
    let written = format!("{}{letter}", decimal(number)?);
    parse_count(&written).ok().map(|_| format!("write `{written}`"))
}

/// The number before a letter for thousand or million, and that letter as documents take it.
fn lettered(text: &str) -> Option<(&str, &'static str)> {
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.to_lowercase();
    let words = [("thousand", "k"), ("million", "M"), ("mio", "M"), ("k", "k"), ("m", "M")];
    let found = words.iter().find(|(word, _)| lower.ends_with(word) && lower.len() == text.len());
    Some(found.map_or((text, ""), |(word, letter)| (text[..text.len() - word.len()].trim_end(), *letter)))
}

/// The fix for a rate.
pub fn rate(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    if text.parse::<f64>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(format!("write the period: `{text}/s` or `{text}/m`"));
    }
    let lower = text.to_lowercase();
    let periods = [
        ("s", ["rps", "qps", "hz", "second", "sec", "s"].as_slice()),
        ("m", ["rpm", "minute", "min", "m"].as_slice()),
        ("h", ["rph", "hour", "hr", "h"].as_slice()),
    ];
    let all = periods.iter().flat_map(|(period, words)| words.iter().map(move |word| (*period, *word)));
    let (period, before) =
        all.filter_map(|(period, word)| Some((period, lower.strip_suffix(word)?))).min_by_key(|(_, rest)| rest.len())?;
    let before = before.trim_end().trim_end_matches('/').trim_end();
    let before = before.strip_suffix("per").unwrap_or(before).trim_end();
    let before =
        ["requests", "request", "reqs", "req"].iter().find_map(|word| before.strip_suffix(word)).unwrap_or(before).trim_end();
    let (number, letter) = lettered(before)?;
    let written = format!("{}{letter}/{period}", decimal(number)?);
    written.parse::<Rate>().ok().map(|_| format!("write `{written}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_notations_are_understood() {
        for (text, expected) in [
            ("0x10", Some("16")),
            ("0o17", Some("15")),
            ("0b101", Some("5")),
            ("010", Some("10")),
            ("1_000", Some("1000")),
            ("1,000", Some("1000")),
            ("12,5", Some("12.5")),
            ("1 000 000", Some("1000000")),
            ("1e3", Some("1000")),
            ("3.0", Some("3")),
            ("+5", Some("5")),
            ("1:30", Some("90")),
            ("1:00:00", Some("3600")),
            (".5", Some("0.5")),
            (".inf", None),
            (".nan", None),
            ("inf", None),
            ("NaN", None),
            ("1e999", None),
            ("", None),
            ("few", None),
        ] {
            assert_eq!(decimal(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn counts_and_rates_find_their_form() {
        for (text, expected) in [
            ("180K", "write `180k`"),
            ("180 000", "write `180000`"),
            ("180,000", "write `180000`"),
            ("1.8e5", "write `180000`"),
            ("2 million", "write `2M`"),
            ("180 k", "write `180k`"),
        ] {
            assert_eq!(count(text).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("45", "write the period: `45/s` or `45/m`"),
            ("45rps", "write `45/s`"),
            ("45/sec", "write `45/s`"),
            ("45 / s", "write `45/s`"),
            ("45 per second", "write `45/s`"),
            ("45 req/s", "write `45/s`"),
            ("1200/min", "write `1200/m`"),
            ("9K/h", "write `9k/h`"),
        ] {
            assert_eq!(rate(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!((count("lots"), rate("fast")), (None, None));
    }

    #[test]
    fn percents_find_their_form() {
        for (text, expected) in [
            ("12,5", "write `12.5`"),
            ("12.5%", "write `12.5`"),
            ("12,5 %", "write `12.5`"),
            ("1e1", "write `10`"),
            ("100.00001", "write `100`: it is everybody, and a percent has up to four decimals"),
            ("12.50000", "write `12.5`"),
            ("33.33333", "write `33.3333`"),
            ("120", "100 is everybody"),
            ("-5", "0 is nobody"),
            ("half", "write a number from 0 (nobody) to 100 (everybody), such as 12.5"),
        ] {
            assert_eq!(percent(text), expected, "{text}");
        }
    }
}
