//! `cron explain` as people and scripts call it.

use std::process::Command;

use serde_json::{Value, json};

fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let ended = command.args(["cron", "explain"]).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

fn answer(arguments: &[&str]) -> Value {
    let (code, out, said) = explain(&[arguments, &["-o", "json"]].concat());
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_script_gets_words_and_instants() {
    let after = "2026-03-07T12:00:00-05:00";
    let got = answer(&["30 2 * * *", "--tz", "America/New_York", "--after", after, "-n", "3"]);
    assert_eq!(got["description"], "At 02:30 every day.");
    assert_eq!(got["next"], json!(["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00", "2026-03-10T02:30:00-04:00"]));
    assert_eq!(got["next_utc"], json!(["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"]));
    assert_eq!((&got["kind"], &got["time_zone"]), (&json!("fixed"), &json!("America/New_York")));
    let note = "02:30 does not exist: the clocks go from 02:00 to 03:00";
    assert_eq!(got["notes"], json!([{"at": "2026-03-08T03:00:00-04:00", "note": note}]));
    let got = answer(&["*/30 1 * * *", "--tz", "America/New_York", "--after", "2026-11-01T00:00:00-04:00", "-n", "4"]);
    let notes: Vec<_> = got["notes"].as_array().unwrap().iter().map(|note| note["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["the first 01:00 of two", "the first 01:30 of two", "the second 01:00 of two", "the second 01:30 of two"]);
}

#[test]
fn after_takes_every_form_of_an_instant_and_does_not_count_itself() {
    for after in [
        "2026-06-01T03:30:00Z",
        "2026-06-01T05:30:00+02:00",
        "2026-06-01T05:30:00+02:00[Europe/Berlin]",
        "2026-06-01T05:30",
        "2026-06-01 05:30:00",
    ] {
        let got = answer(&["30 5 * * *", "--tz", "Europe/Berlin", "--after", after, "-n", "1"]);
        assert_eq!(got["next"], json!(["2026-06-02T05:30:00+02:00"]), "{after}");
    }
    // An offset with seconds is not RFC 3339: such an instant is told in UTC.
    let got = answer(&["@daily", "--tz", "Africa/Monrovia", "--after", "1971-01-01T12:00:00Z", "-n", "1"]);
    assert_eq!(got["next"], json!(["1971-01-02T00:44:30+00:00"]));
}

#[test]
fn without_arguments_it_is_utc_and_from_now_on() {
    let got = answer(&["@hourly"]);
    assert_eq!((got["next"].as_array().unwrap().len(), got["time_zone"].as_str()), (5, Some("UTC")));
    let first: jiff::Timestamp = got["next"][0].as_str().unwrap().parse().unwrap();
    let ahead = first.duration_since(tminus::shell::clock::now()).as_secs();
    assert!((-60..=3_600).contains(&ahead), "{ahead} s ahead");
}

#[test]
fn people_read_the_days_the_offsets_and_why() {
    let (code, out, said) = explain(&["30 2 * * *", "--tz", "America/New_York", "--after", "2026-03-07T12:00", "-n", "2"]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "At 02:30 every day.",
        "it runs once as soon as they have",
        "next in America/New_York",
        "Sun 2026-03-08 03:00 EDT (-04:00)",
        "2026-03-08T07:00Z",
        "02:30 does not exist: the clocks go from 02:00 to 03:00",
        "Mon 2026-03-09 02:30 EDT (-04:00)",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
}

#[test]
fn errors_say_what_was_meant_and_nothing_goes_to_stdout() {
    for (arguments, code, part) in [
        (&["0 24 * * *"] as &[&str], 1, "24 is no hour: it goes from 0 to 23; midnight is hour 0"),
        (&["0 30 3 * * *"], 1, "leave the seconds out and write `30 3 * * *`"),
        (&["@reboot"], 1, "@reboot"),
        (&["0 3 30 2 *"], 1, "this never fires: no February has such a day"),
        (&["-5 * * * *"], 1, "`-5` is nothing that the minute field takes"),
        (&["\u{1b}[2J"], 1, "is no schedule"),
        (&["@daily", "--tz", "America/Los_Angles"], 1, "is no time zone of the IANA database"),
        (&["@daily", "--after", "tomorrow"], 1, "is no instant"),
        (&["@daily", "--after", "2101-01-01T00:00:00Z"], 1, "from 1970 to 2100"),
        (&["@daily", "-n", "0"], 64, "0"),
        (&["@daily", "-n", "1000000"], 64, "1000"),
        (&[], 64, "EXPR"),
    ] {
        let (exit, out, said) = explain(arguments);
        assert_eq!((exit, out.as_str()), (Some(code), ""), "{arguments:?}: {said}");
        assert!(said.contains(part) && !said.contains('\u{1b}'), "{arguments:?}: {said}");
    }
}

#[test]
fn the_end_of_the_calendar_is_told() {
    let (code, out, said) = explain(&["@yearly", "--after", "2098-06-01T00:00:00Z", "-o", "json"]);
    let got: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, got["next"].as_array().unwrap().len()), (Some(0), 2));
    assert!(said.contains("there is no more"), "{said}");
}
