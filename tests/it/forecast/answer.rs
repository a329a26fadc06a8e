//! What the answer says: the contract, peaks of days, short histories, clocks that change.

use super::{History, at, sound};

fn day(hour: i64) -> f64 {
    100.0 + 50.0 * f64::from(u8::from((8..20).contains(&(hour % 24)))) + (hour * 7_919 % 11) as f64
}

#[test]
fn the_answer_has_the_shape_of_the_contract() {
    let answer = History::hours(28 * 24, day).json(&["--horizon", "24h", "--step", "1h"]);
    assert_eq!(answer["model"], "combination");
    let points = answer["points"].as_array().unwrap();
    assert_eq!((points.len(), &points[0]["at"]), (24, &at(28 * 86_400).into()));
    assert_eq!(answer["peaks"].as_array().unwrap().len(), 1);
    assert_eq!(answer["peaks"][0]["day"], "2026-01-29");
    assert_eq!((&answer["history"]["holes"], &answer["history"]["doubled"]), (&0.into(), &0.into()));
    sound(&answer);
    let backtest = &answer["backtest"];
    assert_eq!(backtest["days"], 14);
    for share in ["coverage_p90", "coverage_p95", "peak_coverage_p95"] {
        assert!((0.0..=1.0).contains(&backtest[share].as_f64().unwrap()), "{share}: {backtest}");
    }
    assert!(backtest["mase"].as_f64().unwrap() < 1.0, "better than as yesterday: {backtest}");
    assert!(points[12]["p50"].as_f64().unwrap() > 140.0 && points[2]["p50"].as_f64().unwrap() < 120.0);
    let peak = answer["peaks"][0]["p95"].as_f64().unwrap();
    assert!((155.0..250.0).contains(&peak), "{peak}");
}

#[test]
fn short_and_even_histories_get_calm_answers() {
    for (hours, model) in
        [(1, "level"), (12, "level"), (47, "level"), (48, "combination"), (72, "combination"), (168, "combination")]
    {
        for (what, load) in [("day", day as fn(i64) -> f64), ("constant", |_| 42.0), ("zero", |_| 0.0)] {
            let answer = History::hours(hours, load).json(&["--horizon", "72h"]);
            assert_eq!(answer["model"], model, "{hours} h of {what}");
            sound(&answer);
            let most = answer["peaks"][2]["p95"].as_f64().unwrap();
            let expected = match what {
                "zero" => 0.0..=0.0,
                "constant" => 41.999..=42.001,
                _ => 100.0..=3.0 * 160.0,
            };
            assert!(expected.contains(&most), "{hours} h of {what}: {most}");
        }
    }
}

#[test]
fn one_second_and_the_same_answer_come_out_twice() {
    let history = History::hours(21 * 24, day);
    assert_eq!(history.forecast(&["-o", "json"]).stdout, history.forecast(&["-o", "json"]).stdout);
}

#[test]
fn local_hours_keep_their_load_when_clocks_change() {
    // Busy from nine to five in New York, whose clocks go forward on 2026-03-08 at 07:00 UTC.
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let local_hour = |hour: i64| {
        let instant = jiff::Timestamp::from_second(1_767_225_600 + hour * 3_600).unwrap();
        instant.to_zoned(zone.clone()).hour()
    };
    let busy = |hour: i64| if (9..17).contains(&local_hour(hour)) { 100.0 } else { 10.0 };
    // Until midnight there before the change: 66 days and 5 hours.
    let hours = 66 * 24 + 5;
    let answer = History::hours(hours, busy).json(&["--time-zone", "America/New_York", "--horizon", "46h"]);
    assert_eq!(answer["points"][0]["at"], "2026-03-08T00:00:00-05:00");
    for (number, point) in answer["points"].as_array().unwrap().iter().enumerate() {
        let expected = busy(hours + i64::try_from(number).unwrap());
        let found = point["p50"].as_f64().unwrap();
        assert!((found - expected).abs() < 1.0, "{point}, expected {expected}");
    }
    let days: Vec<_> = answer["peaks"].as_array().unwrap().iter().map(|peak| peak["day"].clone()).collect();
    assert_eq!(days, ["2026-03-08", "2026-03-09"]);
}

#[test]
fn finer_points_become_means_and_local_times_are_read_in_the_zone() {
    let rows: Vec<String> = (0..3 * 288)
        .map(|index| format!("2026-01-{:02} {:02}:{:02}:00,{}\n", index / 288 + 1, index / 12 % 24, index % 12 * 5, index % 12))
        .collect();
    let history = History::of(format!("timestamp,value\n{}", rows.concat()));
    let answer = history.json(&["--time-zone", "Asia/Kolkata", "--horizon", "2h"]);
    assert_eq!(answer["points"][0]["at"], "2026-01-04T00:00:00+05:30");
    assert_eq!(answer["points"][0]["p50"].as_f64().map(|load| (load * 1e6).round() / 1e6), Some(5.5));
    assert_eq!(answer["history"]["steps"], 72);
}

#[test]
fn people_get_a_plot_on_the_terminal_and_in_a_file() {
    let history = History::hours(21 * 24, day);
    let file = history.beside("plot.svg");
    let output = history.forecast(&["--plot", file.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains('█') && text.contains("peak of day") && text.contains("2026-01-22"), "{text}");
    let svg = std::fs::read_to_string(file).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("polyline"), "{}", svg.get(..200).unwrap_or_default());
}
