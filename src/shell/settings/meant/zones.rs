//! Time zones by other names: abbreviations, offsets, names of other systems, cities.

use crate::shell::settings::suggest;

/// Abbreviations and names of other systems with the zone that most who write them mean. Several mean more than one place
/// in the world, which is why they are proposed and never read.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("PT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("MT", "America/Denver"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("CT", "America/Chicago"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("ET", "America/New_York"),
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("BST", "Europe/London"),
    ("WEST", "Europe/Lisbon"),
    ("CET", "Europe/Berlin"),
    ("CEST", "Europe/Berlin"),
    ("MEZ", "Europe/Berlin"),
    ("MESZ", "Europe/Berlin"),
    ("EEST", "Europe/Athens"),
    ("MSK", "Europe/Moscow"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("SGT", "Asia/Singapore"),
    ("HKT", "Asia/Hong_Kong"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("NZST", "Pacific/Auckland"),
    ("NZDT", "Pacific/Auckland"),
    ("Z", "UTC"),
    ("Zulu", "UTC"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Eastern Standard Time", "America/New_York"),
    ("Central Standard Time", "America/Chicago"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
];

/// The zone behind an abbreviation or a name of another system.
pub fn other_name(text: &str) -> Option<&'static str> {
    OTHER_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, zone)| *zone)
}

/// The zone that was most likely meant; `None` where nothing is near.
pub fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 60 {
        return None;
    }
    let known = other_name(text).map(str::to_owned);
    known.or_else(|| at_offset(text)).or_else(|| {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let city = text.replace(' ', "_");
        let of_city = |name: &&String| name.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city));
        let found = names.iter().find(of_city).map(String::as_str);
        found.or_else(|| suggest::nearest(text, names.iter().map(String::as_str))).map(str::to_owned)
    })
}

/// `UTC+2` is `Etc/GMT-2`: POSIX counts west of Greenwich as positive.
fn at_offset(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let offset = upper.strip_prefix("UTC").or_else(|| upper.strip_prefix("GMT")).unwrap_or(&upper).trim();
    let (sign, hours) = match offset.as_bytes().first()? {
        b'+' => ('-', &offset[1..]),
        b'-' => ('+', &offset[1..]),
        _ => return None,
    };
    let hours: u8 = hours.trim_end_matches(":00").parse().ok().filter(|hours| (1..=12).contains(hours))?;
    Some(format!("Etc/GMT{sign}{hours}"))
}

/// The fix for a time zone.
pub fn zone(text: &str) -> String {
    match meant(text) {
        Some(zone) if zone.starts_with("Etc/") => {
            format!("write a place such as `America/Los_Angeles`, which knows its summer time; this offset alone is `{zone}`")
        }
        Some(zone) => format!("did you mean `{zone}`?"),
        None => "write a name such as `America/Los_Angeles` or `UTC`".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_are_understood() {
        for (text, expected) in [
            ("PST", Some("America/Los_Angeles")),
            ("cest", Some("Europe/Berlin")),
            ("UTC+2", Some("Etc/GMT-2")),
            ("+02:00", Some("Etc/GMT-2")),
            ("GMT-8", Some("Etc/GMT+8")),
            ("Los Angeles", Some("America/Los_Angeles")),
            ("berlin", Some("Europe/Berlin")),
            ("America/Los_Angelos", Some("America/Los_Angeles")),
            ("Middle/Earth", None),
            ("", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
        for (_, zone) in OTHER_NAMES {
            assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
        }
    }
}
