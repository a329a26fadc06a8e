//! Verdicts on a rollout: what counts, what silence means, and in which order reasons come.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fixture::{Bench, MINUTE, Row, alone, at, minute, minutes, name, policy};
use crate::core::gate::{
    AbortReason, Dispersion, Evidence, Exposure, HoldReason, Metric, Minute, NoData, NoDataThen, Onset, Outcome, Policy, Verdict,
    judge,
};

const HEALTHY: Row = (10, 1000, 90, 9000);
const TWICE: Row = (20, 1000, 90, 9000);
const FIVE_FOLD: Row = (50, 1000, 90, 9000);

fn bench(rows: &[Row]) -> Bench {
    Bench::new(policy(), minutes(rows))
}

#[track_caller]
fn check(bench: &Bench, expected: Outcome) {
    let judgement = bench.judge();
    assert_eq!(judgement.verdict.outcome(), expected, "{judgement}");
}

#[test]
fn healthy_is_safe_and_worse_aborts() {
    check(&bench(&[HEALTHY; 4]), Outcome::Safe);
    check(&bench(&[FIVE_FOLD; 3]), Outcome::Abort);
    check(&bench(&[TWICE; 2]), Outcome::Hold);
    let judgement = bench(&[TWICE; 12]).judge();
    assert!(matches!(judgement.verdict, Verdict::Abort(AbortReason::Regression { .. })), "{judgement}");
    assert_eq!((judgement.requests, judgement.errors), (12_000, 240));
}

#[test]
fn only_closed_periods_count() {
    let mut bench = bench(&[HEALTHY; 4]);
    bench.closed = 0;
    assert_eq!(bench.judge().verdict, Verdict::Hold(HoldReason::NoEvidence));
    assert!(!bench.judge().is_fresh());
    // One second before the lag is over, the fourth is not there yet.
    let before = Evidence {
        metrics: &bench.metrics,
        history: &bench.history,
        rollout_from: at(0),
        step_from: at(0),
        exposure: Exposure::Partial,
        planned_checks: None,
        now: at(4) + bench.policy.lag - Duration::from_secs(1),
    };
    assert_eq!(judge(&bench.policy, &before).requests, 3_000);
    assert_eq!(judge(&bench.policy, &Evidence { now: at(4) + bench.policy.lag, ..before }).requests, 4_000);
    assert_eq!(judge(&bench.policy, &Evidence { now: at(-9), ..before }).verdict, Verdict::Hold(HoldReason::NoEvidence));
}

#[test]
fn evidence_against_survives_a_step_and_evidence_for_does_not() {
    let mut stepped = bench(&[[HEALTHY; 4], [TWICE; 4], [TWICE; 4], [TWICE; 4]].concat());
    stepped.step = 12;
    let judgement = stepped.judge();
    assert_eq!(judgement.verdict.outcome(), Outcome::Abort, "{judgement}");
    assert_eq!(judgement.requests, 4_000);
    let mut fresh = bench(&[HEALTHY; 5]);
    fresh.step = 4;
    check(&fresh, Outcome::Hold);
    fresh.step = 5;
    assert_eq!(fresh.judge().verdict, Verdict::Hold(HoldReason::NoEvidence));
}

#[test]
fn drift_while_the_share_grows_is_not_the_releases_fault() {
    // Base rate 0.5 % to 2 % while the share goes from 1 % to 50 %: pooled counts would show a regression.
    let stage = |n: u64, rate: u64| [(n * rate / 1000, n, (10_000 - n) * rate / 1000, 10_000 - n); 30];
    let rows = [stage(200, 5), stage(1_000, 10), stage(3_000, 15), stage(5_000, 20)].concat();
    let judgement = bench(&rows).judge();
    assert!(judgement.e < 1.0, "{judgement}");
}

#[test]
fn one_bad_minute_and_a_small_bias_do_not_abort() {
    for (healthy, blip) in [(HEALTHY, (100, 1000, 90, 9000)), ((50, 50_000, 450, 450_000), (500, 50_000, 450, 450_000))] {
        let rows = [vec![healthy; 30], vec![blip], vec![healthy; 30]].concat();
        assert!((31..=61).all(|count| bench(&rows[..count]).judge().verdict.outcome() != Outcome::Abort));
    }
    check(&bench(&[(55, 50_000, 450, 450_000); 120]), Outcome::Safe);
}

#[test]
fn no_data_is_never_safe() {
    check(&Bench { closed: 9, ..bench(&[]) }, Outcome::Hold);
    let mut silent = bench(&[HEALTHY; 4]);
    silent.closed = 5;
    let expected = HoldReason::Gap { metric: name("http_5xx"), silent: MINUTE };
    assert_eq!(silent.judge().verdict, Verdict::Hold(expected));
    assert!(!silent.judge().is_fresh());
    let mut no_baseline = bench(&[HEALTHY; 4]);
    no_baseline.metrics.values_mut().flatten().for_each(|minute| minute.baseline = None);
    check(&no_baseline, Outcome::Hold);
}

#[test]
fn zero_requests_are_never_safe_and_never_silence() {
    let idle = |count| bench(&[vec![HEALTHY; 4], vec![(0, 0, 90, 9000); count]].concat());
    for count in [1, 6, 90] {
        let judgement = idle(count).judge();
        let expected = HoldReason::NoTraffic { metric: name("http_5xx"), requests: 4_000 };
        assert_eq!(judgement.verdict, Verdict::Hold(expected));
        assert!(judgement.is_fresh());
    }
    // They did not age max_gap: the window goes on where it was.
    let mut resumed = idle(20);
    resumed.metrics.values_mut().for_each(|minutes| minutes.push(minute(24, (0, 10, 1, 90))));
    resumed.closed = 25;
    check(&resumed, Outcome::Safe);
    check(&bench(&[(0, 0, 0, 0); 90]), Outcome::Hold);
}

#[test]
fn a_window_begins_again_after_a_gap_that_is_too_long() {
    let after = |missing: i64| {
        let mut rows = minutes(&[HEALTHY; 4]);
        rows.push(minute(4 + missing, (1, 100, 9, 900)));
        Bench { closed: 5 + missing, ..Bench::new(policy(), rows) }
    };
    check(&after(5), Outcome::Safe);
    check(&after(6), Outcome::Hold);
    let mut rebuilt = after(6);
    rebuilt.metrics.values_mut().for_each(|minutes| minutes.extend((11..15).map(|index| minute(index, HEALTHY))));
    rebuilt.closed = 15;
    check(&rebuilt, Outcome::Safe);
}

#[test]
fn silence_beyond_the_deadline_does_what_the_policy_says() {
    let then = |then, closed| {
        let no_data = NoData { max_gap: MINUTE * 5, deadline: MINUTE * 30, then };
        Bench { closed, ..Bench::new(Policy { no_data, ..policy() }, minutes(&[HEALTHY; 4])) }.judge().verdict
    };
    assert_eq!(then(NoDataThen::Abort, 34).outcome(), Outcome::Hold);
    assert_eq!(then(NoDataThen::Abort, 35), Verdict::Abort(AbortReason::NoData { silent: MINUTE * 31 }));
    let expected = HoldReason::Gap { metric: name("http_5xx"), silent: MINUTE * 31 };
    assert_eq!(then(NoDataThen::Hold, 35), Verdict::Hold(expected));
}

#[test]
fn panic_needs_errors_a_rate_and_a_baseline_that_is_fine() {
    let cases: [(Row, bool); 6] = [
        ((10, 50, 0, 450), true),
        ((9, 40, 0, 450), false),
        ((10, 51, 0, 450), false),
        ((10, 50, 22, 450), true),
        ((10, 50, 23, 450), false),
        ((10, 50, 0, 0), false),
    ];
    for (row, expected) in cases {
        let verdict = bench(&[row]).judge().verdict;
        let found = matches!(verdict, Verdict::Abort(AbortReason::Panic { .. }));
        assert_eq!(found, expected, "{row:?}: {verdict}");
    }
    let without = |slo, row| Bench::new(alone(slo), minutes(&[row])).judge().verdict.outcome();
    assert_eq!(without(0.005, (10, 50, 0, 0)), Outcome::Abort);
    assert_ne!(without(0.5, (10, 50, 0, 0)), Outcome::Abort, "that is what the slo allows");
}

#[test]
fn panic_is_found_again_when_its_period_is_long_past() {
    check(&bench(&[vec![(30, 100, 9, 900)], vec![HEALTHY; 60]].concat()), Outcome::Abort);
}

#[test]
fn a_release_alone_stands_against_its_slo() {
    let rates = |errors, count| Bench::new(alone(0.005), minutes(&vec![(errors, 1000, 0, 0); count]));
    check(&rates(0, 2), Outcome::Safe);
    check(&rates(1, 5), Outcome::Safe);
    check(&rates(5, 60), Outcome::Hold);
    check(&rates(20, 5), Outcome::Abort);
}

#[test]
fn clean_requests_certify_where_there_is_an_slo() {
    let clean: [Row; 3] = [(0, 1000, 0, 9000); 3];
    check(&bench(&clean), Outcome::Hold);
    let with_slo = Bench::new(Policy { slo: Some(0.005), ..policy() }, minutes(&clean));
    check(&with_slo, Outcome::Safe);
}

#[test]
fn at_full_exposure_the_slo_takes_over() {
    let mut full = Bench::new(Policy { slo: Some(0.005), ..policy() }, minutes(&[HEALTHY; 5]));
    let rows = full.metrics.values_mut().next().unwrap();
    rows.extend((5..10).map(|index| minute(index, (20, 10_000, 0, 0))));
    rows[7].baseline = None;
    (full.closed, full.step, full.exposure) = (10, 5, Exposure::Full);
    check(&full, Outcome::Safe);
    let mut bad = full.clone();
    bad.metrics.values_mut().flatten().skip(5).for_each(|minute| *minute = super::fixture::minute(0, HEALTHY));
    let rows: Vec<_> =
        (0..5).map(|index| minute(index, HEALTHY)).chain((5..10).map(|i| minute(i, (200, 10_000, 0, 0)))).collect();
    bad.metrics.values_mut().for_each(|minutes| minutes.clone_from(&rows));
    check(&bad, Outcome::Abort);
}

#[test]
fn at_full_exposure_without_an_slo_it_stays_fresh_and_uncertified() {
    let mut full = bench(&[HEALTHY; 5]);
    let rows = full.metrics.values_mut().next().unwrap();
    rows.extend((5..10).map(|index| minute(index, HEALTHY)));
    rows[5..].iter_mut().for_each(|minute| minute.baseline = None);
    (full.closed, full.step, full.exposure) = (10, 5, Exposure::Full);
    let judgement = full.judge();
    assert_eq!(judgement.verdict.outcome(), Outcome::Hold, "{judgement}");
    assert!(judgement.is_fresh());
}

#[test]
fn a_shared_incident_holds_and_a_high_normal_rate_does_not() {
    let with_slo = |rows: &[Row]| Bench::new(Policy { slo: Some(0.005), ..policy() }, minutes(rows));
    let calm: Row = (1, 1000, 9, 9000);
    let incident: Row = (50, 1000, 450, 9000);
    let expected = Verdict::Hold(HoldReason::SharedIncident { metric: name("http_5xx") });
    assert_eq!(with_slo(&[vec![calm; 10], vec![incident; 3]].concat()).judge().verdict, expected);
    check(&with_slo(&[vec![calm; 10], vec![incident; 3], vec![calm; 1]].concat()), Outcome::Safe);
    assert_eq!(with_slo(&[incident; 3]).judge().verdict, expected, "nothing usual is known yet");
    // 1 % is twice this slo, and normal here.
    check(&with_slo(&[HEALTHY; 10]), Outcome::Safe);
    let mut known = with_slo(&[HEALTHY; 4]);
    known.history.insert(name("http_5xx"), (-20..0).map(|index| minute(index, HEALTHY)).collect());
    check(&known, Outcome::Safe);
}

#[test]
fn hold_says_about_how_long() {
    let left = |bench: &Bench| match bench.judge().verdict {
        Verdict::Hold(HoldReason::Evidence { periods_left, .. }) => periods_left,
        other => panic!("{other}"),
    };
    assert_eq!(left(&bench(&[HEALTHY])), Some(1));
    let slow = left(&bench(&[(1, 100, 9, 900); 3])).unwrap();
    assert!((5..40).contains(&slow), "{slow}");
    // It comes true.
    let rows = vec![(1, 100, 9, 900); 3 + slow as usize];
    check(&bench(&rows), Outcome::Safe);
    check(&bench(&rows[1..]), Outcome::Hold);
    assert_eq!(left(&bench(&[(0, 50, 0, 450)])), None, "without errors and slo nothing is learnt");
    assert!(left(&Bench::new(alone(0.005), minutes(&[(0, 50, 0, 0)]))).is_some());
    assert_eq!(left(&Bench::new(alone(0.005), minutes(&[(5, 500, 0, 0)]))), None, "it is above its slo");
}

#[test]
fn dispersion_is_calibrated_on_minutes_before_the_rollout() {
    let over = Duration::from_hours(2);
    let mut calibrated = Bench::new(Policy { dispersion: Dispersion::Calibrate { over }, ..policy() }, minutes(&[TWICE; 12]));
    let with = |bench: &mut Bench, rows: Vec<_>| {
        bench.history.insert(name("http_5xx"), rows);
        bench.judge().e
    };
    let at_phi = |phi| Bench::new(Policy { dispersion: Dispersion::Fixed(phi), ..policy() }, minutes(&[TWICE; 12])).judge().e;
    assert_eq!(with(&mut calibrated, vec![]), at_phi(1.5));
    let even = |count: i64| (-count..0).map(|index| minute(index, HEALTHY)).collect();
    assert_eq!(with(&mut calibrated, even(59)), at_phi(1.5));
    assert_eq!(with(&mut calibrated, even(60)), at_phi(1.0));
    let noisy = (-60..0).map(|index| minute(index, if index % 2 == 0 { (20, 1000, 80, 9000) } else { (1, 1000, 99, 9000) }));
    let (found, expected) = (with(&mut calibrated, noisy.collect()), at_phi(f64::midpoint(100.0 / 9.0, 9.0)));
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    assert_eq!(with(&mut calibrated, (0..60).map(|index| minute(index, TWICE)).collect()), at_phi(1.5), "that is no history");
    let old = (-200..-120).map(|index| minute(index, HEALTHY)).collect();
    assert_eq!(with(&mut calibrated, old), at_phi(1.5), "further back than the policy looks");
}

#[test]
fn one_bad_metric_among_four_aborts_and_one_uncertified_holds() {
    let names = ["a", "b", "c", "d"];
    let metrics: Vec<_> = names.iter().map(|text| Metric { name: name(text), has_baseline: true }).collect();
    let mut four = Bench::new(Policy { metrics, ..policy() }, minutes(&[HEALTHY; 10]));
    check(&four, Outcome::Safe);
    four.metrics.insert(name("c"), minutes(&[(1, 10, 9, 90); 10]));
    let verdict = four.judge().verdict;
    assert!(matches!(&verdict, Verdict::Hold(HoldReason::Evidence { metric, .. }) if *metric == name("c")), "{verdict}");
    four.metrics.insert(name("b"), minutes(&[FIVE_FOLD; 10]));
    let judgement = four.judge();
    assert!(matches!(&judgement.verdict, Verdict::Abort(AbortReason::Regression { metric, .. }) if *metric == name("b")));
    four.metrics.remove(&name("d"));
    four.metrics.insert(name("b"), minutes(&[HEALTHY; 10]));
    let verdict = four.judge().verdict;
    assert!(matches!(&verdict, Verdict::Hold(HoldReason::Gap { metric, .. }) if *metric == name("d")), "{verdict}");
}

#[test]
fn judge_and_replay_agree() {
    let rows = minutes(&[[HEALTHY; 5], [TWICE; 5]].concat());
    for count in 1..=rows.len() {
        let judgement = Bench::new(policy(), rows[..count].to_vec()).judge();
        let replayed = crate::core::gate::replay(&policy(), &rows[..count]);
        let last = replayed.minutes[count - 1];
        assert_eq!((judgement.e, judgement.p, judgement.safe_e), (last.e, last.p, last.safe_e));
        assert_eq!(judgement.verdict.outcome(), last.verdict);
    }
}

#[test]
fn unusable_figures_never_say_safe_or_abort() {
    type Change = (&'static str, fn(&mut Policy));
    let change: [Change; 18] = [
        ("alpha", |policy| policy.alpha = f64::NAN),
        ("alpha", |policy| policy.alpha = 0.0),
        ("beta", |policy| policy.beta = 1.0),
        ("beta", |policy| policy.beta = f64::INFINITY),
        ("tolerance", |policy| policy.tolerance = f64::NAN),
        ("tolerance", |policy| policy.tolerance = 0.5),
        ("regression", |policy| policy.regression = 1.25),
        ("regression", |policy| policy.regression = 1e300),
        ("slo", |policy| policy.slo = Some(f64::NAN)),
        ("slo", |policy| policy.slo = Some(0.0)),
        ("slo", |policy| policy.metrics[0].has_baseline = false),
        ("cap", |policy| policy.cap = Some(0.5)),
        ("cap", |policy| policy.cap = Some(f64::NAN)),
        ("onset", |policy| policy.onset = Some(Onset { first: f64::NAN, horizon: None })),
        ("onset", |policy| policy.onset = Some(Onset { first: 0.5, horizon: Some(0) })),
        ("dispersion", |policy| policy.dispersion = Dispersion::Fixed(0.01)),
        ("period", |policy| policy.period = Duration::ZERO),
        ("metrics", |policy| policy.metrics.clear()),
    ];
    for rows in [[HEALTHY; 20], [FIVE_FOLD; 20]] {
        for (key, change) in &change {
            let mut bench = bench(&rows);
            change(&mut bench.policy);
            assert_eq!(bench.judge().verdict, Verdict::Hold(HoldReason::Unusable { key: (*key).into() }));
        }
    }
}

#[test]
fn hostile_instants_end_in_a_hold() {
    let ends = [jiff::Timestamp::MIN, at(0), jiff::Timestamp::MAX];
    let lengths = [(MINUTE, MINUTE), (Duration::from_millis(1), Duration::MAX), (Duration::MAX, Duration::ZERO)];
    let rows = ends.iter().map(|end| Minute { at: *end, ..minute(0, HEALTHY) }).collect();
    let (metrics, history) = (BTreeMap::from([(name("http_5xx"), rows)]), BTreeMap::new());
    for case in 0..81 {
        let end = |divisor: usize| ends[case / divisor % 3];
        let (period, lag) = lengths[case / 27];
        let policy = Policy { period, lag, ..policy() };
        let evidence = Evidence {
            metrics: &metrics,
            history: &history,
            rollout_from: end(1),
            step_from: end(3),
            exposure: Exposure::Partial,
            planned_checks: Some(u32::MAX),
            now: end(9),
        };
        assert_eq!(judge(&policy, &evidence).verdict.outcome(), Outcome::Hold, "{policy:?} {evidence:?}");
    }
}
