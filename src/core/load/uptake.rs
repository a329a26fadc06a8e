//! How a release was taken up: the share of its audience that came so long after it was admitted, learned from counts.
//!
//! Counts of a staged rollout are a sum of waves, each the same curve begun at another time. The curve is taken out of the
//! sum by the iteration of Richardson and Lucy (W. H. Richardson, J. Opt. Soc. Am. 62 (1972), 55; L. B. Lucy, Astron. J. 79
//! (1974), 745), which keeps what was counted and never makes a share negative. Not here: where counts come from.
//! Invariant: times rise, shares rise to at most 1, and a record has at most [`MOST_BINS`] points.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::{Name, Percent, since};

/// Most points of a record.
const MOST_BINS: usize = 48;
/// Bins as fine as the counts, in which the first minutes are told apart; then each is longer than the one before.
const FINE_BINS: u32 = 8;
/// By how much.
const GROWTH: f64 = 1.25;
/// Iterations: more follow the noise of single periods.
const ROUNDS: usize = 60;
/// Most periods that are looked at: a week of minutes.
const MOST_PERIODS: usize = 10_080;
/// The share of its whole time, and of the first quarter, which has the peak, that must be counted.
const LEAST_COVERED: f64 = 0.75;
/// Fewer say nothing of a shape.
const LEAST_PERIODS: usize = 5;
/// What comes after a record ended is not known. It is taken to go on as in its last half, and to fade with the length of
/// the record: these are the instants of that tail, as multiples of it.
const TAIL: [f64; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];

/// How a release was taken up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uptake {
    /// Which.
    pub release: Name,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The share of those admitted that had come so long after their admission, 0..=1.
    pub points: Vec<(Duration, f64)>,
    /// What was counted, as a multiple of what everybody together was stated to ask for. Above 1 the audience or its
    /// requests were stated too low, and the shares are of what came.
    pub of_stated: f64,
}

/// What an uptake is learned from.
#[derive(Clone, Debug)]
pub struct Counted<'a> {
    /// Percents that were let through, and since when; oldest first.
    pub admitted: &'a [(Timestamp, Percent)],
    /// Requests of the new version by the beginning of their period, oldest first; periods that are missing are left out.
    pub requests: Vec<(Timestamp, u64)>,
    /// How long a period is.
    pub period: Duration,
    /// First attempts if everybody came.
    pub attempts: f64,
}

/// A share of the audience, in seconds after a common beginning.
struct Wave {
    from_secs: f64,
    share: f64,
}

/// A period: its count, and by how much each bin speaks for it.
struct Row {
    counted: f64,
    weights: Vec<(usize, f64)>,
}

impl Uptake {
    /// Learns it. `None`: nothing was counted, or too little to see a shape: what was not counted would be learned as
    /// nobody coming, and hours that nobody plans for.
    pub fn learn(release: Name, counted: &Counted<'_>, recorded_at: Timestamp) -> Option<Self> {
        let begins = counted.admitted.first()?.0;
        let period_secs = counted.period.as_secs_f64();
        let waves = waves(counted.admitted, begins);
        let known: Vec<_> =
            counted.requests.iter().filter(|(at, _)| later_than(*at, counted.period, begins)).take(MOST_PERIODS).collect();
        let ends_secs = since(known.last()?.0, begins).as_secs_f64() + period_secs;
        if known.len() < LEAST_PERIODS || period_secs <= 0.0 || counted.attempts <= 0.0 {
            return None;
        }
        let is_counted = |until_secs: f64| covered((&known, begins), period_secs, until_secs) >= LEAST_COVERED;
        if !is_counted(ends_secs) || !is_counted(ends_secs / 4.0) {
            return None;
        }
        let edges = edges(period_secs, ends_secs);
        let row = |(at, requests): &&(Timestamp, u64)| {
            let from_secs = (at.as_millisecond() - begins.as_millisecond()) as f64 / 1_000.0;
            Row { counted: *requests as f64, weights: weights((from_secs, from_secs + period_secs), &waves, &edges) }
        };
        let rows: Vec<Row> = known.iter().map(row).collect();
        let masses = unmixed(&rows, edges.len() - 1);
        let total: f64 = masses.iter().sum::<f64>() / counted.attempts;
        if total <= 0.0 || !total.is_finite() {
            return None;
        }
        let scale = counted.attempts * total.max(1.0);
        let mut came = 0.0;
        let points = edges[1..].iter().zip(&masses).map(|(edge, mass)| {
            came += mass / scale;
            (Duration::from_secs_f64(*edge), f64::min(came, 1.0))
        });
        Some(Self { release, recorded_at, points: points.collect(), of_stated: total })
    }

    /// The curve to plan with: what was seen, and a tail.
    pub fn curve(&self) -> Vec<(Duration, f64)> {
        let mut curve = self.points.clone();
        let Some(&(ends, came)) = curve.last() else { return curve };
        let half = curve.iter().take_while(|point| point.0 * 2 <= ends).last().copied().unwrap_or_default();
        let lasting = ends.saturating_sub(half.0).as_secs_f64();
        let rate = if lasting > 0.0 { (came - half.1) / lasting } else { 0.0 };
        let tail = (rate * ends.as_secs_f64() / std::f64::consts::LN_2).clamp(0.0, 1.0 - came);
        curve.extend(TAIL.iter().map(|lengths| (ends.mul_f64(1.0 + lengths), came + tail * (1.0 - fades(*lengths)))));
        curve
    }
}

/// The share of the time from the beginning in which requests were counted.
fn covered((known, begins): (&[&(Timestamp, u64)], Timestamp), period_secs: f64, until_secs: f64) -> f64 {
    let overlap = |(at, _): &&(Timestamp, u64)| {
        let from_secs = (at.as_millisecond() - begins.as_millisecond()) as f64 / 1_000.0;
        ((from_secs + period_secs).min(until_secs) - from_secs.max(0.0)).max(0.0)
    };
    known.iter().map(overlap).sum::<f64>() / until_secs
}

/// 2^-x, for the few places of the tail.
fn fades(lengths: f64) -> f64 {
    crate::core::words::real::exp(-lengths * std::f64::consts::LN_2)
}

fn later_than(at: Timestamp, period: Duration, begins: Timestamp) -> bool {
    since(begins, at) < period
}

fn waves(admitted: &[(Timestamp, Percent)], begins: Timestamp) -> Vec<Wave> {
    let (mut before, mut waves) = (0.0, Vec::new());
    for (at, percent) in admitted {
        let share = (percent.share() - before).max(0.0);
        before = percent.share().max(before);
        waves.push(Wave { from_secs: since(*at, begins).as_secs_f64(), share });
    }
    waves
}

/// Ends of the bins, from 0: fine ones first.
fn edges(period_secs: f64, ends_secs: f64) -> Vec<f64> {
    let fine = f64::from(FINE_BINS) * period_secs;
    let mut edges = vec![0.0];
    let (mut at, mut width) = (0.0, period_secs);
    while at < ends_secs && edges.len() < MOST_BINS {
        if at >= fine {
            width *= GROWTH;
        }
        at += width;
        edges.push(at);
    }
    // The last one holds whatever is left, and none is beyond what was seen.
    if let Some(last) = edges.last_mut() {
        *last = ends_secs.max(period_secs);
    }
    edges
}

/// How much of each bin falls into a period, over all waves, per unit of a bin's mass.
fn weights((from_secs, until_secs): (f64, f64), waves: &[Wave], edges: &[f64]) -> Vec<(usize, f64)> {
    let mut weights = Vec::new();
    for wave in waves {
        let (from, until) = (from_secs - wave.from_secs, until_secs - wave.from_secs);
        let first = edges.partition_point(|edge| *edge <= from).saturating_sub(1);
        for (bin, pair) in edges.windows(2).enumerate().skip(first).take_while(|(_, pair)| pair[0] < until) {
            let overlap = until.min(pair[1]) - from.max(pair[0]);
            if overlap > 0.0 && wave.share > 0.0 {
                weights.push((bin, wave.share * overlap / (pair[1] - pair[0])));
            }
        }
    }
    weights
}

/// First attempts of everybody in each bin, which explain the rows best.
fn unmixed(rows: &[Row], bins: usize) -> Vec<f64> {
    let mut exposed = vec![0.0; bins];
    let weighted = rows.iter().flat_map(|row| &row.weights);
    weighted.for_each(|(bin, weight)| exposed[*bin] += weight);
    let counted: f64 = rows.iter().map(|row| row.counted).sum();
    let mut masses: Vec<f64> = exposed.iter().map(|exposed| if *exposed > 0.0 { counted / bins as f64 } else { 0.0 }).collect();
    for _ in 0..ROUNDS {
        let mut explained = vec![0.0; bins];
        for row in rows {
            let expected: f64 = row.weights.iter().map(|(bin, weight)| masses[*bin] * weight).sum();
            if expected > 0.0 {
                row.weights.iter().for_each(|(bin, weight)| explained[*bin] += weight * row.counted / expected);
            }
        }
        let steps = masses.iter_mut().zip(explained.iter().zip(&exposed));
        steps.filter(|(_, (_, exposed))| **exposed > 0.0).for_each(|(mass, (explained, exposed))| *mass *= explained / exposed);
    }
    masses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::words::later;

    fn t0() -> Timestamp {
        "2026-12-01T19:00:00Z".parse().unwrap()
    }

    fn percent(percent: u32) -> Percent {
        Percent::from_ppm(percent * 10_000).unwrap()
    }

    /// Counts per minute of waves with a half-life of an hour and a ceiling of 60 %, of a million first attempts.
    fn counted(admitted: &[(Timestamp, Percent)], minutes: u64) -> Vec<(Timestamp, u64)> {
        let came = |secs: f64| if secs > 0.0 { 0.6 * (1.0 - 0.5_f64.powf(secs / 3_600.0)) } else { 0.0 };
        let waves = waves(admitted, t0());
        let by = |secs: f64| waves.iter().map(|wave| wave.share * came(secs - wave.from_secs)).sum::<f64>();
        let count = |minute: u64| ((by((minute + 1) as f64 * 60.0) - by(minute as f64 * 60.0)) * 1e6).round() as u64;
        (0..minutes).map(|minute| (later(t0(), Duration::from_mins(minute)), count(minute))).collect()
    }

    fn learned(admitted: &[(Timestamp, Percent)], requests: Vec<(Timestamp, u64)>) -> Option<Uptake> {
        let counted = Counted { admitted, requests, period: Duration::from_mins(1), attempts: 1e6 };
        Uptake::learn(Name::new("reader-2.3").unwrap(), &counted, t0())
    }

    fn share(curve: &[(Duration, f64)], mins: u64) -> f64 {
        let next = curve.partition_point(|point| point.0 <= Duration::from_mins(mins)).max(1).min(curve.len() - 1);
        let (before, after) = (curve[next - 1], curve[next]);
        before.1 + (after.1 - before.1) * (mins as f64 * 60.0 - before.0.as_secs_f64()) / since_secs(before.0, after.0)
    }

    fn since_secs(from: Duration, until: Duration) -> f64 {
        until.saturating_sub(from).as_secs_f64()
    }

    #[test]
    fn a_curve_comes_back_out_of_a_staged_rollout() {
        let step = |mins, of| (later(t0(), Duration::from_mins(mins)), percent(of));
        for admitted in [vec![step(0, 100)], vec![step(0, 1), step(10, 10), step(40, 50), step(95, 100)]] {
            let mut requests = counted(&admitted, 300);
            // A hole is a hole: nothing is known of it.
            requests.drain(50..60);
            let uptake = learned(&admitted, requests).unwrap();
            assert!((0.9..1.1).contains(&(uptake.of_stated / 0.58)), "{}", uptake.of_stated);
            assert!(uptake.points.len() <= MOST_BINS && uptake.points.is_sorted_by(|one, two| one.0 < two.0 && one.1 <= two.1));
            for (mins, expected) in [(60, 0.3), (120, 0.45), (200, 0.540_5)] {
                let found = share(&uptake.points, mins);
                assert!((found - expected).abs() < 0.03, "{mins} min: {found}, not {expected} ({} waves)", admitted.len());
            }
        }
    }

    #[test]
    fn the_tail_goes_on_fading_and_never_beyond_everybody() {
        let all = [(t0(), percent(100))];
        let uptake = learned(&all, counted(&all, 120)).unwrap();
        let curve = uptake.curve();
        assert!(curve.is_sorted_by(|one, two| one.0 < two.0 && one.1 <= two.1) && curve.last().unwrap().1 <= 1.0);
        // 60 % come in truth; the tail is on the safe side, since early days underestimate late ones.
        assert!((0.6..0.95).contains(&curve.last().unwrap().1), "{:?}", curve.last());
    }

    #[test]
    fn more_than_stated_is_said_and_scaled() {
        let all = [(t0(), percent(100))];
        let twice = counted(&all, 300).into_iter().map(|(at, count)| (at, count * 2)).collect();
        let uptake = learned(&all, twice).unwrap();
        assert!((1.1..1.25).contains(&uptake.of_stated), "{}", uptake.of_stated);
        assert!((uptake.points.last().unwrap().1 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_counted_teaches_nothing() {
        let all = [(t0(), percent(100))];
        assert_eq!(learned(&all, Vec::new()), None);
        assert_eq!(learned(&[], counted(&all, 50)), None);
        assert_eq!(learned(&all, counted(&all, 3)), None, "three minutes have no shape");
        assert_eq!(learned(&all, (0..50).map(|minute| (later(t0(), Duration::from_mins(minute)), 0)).collect()), None);
        let blind = |from: usize, until: usize| {
            let mut minutes = counted(&all, 300);
            minutes.drain(from..until);
            learned(&all, minutes)
        };
        assert_eq!(blind(0, 40), None, "the hour that has the peak was not counted");
        assert_eq!(blind(100, 200), None, "nor was a third of all");
        assert!(blind(150, 170).is_some(), "some minutes are missing always");
        let huge = (0..50).map(|minute| (later(t0(), Duration::from_mins(minute)), u64::MAX)).collect();
        assert!(learned(&all, huge).is_none_or(|uptake| uptake.points.iter().all(|point| (0.0..=1.0).contains(&point.1))));
    }
}
