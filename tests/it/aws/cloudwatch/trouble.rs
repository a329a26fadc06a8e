//! What becomes of a service that throttles, loses and delays answers, refuses, or tells a part: what was known stays known,
//! and what is not known is never a zero.

use std::time::Duration;

use tminus::shell::aws::AwsError;
use tminus::shell::clock;
use tminus::shell::observe::{ObserveError, Point, Purpose};

use super::super::fake::cloudwatch::CloudWatch;
use super::super::fake::cloudwatch::sky::Trouble;
use super::{MINUTE, back, metric, one, sources, spec, values};
use tminus::shell::observe::Sources;

async fn world(statistic: &str) -> (CloudWatch, Sources) {
    let fake = CloudWatch::serve().await;
    fake.sky().add(("Reader", "requests", ("App", "reader")), |_| vec![1.0; 60]);
    let sources = sources(vec![("metrics", spec(&fake, &[("requests", metric("requests", statistic))]))]);
    (fake, sources)
}

#[tokio::test]
async fn a_call_that_is_throttled_or_loses_its_answer_is_made_again() {
    let (fake, sources) = world("Sum").await;
    fake.sky().troubles = vec![Trouble::LosesAnswers, Trouble::Throttles];
    let answer = one(&sources, "requests", (back(MINUTE * 10, MINUTE), Purpose::Level)).await.unwrap();
    assert!(values(&answer).len() >= 6 && values(&answer).iter().all(|(_, value)| *value == 1.0));
    assert_eq!(fake.called("GetMetricData"), 3);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    type Is = fn(&AwsError) -> bool;
    let cases: [(&str, Is, &str); 4] = [
        ("Throttling", |error| matches!(error, AwsError::Throttled { .. }), "asked again"),
        ("ExpiredToken", |error| matches!(error, AwsError::Expired { .. }), "renew the session"),
        ("AccessDenied", |error| matches!(error, AwsError::Denied { .. }), "deploy/aws/policy.json"),
        ("ValidationError", |error| matches!(error, AwsError::Invalid { .. }), "was refused"),
    ];
    for (code, is, says) in cases {
        let (fake, sources) = world("Sum").await;
        fake.sky().refuses = Some(code);
        let error = one(&sources, "requests", (back(MINUTE * 10, MINUTE), Purpose::Level)).await.unwrap_err();
        assert!(matches!(&error, ObserveError::Aws { cause, .. } if is(cause)), "{code}: {error}");
        assert!(error.to_string().contains(says) && error.to_string().contains("GetMetricData"), "{code}: {error}");
    }
}

#[tokio::test]
async fn an_account_that_gives_no_answer_rests_and_what_was_known_stays() {
    let (fake, sources) = world("Sum").await;
    let span = || back(MINUTE * 10, MINUTE);
    let known = one(&sources, "requests", (span(), Purpose::Counts)).await.unwrap();
    fake.sky().refuses = Some("ExpiredToken");
    // A longer look back has to be asked for: it fails, twice, and then is not asked for.
    let deeper = || back(MINUTE * 30, MINUTE);
    for _ in 0..2 {
        let answer = one(&sources, "requests", (deeper(), Purpose::Counts)).await.unwrap();
        assert!(values(&answer).len() >= values(&known).len(), "what was known is gone");
        let unread = answer.points.values().filter(|point| **point == Point::Refused).count();
        assert!(unread >= 19 && answer.reasons[0].contains("expired"), "{:?}", answer.reasons);
    }
    let calls = fake.called("GetMetricData");
    let resting = one(&sources, "requests", (deeper(), Purpose::Counts)).await.unwrap();
    assert_eq!(fake.called("GetMetricData"), calls);
    assert!(resting.reasons[0].contains("not asked for up to a minute"), "{:?}", resting.reasons);
}

#[tokio::test]
async fn a_part_is_a_part() {
    let (fake, sources) = world("Sum").await;
    let span = back(MINUTE * 10, MINUTE);
    for (status, says) in [("InternalError", "InternalError"), ("Forbidden", "may not read"), ("NewCode", "InternalError")] {
        fake.sky().status.insert("requests".into(), status);
        let error = one(&sources, "requests", (span, Purpose::Counts)).await.unwrap_err();
        assert!(error.to_string().contains(says), "{status}: {error}");
    }
    // All points came, but CloudWatch does not say so: what comes after the last of them is not known.
    fake.sky().add(("Reader", "requests", ("App", "reader")), |minute| if minute / 60 % 5 == 0 { vec![] } else { vec![1.0] });
    fake.sky().status.insert("requests".into(), "PartialData");
    let answer = one(&sources, "requests", (span, Purpose::Counts)).await;
    let refused = answer.as_ref().map_or(10, |answer| answer.points.values().filter(|point| **point == Point::Refused).count());
    assert!(refused >= 3, "{answer:?}");
    fake.sky().status.clear();
    let whole = one(&sources, "requests", (span, Purpose::Counts)).await.unwrap();
    assert!((5..=8).contains(&values(&whole).len()), "seven or eight minutes, one or two without samples: {whole:?}");
}

#[tokio::test]
async fn a_page_that_hangs_costs_no_more_than_a_look_and_comes_later() {
    let (fake, sources) = world("Sum").await;
    fake.sky().troubles = vec![Trouble::Hangs];
    let span = back(MINUTE * 10, MINUTE);
    let began = clock::monotonic();
    let first = one(&sources, "requests", (span, Purpose::Counts)).await;
    let took = began.elapsed();
    assert!(took < Duration::from_millis(4_800), "{took:?}");
    let again = if first.is_ok() { first } else { one(&sources, "requests", (span, Purpose::Counts)).await };
    assert!(values(&again.unwrap()).len() >= 6);
}
