//! What is asked of CloudWatch, how often, and what comes back: batches, statistics, late samples, retention, and the cache.

use std::collections::BTreeMap;
use std::time::Duration;

use tminus::shell::clock;
use tminus::shell::observe::{ObserveError, Point, Purpose, Span};

use super::super::fake::cloudwatch::CloudWatch;
use super::{DAY, HOUR, MINUTE, ask, asked, back, metric, one, sources, spec, values};

fn id(metric: &str) -> (&'static str, &str, (&'static str, &'static str)) {
    ("Reader", metric, ("App", "reader"))
}

#[tokio::test]
async fn twelve_hundred_series_of_all_sources_of_an_account_take_three_calls() {
    let fake = CloudWatch::serve().await;
    let queries: Vec<(String, _)> = (0..1_200).map(|i| (format!("q{i}"), metric(&format!("m{i}"), "Sum"))).collect();
    for i in 0..1_200 {
        fake.sky().add(id(&format!("m{i}")), move |_| vec![f64::from(i); 2]);
    }
    let of = |range: std::ops::Range<usize>| -> Vec<(&str, _)> {
        queries[range].iter().map(|(query, metric)| (query.as_str(), metric.clone())).collect()
    };
    let sources = sources(vec![("one", spec(&fake, &of(0..700))), ("other", spec(&fake, &of(700..1_200)))]);
    let span = back(MINUTE * 30, MINUTE);
    let asks: Vec<_> = queries.iter().map(|(query, _)| ask(query, span, Purpose::Counts)).collect();
    let answers = asked(&sources, &asks).await;
    assert_eq!((fake.called("GetMetricData"), fake.series()), (3, 1_200));
    for (i, answer) in answers.iter().enumerate() {
        let values = values(answer.as_ref().unwrap());
        assert!(values.len() >= 26 && values.iter().all(|(_, value)| *value == 2.0 * i as f64), "{i}: {values:?}");
    }
    // Asked again within the minute: nothing has settled since, so nothing is asked.
    let again = asked(&sources, &asks).await;
    assert!(again.iter().all(Result::is_ok) && fake.called("GetMetricData") <= 6, "{}", fake.called("GetMetricData"));
}

#[tokio::test]
async fn counts_are_per_period_and_loads_per_second() {
    let fake = CloudWatch::serve().await;
    fake.sky().add(id("requests"), |minute| (0..(minute / 60 % 7 + 1) * 60).map(|i| (i % 100) as f64).collect());
    let stats = ["Sum", "SampleCount", "Average", "Minimum", "Maximum", "p90"];
    let queries: Vec<(&str, _)> = stats.iter().map(|stat| (*stat, metric("requests", stat))).collect();
    let sources = sources(vec![("metrics", spec(&fake, &queries))]);
    let span = back(MINUTE * 20, MINUTE);
    for stat in ["SampleCount", "Average", "Minimum", "Maximum", "p90"] {
        for (at, value) in values(&one(&sources, stat, (span, Purpose::Level)).await.unwrap()) {
            let count = (at.as_second() / 60 % 7 + 1) * 60;
            let all: Vec<f64> = (0..count).map(|i| (i % 100) as f64).collect();
            let mut sorted = all.clone();
            sorted.sort_by(f64::total_cmp);
            let expected = match stat {
                "SampleCount" => count as f64 / 60.0,
                "Average" => all.iter().sum::<f64>() / count as f64,
                "Minimum" => 0.0,
                "Maximum" => sorted[sorted.len() - 1],
                _ => sorted[(count as f64 * 0.9).ceil() as usize - 1],
            };
            assert!((value - expected).abs() < 1e-9, "{stat} at {at}: {value}, not {expected}");
        }
    }
    let counted = values(&one(&sources, "SampleCount", (span, Purpose::Counts)).await.unwrap());
    assert!(counted.len() >= 16 && counted.iter().all(|(at, value)| *value == ((at.as_second() / 60 % 7 + 1) * 60) as f64));
    let refused = one(&sources, "Average", (span, Purpose::Counts)).await.unwrap_err();
    assert!(matches!(&refused, ObserveError::NotCounts { statistic, .. } if statistic == "Average"), "{refused}");
    let odd = Span { step: Duration::from_secs(90), ..span };
    let refused = one(&sources, "Sum", (odd, Purpose::Counts)).await.unwrap_err();
    assert!(matches!(&refused, ObserveError::NoPeriod(step) if step == "90s"), "{refused}");
}

#[tokio::test]
async fn periods_that_have_not_settled_are_not_known_and_minutes_without_samples_are_absent() {
    let fake = CloudWatch::serve().await;
    // A minute is whole 90 s after its end; every fifth has no samples at all.
    fake.sky().add(id("requests"), |minute| if minute / 60 % 5 == 0 { Vec::new() } else { vec![1.0; 100] });
    let sources = sources(vec![("metrics", spec(&fake, &[("requests", metric("requests", "Sum"))]))]);
    let now = clock::now().as_second();
    let answer = one(&sources, "requests", (back(MINUTE * 30, MINUTE), Purpose::Counts)).await.unwrap();
    for (at, point) in &answer.points {
        let settled = at.as_second() + 60 + 120 <= now;
        let late_by_a_moment = at.as_second() + 60 + 120 <= now + 2;
        match point {
            Point::Value(value) => assert!(late_by_a_moment && *value == 100.0, "{at}: {value}"),
            Point::Refused => assert!(!settled, "{at} had settled"),
        }
    }
    let gaps = (now - 1_500..now - 300).step_by(60).map(|at| at - at.rem_euclid(60)).filter(|at| at / 60 % 5 == 0);
    for gap in gaps {
        assert!(!answer.points.contains_key(&jiff::Timestamp::from_second(gap).unwrap()), "no samples at {gap}");
    }
    let refused = answer.points.values().filter(|point| **point == Point::Refused).count();
    assert!((2..=3).contains(&refused) && answer.reasons.len() == 1 && answer.reasons[0].contains("settled"), "{answer:?}");
}

#[tokio::test]
async fn weeks_of_history_are_read_once() {
    let fake = CloudWatch::serve().await;
    for i in 0..300 {
        fake.sky().add_by(3_600, id(&format!("m{i}")), move |hour| vec![(hour / 3_600 % 24) as f64 + f64::from(i); 3]);
    }
    let queries: Vec<(String, _)> = (0..300).map(|i| (format!("q{i}"), metric(&format!("m{i}"), "Sum"))).collect();
    let queries: Vec<(&str, _)> = queries.iter().map(|(query, metric)| (query.as_str(), metric.clone())).collect();
    let sources = sources(vec![("metrics", spec(&fake, &queries))]);
    fake.sky().page = 50_000;
    let span = || back(DAY * 28, HOUR);
    let asks = || queries.iter().map(|(query, _)| ask(query, span(), Purpose::Level)).collect::<Vec<_>>();
    // Two hundred thousand points take five pages; whoever does not wait so long finds them at the next look.
    let deadline = clock::monotonic() + Duration::from_secs(60);
    while asked(&sources, &asks()).await.iter().any(Result::is_err) {
        assert!(clock::monotonic() < deadline, "the history was never read");
    }
    let calls = fake.called("GetMetricData");
    assert!((5..=6).contains(&calls), "{calls} calls");
    let before = fake.series();
    for answer in asked(&sources, &asks()).await {
        let values = values(&answer.unwrap());
        assert!((670..=672).contains(&values.len()), "{} hours", values.len());
    }
    assert!(fake.series() - before <= 300 && fake.called("GetMetricData") <= calls + 1, "only the newest hour may be read");
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_asked_for_more_coarsely_or_not_at_all() {
    let fake = CloudWatch::serve().await;
    fake.sky().add(id("requests"), |minute| if minute % 3_600 == 0 { vec![36.0] } else { Vec::new() });
    let sources = sources(vec![("metrics", spec(&fake, &[("requests", metric("requests", "Sum"))]))]);
    let step = |secs: u64| Duration::from_secs(secs);
    let length = |answer: &super::Answer| values(answer.as_ref().unwrap()).len();
    // Twenty days by the minute: five minutes are kept so long, and a count of an hour stays in one of them.
    let finer = one(&sources, "requests", (back(DAY * 20, step(60)), Purpose::Level)).await;
    assert!((20 * 24 - 2..=20 * 24).contains(&length(&finer)), "{}", length(&finer));
    assert!(values(finer.as_ref().unwrap()).iter().all(|(_, value)| *value == 36.0 / 300.0));
    let year = one(&sources, "requests", (back(DAY * 600, step(3_600)), Purpose::Level)).await;
    assert!((455 * 24 - 2..=455 * 24).contains(&length(&year)), "{}", length(&year));
    let longest = fake.sky().longest;
    assert!(longest <= 456 * 86_400, "nothing is asked that is not kept: {longest} s");
    // Counts of minutes reach back fifteen days, and what lies before is not there.
    let minutes = one(&sources, "requests", (back(DAY * 16, step(60)), Purpose::Counts)).await;
    assert!((15 * 24 - 2..=15 * 24).contains(&length(&minutes)), "{}", length(&minutes));
}

#[tokio::test]
async fn placeholders_are_filled_where_they_stand() {
    let fake = CloudWatch::serve().await;
    fake.sky().add(("Reader/2.3.0", "errors-reader", ("Version", "2.3.0")), |_| vec![1.0]);
    let mut query = metric("errors-${app}", "Sum");
    query.namespace = "Reader/${version}".into();
    query.dimensions = BTreeMap::from([("Version".to_owned(), "${version}".to_owned())]);
    let mut unknown = metric("errors", "Sum");
    unknown.metric = "errors-${other}".into();
    let sources = sources(vec![("metrics", spec(&fake, &[("errors", query), ("unknown", unknown)]))]);
    let span = back(MINUTE * 10, MINUTE);
    assert!(!values(&one(&sources, "errors", (span, Purpose::Counts)).await.unwrap()).is_empty());
    let refused = one(&sources, "unknown", (span, Purpose::Counts)).await.unwrap_err();
    assert!(matches!(refused, ObserveError::Placeholder(_)), "{refused}");
}
