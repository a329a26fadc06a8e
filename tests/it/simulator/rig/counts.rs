//! What clients do and how their requests end, minute by minute, and what of it the metrics source tells.
//!
//! Not here: judging any of it. Invariant: what happened depends on the seed, the minute and the percent in force; what
//! was altered on its way stays altered, what was late arrives.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tminus::core::gate::{Counts as Pair, Minute};
use tminus::core::words::Name;

use super::draw::Draw;
use super::options::MINUTE;
use super::script::Trouble;

/// What clients of one release did.
#[derive(Clone, Debug)]
pub struct Counts {
    seed: u64,
    release: u64,
    metrics: usize,
    has_baseline: bool,
    /// Requests a minute of the app, and their share that fails, ppm.
    pub traffic: (u64, u64),
    /// Per minute since the start: one entry a metric.
    truth: Vec<Vec<Minute>>,
    /// Minutes whose counts are altered, and how.
    altered: Vec<(Trouble, i64, i64)>,
    shown: Shown,
}

/// What was told last, so that only news is added.
#[derive(Clone, Debug, Default)]
struct Shown {
    from: i64,
    until: i64,
}

/// How a minute goes.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    pub percent_ppm: u64,
    /// The share of the new version's requests that fail on top of the ordinary ones, ppm; `None`: it is as good as the old.
    pub bad: Option<u64>,
    pub incident: bool,
}

impl Counts {
    pub fn new(seed: u64, release: u64, (metrics, has_baseline): (usize, bool), traffic: (u64, u64)) -> Self {
        let (truth, altered) = (Vec::new(), Vec::new());
        Self { seed, release, metrics, has_baseline, traffic, truth, altered, shown: Shown::default() }
    }

    /// The number of the first minute that has not been lived.
    pub fn lived(&self) -> i64 {
        self.truth.len() as i64
    }

    /// Lives one more minute.
    pub fn live(&mut self, starts_at: Timestamp, conditions: Conditions) {
        let number = self.lived();
        let at = starts_at + jiff::SignedDuration::from_millis(number * MINUTE);
        let minute = |metric: usize| {
            let mut draw = Draw::of(self.seed, "minute", self.release << 40 | (metric as u64) << 32 | number.unsigned_abs());
            let all = self.traffic.0 * (80 + draw.below(41)) / 100;
            let candidate = (u128::from(all) * u128::from(conditions.percent_ppm) / 1_000_000) as u64;
            let base = self.traffic.1 * if conditions.incident { 60 } else { 1 };
            let worse = conditions.bad.map_or(base, |more| base * 12 + more);
            let errors = |draw: &mut Draw, requests: u64, ppm: u64| {
                let expected = requests as f64 * (ppm.min(1_000_000) as f64 / 1e6);
                // Four uniforms are close to a normal; their sum has variance 1/3.
                let noise = (0..4).map(|_| draw.share()).sum::<f64>() - 2.0;
                ((expected + noise * (3.0 * expected).sqrt()).round().max(0.0) as u64).min(requests)
            };
            let pair = |draw: &mut Draw, requests, ppm| Pair { errors: errors(draw, requests, ppm), requests };
            Minute {
                at,
                candidate: Some(pair(&mut draw, candidate, worse)),
                baseline: self.has_baseline.then(|| pair(&mut draw, all - candidate, base)),
            }
        };
        let lived = (0..self.metrics).map(minute).collect();
        self.truth.push(lived);
    }

    /// From this minute until that one counts are altered.
    pub fn alter(&mut self, how: Trouble, from: i64, until: i64) {
        self.altered.push((how, from, until));
        self.shown = Shown::default();
    }

    /// Puts what is told of the minutes `from..until` into `told`, which holds what was told last.
    pub fn tell(&mut self, told: &mut BTreeMap<Name, Vec<Minute>>, from: i64, until: i64) {
        let until = until.clamp(0, self.lived());
        let from = from.clamp(0, until.max(0));
        if told.len() != self.metrics || self.shown.from != from || until < self.shown.until {
            told.clear();
            (0..self.metrics).for_each(|metric| drop(told.insert(name(metric), Vec::new())));
            self.shown = Shown { from, until: from };
        }
        for number in self.shown.until..until {
            for metric in 0..self.metrics {
                let minute = self.truth[number as usize][metric];
                let Some(list) = told.get_mut(&name(metric)) else { continue };
                self.told(number, minute).into_iter().for_each(|minute| list.push(minute));
            }
        }
        self.shown.until = self.shown.until.max(until);
    }

    fn told(&self, number: i64, minute: Minute) -> Vec<Minute> {
        let mut told = vec![minute];
        for (how, ..) in self.altered.iter().filter(|(_, from, until)| (*from..*until).contains(&number)) {
            match how {
                Trouble::CountsHoles if number % 2 == 0 => told.clear(),
                Trouble::CountsOneArm if number % 3 == 0 => told.iter_mut().for_each(|minute| minute.candidate = None),
                Trouble::CountsOneArm => told.iter_mut().for_each(|minute| minute.baseline = None),
                Trouble::CountsAbsurd => told.iter_mut().for_each(|minute| absurd(number, minute)),
                Trouble::CountsDoubled => told.extend(told.last().copied()),
                _ => {}
            }
        }
        told
    }
}

/// More errors than requests, counts beyond any traffic, none at all.
fn absurd(number: i64, minute: &mut Minute) {
    match number % 3 {
        0 => minute.candidate = Some(Pair { errors: 0, requests: u64::MAX }),
        1 => minute.baseline = minute.baseline.map(|_| Pair { errors: u64::MAX, requests: 3 }),
        _ => minute.candidate = Some(Pair { errors: 0, requests: 0 }),
    }
}

fn name(metric: usize) -> Name {
    Name::new(&format!("m{metric}")).unwrap()
}
