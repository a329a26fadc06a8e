//! What holds for any line in any zone: against a clock that is watched minute by minute, from any starting point, and
//! in bounded time for whatever somebody writes.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::collection::vec;
use proptest::prelude::*;
use tminus::core::calendar::{Line, Schedule};
use tminus::shell::clock;

use super::zones::{Change, changes, clocks, instant};

const YEARS: (i16, i16) = (2000, 2038);

/// A field as text, with what it matches; made here so that the reader is not asked about itself.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    numbers: BTreeSet<u8>,
}

fn field(least: u8, most: u8) -> impl Strategy<Value = Written> {
    let all = (least..=most).collect::<BTreeSet<_>>();
    let star = Just(Written { text: "*".into(), numbers: all });
    let stepped = (1..=most)
        .prop_map(move |step| Written { text: format!("*/{step}"), numbers: (least..=most).step_by(step.into()).collect() });
    let range = (least..=most, least..=most, 1..=3_u8).prop_map(|(one, other, step)| {
        let (from, to) = (one.min(other), one.max(other));
        let text = if step == 1 { format!("{from}-{to}") } else { format!("{from}-{to}/{step}") };
        Written { text, numbers: (from..=to).step_by(step.into()).collect() }
    });
    let list = vec(least..=most, 1..4).prop_map(|numbers| Written {
        text: numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        numbers: numbers.into_iter().collect(),
    });
    prop_oneof![2 => star, 1 => stepped, 1 => range, 4 => list]
}

/// The five fields of a line.
fn lines() -> impl Strategy<Value = [Written; 5]> {
    [field(0, 59).boxed(), field(0, 23).boxed(), field(1, 31).boxed(), field(1, 12).boxed(), field(0, 7).boxed()]
}

fn text(fields: &[Written; 5]) -> String {
    fields.each_ref().map(|field| field.text.clone()).join(" ")
}

/// crontab(5) in one place: whether a time of the wall clock matches.
fn matches([minute, hour, day, month, weekday]: &[Written; 5], shown: DateTime) -> bool {
    let on = |field: &Written, number: i8| field.numbers.contains(&(number as u8));
    let week = Weekday::to_sunday_zero_offset(shown.weekday());
    let (of_month, of_week) = (on(day, shown.day()), on(weekday, week) || week == 0 && on(weekday, 7));
    let either = !day.text.starts_with('*') && !weekday.text.starts_with('*');
    let on_day = if either { of_month || of_week } else { of_month && of_week };
    on(minute, shown.minute()) && on(hour, shown.hour()) && on(month, shown.month()) && on_day
}

/// Watches the clock of a zone minute by minute, and notes when the line is due.
fn watched(fields: &[Written; 5], zone: &TimeZone, (from, to): (Timestamp, Timestamp)) -> Vec<Timestamp> {
    let fixed = !fields[..2].iter().any(|field| field.text.contains(['*', '/']));
    // What the clock showed last, and the furthest it ever came.
    let mut furthest: Option<DateTime> = None;
    let mut due = Vec::new();
    let mut now = from;
    while now <= to {
        let shown = zone.to_datetime(now);
        let is_due = if fixed {
            // Whatever the clock passed over since the furthest it came, this minute among it, is due once.
            let first = furthest.map_or(shown, |furthest| furthest.saturating_add(1.minute()));
            let passed = std::iter::successors(Some(first), |time| Some(time.saturating_add(1.minute())));
            passed.take_while(|time| *time <= shown).any(|time| matches(fields, time))
        } else {
            matches(fields, shown)
        };
        if is_due {
            due.push(now);
        }
        furthest = furthest.max(Some(shown));
        now += SignedDuration::from_mins(1);
    }
    due
}

/// Zones whose clocks changed in these years, with their changes.
fn changing() -> Vec<(String, TimeZone, Vec<Change>)> {
    let all = clocks(YEARS).into_iter().filter(|clocks| !clocks.changes.is_empty());
    all.map(|clocks| (clocks.names[0].clone(), clocks.zone, clocks.changes)).collect()
}

#[test]
fn a_clock_that_is_watched_minute_by_minute_says_the_same() {
    let zones = changing();
    proptest!(ProptestConfig::with_cases(150), |(fields in lines(), zone in any::<prop::sample::Index>(), at in any::<prop::sample::Index>())| {
        let (name, zone, changes) = zone.get(&zones);
        let change = at.get(changes);
        // The watch begins early enough for a fold of the hours before to be known to it.
        let (from, to) = (change.at - SignedDuration::from_hours(30), change.at + SignedDuration::from_hours(30));
        let Ok(schedule) = Schedule::new(&text(&fields), name) else {
            prop_assert!(watched(&fields, zone, (from, to)).is_empty());
            return Ok(());
        };
        let fires: Vec<_> = schedule.fires_after(from - SignedDuration::from_nanos(1)).take_while(|fire| *fire <= to).collect();
        prop_assert_eq!(fires, watched(&fields, zone, (from, to)), "{} in {} around {}", text(&fields), name, change.at);
    });
}

#[test]
fn fires_rise_and_are_the_same_from_wherever_they_are_asked_for() {
    let zones = changing();
    proptest!(ProptestConfig::with_cases(200), |(
        fields in lines(),
        zone in any::<prop::sample::Index>(),
        second in 946_684_800_i64..2_145_916_800,
        asked in vec(0.0..1.0_f64, 20),
    )| {
        let (name, ..) = zone.get(&zones);
        let Ok(schedule) = Schedule::new(&text(&fields), name) else { return Ok(()) };
        let start = Timestamp::from_second(second).unwrap();
        let fires: Vec<_> = schedule.fires_after(start).take(40).collect();
        prop_assert!(fires.windows(2).all(|pair| pair[0] < pair[1]), "{fires:?}");
        prop_assert!(fires.iter().all(|fire| *fire > start && fire.as_second() % 60 == 0));
        let Some(last) = fires.last() else { return Ok(()) };
        for share in asked {
            let nanos = (last.as_nanosecond() - start.as_nanosecond()) as f64 * share;
            let between = Timestamp::from_nanosecond(start.as_nanosecond() + nanos as i128).unwrap();
            let expected = fires.iter().copied().find(|fire| *fire > between);
            prop_assert_eq!(schedule.next_after(between), expected, "{} in {} after {}", text(&fields), name, between);
        }
        let read: Schedule = serde_json::from_str(&serde_json::to_string(&schedule).unwrap()).unwrap();
        prop_assert_eq!(read.next_after(start), schedule.next_after(start));
    });
}

/// When a daily time is due on each date, by jiff's own reading of gaps and folds.
fn expected(zone: &TimeZone, time: jiff::civil::Time, dates: impl Iterator<Item = Date>) -> BTreeSet<Timestamp> {
    let due = |date: Date| {
        let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(time));
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().unwrap(),
            // Read by the clock of before, the skipped time lies behind the change.
            AmbiguousOffset::Gap { before, .. } => {
                let read = before.to_timestamp(date.to_datetime(time)).unwrap();
                let changes = zone.following(read - SignedDuration::from_hours(26)).map(|change| change.timestamp());
                changes.take_while(|change| *change <= read).last().unwrap()
            }
        }
    };
    dates.map(due).collect()
}

fn dates(from: Date, to: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |date| date.tomorrow().ok()).take_while(move |date| *date <= to)
}

/// That a daily line is due once on each of these dates.
fn check_daily((name, zone): (&str, &TimeZone), time: jiff::civil::Time, (from, to): (Date, Date)) {
    let schedule = Schedule::new(&format!("{} {} * * *", time.minute(), time.hour()), name).unwrap();
    let due = expected(zone, time, dates(from, to));
    let (first, last) = (*due.first().unwrap(), *due.last().unwrap());
    let fires: BTreeSet<_> =
        schedule.fires_after(first - SignedDuration::from_nanos(1)).take_while(|fire| *fire <= last).collect();
    assert_eq!(fires, due, "{time} in {name} from {from} to {to}");
}

#[test]
fn a_daily_time_is_due_once_on_every_date_of_every_zone_and_year() {
    for clocks in clocks(YEARS) {
        let zone = (clocks.names[0].as_str(), &clocks.zone);
        for change in &clocks.changes {
            let (before, after) = change.shown();
            let (first, last) = (before.min(after), before.max(after));
            let middle = first + SignedDuration::from_secs(i64::from(change.after.seconds() - change.before.seconds()).abs() / 2);
            let around = (first.date() - 3.days(), last.date() + 3.days());
            for time in [jiff::civil::Time::midnight(), middle.time(), jiff::civil::time(23, 59, 0, 0)] {
                check_daily(zone, time, around);
            }
        }
        // And one whole year of each zone, another one each time the zone's name comes up in the list.
        let year = 2000 + (clocks.names[0].bytes().map(i16::from).sum::<i16>() % 38);
        check_daily(zone, jiff::civil::time(2, 30, 0, 0), (jiff::civil::date(year, 1, 1), jiff::civil::date(year, 12, 31)));
    }
}

#[test]
fn clocks_of_the_last_century_are_followed_too() {
    // Changes of less than a minute and of odd minutes: Monrovia's -00:44:30 ended in 1972, Guyana went from -03:45 in 1975.
    for name in ["Africa/Monrovia", "America/Guyana", "Europe/Moscow", "Pacific/Kwajalein", "Asia/Manila", "Antarctica/Troll"] {
        let zone = TimeZone::get(name).unwrap();
        for change in changes(&zone, (1971, 2000)) {
            let (before, after) = change.shown();
            let around = (before.min(after).date() - 3.days(), before.max(after).date() + 3.days());
            check_daily((name, &zone), jiff::civil::time(0, 0, 0, 0), around);
            check_daily((name, &zone), jiff::civil::time(2, 30, 0, 0), around);
        }
    }
}

#[test]
fn whatever_is_written_is_read_or_refused_and_never_takes_long() {
    let worst = |text: &str| {
        let started = clock::monotonic();
        if let Ok(line) = text.parse::<Line>() {
            let schedule = line.in_zone("America/New_York").unwrap();
            let _ = schedule.fires_after(instant(2026)).take(3).count();
        }
        started.elapsed()
    };
    let everything = (0..60).map(|number: u8| number.to_string()).collect::<Vec<_>>().join(",");
    let hours = (0..24).map(|number: u8| number.to_string()).collect::<Vec<_>>().join(",");
    for line in [
        format!("{everything} {hours} 29 2 */7"),
        format!("{everything} {hours} * * *"),
        "*/7 0 29 2 */7".into(),
        "0 0 29 2 */7".into(),
        "*/59 */23 31 */11 */6".into(),
        "0 0 31 2 *".into(),
        "*/15 2 */8 3 */7".into(),
        "*".repeat(500),
        ",".repeat(500),
        "0-59/1,".repeat(60) + " * * * *",
    ] {
        assert!(worst(&line) < Duration::from_millis(500), "{line:.60} took {:?}", worst(&line));
    }
    proptest!(ProptestConfig::with_cases(400), |(line in "[0-9*/,@a-zLW#?~ -]{0,40}", odd in "\\PC{0,60}")| {
        let _ = worst(&line);
        let _ = worst(&odd);
        let _ = Schedule::new("@daily", &odd);
    });
}
