//! Quantiles of a day from the errors of the days before it.
//!
//! An error is measured in a scale, and a quantile of past errors times the scale of an hour is what is added there. No
//! scale is right for all histories: loads whose errors grow with the level, hours that are wilder than others, errors
//! that are alike at all times. So five scales forecast each, and are mixed by the pinball loss that each had. This is
//! split conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005) with weights that
//! fade with age, since days are not exchangeable. Not here: maxima of days ([`super::peaks`]).
//! Invariant: quantiles rise with their share, and never fall below the forecast.

use super::combine::PastDay;
use super::statistics::{Ranked, faded, pinball};

/// Quantiles that are looked up for p90 and p95. A little more, since an error measured on days that chose the weights is
/// too small.
const SHARES: [f64; 2] = [0.905, 0.955];
/// Days after which an error counts half.
const HALF_LIFE_DAYS: f64 = 14.0;
/// The scale of an hour is drawn towards that of all hours as if by so many days.
const SHRINKAGE: f64 = 12.0;
/// Parts of the mean load that keep scales above zero: of nearly constant ones, those that go by the level, and the mixed.
const ALMOST_ALIKE: f64 = 1.0;
const BY_LEVEL: f64 = 0.05;
const BOTH: f64 = 0.1;
/// Less than this part of the mean load is no scale.
const LEAST: f64 = 1e-12;

/// A day with its quantiles.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub p90: Vec<f64>,
    pub p95: Vec<f64>,
    /// The greatest p95 that each past day would have had.
    pub past_p95: Vec<f64>,
}

/// Scales of a day, and of the past days.
struct Scales {
    day: Vec<f64>,
    past: Vec<Vec<f64>>,
}

/// Quantiles of a day that is forecast so, from past days, the mean load and the greatest. Where no day was tested, only the
/// greatest load that was seen bounds an hour.
pub(super) fn band(forecast: &[f64], past: &[PastDay<'_>], (mean, most): (f64, f64)) -> Band {
    if past.is_empty() && mean > 0.0 {
        let bound: Vec<f64> = forecast.iter().map(|load| load.max(most)).collect();
        return Band { p90: bound.clone(), p95: bound, past_p95: Vec::new() };
    }
    if mean <= 0.0 {
        let past_p95 = past.iter().map(|day| day.forecast.iter().copied().fold(0.0, f64::max)).collect();
        return Band { p90: forecast.to_vec(), p95: forecast.to_vec(), past_p95 };
    }
    let weights: Vec<f64> = past.iter().map(|day| faded(day.age, HALF_LIFE_DAYS)).collect();
    let all = scales(forecast, (past, &weights), mean);
    let errors: Vec<Ranked> = all.iter().map(|scales| ranked(scales, past, &weights)).collect();
    let offsets = |share: f64| -> Vec<(f64, f64)> {
        let found: Vec<f64> = errors.iter().map(|errors| errors.at(share, 0.0).max(0.0)).collect();
        let losses: Vec<f64> =
            all.iter().zip(&found).map(|(scales, offset)| loss(scales, (past, &weights), (*offset, share))).collect();
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min) + LEAST * mean;
        let sixth = |loss: &f64| {
            let ratio = least / (loss + LEAST * mean);
            let third = ratio * ratio * ratio;
            third * third
        };
        let total: f64 = losses.iter().map(sixth).sum();
        found.into_iter().zip(&losses).map(|(offset, loss)| (offset, sixth(loss) / total)).collect()
    };
    let [low, high] = SHARES.map(offsets);
    let added = |offsets: &[(f64, f64)], scale: &dyn Fn(&Scales) -> f64| -> f64 {
        all.iter().zip(offsets).map(|(scales, (offset, weight))| weight * offset * scale(scales)).sum()
    };
    let above = |offsets: &[(f64, f64)]| -> Vec<f64> {
        forecast.iter().enumerate().map(|(slot, load)| load + added(offsets, &|scales| scales.day[slot])).collect()
    };
    let greatest = |(row, day): (usize, &PastDay<'_>)| {
        let loads = day.forecast.iter().enumerate();
        loads.map(|(slot, load)| load + added(&high, &|scales| scales.past[row][slot])).fold(0.0, f64::max)
    };
    let p90 = above(&low);
    let p95 = above(&high).into_iter().zip(&p90).map(|(high, low)| high.max(*low)).collect();
    Band { p90, p95, past_p95: past.iter().enumerate().map(greatest).collect() }
}

fn scales(forecast: &[f64], (past, weights): (&[PastDay<'_>], &[f64]), mean: f64) -> Vec<Scales> {
    let of = |scale: &dyn Fn(usize, f64) -> f64| {
        let day = |loads: &[f64]| loads.iter().enumerate().map(|(slot, load)| scale(slot, *load).max(LEAST * mean)).collect();
        Scales { day: day(forecast), past: past.iter().map(|past| day(&past.forecast)).collect() }
    };
    let by_level = |share: f64| move |_: usize, load: f64| load + share * mean;
    let mixed = by_level(BOTH);
    let of_hours = hours((past, weights), &|_, _| 1.0);
    let of_mixed = hours((past, weights), &mixed);
    vec![
        of(&|_, _| mean),
        of(&|slot, _| of_hours[slot]),
        of(&by_level(ALMOST_ALIKE)),
        of(&by_level(BY_LEVEL)),
        of(&|slot, load| of_mixed[slot] * mixed(slot, load)),
    ]
}

/// Mean absolute errors by the cell of the day, in a scale, drawn towards their mean.
fn hours((past, weights): (&[PastDay<'_>], &[f64]), scale: &dyn Fn(usize, f64) -> f64) -> Vec<f64> {
    let width = past.first().map_or(0, |day| day.forecast.len());
    let (mut sums, mut totals) = (vec![0.0; width], vec![0.0; width]);
    for (day, weight) in past.iter().zip(weights) {
        for slot in (0..width).filter(|slot| day.known[*slot]) {
            sums[slot] += weight * (day.actual[slot] - day.forecast[slot]).abs() / scale(slot, day.forecast[slot]);
            totals[slot] += weight;
        }
    }
    let all = sums.iter().sum::<f64>() / totals.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    sums.iter().zip(&totals).map(|(sum, total)| (sum + SHRINKAGE * all) / (total + SHRINKAGE)).collect()
}

fn known<'a>(past: &'a [PastDay<'_>], weights: &'a [f64]) -> impl Iterator<Item = (usize, usize, f64)> {
    let rows = past.iter().zip(weights).enumerate();
    rows.flat_map(|(row, (day, weight))| {
        (0..day.known.len()).filter(|slot| day.known[*slot]).map(move |slot| (row, slot, *weight))
    })
}

fn ranked(scales: &Scales, past: &[PastDay<'_>], weights: &[f64]) -> Ranked {
    let error = |(row, slot, weight): (usize, usize, f64)| {
        ((past[row].actual[slot] - past[row].forecast[slot]) / scales.past[row][slot], weight)
    };
    Ranked::of(known(past, weights).map(error).collect())
}

fn loss(scales: &Scales, (past, weights): (&[PastDay<'_>], &[f64]), (offset, share): (f64, f64)) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, slot, weight) in known(past, weights) {
        let bound = past[row].forecast[slot] + offset * scales.past[row][slot];
        sum += weight * pinball(past[row].actual[slot], bound, share);
        total += weight;
    }
    sum / f64::max(total, f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_follow_the_errors_of_their_hour() {
        let actual: Vec<Vec<f64>> = (0..20).map(|day| vec![10.0, 10.0 + f64::from(day % 5), 10.0, 10.0]).collect();
        let days = actual.iter().enumerate();
        let past: Vec<PastDay<'_>> =
            days.map(|(age, actual)| PastDay { forecast: vec![10.0; 4], actual, known: &[true; 4], age: age as f64 }).collect();
        let band = band(&[10.0; 4], &past, (10.0, 20.0));
        assert!(band.p95[1] > band.p95[0], "{band:?}");
        assert!(band.p95.iter().zip(&band.p90).all(|(high, low)| high >= low && *low >= 10.0), "{band:?}");
        assert_eq!(band.past_p95.len(), 20);
    }

    #[test]
    fn without_a_past_or_a_load_nothing_is_added() {
        assert_eq!(band(&[1.0, 2.0], &[], (1.5, 3.0)).p95, vec![3.0, 3.0], "untested: as much as was ever seen");
        assert_eq!(
            band(&[0.0], &[PastDay { forecast: vec![0.0], actual: &[0.0], known: &[true], age: 0.0 }], (0.0, 0.0)).p95,
            vec![0.0]
        );
    }
}
