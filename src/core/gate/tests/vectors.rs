//! The reference's vectors, to six digits, through `replay`. They were computed there by exact rationals, by binomial
//! probabilities of forty digits, or by scipy.

#![expect(clippy::unreadable_literal, reason = "figures as the reference prints them")]

use super::fixture::{Row, alone, minutes, policy};
use crate::core::gate::{Onset, Outcome, Policy, ReplayMinute, replay};

/// Product form: no onset, no cap.
fn product(tolerance: f64) -> Policy {
    Policy { tolerance, cap: None, onset: None, ..policy() }
}

fn entries(policy: &Policy, rows: &[Row]) -> Vec<ReplayMinute> {
    replay(policy, &minutes(rows)).minutes
}

#[track_caller]
fn check(found: f64, expected: f64) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error < 1e-6, "{found} is not {expected}");
}

#[test]
fn one_minute_against_the_baseline() {
    let cases: [(Row, f64, f64); 7] = [
        ((3, 1000, 5, 9000), 3.742648, 1.319793),
        ((0, 1000, 20, 9000), 0.145386, -1.928365),
        ((10, 1000, 10, 9000), 5727.176733, 8.652978),
        ((20, 1000, 90, 9000), 7.175433, 1.970663),
        ((0, 50, 0, 450), 1.0, 0.0),
        ((5, 50, 0, 450), 8007.252711, 8.988103),
        ((150, 50_000, 450, 450_000), f64::NAN, 53.319650),
    ];
    for (row, e, ln_e) in cases {
        let found = entries(&product(1.0), &[row])[0].e;
        if e.is_finite() {
            check(found, e);
        }
        check(found.ln(), ln_e);
    }
}

#[test]
fn onset_mixture_over_four_checks() {
    let onset = Some(Onset { first: 0.5, horizon: Some(4) });
    let rows = [(1, 1000, 9, 9000), (1, 1000, 8, 9000), (6, 1000, 10, 9000), (7, 1000, 9, 9000)];
    let found = entries(&Policy { onset, ..product(1.0) }, &rows);
    for (entry, expected) in found.iter().zip([0.708914, 0.587696, 6.877068, 1284.859673]) {
        check(entry.e, expected);
    }
}

#[test]
fn trouble_that_starts_late_is_found_by_the_onset_mixture() {
    let mut rows = vec![(1, 1000, 9, 9000); 60];
    rows.extend([(2, 1000, 9, 9000); 12]);
    rows.extend([(5, 1000, 9, 9000); 12]);
    let found = entries(&Policy { cap: None, tolerance: 1.0, ..policy() }, &rows);
    check(found[59].e, 0.292452);
    check(found[71].e, 0.951121);
    let crossed = |limit: f64| found.iter().position(|entry| entry.e >= limit).map(|index| index + 1);
    assert_eq!((crossed(20.0), crossed(100.0)), (Some(74), Some(75)));
    let without = entries(&product(1.0), &rows);
    check(without[59].e, 0.030894);
    check(without[71].e, 0.267931);
    check(without[83].e, 399_969.895918);
}

#[test]
fn the_default_rule_aborts_at_the_third_check() {
    let found = entries(&policy(), &[(5, 1000, 9, 9000); 4]);
    for (entry, expected) in found.iter().zip([2.687989, 17.119804, 146.662688, 1370.675725]) {
        check(entry.e, expected);
        check(entry.p, 1.0 / expected);
    }
    let verdicts: Vec<Outcome> = found.iter().map(|entry| entry.verdict).collect();
    assert_eq!(verdicts, [Outcome::Hold, Outcome::Hold, Outcome::Abort, Outcome::Abort]);
}

#[test]
fn certificate_against_the_baseline() {
    let cases: [(Row, f64); 5] = [
        ((10, 1000, 90, 9000), 8.402662),
        ((0, 1000, 20, 9000), 12.218808),
        ((20, 1000, 90, 9000), 0.011949),
        ((50, 5000, 450, 45_000), 173_365.438046),
        ((0, 50, 0, 450), 1.0),
    ];
    for (row, expected) in cases {
        check(entries(&policy(), &[row])[0].safe_e, expected);
    }
}

#[test]
fn one_minute_against_the_slo() {
    let cases = [
        (12, 1000, 0.005, 8.541262),
        (5, 1000, 0.005, 0.214805),
        (0, 50, 0.01, 0.344458),
        (4, 50, 0.01, 34.401173),
        (60, 50_000, 0.001, 0.368032),
    ];
    for (errors, requests, slo, expected) in cases {
        let policy = Policy { cap: None, onset: None, ..alone(slo) };
        check(entries(&policy, &[(errors, requests, 0, 0)])[0].e, expected);
    }
}

#[test]
fn dispersion_divides_every_logarithm() {
    let policy = Policy { dispersion: crate::core::gate::Dispersion::Fixed(2.0), ..product(1.0) };
    // One of the eight alternatives bears nearly all the weight: half its logarithm, and the same eighth.
    let found = entries(&policy, &[(150, 50_000, 450, 450_000)])[0].e.ln();
    let expected = (53.319650 - 8_f64.ln()) / 2.0;
    assert!((found - expected).abs() < 0.05, "{found} is not about {expected}");
    let safe = entries(&policy, &[(50, 5000, 450, 45_000)])[0].safe_e.ln();
    let whole = entries(&product(1.0), &[(50, 5000, 450, 45_000)])[0].safe_e.ln();
    assert!(safe < whole && safe > whole / 2.0 - 1.0, "{safe} of {whole}");
}

#[test]
fn figures_stay_finite_however_much_evidence_there_is() {
    let worse = entries(&product(1.0), &[(50_000, 1_000_000, 90, 9_000_000); 20]);
    assert_eq!(worse[19].e, f64::MAX);
    assert!(worse.iter().all(|entry| entry.e.is_finite() && entry.p >= 0.0 && entry.safe_e.is_finite()));
    let better = entries(&policy(), &[(100, 1_000_000, 900_000, 9_000_000); 20]);
    assert_eq!(better[19].safe_e, f64::MAX);
    assert!(better.iter().all(|entry| entry.e.is_finite()));
    let huge = (u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    assert!(entries(&policy(), &[huge; 3]).iter().all(|entry| entry.e.is_finite() && entry.safe_e.is_finite()));
}

#[test]
fn a_gap_spends_its_onset_weight_and_changes_no_figure() {
    let mut rows = minutes(&[(1, 1000, 9, 9000), (2, 1000, 9, 9000), (5, 1000, 9, 9000), (5, 1000, 9, 9000)]);
    let whole = replay(&policy(), &rows).minutes;
    rows[1].candidate = None;
    let found = replay(&policy(), &rows).minutes;
    assert!(found[1].gap && !found[0].gap && !found[2].gap);
    assert_eq!((found[1].e, found[1].p, found[1].safe_e), (found[0].e, found[0].p, found[0].safe_e));
    let mut left_out = rows.clone();
    left_out.remove(1);
    let early = replay(&policy(), &left_out).minutes;
    assert!(found[2].e != early[1].e, "the gap was a check: the weights after it differ");
    assert!(found[2].e != whole[2].e);
}

#[test]
fn abort_stays_and_its_figures_go_on() {
    let mut rows = vec![(5, 1000, 9, 9000); 3];
    rows.extend([(1, 1000, 9, 9000); 30]);
    let found = replay(&policy(), &minutes(&rows));
    assert!(found.minutes[2..].iter().all(|entry| entry.verdict == Outcome::Abort));
    assert!(found.minutes[32].e < 1.0 && found.minutes[32].p == found.minutes[2].p);
    assert_eq!(found.verdict.outcome(), Outcome::Abort);
}
