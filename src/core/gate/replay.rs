//! Recomputes the gate offline, one entry a row, from counts in a file (`gate replay`).
//!
//! One metric (the policy's first), one stage from the first row, no lag, dwell or `max_gap`: it says what the counts
//! prove by themselves. There is no history in it, so `calibrate` means the phi of too little history.
//! Invariant: a gap row leaves `e` as it was to the bit, and is never SAFE.

use jiff::Timestamp;
use serde::Serialize;

use super::certificate::{Certificate, Sample};
use super::dispersion;
use super::eprocess::{EProcess, shown};
use super::evidence::{Counts, Exposure, Minute};
use super::periods::Reading;
use super::policy::Policy;
use super::terms::{Against, Terms};
use super::verdict::{AbortReason, HoldReason, Verdict};
use super::window::plus;
use crate::core::words::Name;

/// One row: a period's counts; `None` or no requests is a gap.
pub type ReplayRow = Minute;

/// What a policy makes of a file of counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// One entry a row, in their order.
    pub minutes: Vec<ReplayMinute>,
    /// The verdict after the last row.
    pub verdict: Verdict,
}

/// One row judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReplayMinute {
    /// The row's period.
    pub minute: Timestamp,
    /// The e-value against the release. Finite: at most the largest double.
    pub e: f64,
    /// Anytime-valid p-value, 0..=1.
    pub p: f64,
    /// The certificate for the release. Finite: at most the largest double.
    pub safe_e: f64,
    /// The verdict as of this row; ABORT stays.
    pub verdict: Outcome,
    /// Whether the row had no usable counts.
    pub gap: bool,
}

/// A verdict without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Certified not bad.
    Safe,
    /// Not yet.
    Hold,
    /// Certified bad.
    Abort,
}

/// Judges the rows in their order.
pub fn replay(policy: &Policy, rows: &[ReplayRow]) -> Replay {
    let bench = Terms::of(policy, None).and_then(|terms| Bench::new(policy, terms));
    match bench {
        Ok(mut bench) => {
            let minutes = rows.iter().map(|row| bench.hear(row)).collect();
            Replay { minutes, verdict: bench.verdict(policy) }
        }
        Err(key) => unusable(key, rows),
    }
}

fn unusable(key: &str, rows: &[ReplayRow]) -> Replay {
    let entry = |row: &ReplayRow| {
        let hold = Outcome::Hold;
        ReplayMinute { minute: row.at, e: 1.0, p: 1.0, safe_e: 1.0, verdict: hold, gap: row.candidate.is_none() }
    };
    let verdict = Verdict::Hold(HoldReason::Unusable { key: key.into() });
    Replay { minutes: rows.iter().map(entry).collect(), verdict }
}

struct Bench {
    metric: Name,
    terms: Terms,
    against: Against,
    process: EProcess,
    certificate: Certificate,
    ln_e_highest: f64,
    abort: Option<AbortReason>,
    total: Sample,
    counted: u32,
    gaps_in_a_row: u32,
}

impl Bench {
    fn new(policy: &Policy, terms: Terms) -> Result<Self, &'static str> {
        // A document may state only what a verb needs: without metrics there is one, with the file's baseline.
        let has_baseline = policy.metrics.first().is_none_or(|metric| metric.has_baseline);
        let against = terms.against(has_baseline, Exposure::Partial).ok_or("slo")?;
        let phi = dispersion::phi(policy.dispersion, std::iter::empty()).ok_or("dispersion")?;
        Ok(Self {
            metric: policy.metrics.first().map_or_else(|| policy.name.clone(), |metric| metric.name.clone()),
            terms,
            against,
            process: EProcess::new(terms.weights, terms.ln_cap, phi),
            certificate: Certificate::new(against, phi),
            ln_e_highest: 0.0,
            abort: None,
            total: Sample { candidate: Counts::NONE, baseline: None },
            counted: 0,
            gaps_in_a_row: 0,
        })
    }

    fn hear(&mut self, row: &ReplayRow) -> ReplayMinute {
        let gap = match self.against.read(row) {
            Reading::Counted(sample) => {
                self.learn(sample);
                false
            }
            Reading::Silent | Reading::Idle => {
                self.process.pass(1);
                self.gaps_in_a_row += 1;
                true
            }
        };
        ReplayMinute {
            minute: row.at,
            e: shown(self.process.ln_e()),
            p: shown(-self.ln_e_highest),
            safe_e: shown(self.certificate.ln_e()),
            verdict: self.outcome(),
            gap,
        }
    }

    fn learn(&mut self, sample: Sample) {
        self.gaps_in_a_row = 0;
        self.counted += 1;
        self.total = plus(self.total, sample);
        self.certificate.learn(sample, &self.terms);
        match self.terms.factors(self.against, sample) {
            Some(factors) => self.process.learn(factors),
            None => self.process.pass(1),
        }
        self.ln_e_highest = self.ln_e_highest.max(self.process.ln_e());
        if self.abort.is_none() {
            self.abort = self.reason_to_abort(sample);
        }
    }

    fn reason_to_abort(&self, sample: Sample) -> Option<AbortReason> {
        let metric = self.metric.clone();
        if self.terms.is_panic(sample) {
            let Counts { errors, requests } = sample.candidate;
            return Some(AbortReason::Panic { metric, errors, requests });
        }
        let crossed = self.process.ln_e() >= self.terms.ln_abort;
        crossed.then(|| AbortReason::Regression { metric, e: shown(self.process.ln_e()) })
    }

    fn outcome(&self) -> Outcome {
        if self.abort.is_some() {
            Outcome::Abort
        } else if self.counted > 0 && self.gaps_in_a_row == 0 && self.certificate.ln_e() >= self.terms.ln_safe {
            Outcome::Safe
        } else {
            Outcome::Hold
        }
    }

    fn verdict(&self, policy: &Policy) -> Verdict {
        if let Some(reason) = &self.abort {
            return Verdict::Abort(reason.clone());
        }
        let metric = self.metric.clone();
        match (self.outcome(), self.gaps_in_a_row, self.counted) {
            (Outcome::Safe, _, _) => Verdict::Safe,
            (_, 0, 0) => Verdict::Hold(HoldReason::NoEvidence),
            (_, 0, _) => Verdict::Hold(HoldReason::Evidence {
                metric,
                requests: self.total.candidate.requests,
                periods_left: self.certificate.periods_left(self.total, self.counted, &self.terms),
            }),
            (_, gaps, _) => Verdict::Hold(HoldReason::Gap { metric, silent: policy.period.saturating_mul(gaps) }),
        }
    }
}
