//! A launch against its forecast: what was expected of it, what came, and what the next one learns from it.
//!
//! Not here: learning itself, which the core does. Invariant: what was not counted is said to be unknown and never drawn
//! as zero.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::load::{Surge, Uptake};
use crate::core::release::{Release, Rollout, RolloutStep};
use crate::core::words::{Percent, format_duration, later, since};
use crate::shell::report::{Chart, Series, Shape};

/// Points of a drawn forecast.
const POINTS: u32 = 240;

/// What is known after a launch.
#[derive(Clone, Debug, Default)]
pub(super) struct Hindsight {
    /// Percents that were let through, and since when.
    pub(super) admitted: Vec<(Timestamp, Percent)>,
    /// Requests of the new version by period, oldest first; empty: it has no gate that counts them.
    pub(super) counted: Vec<(Timestamp, u64)>,
    /// How long a period is.
    pub(super) period: Duration,
    /// What an earlier release of the app had taught.
    pub(super) before: Option<Uptake>,
    /// What this one taught.
    pub(super) learned: Option<Uptake>,
}

impl Hindsight {
    /// Label and value.
    pub(super) fn figures(&self, release: &Release) -> Vec<(String, String)> {
        let mut figures = Vec::new();
        let (expected, came) = (self.expected_peak(release), self.rates().map(|(_, rate)| rate).reduce(f64::max));
        if let Some((p50, p95)) = expected {
            figures.push(("Requests expected at the peak".into(), format!("{p50:.1}/s, at p95 {p95:.1}/s")));
            let told = came.map_or("not counted: no gate counts its requests".into(), |came| {
                let percent = if p95 > 0.0 { format!(", {:.0} % of the p95", came / p95 * 100.0) } else { String::new() };
                format!("{came:.1}/s{percent}")
            });
            figures.push(("Requests counted at the peak".into(), told));
        }
        if release.audience.is_some() {
            figures.push(("Uptake".into(), self.learned.as_ref().map_or_else(|| "not recorded".into(), uptake)));
        }
        figures
    }

    /// Expected and counted over time; without points where nothing is known.
    pub(super) fn chart(&self, release: &Release) -> Chart {
        let secs = |at: Timestamp| (at.as_millisecond() - release.launch_at.as_millisecond()) as f64 / 1_000.0;
        let line = |name: &str, points| Series { name: name.into(), shape: Shape::Line, points };
        let counted = line("counted", self.rates().map(|(at, rate)| (secs(at), rate)).collect());
        let mut series = vec![counted];
        if let (Some(surge), Some(instants)) = (self.surge(release), self.instants()) {
            let known: Vec<_> = instants.map(|at| (secs(at), surge.demand_at(at))).collect();
            series.push(line("expected, p50", known.iter().map(|(at, load)| (*at, load.p50)).collect()));
            series.push(line("expected, p95", known.iter().map(|(at, load)| (*at, load.p95)).collect()));
        }
        Chart { title: "Requests of the new version".into(), unit: "requests/s".into(), series, marks: Vec::new() }
    }

    fn rates(&self) -> impl Iterator<Item = (Timestamp, f64)> {
        let period_secs = self.period.as_secs_f64().max(1.0);
        self.counted.iter().map(move |(at, requests)| (*at, *requests as f64 / period_secs))
    }

    fn expected_peak(&self, release: &Release) -> Option<(f64, f64)> {
        let (surge, instants) = (self.surge(release)?, self.instants()?);
        let loads = instants.map(|at| surge.demand_at(at));
        Some(loads.fold((0.0, 0.0), |most, load| (f64::max(most.0, load.p50), f64::max(most.1, load.p95))))
    }

    /// The forecast by the waves as they were let through, not as they were planned.
    fn surge(&self, release: &Release) -> Option<Surge> {
        let audience = release.audience.as_ref()?.known(self.before.as_ref())?;
        let begins = self.admitted.first()?.0;
        let ends = self.admitted.iter().skip(1).map(|(at, _)| *at).chain([Timestamp::MAX]);
        let step = |((at, percent), next): (&(Timestamp, Percent), Timestamp)| RolloutStep {
            percent: *percent,
            dwell: since(next, *at),
            bake: Duration::ZERO,
        };
        let steps = self.admitted.iter().zip(ends).map(step).collect();
        Some(Surge::of(&audience, &Rollout { steps, on_abort: release.rollout.on_abort }, begins, 0.0))
    }

    /// A grid from the first wave to the last count, with the beginnings of the waves on it, where the peaks are.
    fn instants(&self) -> Option<impl Iterator<Item = Timestamp>> {
        let begins = self.admitted.first()?.0;
        let last = self.counted.last().map(|(at, _)| later(*at, self.period));
        let ends = last.into_iter().chain(self.admitted.last().map(|(at, _)| later(*at, Duration::from_hours(1)))).max()?;
        let grain = since(ends, begins) / POINTS;
        let mut instants: Vec<Timestamp> = (0..=POINTS).map(|point| later(begins, grain * point)).collect();
        instants.extend(self.admitted.iter().map(|(at, _)| *at));
        instants.sort_unstable();
        Some(instants.into_iter())
    }
}

fn uptake(uptake: &Uptake) -> String {
    let Some((after, share)) = uptake.points.last() else { return "not recorded".into() };
    let after = format_duration(Duration::from_secs(after.as_secs()));
    let more = if uptake.of_stated > 1.0 {
        format!("; counted were {:.1} times all that its audience was stated to ask for", uptake.of_stated)
    } else {
        String::new()
    };
    format!("{:.1} % within {after} of being admitted, kept for the next release{more}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_said_and_not_zero() {
        let learned = Uptake {
            release: crate::core::words::Name::new("r").unwrap(),
            recorded_at: Timestamp::UNIX_EPOCH,
            points: vec![(Duration::from_mins(90), 0.314)],
            of_stated: 1.36,
        };
        assert_eq!(
            uptake(&learned),
            "31.4 % within 90m of being admitted, kept for the next release; counted were 1.4 times all that its audience was stated to ask for"
        );
        assert!(Hindsight::default().instants().is_none());
    }
}
