//! A line in a time zone: civil times put on the time line, whatever the clocks of the zone do.
//!
//! The time line is walked in stretches of one offset. A fixed line that falls in a gap fires once, at its end, and in a
//! fold once, at the first of the two; an interval skips the gap and runs through both halves of the fold.
//! Invariant: the same instants from whichever instant they are asked for, strictly increasing.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::invalid::InvalidSchedule;
use super::line::Line;

/// Clocks of one zone were never further apart than from -12:00 to +14:00, so what a wall clock showed longer ago than
/// this it shows no more.
const FURTHEST_BACK: SignedDuration = SignedDuration::from_hours(48);

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Schedule {
    line: Line,
    zone: TimeZone,
    zone_name: String,
}

/// How it is kept: as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Written {
    cron: String,
    time_zone: String,
}

impl Schedule {
    /// Reads a line and a zone of the IANA database.
    pub fn new(line: &str, zone: &str) -> Result<Self, InvalidSchedule> {
        line.parse::<Line>()?.in_zone(zone)
    }

    /// The line.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The zone's name.
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// The zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first fire after this instant, which itself does not count; `None` outside of the years 1970 to 2100.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let mut stretch = Stretch::around(&self.zone, after);
        let mut from = self.not_fired_before(&stretch, after)?;
        let mut due = self.line.at_or_after(from)?;
        loop {
            let Some(end) = stretch.end.filter(|end| due >= stretch.offset.to_datetime(*end)) else {
                return stretch.offset.to_timestamp(due).ok();
            };
            stretch = Stretch::around(&self.zone, end);
            let begins = stretch.offset.to_datetime(end);
            let skipped = due < begins;
            if self.line.is_fixed() {
                if skipped {
                    return Some(end);
                }
                continue;
            }
            // Between `from` and `due` nothing matches, so the line is asked again only for what lies outside.
            if skipped || begins < from {
                due = self.line.at_or_after(begins)?;
            }
            from = begins;
        }
    }

    /// All fires after an instant.
    pub fn fires_after(&self, after: Timestamp) -> Fires<'_> {
        Fires { schedule: self, last: Some(after) }
    }

    /// The first time of the wall clock whose fire can still lie ahead.
    fn not_fired_before(&self, stretch: &Stretch, after: Timestamp) -> Option<DateTime> {
        // The whole second that has begun; jiff rounds towards the epoch.
        let second = after.as_second() - i64::from(after.subsec_nanosecond() < 0);
        let shown = stretch.offset.to_datetime(Timestamp::from_second(second).ok()?);
        let next = shown.checked_add(Duration::from_secs(1)).ok()?;
        if !self.line.is_fixed() {
            return Some(next);
        }
        // A fixed line has fired for everything the clock has shown so far, also when it was set back since.
        let earliest = after.checked_sub(FURTHEST_BACK).ok()?;
        let changes = changes_after(&self.zone, earliest).take_while(|change| *change <= after);
        changes.map(|change| offset_before(&self.zone, change).to_datetime(change)).chain([next]).max()
    }
}

impl Line {
    /// Puts a line that was read into a zone of the IANA database.
    pub fn in_zone(self, zone: &str) -> Result<Schedule, InvalidSchedule> {
        let known = TimeZone::get(zone).map_err(|_| InvalidSchedule::Zone(zone.chars().take(60).collect()))?;
        Ok(Schedule { line: self, zone: known, zone_name: zone.into() })
    }
}

/// The zone's clock between two changes: what it is ahead of UTC, and when that ends.
struct Stretch {
    offset: Offset,
    end: Option<Timestamp>,
}

impl Stretch {
    fn around(zone: &TimeZone, at: Timestamp) -> Self {
        Self { offset: zone.to_offset(at), end: changes_after(zone, at).next() }
    }
}

/// Changes of the zone's clocks, rising. jiff 0.2.43 also looks back, but does so by the rule of the last years alone: it
/// names an hour for America/Indiana/Winamac in 2007 at which nothing changed.
pub(super) fn changes_after(zone: &TimeZone, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    zone.following(after).map(|change| change.timestamp())
}

/// What the clocks were ahead of UTC until this instant.
pub(super) fn offset_before(zone: &TimeZone, change: Timestamp) -> Offset {
    zone.to_offset(just_before(change))
}

/// The instant before, if there is one.
pub(super) fn just_before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

/// Fires of a schedule, one after the other.
#[derive(Clone, Debug)]
pub struct Fires<'a> {
    schedule: &'a Schedule,
    last: Option<Timestamp>,
}

impl Iterator for Fires<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        self.last = self.schedule.next_after(self.last?);
        self.last
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.line, &self.zone_name) == (&other.line, &other.zone_name)
    }
}

impl TryFrom<Written> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(written: Written) -> Result<Self, InvalidSchedule> {
        Self::new(&written.cron, &written.time_zone)
    }
}

impl From<Schedule> for Written {
    fn from(schedule: Schedule) -> Self {
        Self { cron: schedule.line.text().into(), time_zone: schedule.zone_name }
    }
}
