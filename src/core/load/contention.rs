//! What instances lose to each other: the Universal Scalability Law.
//!
//! Source: N. J. Gunther, Guerrilla Capacity Planning (2007), X(n) = g * n / (1 + a * (n - 1) + b * n * (n - 1)), with the
//! greatest throughput at n* = sqrt((1 - a) / b). Contention `a` is what waits in line for something shared, coherency `b`
//! what keeps copies the same. Not here: how both are measured; a load test at several sizes gives them.
//! Invariant: up to n* more instances never hold less.

use serde::{Deserialize, Serialize};

/// Measured losses of a group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usl {
    /// The share of the work that goes one after the other, 0..1.
    pub contention: f64,
    /// The cost of keeping two instances the same, 0 or more.
    pub coherency: f64,
}

impl Usl {
    /// By how much each instance is slowed down when so many run; at least 1.
    pub fn slowdown(self, instances: u32) -> f64 {
        let (others, all) = (f64::from(instances.saturating_sub(1)), f64::from(instances));
        1.0 + at_least_zero(self.contention) * others + at_least_zero(self.coherency) * all * others
    }

    /// n*: beyond so many instances each further one makes the group hold less; `u32::MAX`: there is no such number.
    pub fn most(self) -> u32 {
        let best = ((1.0 - self.contention).max(0.0) / at_least_zero(self.coherency)).sqrt().floor();
        // 0 / 0: nothing is lost but what waits for all.
        if best.is_nan() { 1 } else { best.clamp(1.0, f64::from(u32::MAX)) as u32 }
    }
}

fn at_least_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_figures_are_met() {
        // sqrt(0.95 / 6e-6) = 397.9; with a = 0.02 and b = 0.0005 the best is 44, and 64 hold less than 32 do.
        for (contention, coherency, most) in [(0.05, 6e-6, 397), (0.02, 0.0005, 44), (0.0, 0.0001, 100), (0.1, 0.0, u32::MAX)] {
            assert_eq!(Usl { contention, coherency }.most(), most, "{contention} {coherency}");
        }
        let usl = Usl { contention: 0.02, coherency: 0.0005 };
        for (instances, expected) in [(1, 1.0), (2, 1.958_864), (32, 15.122_873), (64, 14.967_259)] {
            let throughput = f64::from(instances) / usl.slowdown(instances);
            assert!((throughput - expected).abs() < 1e-5, "{instances}: {throughput}");
        }
    }

    #[test]
    fn odd_figures_stay_calm() {
        for (contention, coherency) in [(f64::NAN, f64::NAN), (5.0, 1.0), (-1.0, -1.0), (1.0, 0.0), (0.5, f64::INFINITY)] {
            let usl = Usl { contention, coherency };
            assert!(usl.most() >= 1 && usl.slowdown(7) >= 1.0, "{contention} {coherency}");
        }
    }

    proptest! {
        #[test]
        fn up_to_the_best_number_more_never_hold_less(contention in 0.0..0.99f64, coherency in 0.0..0.1f64, instances in 1..500u32) {
            let usl = Usl { contention, coherency };
            let throughput = |instances: u32| f64::from(instances) / usl.slowdown(instances);
            if instances < usl.most() {
                prop_assert!(throughput(instances + 1) >= throughput(instances) * (1.0 - 1e-12));
            }
            if usl.most() < 1_000 {
                prop_assert!(throughput(usl.most() + 2) <= throughput(usl.most() + 1) * (1.0 + 1e-12));
            }
        }
    }
}
