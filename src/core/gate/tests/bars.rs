//! Error rates and delays by simulation, against the bars that were measured for this rule: one check a minute, 120
//! checks, the baseline with nine times the candidate's requests, Poisson errors, fixed seeds.

use super::fixture::{Row, minutes, policy};
use crate::core::gate::{Outcome, Policy, replay};

/// Two hours.
const CHECKS: usize = 120;
/// Enough to see a 95th percentile of 10, at a fraction of the draws.
const FEW_CHECKS: usize = 16;
/// The bars are measured ones and close: fewer runs would miss them by chance.
const MANY_RUNS: u64 = 4_000;

/// xorshift64*: small, and the same on every host.
struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A Poisson count: waits of an exponential clock.
    fn poisson(&mut self, mean: f64) -> u64 {
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

/// A cell of the reference's table: base rate, candidate requests a minute, true ratio.
struct Cell {
    base: f64,
    requests: u64,
    ratio: f64,
    checks: usize,
}

impl Cell {
    fn run(&self, draws: &mut Draws) -> Vec<Row> {
        let (n, others) = (self.requests, self.requests * 9);
        let mut minute = || {
            let x = draws.poisson(self.base * self.ratio * n as f64).min(n);
            (x, n, draws.poisson(self.base * others as f64), others)
        };
        (0..self.checks).map(|_| minute()).collect()
    }

    /// The first minutes with this verdict, sorted; `None` where it never came.
    fn firsts(&self, runs: u64, wanted: Outcome) -> Vec<Option<usize>> {
        self.firsts_of(&policy(), runs, wanted)
    }

    fn firsts_of(&self, policy: &Policy, runs: u64, wanted: Outcome) -> Vec<Option<usize>> {
        let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
        let mut first = || {
            let judged = replay(policy, &minutes(&self.run(&mut draws))).minutes;
            // First to cross wins: what comes after an ABORT or a SAFE no longer counts.
            let decided = judged.iter().position(|entry| entry.verdict != Outcome::Hold)?;
            (judged[decided].verdict == wanted).then_some(decided + 1)
        };
        let mut found: Vec<_> = (0..runs).map(|_| first()).collect();
        found.sort_by_key(|first| first.unwrap_or(usize::MAX));
        found
    }
}

fn share(found: &[Option<usize>]) -> f64 {
    found.iter().flatten().count() as f64 / found.len() as f64
}

fn quantile(found: &[Option<usize>], quantile: f64) -> usize {
    found[((found.len() - 1) as f64 * quantile) as usize].unwrap_or(usize::MAX)
}

/// A certificate that is never given, to look at ABORT alone.
fn abort_alone() -> Policy {
    Policy { beta: f64::MIN_POSITIVE, ..policy() }
}

#[test]
fn false_aborts_stay_below_one_percent() {
    for (base, requests) in [(0.01, 1_000), (0.01, 50), (0.001, 1_000)] {
        let found = Cell { base, requests, ratio: 1.0, checks: CHECKS }.firsts_of(&abort_alone(), 300, Outcome::Abort);
        assert!(share(&found) <= 0.01, "{base} {requests}: {}", share(&found));
    }
}

#[test]
fn twice_the_errors_are_found_within_the_bar() {
    let found =
        Cell { base: 0.01, requests: 1_000, ratio: 2.0, checks: FEW_CHECKS }.firsts_of(&abort_alone(), MANY_RUNS, Outcome::Abort);
    let (median, late) = (quantile(&found, 0.5), quantile(&found, 0.95));
    assert!(median <= 6 && late <= 10, "median {median}, 95th {late}");
}

#[test]
fn five_times_the_errors_are_found_within_the_bar() {
    let found = Cell { base: 0.001, requests: 1_000, ratio: 5.0, checks: FEW_CHECKS }.firsts_of(
        &abort_alone(),
        MANY_RUNS,
        Outcome::Abort,
    );
    let (median, late) = (quantile(&found, 0.5), quantile(&found, 0.95));
    assert!(median <= 4 && late <= 7, "median {median}, 95th {late}");
}

#[test]
fn healthy_releases_are_certified_within_the_bar() {
    for (base, bar) in [(0.01, 3), (0.001, 12)] {
        let found = Cell { base, requests: 1_000, ratio: 1.0, checks: CHECKS }.firsts(300, Outcome::Safe);
        assert!(quantile(&found, 0.5) <= bar, "{base}: median {}", quantile(&found, 0.5));
        assert!(share(&found) >= 0.99, "{base}: {}", share(&found));
    }
}

#[test]
fn twice_the_errors_are_hardly_ever_certified() {
    for (base, requests) in [(0.01, 1_000), (0.001, 1_000), (0.01, 50)] {
        let found = Cell { base, requests, ratio: 2.0, checks: CHECKS }.firsts(300, Outcome::Safe);
        assert!(share(&found) <= 0.05, "{base} {requests}: {}", share(&found));
    }
}

#[test]
fn a_release_at_its_slo_with_twice_the_errors_is_hardly_ever_certified() {
    let bad = Cell { base: 0.005, requests: 1_000, ratio: 2.0, checks: CHECKS };
    for policy in [Policy { slo: Some(0.01), ..policy() }, super::fixture::alone(0.01)] {
        let found = bad.firsts_of(&policy, 300, Outcome::Safe);
        assert!(share(&found) <= 0.05, "{policy:?}: {}", share(&found));
    }
}

#[test]
fn a_release_at_its_slo_is_hardly_ever_aborted_by_it() {
    let good = Cell { base: 0.01, requests: 1_000, ratio: 1.0, checks: CHECKS };
    let found = good.firsts_of(&Policy { beta: f64::MIN_POSITIVE, ..super::fixture::alone(0.01) }, 300, Outcome::Abort);
    assert!(share(&found) <= 0.01, "{}", share(&found));
}
