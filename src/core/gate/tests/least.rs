//! What SAFE takes at the least, against the judge itself.

use super::fixture::{Bench, alone, minute, policy};
use crate::core::gate::{Policy, Verdict, least};

/// Whether one period of so many clean requests is SAFE, with nothing else known.
fn is_safe(policy: &Policy, requests: u64) -> bool {
    let judgement = Bench::new(policy.clone(), vec![minute(0, (0, requests, 0, 0))]).judge();
    judgement.verdict == Verdict::Safe
}

#[test]
fn it_is_the_first_count_that_the_judge_lets_pass() {
    for slo in [0.05, 0.005, 0.0001] {
        let policy = alone(slo);
        let least = least(&policy, 0.1).unwrap();
        let requests = least.requests.unwrap();
        assert!(is_safe(&policy, requests) && !is_safe(&policy, requests - 1), "slo {slo}: {requests}");
        assert_eq!(least.time, policy.period + policy.lag);
    }
}

#[test]
fn without_an_slo_only_the_baseline_could_tell() {
    assert_eq!(least(&policy(), 0.1).unwrap().requests, None);
    assert_eq!(least(&Policy { metrics: Vec::new(), ..policy() }, 0.1), None);
    assert_eq!(least(&Policy { beta: 2.0, ..policy() }, 0.1), None);
    for share in [0.0, 1.0, f64::NAN] {
        assert!(least(&alone(0.01), share).unwrap().requests.is_some());
    }
}

#[test]
fn a_baseline_beside_the_slo_asks_for_no_more_than_twice_as_much() {
    let both = Policy { slo: Some(0.005), ..policy() };
    let requests = |policy: &Policy| least(policy, 0.01).unwrap().requests.unwrap();
    assert!(requests(&both) < 2 * requests(&alone(0.005)), "{} and {}", requests(&both), requests(&alone(0.005)));
}
