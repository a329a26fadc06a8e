//! The few statistics that the forecast is made of, on plain slices.
//!
//! Not here: anything that knows of load. Invariant: no answer is not finite where the input is finite; of nothing it is 0.

use crate::core::words::real;

/// ln 2, for half-lives.
const LN_2: f64 = core::f64::consts::LN_2;

/// The weight of what is `age` old, 1 for new and 1/2 after a half-life.
pub(super) fn faded(age: f64, half_life: f64) -> f64 {
    real::exp(-LN_2 * age / half_life)
}

/// Of any order; 0 of none.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Of any order; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => sorted[middle - 1].midpoint(*value),
    }
}

/// The greatest; 0 of none, and never below it.
pub(super) fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Sorted values with the weights up to each.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranked {
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl Ranked {
    /// Of (value, weight >= 0), in any order.
    pub(super) fn of(mut pairs: Vec<(f64, f64)>) -> Self {
        pairs.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut sum = 0.0;
        let weights = pairs.iter().map(|pair| {
            sum += pair.1;
            sum
        });
        let weights = weights.collect();
        Self { values: pairs.into_iter().map(|pair| pair.0).collect(), weights }
    }

    /// The value below which at least this share of the weight lies, where `beyond` more weight lies above all values:
    /// what was not seen yet. The greatest value where the share reaches into that; 0 of none.
    pub(super) fn at(&self, share: f64, beyond: f64) -> f64 {
        let Some(total) = self.weights.last() else { return 0.0 };
        let index = self.weights.partition_point(|weight| *weight < share * (total + beyond));
        self.values.get(index).or(self.values.last()).copied().unwrap_or_default()
    }
}

/// The pinball loss of a forecast of a quantile.
pub(super) fn pinball(actual: f64, forecast: f64, quantile: f64) -> f64 {
    let miss = actual - forecast;
    if miss >= 0.0 { quantile * miss } else { (quantile - 1.0) * miss }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_nearest_rank_above() {
        let ranked = Ranked::of((1..=20).rev().map(|value| (f64::from(value), 1.0)).collect());
        for (share, beyond, expected) in
            [(0.5, 0.0, 10.0), (0.95, 0.0, 19.0), (0.95, 1.0, 20.0), (0.0, 0.0, 1.0), (1.0, 9.0, 20.0)]
        {
            assert_eq!(ranked.at(share, beyond), expected, "{share} with {beyond} beyond");
        }
        assert_eq!(Ranked::of(vec![]).at(0.5, 1.0), 0.0);
    }

    #[test]
    fn small_ones_are_what_they_are_called() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0]), median(&[])), (2.0, 2.5, 0.0));
        assert_eq!((mean(&[1.0, 3.0]), mean(&[]), greatest(&[1.0, 3.0, 2.0])), (2.0, 0.0, 3.0));
        assert!((faded(7.0, 7.0) - 0.5).abs() < 1e-12);
        assert!((pinball(10.0, 8.0, 0.95) - 1.9).abs() < 1e-12 && (pinball(8.0, 10.0, 0.95) - 0.1).abs() < 1e-12);
    }
}
