//! The dates and times of day that a line matches. The only file that knows the cron crate.
//!
//! The crate parses and iterates, over UTC as a carrier: its own idea of zones repeats and skips runs at clock changes,
//! it counts Sunday as 1, and it wants both day fields to match. So it gets numbers alone, and where either day will do,
//! two schedules are merged. Invariant: no time zone enters here; times are those of a wall clock that never changes.

use std::str::FromStr;

use chrono::{DateTime as Carrier, Utc};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::field::Field;
use super::invalid::Part;

/// The crate knows these years. A line that fires at all does so within them: they hold a leap day on every weekday.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2100;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct CivilTimes {
    /// One, or two of which either will do; none of them is empty.
    schedules: Vec<cron::Schedule>,
}

impl CivilTimes {
    /// `None`: it never fires.
    pub(super) fn of(fields: &[Field; 5]) -> Option<Self> {
        let [_, _, day, _, weekday] = fields;
        let either = !day.begins_with_star && !weekday.begins_with_star;
        let expressions = if either {
            vec![expression(fields, Some(Part::Weekday)), expression(fields, Some(Part::DayOfMonth))]
        } else {
            vec![expression(fields, None)]
        };
        let schedules = expressions.iter().filter_map(|text| cron::Schedule::from_str(text).ok());
        let first = DateTime::constant(*YEARS.start(), 1, 1, 0, 0, 0, 0);
        let schedules: Vec<_> = schedules.filter(|schedule| next(schedule, first).is_some()).collect();
        (!schedules.is_empty()).then_some(Self { schedules })
    }

    /// The first match at or after a time of the wall clock; `None` when there is none in the years that are known.
    pub(super) fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        self.schedules.iter().filter_map(|schedule| next(schedule, from)).min()
    }
}

/// The fields as the crate reads them, seconds first; `left_out` is a day field that the other one stands in for.
fn expression(fields: &[Field; 5], left_out: Option<Part>) -> String {
    let written = fields.iter().map(|field| {
        if field.is_all() || left_out == Some(field.part) {
            return "*".to_owned();
        }
        // The crate's week begins with Sunday as 1.
        let shift = u8::from(field.part == Part::Weekday);
        field.numbers().map(|number| (number + shift).to_string()).collect::<Vec<_>>().join(",")
    });
    std::iter::once("0".to_owned()).chain(written).collect::<Vec<_>>().join(" ")
}

fn next(schedule: &cron::Schedule, from: DateTime) -> Option<DateTime> {
    if !YEARS.contains(&from.year()) {
        return None;
    }
    let carried = Offset::UTC.to_timestamp(from).ok()?;
    let whole = carried.as_second() + i64::from(carried.subsec_nanosecond() > 0);
    // The crate looks strictly after.
    let found = schedule.after(&Carrier::<Utc>::from_timestamp(whole - 1, 0)?).next()?;
    Some(Offset::UTC.to_datetime(Timestamp::from_second(found.timestamp()).ok()?))
}
