//! The draws of the Monte Carlo: 509 well-spread points of four independent standard normals.
//!
//! They are the same for every forecast (common random numbers): two plans differ by what they plan and never by luck, the
//! same inputs give the same bits (I12), and a larger input never draws a smaller load. Points are a lattice of N. M.
//! Korobov (1959), u = (i * g mod n + 1/2) / n with g = 1, a, a^2, a^3, which spreads evenly where random points would need
//! about a hundred times as many; each coordinate by itself is as even as can be. Not here: what the normals stand for.
//! Invariant: every coordinate is finite and each has median 0.

use std::sync::OnceLock;

use crate::core::words::real;

/// How many, a prime: quantiles of a product are then known to about 2 %, and a launch costs some tens of microseconds.
pub(super) const DRAWS: usize = 509;
/// 1, a, a^2 and a^3 modulo the number of draws, with a = 94: of all a the one whose p90 and p95 of sums of normals in
/// various proportions are nearest to the exact ones, within 0.03 sigma.
const GENERATORS: [usize; 4] = [1, 94, 183, 405];

/// One draw: standard normals, independent of each other.
pub(super) type Draw = [f64; 4];

/// All of them.
pub(super) fn draws() -> &'static [Draw] {
    static KNOWN: OnceLock<Vec<Draw>> = OnceLock::new();
    KNOWN.get_or_init(|| (0..DRAWS).map(draw).collect())
}

fn draw(index: usize) -> Draw {
    GENERATORS.map(|generator| {
        let place = ((index * generator) % DRAWS) as f64 + 0.5;
        real::normal_quantile(place / DRAWS as f64).unwrap_or(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_coordinate_is_standard_normal_and_none_goes_with_another() {
        let all = draws();
        let mean = |of: &dyn Fn(&Draw) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        for one in 0..4 {
            let mut sorted: Vec<f64> = all.iter().map(|draw| draw[one]).collect();
            sorted.sort_by(f64::total_cmp);
            let p95 = sorted[(0.95 * DRAWS as f64) as usize];
            assert!(mean(&|draw| draw[one]).abs() < 0.01 && (p95 - 1.645).abs() < 0.05, "{one}: p95 {p95}");
            assert!((mean(&|draw| draw[one] * draw[one]) - 1.0).abs() < 0.02);
            for other in 0..one {
                let together = mean(&|draw| draw[one] * draw[other]);
                assert!(together.abs() < 0.05, "{one} and {other}: {together}");
            }
        }
    }
}
