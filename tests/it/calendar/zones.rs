//! Every zone of the IANA database that is compiled in, and the changes of their clocks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// A change of a zone's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) before: Offset,
    pub(super) after: Offset,
}

impl Change {
    /// What the clocks showed when it came, and what they show from then on.
    pub(super) fn shown(self) -> (DateTime, DateTime) {
        (self.before.to_datetime(self.at), self.after.to_datetime(self.at))
    }

    pub(super) fn is_gap(self) -> bool {
        self.after > self.before
    }
}

/// A zone, and every name that goes by the same clocks in the years that are looked at.
pub(super) struct Clocks {
    pub(super) names: Vec<String>,
    pub(super) zone: TimeZone,
    pub(super) changes: Vec<Change>,
}

/// The names of all zones.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    names.sort();
    names
}

/// Changes of a zone's offset from the first instant of one year to that of another.
pub(super) fn changes(zone: &TimeZone, (from, to): (i16, i16)) -> Vec<Change> {
    let (start, end) = (instant(from), instant(to));
    let following = zone.following(start).map(|change| (change.timestamp(), change.offset()));
    let mut before = zone.to_offset(start);
    let mut changes = Vec::new();
    for (at, after) in following.take_while(|(at, _)| *at < end) {
        if before != after {
            changes.push(Change { at, before, after });
        }
        before = after;
    }
    changes
}

/// All zones; those that agree in every change of these years are one.
pub(super) fn clocks(years: (i16, i16)) -> Vec<Clocks> {
    let mut all: BTreeMap<(i32, Vec<(i64, i32)>), Clocks> = BTreeMap::new();
    for name in names() {
        let zone = TimeZone::get(&name).unwrap();
        let changes = changes(&zone, years);
        let first = zone.to_offset(instant(years.0)).seconds();
        let key = changes.iter().map(|change| (change.at.as_second(), change.after.seconds())).collect();
        let same = all.entry((first, key)).or_insert_with(|| Clocks { names: Vec::new(), zone, changes });
        same.names.push(name);
    }
    all.into_values().collect()
}

pub(super) fn instant(year: i16) -> Timestamp {
    Offset::UTC.to_timestamp(DateTime::constant(year, 1, 1, 0, 0, 0, 0)).unwrap()
}
