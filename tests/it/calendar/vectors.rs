//! Lines with the answers that crontab(5) and Debian's cron give, and lines that they or we refuse.
//!
//! The table of clock changes is the one measured against cron 0.17 and croner 4 before this room was written; Debian's
//! cron (3.0pl1) runs fixed jobs once when the clock jumps less than three hours, and never runs them twice.

use jiff::Timestamp;
use tminus::core::calendar::{InvalidSchedule, Line, Schedule};

/// The first fires after an instant, as the clocks of the zone show them.
fn check(line: &str, zone: &str, after: &str, expected: &[&str]) {
    let schedule = Schedule::new(line, zone).unwrap();
    let after: Timestamp = after.parse().unwrap();
    let fires = schedule.fires_after(after).take(expected.len());
    let shown: Vec<_> = fires.map(|fire| fire.display_with_offset(schedule.zone().to_offset(fire)).to_string()).collect();
    assert_eq!(shown, expected, "{line:?} in {zone} after {after}");
}

#[test]
fn a_fixed_time_that_the_clocks_skip_runs_once_when_they_have() {
    let ny = "America/New_York";
    check("30 2 * * *", ny, "2026-03-08T00:00:00-05:00", &["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"]);
    check("0,30 2 * * *", ny, "2026-03-08T00:00:00-05:00", &["2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"]);
    check("0 2,3 * * *", ny, "2026-03-08T00:00:00-05:00", &["2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"]);
    check("0-59 2 * * *", ny, "2026-03-08T00:00:00-05:00", &["2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"]);
    check(
        "@daily",
        "America/Sao_Paulo",
        "2018-11-03T12:00:00-03:00",
        &["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"],
    );
    check(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T12:00:00Z",
        &["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
    );
    // The gap ends on a day that the line does not name: the run is of the day before, and comes all the same.
    check(
        "30 23 * * sat",
        "America/Godthab",
        "2026-03-27T12:00:00Z",
        &["2026-03-29T00:00:00-01:00", "2026-04-04T23:30:00-01:00"],
    );
    // Samoa had no 30 December 2011: its run comes as the day after begins, and that day has its own.
    check(
        "30 3 * * *",
        "Pacific/Apia",
        "2011-12-29T12:00:00-10:00",
        &["2011-12-31T00:00:00+14:00", "2011-12-31T03:30:00+14:00", "2012-01-01T03:30:00+14:00"],
    );
    check("@daily", "Pacific/Apia", "2011-12-29T12:00:00-10:00", &["2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"]);
}

#[test]
fn a_fixed_time_that_the_clocks_show_twice_runs_at_the_first() {
    let ny = "America/New_York";
    check("30 1 * * *", ny, "2026-11-01T00:00:00-04:00", &["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]);
    check("30 1 * * *", ny, "2026-11-01T01:30:00-04:00", &["2026-11-02T01:30:00-05:00"]);
    check("30 1 * * *", ny, "2026-11-01T01:10:00-05:00", &["2026-11-02T01:30:00-05:00"]);
    check("0 2 * * *", ny, "2026-11-01T01:10:00-05:00", &["2026-11-01T02:00:00-05:00"]);
    check(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T00:00:00Z",
        &["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"],
    );
    // The clocks of Havana go from 01:00 to 00:00: its midnight comes twice.
    check("@daily", "America/Havana", "2026-10-31T12:00:00Z", &["2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"]);
}

#[test]
fn an_interval_leaves_the_gap_out_and_runs_through_both_halves_of_the_fold() {
    let ny = "America/New_York";
    check(
        "*/30 * * * *",
        ny,
        "2026-03-08T01:00:00-05:00",
        &["2026-03-08T01:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-08T03:30:00-04:00"],
    );
    check(
        "*/30 * * * *",
        ny,
        "2026-11-01T00:30:00-04:00",
        &[
            "2026-11-01T01:00:00-04:00",
            "2026-11-01T01:30:00-04:00",
            "2026-11-01T01:00:00-05:00",
            "2026-11-01T01:30:00-05:00",
            "2026-11-01T02:00:00-05:00",
        ],
    );
    check("0 * * * *", ny, "2026-11-01T00:30:00-04:00", &["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"]);
    check("*/30 2 * * *", ny, "2026-03-07T12:00:00-05:00", &["2026-03-09T02:00:00-04:00"]);
    check("30 */2 * * *", ny, "2026-03-08T00:00:00-05:00", &["2026-03-08T00:30:00-05:00", "2026-03-08T04:30:00-04:00"]);
    check("10-50/20 1 * * *", ny, "2026-11-01T01:30:00-04:00", &["2026-11-01T01:50:00-04:00", "2026-11-01T01:10:00-05:00"]);
}

#[test]
fn day_fields_are_those_of_crontab() {
    let after = "2026-01-01T12:00:00Z";
    // On the 13th, and on Fridays.
    check(
        "0 3 13 * 5",
        "UTC",
        after,
        &["2026-01-02T03:00:00+00:00", "2026-01-09T03:00:00+00:00", "2026-01-13T03:00:00+00:00", "2026-01-16T03:00:00+00:00"],
    );
    // A day field that begins with a star is no restriction of its own, so both have to match.
    check("0 3 */2 * 5", "UTC", after, &["2026-01-09T03:00:00+00:00", "2026-01-23T03:00:00+00:00"]);
    check("0 3 13 * */5", "UTC", after, &["2026-02-13T03:00:00+00:00", "2026-03-13T03:00:00+00:00"]);
    check("0 3 *,13 * 5", "UTC", after, &["2026-01-02T03:00:00+00:00", "2026-01-09T03:00:00+00:00"]);
    // One that leaves nothing out without a star is a restriction that every day meets.
    check("0 3 1-31 * 5", "UTC", after, &["2026-01-02T03:00:00+00:00", "2026-01-03T03:00:00+00:00"]);
    for sunday in ["0", "7", "sun", "SUN", "7-7", "*/7"] {
        check(&format!("0 3 * * {sunday}"), "UTC", after, &["2026-01-04T03:00:00+00:00", "2026-01-11T03:00:00+00:00"]);
    }
    check("0 3 * * 1", "UTC", after, &["2026-01-05T03:00:00+00:00"]);
    check(
        "0 3 * * 5-7",
        "UTC",
        after,
        &["2026-01-02T03:00:00+00:00", "2026-01-03T03:00:00+00:00", "2026-01-04T03:00:00+00:00", "2026-01-09T03:00:00+00:00"],
    );
    check(
        "0 3 * * mon-fri/2",
        "UTC",
        after,
        &["2026-01-02T03:00:00+00:00", "2026-01-05T03:00:00+00:00", "2026-01-07T03:00:00+00:00"],
    );
    check("0 3 1 jan,MAR *", "UTC", after, &["2026-03-01T03:00:00+00:00", "2027-01-01T03:00:00+00:00"]);
    check("0 3 31 * *", "UTC", after, &["2026-01-31T03:00:00+00:00", "2026-03-31T03:00:00+00:00"]);
    check("0 3 29 2 *", "UTC", after, &["2028-02-29T03:00:00+00:00", "2032-02-29T03:00:00+00:00"]);
    // The days 1 and 29 of February that are Mondays.
    check("0 3 */28 2 1", "UTC", after, &["2027-02-01T03:00:00+00:00", "2038-02-01T03:00:00+00:00"]);
}

#[test]
fn words_stand_for_their_lines() {
    for (word, line) in [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("  30\t3 * *   * ", "30 3 * * *"),
        ("05 03 * * *", "5 3 * * *"),
    ] {
        let fires = |line: &str| -> Vec<Timestamp> {
            let start = "2026-02-20T00:00:00Z".parse().unwrap();
            Schedule::new(line, "Europe/Berlin").unwrap().fires_after(start).take(30).collect()
        };
        assert_eq!(fires(word), fires(line), "{word}");
    }
}

#[test]
fn what_is_no_line_is_refused_with_what_was_meant() {
    for (line, message, fix) in [
        ("", "a schedule has five fields (minute, hour, day of month, month, weekday), this one has 0", "`30 3 * * *`"),
        ("* * * *", "this one has 4", "@daily"),
        ("0 30 3 * * *", "this one has 6", "leave the seconds out and write `30 3 * * *`"),
        ("0 30 3 * * * 2026", "this one has 7", "write `30 3 * * *`"),
        ("@reboot", "`@reboot` names no time of the calendar", "catches up"),
        ("@every 5m", "`@every 5m` names no time", "write `*/5 * * * *`"),
        ("@fortnightly", "`@fortnightly` names no time", "@weekly"),
        ("60 * * * *", "60 is no minute: it goes from 0 to 59", "minute 0"),
        ("0 24 * * *", "24 is no hour: it goes from 0 to 23", "midnight is hour 0"),
        ("0 0 0 * *", "0 is no day of month", "the first day of a month is 1"),
        ("0 0 32 * *", "32 is no day of month", "1 to 31"),
        ("0 0 * 0 *", "0 is no month", "January is 1"),
        ("0 0 * 13 *", "13 is no month", "names from jan to dec"),
        ("0 0 * * 8", "8 is no weekday", "Sunday is 0 or 7"),
        ("0 22-4 * * *", "the range 22-4 of the hour field runs backwards", "write `22-23,0-4`"),
        ("0 0 * * fri-mon", "the range 5-1 of the weekday field runs backwards", "write `5-6,0-1`"),
        ("0 0 * * sat-sun", "the range 6-0 of the weekday field runs backwards", "write `6-7`"),
        ("5/15 * * * *", "`5/15` of the minute field has a step but no range", "write `5-59/15`"),
        ("*/0 * * * *", "a step of 0 in the minute field leads nowhere", "from 1 to 59"),
        ("*/61 * * * *", "a step of 61 in the minute field leads nowhere", "from 1 to 59"),
        ("0 0 ? * 1", "`?` is nothing that the day of month field takes", "write `*`"),
        ("0 0 L * *", "`L` is nothing that the day of month field takes", "no last, nearest or nth day"),
        ("0 0 15W * *", "`15W` is nothing", "no last, nearest or nth day"),
        ("0 0 * * 5#2", "`5#2` is nothing", "no last, nearest or nth day"),
        ("H * * * *", "`H` is nothing", "write a number"),
        ("0~30 * * * *", "`0~30` is nothing", "write a number"),
        ("0 0 * * monday", "`monday` is nothing that the weekday field takes", "write `mon`"),
        ("0 0 * march *", "`march` is nothing that the month field takes", "write `mar`"),
        ("0, * * * *", "`` is nothing", "take the comma out"),
        ("-5 * * * *", "`-5` is nothing", "write numbers from 0 to 59"),
        ("4294967296 * * * *", "`4294967296` is nothing", "write numbers from 0 to 59"),
        ("999999 * * * *", "999999 is no minute", "write numbers from 0 to 59"),
        ("1.5 * * * *", "`1.5` is nothing", "write numbers"),
        ("0 3 30 2 *", "this never fires: no February has such a day", "such as `28`"),
        ("0 3 31 4,6,9,11 *", "this never fires: no April, June, September and November has such a day", "add a month"),
        ("0 3 30 2 */2", "this never fires", "such as `28`"),
    ] {
        let invalid = line.parse::<Line>().unwrap_err();
        let (said, meant) = (invalid.to_string(), invalid.fix());
        assert!(said.contains(message) && meant.contains(fix), "{line:?}: {said} / {meant}");
    }
    let long = format!("{} * * * *", vec!["0"; 400].join(","));
    assert!(long.parse::<Line>().unwrap_err().to_string().contains("at most 500 characters"));
    assert_eq!(Schedule::new("@daily", "Mars/Olympus").unwrap_err(), InvalidSchedule::Zone("Mars/Olympus".into()));
}

#[test]
fn a_day_that_the_month_lacks_still_fires_on_its_weekday() {
    check("0 3 30 2 1", "UTC", "2026-01-01T00:00:00Z", &["2026-02-02T03:00:00+00:00", "2026-02-09T03:00:00+00:00"]);
}

#[test]
fn the_calendar_ends_where_it_says() {
    let next = |line: &str, zone: &str, after: &str| {
        Schedule::new(line, zone).unwrap().next_after(after.parse().unwrap()).map(|fire| fire.to_string())
    };
    assert_eq!(next("@hourly", "UTC", "2100-12-31T22:30:00Z").as_deref(), Some("2100-12-31T23:00:00Z"));
    assert_eq!(next("@hourly", "UTC", "2100-12-31T23:00:00Z"), None);
    assert_eq!(next("@hourly", "UTC", "9999-12-30T00:00:00Z"), None);
    assert_eq!(next("@hourly", "UTC", "-009999-01-02T02:00:00Z"), None);
    assert_eq!(next("@hourly", "UTC", "1969-12-31T22:30:00Z"), None, "what lies before is not known, so nothing is made up");
    assert_eq!(next("@hourly", "UTC", "1970-01-01T00:00:00Z").as_deref(), Some("1970-01-01T01:00:00Z"));
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(Schedule::new("@hourly", "America/New_York").unwrap().next_after(edge), None);
    }
}

#[test]
fn parts_of_a_second_count() {
    let next = |after: &str| {
        Schedule::new("30 3 * * *", "UTC").unwrap().next_after(after.parse().unwrap()).map(|fire| fire.to_string()).unwrap()
    };
    assert_eq!(next("2026-01-01T03:29:59.999999999Z"), "2026-01-01T03:30:00Z");
    assert_eq!(next("2026-01-01T03:30:00Z"), "2026-01-02T03:30:00Z", "after is exclusive");
    assert_eq!(next("2026-01-01T03:30:00.000000001Z"), "2026-01-02T03:30:00Z");
}
