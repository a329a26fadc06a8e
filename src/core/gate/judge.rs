//! The verdict on a rollout so far: ABORT outranks SAFE, SAFE outranks HOLD.
//!
//! It joins the case against (trial) with the case for (windows). Not here: what a release does about it.
//! Invariant: no path leads from missing counts, or from a figure out of its range, to SAFE.

use super::eprocess::shown;
use super::evidence::{Counts, Evidence};
use super::periods::{Reading, Span};
use super::policy::{NoDataThen, Policy};
use super::terms::Terms;
use super::trial::{self, Trial};
use super::verdict::{AbortReason, HoldReason, Judgement, Verdict};
use super::watched::{self, Watched};
use super::window::Window;

/// Judges the closed periods. Pure: the same evidence gives the same bits, after a restart too.
pub fn judge(policy: &Policy, evidence: &Evidence<'_>) -> Judgement {
    let case = Terms::of(policy, evidence.planned_checks).and_then(|terms| {
        let span = Span::of(policy, evidence);
        Ok(Case { metrics: watched::all(policy, evidence, &span, &terms)?, policy, span, terms })
    });
    case.map_or_else(unusable, |case| case.judge())
}

/// Without usable terms nothing is known, and nothing is done.
fn unusable(key: &str) -> Judgement {
    let verdict = Verdict::Hold(HoldReason::Unusable { key: key.into() });
    Judgement { verdict, e: 1.0, p: 1.0, safe_e: 1.0, requests: 0, errors: 0 }
}

struct Case<'a> {
    policy: &'a Policy,
    terms: Terms,
    span: Span,
    metrics: Vec<Watched<'a>>,
}

impl Case<'_> {
    fn judge(&self) -> Judgement {
        let trial = trial::try_all(&self.metrics, &self.span, &self.terms);
        let windows: Vec<_> = self.metrics.iter().map(|metric| (metric, self.window(metric))).collect();
        let least = windows.iter().min_by(|one, other| one.1.ln_e().total_cmp(&other.1.ln_e()));
        let Counts { requests, errors } = least.map_or(Counts::NONE, |(_, window)| window.counts);
        Judgement {
            verdict: self.verdict(&trial, &windows),
            e: shown(trial.ln_e),
            p: shown(-trial.ln_e_highest),
            safe_e: least.map_or(1.0, |(_, window)| shown(window.ln_e())),
            requests,
            errors,
        }
    }

    fn window(&self, metric: &Watched<'_>) -> Window {
        Window::of(metric, &self.span, self.policy, &self.terms)
    }

    fn verdict(&self, trial: &Trial, windows: &[(&Watched<'_>, Window)]) -> Verdict {
        if let Some(reason) = trial.abort.clone().or_else(|| self.silence()) {
            return Verdict::Abort(reason);
        }
        self.hold(windows).map_or(Verdict::Safe, Verdict::Hold)
    }

    /// The metric that was silent longest, with how long in periods.
    fn most_silent(&self) -> Option<(&Watched<'_>, i64)> {
        let silent = self.metrics.iter().map(|metric| (metric, metric.silent_periods(&self.span)));
        silent.reduce(|most, next| if next.1 > most.1 { next } else { most })
    }

    fn silence(&self) -> Option<AbortReason> {
        let silent = self.span.lasting(self.most_silent()?.1);
        let beyond = self.policy.no_data.then == NoDataThen::Abort && silent > self.policy.no_data.deadline;
        beyond.then_some(AbortReason::NoData { silent })
    }

    /// The first reason why it is not SAFE: what keeps anything from being known comes before what is known.
    fn hold(&self, windows: &[(&Watched<'_>, Window)]) -> Option<HoldReason> {
        if self.span.newest < self.span.step {
            return Some(HoldReason::NoEvidence);
        }
        if let Some((metric, periods)) = self.most_silent().filter(|(_, periods)| *periods > 0) {
            return Some(HoldReason::Gap { metric: metric.name.clone(), silent: self.span.lasting(periods) });
        }
        if let Some((metric, window)) = windows.iter().find(|(_, window)| !matches!(window.newest, Reading::Counted(_))) {
            return Some(HoldReason::NoTraffic { metric: metric.name.clone(), requests: window.counts.requests });
        }
        if let Some(metric) = self.metrics.iter().find(|metric| metric.in_shared_incident(&self.span, &self.terms)) {
            return Some(HoldReason::SharedIncident { metric: metric.name.clone() });
        }
        // Asked as "which one has not crossed", so that even a figure that is no number could not pass.
        let crossed = |window: &Window| window.ln_e() >= self.terms.ln_safe;
        let short = windows.iter().filter(|(_, window)| !crossed(window));
        let (metric, window) = short.min_by(|one, other| one.1.ln_e().total_cmp(&other.1.ln_e()))?;
        Some(HoldReason::Evidence {
            metric: metric.name.clone(),
            requests: window.counts.requests,
            periods_left: window.periods_left(&self.terms),
        })
    }
}
