//! What holds for all inputs. proptest prints the failing case and its seed.

use proptest::collection::vec;
use proptest::prelude::*;

use super::fixture::{Bench, Row, alone, minutes, name, policy};
use crate::core::gate::{Metric, Minute, Outcome, Policy, replay};

fn row() -> impl Strategy<Value = Row> {
    let count = prop_oneof![Just(0_u64), 1..50_u64, 1..100_000_u64, any::<u64>()];
    (count.clone(), count.clone(), count.clone(), count)
        .prop_map(|(x, n, y, others)| (if n == 0 { 0 } else { x % n }, n, if others == 0 { 0 } else { y % others }, others))
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (prop_oneof![Just(None), (1e-4..0.5).prop_map(Some)], any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(slo, capped, mixed, has_baseline)| {
            let base = if has_baseline { Policy { slo, ..policy() } } else { alone(slo.unwrap_or(0.01)) };
            let (cap, onset) = (base.cap.filter(|_| capped), base.onset.filter(|_| mixed));
            Policy { cap, onset, ..base }
        },
    )
}

fn gaps(rows: &[Row], silent: &[bool]) -> Vec<Minute> {
    let mut minutes = minutes(rows);
    minutes.iter_mut().zip(silent).filter(|(_, silent)| **silent).for_each(|(minute, _)| minute.candidate = None);
    minutes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn figures_are_finite_and_in_range(policy in any_policy(), rows in vec(row(), 0..40), silent in vec(any::<bool>(), 40)) {
        let replayed = replay(&policy, &gaps(&rows, &silent));
        prop_assert_eq!(replayed.minutes.len(), rows.len());
        let mut least_p = 1.0;
        let mut aborted = false;
        for entry in &replayed.minutes {
            prop_assert!(entry.e.is_finite() && entry.e >= 0.0);
            prop_assert!(entry.safe_e.is_finite() && entry.safe_e >= 0.0);
            prop_assert!(entry.p >= 0.0 && entry.p <= least_p, "p only falls");
            prop_assert!(!(entry.gap && entry.verdict == Outcome::Safe));
            prop_assert!(!aborted || entry.verdict == Outcome::Abort, "ABORT stays");
            least_p = entry.p;
            aborted = entry.verdict == Outcome::Abort;
        }
    }

    #[test]
    fn judging_again_gives_the_same_bits_whatever_the_order(rows in vec(row(), 1..30), shuffle in any::<prop::sample::Index>()) {
        let two = vec![Metric { name: name("a"), has_baseline: true }, Metric { name: name("b"), has_baseline: true }];
        let policy = Policy { slo: Some(0.01), metrics: two, ..policy() };
        let mut bench = Bench::new(policy, minutes(&rows));
        bench.metrics.insert(name("b"), minutes(&rows.iter().rev().copied().collect::<Vec<_>>()));
        let first = bench.judge();
        prop_assert_eq!(&first, &bench.judge());
        bench.policy.metrics.reverse();
        bench.metrics.values_mut().for_each(|minutes| { let by = shuffle.index(minutes.len()); minutes.rotate_left(by) });
        prop_assert_eq!(&first, &bench.judge());
    }

    #[test]
    fn the_later_of_two_minutes_for_one_period_holds(rows in vec(row(), 1..20), wrong in row(), place in any::<prop::sample::Index>()) {
        let clean = Bench::new(policy(), minutes(&rows));
        let mut doubled = clean.clone();
        let place = place.index(rows.len());
        doubled.metrics.values_mut().for_each(|minutes| minutes.insert(0, Minute { at: minutes[place].at, ..super::fixture::minute(0, wrong) }));
        prop_assert_eq!(clean.judge(), doubled.judge());
    }

    #[test]
    fn nothing_heard_is_never_safe(policy in any_policy(), rows in vec(row(), 1..30)) {
        let mut minutes = minutes(&rows);
        for minute in &mut minutes {
            (minute.candidate, minute.baseline) = (None, None);
        }
        prop_assert_eq!(Bench::new(policy.clone(), minutes).judge().verdict.outcome(), Outcome::Hold);
        let idle: Vec<Row> = rows.iter().map(|row| (0, 0, row.2, row.3)).collect();
        let judgement = Bench::new(policy, super::fixture::minutes(&idle)).judge();
        prop_assert_eq!(judgement.verdict.outcome(), Outcome::Hold);
        prop_assert_eq!((judgement.e, judgement.safe_e), (1.0, 1.0));
    }

    #[test]
    fn more_errors_never_count_for_the_release(n in 1..20_000_u64, others in 1..200_000_u64, shares in (0.0..1.0, 0.0..1.0, 0.0..1.0), slo in 1e-4..0.3) {
        let (low, high) = if shares.0 < shares.1 { (shares.0, shares.1) } else { (shares.1, shares.0) };
        let errors = |share: f64| (share * n as f64) as u64;
        let y = (shares.2 * others as f64) as u64;
        let policy = Policy { slo: Some(slo), ..policy() };
        let entry = |x| replay(&policy, &minutes(&[(x, n, y, others)])).minutes[0];
        let (few, many) = (entry(errors(low)), entry(errors(high)));
        prop_assert!(few.e <= many.e * (1.0 + 1e-9), "{} {}", few.e, many.e);
        prop_assert!(few.safe_e >= many.safe_e * (1.0 - 1e-9), "{} {}", few.safe_e, many.safe_e);
    }
}
