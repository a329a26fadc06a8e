//! Files that are torn, hostile or empty: an answer or an error sentence, never a panic.

use super::{History, at, sound};

#[test]
fn what_is_no_load_is_a_hole_and_told() {
    let mut rows = vec!["timestamp,value".to_owned()];
    rows.extend((0..14 * 24).filter(|hour| hour % 50 != 3).map(|hour| format!("{},{}", at(hour * 3_600), 10 + hour % 24)));
    for bad in ["NaN", "inf", "-inf", "-1", "1e999", "", "ten", "1e300"] {
        rows.push(format!("{},{bad}", at(3 * 3_600)));
    }
    rows.push(format!("{},11", at(3_600)));
    rows.push("yesterday,5".into());
    rows.push("\u{0}\u{1}\u{2}".into());
    rows.push("x".repeat(100_000));
    // Out of order, as shards of a log are.
    rows[1..].reverse();
    let history = History::of(rows.join("\r\n"));
    let output = history.forecast(&["-o", "json"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("count as holes") && told.contains("shared their second") && told.contains("steps are holes"),
        "{told}"
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    sound(&answer);
    assert_eq!((&answer["history"]["refused"], &answer["history"]["doubled"]), (&11.into(), &1.into()), "{}", answer["history"]);
    assert_eq!(answer["history"]["holes"], 7);
}

#[test]
fn nothing_to_forecast_from_is_an_error_sentence() {
    for (text, wanted) in [
        ("", "the columns timestamp and value"),
        ("time,load\n2026-01-01T00:00:00Z,1\n", "the columns timestamp and value"),
        ("timestamp,value\n", "no usable value"),
        ("timestamp,value\n2026-01-01T00:00:00Z,NaN\n", "no usable value"),
        ("timestamp,value\nx,1\ny,2\n", "no row has an instant"),
        ("\u{0}\u{ff}\u{fe}", "the columns timestamp and value"),
    ] {
        let output = History::of(text).forecast(&[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text:?}: {told}");
        assert!(told.contains(wanted) && !told.contains("panicked"), "{text:?}: {told}");
    }
}

#[test]
fn arguments_out_of_range_are_refused() {
    let history = History::hours(48, |_| 1.0);
    for arguments in [
        ["--step", "7m"],
        ["--step", "48h"],
        ["--horizon", "30m"],
        ["--horizon", "400d"],
        ["--time-zone", "Mars/Olympus"],
        ["--horizon", "soon"],
        ["--plot", "curve.png"],
    ] {
        let output = history.forecast(&arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn instants_at_both_ends_of_time_are_survived() {
    let rows =
        "timestamp,value\n-000100-01-02T00:00:00Z,1\n9999-12-30T00:00:00Z,5\n9999-12-30T01:00:00Z,6\n0000-01-01T00:00:00Z,2\n";
    let answer = History::of(rows).json(&["--horizon", "28d"]);
    sound(&answer);
    assert_eq!(answer["history"]["too_old"], 2);
}
