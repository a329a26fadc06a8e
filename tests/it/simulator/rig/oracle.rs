//! What the counts prove, worked out anew by the plainest arithmetic from the rules of the gate, without its code.
//!
//! Not here: how long anything will take, or reasons. Sources: DESIGN section 5 ("the gate certifies SAFE against ...") and
//! the rule of the relative certificate. Invariant: it shares only the shape of the counts with the gate.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tminus::core::gate::{Counts, Minute, Policy};
use tminus::core::release::{Active, Phase};

use super::watch::{Turn, Wrong};

/// Alternatives of the certificate: ratios to the baseline, and shares of the slo.
const RATIOS: [f64; 3] = [0.5, 0.75, 1.0];
const SHARES: [f64; 5] = [0.75, 0.5, 0.25, 0.1, 0.01];

/// A release that rose by itself, although the evidence of the step it left does not allow it.
pub fn unsafe_rise(turn: &Turn<'_>) -> Option<Wrong> {
    let name = &turn.release.name;
    let wrong = |what: String| Some(("I4", format!("{name} rises by itself, and {what}")));
    let Some(policy) = turn.release.gate.as_ref().and_then(|gate| turn.snapshot.config.gates.get(gate)) else {
        return wrong("no gate is in force".into());
    };
    let nothing = BTreeMap::new();
    let metrics = turn.snapshot.observed.minutes.get(name).unwrap_or(&nothing);
    let from = turn.before.and_then(|before| before.step_from.max(before.evidence_from));
    let Some(from) = from else { return wrong("its step never began".into()) };
    for metric in &policy.metrics {
        let minutes = metrics.get(&metric.name).map_or(&[][..], Vec::as_slice);
        let step = Step {
            policy,
            has_baseline: metric.has_baseline,
            from: number(from, policy),
            newest: newest(turn.snapshot.now, policy),
        };
        match step.certificate(minutes) {
            Err(why) => return wrong(format!("of {} {why}", metric.name)),
            Ok(ln_e) if ln_e < -policy.beta.ln() - 1e-6 => {
                return wrong(format!("the evidence of {} is {:.3}, not {:.3}", metric.name, ln_e.exp(), 1.0 / policy.beta));
            }
            Ok(_) => {}
        }
    }
    None
}

/// The evidence of one metric in one step.
struct Step<'a> {
    policy: &'a Policy,
    has_baseline: bool,
    /// Its first and its newest closed period.
    from: i128,
    newest: i128,
}

impl Step<'_> {
    /// ln E' over the window, or why there is none.
    fn certificate(&self, minutes: &[Minute]) -> Result<f64, String> {
        let by_period: BTreeMap<i128, &Minute> = minutes.iter().map(|minute| (number(minute.at, self.policy), minute)).collect();
        let max_gap = (self.policy.no_data.max_gap.as_nanos() / self.policy.period.as_nanos()) as i128;
        let (mut relative, mut absolute) = ([0.0; 3], [0.0; 5]);
        let mut last = self.from - 1;
        for (period, minute) in by_period.range(self.from..=self.newest) {
            let (Some(candidate), heard) = (minute.candidate, !self.has_baseline || minute.baseline.is_some()) else { continue };
            if !heard {
                continue;
            }
            if period - last - 1 > max_gap {
                (relative, absolute) = ([0.0; 3], [0.0; 5]);
            }
            last = *period;
            self.learn((&mut relative, &mut absolute), candidate, minute.baseline);
        }
        match by_period.get(&self.newest) {
            None => return Err("nothing was heard in the newest period".into()),
            Some(minute) if minute.candidate.is_none_or(|counts| counts.requests == 0) => {
                return Err("the newest period has no requests of the new version".into());
            }
            Some(minute) if self.has_baseline && minute.baseline.is_none_or(|counts| counts.requests == 0) => {
                return Err("the newest period has no requests of the baseline".into());
            }
            Some(_) if self.newest < self.from => return Err("no period of this step has closed".into()),
            Some(_) => {}
        }
        let mean = |values: &[f64]| {
            let most = values.iter().copied().fold(f64::MIN, f64::max);
            most + (values.iter().map(|value| (value - most).exp()).sum::<f64>() / values.len() as f64).ln()
        };
        Ok(match (self.has_baseline, self.policy.slo.is_some()) {
            (true, true) => mean(&[mean(&relative), mean(&absolute)]),
            (true, false) => mean(&relative),
            _ => mean(&absolute),
        })
    }

    fn learn(&self, (relative, absolute): (&mut [f64; 3], &mut [f64; 5]), candidate: Counts, baseline: Option<Counts>) {
        let (errors, requests) = (candidate.errors.min(candidate.requests) as f64, candidate.requests as f64);
        let others = baseline.filter(|_| self.has_baseline);
        if requests == 0.0 || others.is_some_and(|counts| counts.requests == 0) {
            return;
        }
        if let Some(others) = others {
            let (failed, served) = (others.errors.min(others.requests) as f64, others.requests as f64);
            let tau = self.policy.regression;
            for (sum, ratio) in relative.iter_mut().zip(RATIOS) {
                let fewer = (tau * requests + served) / (ratio * requests + served);
                *sum += (errors * (ratio / tau).ln() + (errors + failed) * fewer.ln()) / self.phi();
            }
        }
        if let Some(slo) = self.policy.slo {
            for (sum, share) in absolute.iter_mut().zip(SHARES) {
                let better = share * slo;
                let clean = ((1.0 - better) / (1.0 - slo)).ln();
                *sum += (errors * share.ln() + (requests - errors) * clean) / self.phi();
            }
        }
    }

    /// The least noise that the policy may assume.
    fn phi(&self) -> f64 {
        match self.policy.dispersion {
            tminus::core::gate::Dispersion::Fixed(phi) => phi,
            // No history is given to the daemon, which is then assumed to be this noisy.
            tminus::core::gate::Dispersion::Calibrate { .. } => 1.5,
        }
    }
}

/// Half of the requests failed in the newest closed period, hardly any of the others', and the release goes on.
pub fn panic_unheard(turn: &Turn<'_>) -> Option<Wrong> {
    let runs =
        |phase: &Phase| matches!(phase, Phase::Active(Active::Rolling { .. }) | Phase::Held { at: Active::Rolling { .. }, .. });
    let before = turn.before.filter(|before| runs(&before.phase) && runs(&turn.after.phase))?;
    let policy = turn.snapshot.config.gates.get(turn.release.gate.as_ref()?)?;
    let from = number(before.evidence_from?, policy);
    let newest = newest(turn.snapshot.now, policy);
    for metric in policy.metrics.iter().filter(|metric| metric.has_baseline) {
        let minutes = turn.snapshot.observed.minutes.get(&turn.release.name)?.get(&metric.name)?;
        let of_newest = minutes.iter().rev().find(|minute| number(minute.at, policy) == newest);
        let Some(Minute { candidate: Some(new), baseline: Some(old), .. }) = of_newest else { continue };
        let fails = new.errors >= 50 && new.errors.min(new.requests) * 2 >= new.requests;
        if newest >= from && fails && old.requests > 0 && old.errors.min(old.requests) * 20 < old.requests {
            let message = format!(
                "{}: {} of {} requests of the new version failed and it goes on",
                turn.release.name, new.errors, new.requests
            );
            return Some(("I4", message));
        }
    }
    None
}

/// The number of a period: one that begins in between counts as the next.
fn number(at: Timestamp, policy: &Policy) -> i128 {
    let length = policy.period.as_nanos() as i128;
    (at.as_nanosecond() + length - 1).div_euclid(length)
}

/// The newest period that is over, and whose counts had time to arrive.
fn newest(now: Timestamp, policy: &Policy) -> i128 {
    (now.as_nanosecond() - policy.lag.as_nanos() as i128).div_euclid(policy.period.as_nanos() as i128) - 1
}
