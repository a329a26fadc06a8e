//! Judgements that were made already: between two ends of a period a gate is asked the same many times.
//!
//! Not here: judging. Invariant: what is kept is what judging anew would give, since everything that it looks at is compared.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::evidence::{Evidence, Exposure, Minute};
use super::judge::judge;
use super::periods::Span;
use super::policy::Policy;
use super::verdict::Judgement;
use crate::core::words::Name;

/// The last judgement of each release.
#[derive(Debug, Default)]
pub struct Judged(RefCell<BTreeMap<Name, Case>>);

type Metrics = BTreeMap<Name, Vec<Minute>>;

/// A judgement with everything that it was made from.
#[derive(Debug)]
struct Case {
    policy: Policy,
    metrics: Metrics,
    history: Metrics,
    from: (Timestamp, Timestamp),
    exposure: Exposure,
    planned_checks: Option<u32>,
    /// Of the instant nothing counts but which period is the newest closed one.
    newest: i64,
    judgement: Judgement,
}

impl Case {
    fn is_about(&self, policy: &Policy, evidence: &Evidence<'_>, newest: i64) -> bool {
        self.newest == newest
            && self.from == (evidence.rollout_from, evidence.step_from)
            && self.exposure == evidence.exposure
            && self.planned_checks == evidence.planned_checks
            && self.policy == *policy
            && self.metrics == *evidence.metrics
            && self.history == *evidence.history
    }
}

impl Judged {
    /// Judges the evidence of a release; anew only where it is not what it was.
    pub fn judge(&self, release: &Name, policy: &Policy, evidence: &Evidence<'_>) -> Judgement {
        let newest = Span::of(policy, evidence).newest;
        let mut known = self.0.borrow_mut();
        if let Some(case) = known.get(release).filter(|case| case.is_about(policy, evidence, newest)) {
            return case.judgement.clone();
        }
        let judgement = judge(policy, evidence);
        let case = Case {
            policy: policy.clone(),
            metrics: evidence.metrics.clone(),
            history: evidence.history.clone(),
            from: (evidence.rollout_from, evidence.step_from),
            exposure: evidence.exposure,
            planned_checks: evidence.planned_checks,
            newest,
            judgement: judgement.clone(),
        };
        known.insert(release.clone(), case);
        judgement
    }

    /// Forgets releases that are not judged any more.
    pub fn keep(&self, is_judged: impl Fn(&Name) -> bool) {
        self.0.borrow_mut().retain(|release, _| is_judged(release));
    }
}
