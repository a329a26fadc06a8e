//! Which members to believe: each by the errors that it made in the past of this very history.
//!
//! A weight is (least error / error)^16: nearly a choice where one is clearly better, a mean where they are alike. Half
//! of an error is that of the part of the day, half that of the whole day. Recent days count more. Averages of several
//! were measured better than the one best, on every set of series. Not here: the members, quantiles.
//! Invariant: weights are not negative and add up to 1 in each part of the day.

use super::members::{COUNT, Members, persists};
use super::statistics::faded;
use super::track::{Origin, PARTS, Track};

/// Days after which an error counts half.
const HALF_LIFE_DAYS: f64 = 7.0;
/// A member that was tried less often is not believed yet, where others were.
const LEAST_TRIES: usize = 2;
/// Errors are told apart down to a millionth of the least one: several members may be exact.
const TELL: f64 = 1e-6;
/// The share of days on which members are mixed by the weights of now and not by those of their time: the latter are
/// honest, the former are what will be used.
const OF_NOW: f64 = 0.5;

/// Weights by part of the day and member.
#[derive(Clone, Debug)]
pub(super) struct Weights([[f64; COUNT]; PARTS]);

/// A past day as it would have been forecast.
#[derive(Clone, Debug)]
pub(super) struct PastDay<'a> {
    pub forecast: Vec<f64>,
    pub actual: &'a [f64],
    pub known: &'a [bool],
    /// How many days before the newest one.
    pub age: f64,
}

/// Weights at an origin, of all members or of those that take the last hours for the new level.
pub(super) fn weights(track: &Track<'_>, ago: usize) -> (Weights, Weights) {
    let now = &track.origins[ago].members;
    let errors = errors(track.before(ago), now);
    let of = |chosen: &dyn Fn(usize) -> bool| {
        let mut weights = [[0.0; COUNT]; PARTS];
        for (part, weights) in weights.iter_mut().enumerate() {
            let error = |member: usize| errors[member].map(|errors| errors[part].midpoint(errors[PARTS]));
            let candidates: Vec<(usize, f64)> =
                (0..COUNT).filter(|member| chosen(*member)).filter_map(|member| Some((member, error(member)?))).collect();
            *weights = believed(&candidates);
        }
        Weights(weights)
    };
    (of(&|_| true), of(&persists))
}

/// Mean errors by member; all equal where no day was scored yet.
fn errors(before: &[Origin], now: &Members) -> Vec<Option<[f64; PARTS + 1]>> {
    let scored = before.iter().filter(|origin| origin.errors.is_some()).count();
    let mean = |member: usize| {
        now[member].as_ref()?;
        let (mut sums, mut total, mut tries) = ([0.0; PARTS + 1], 0.0, 0);
        for (age, origin) in before.iter().enumerate() {
            let Some(errors) = origin.errors.as_ref().and_then(|errors| errors[member]) else { continue };
            let weight = faded(age as f64, HALF_LIFE_DAYS);
            sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += weight * error);
            (total, tries) = (total + weight, tries + 1);
        }
        match tries {
            0 if scored == 0 => Some([1.0; PARTS + 1]),
            _ if tries < LEAST_TRIES.min(scored) || tries == 0 => None,
            _ => Some(sums.map(|sum| sum / total)),
        }
    };
    (0..COUNT).map(mean).collect()
}

fn believed(candidates: &[(usize, f64)]) -> [f64; COUNT] {
    let least = candidates.iter().map(|candidate| candidate.1).fold(f64::INFINITY, f64::min);
    let tell = TELL * least + f64::MIN_POSITIVE;
    let mut weights = [0.0; COUNT];
    for (member, error) in candidates {
        let ratio = (least + tell) / (error + tell);
        let fourth = ratio * ratio * ratio * ratio;
        weights[*member] = fourth * fourth * fourth * fourth;
    }
    let total: f64 = weights.iter().sum();
    weights.map(|weight| if total > 0.0 { weight / total } else { 0.0 })
}

impl Weights {
    /// One day of loads; members that do not know it leave their weight to the others.
    pub fn mix(&self, track: &Track<'_>, members: &Members) -> Vec<f64> {
        let mix = |slot: usize| {
            let weights = &self.0[track.part(slot)];
            let known = || members.iter().zip(weights).filter_map(|(loads, weight)| Some((loads.as_ref()?[slot], *weight)));
            let total: f64 = known().map(|(_, weight)| weight).sum();
            let sum: f64 = known().map(|(load, weight)| load * weight).sum();
            // None of them knew that day: any of the others will do for it.
            let other = || members.iter().flatten().next().map_or(0.0, |loads| loads[slot]);
            if total > 0.0 { sum / total } else { other() }
        };
        (0..track.grid.day()).map(mix).collect()
    }

    /// Members by their mean weight, greatest first.
    pub fn ranking(&self) -> Vec<(usize, f64)> {
        let mean = |member: usize| self.0.iter().map(|weights| weights[member]).sum::<f64>() / PARTS as f64;
        let mut ranking: Vec<(usize, f64)> = (0..COUNT).map(|member| (member, mean(member))).collect();
        ranking.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        ranking
    }
}

/// How the days before an origin would have been forecast, newest first. `own` has each origin's own mixture.
pub(super) fn past_days<'t>(track: &'t Track<'_>, ago: usize, (weights, own): (&Weights, &[Vec<f64>])) -> Vec<PastDay<'t>> {
    let day = |(age, origin): (usize, &Origin)| {
        origin.errors.as_ref()?;
        let with_now = weights.mix(track, &origin.members);
        let place = ago + 1 + age;
        let is_honest = track.before(place).len() >= LEAST_TRIES;
        let of_its_time = own.get(place).filter(|_| is_honest).unwrap_or(&with_now);
        let forecast = with_now.iter().zip(of_its_time).map(|(now, then)| OF_NOW * now + (1.0 - OF_NOW) * then).collect();
        let (actual, known) = track.actual(origin.at);
        Some(PastDay { forecast, actual, known, age: age as f64 })
    };
    track.before(ago).iter().enumerate().filter_map(day).collect()
}
