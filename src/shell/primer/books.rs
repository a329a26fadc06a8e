//! What a run counts and lists while it goes, and the report at its end.
//!
//! Invariant: every target is counted once, and stands in at most one of mismatches, failed and not_stored.

use jiff::Timestamp;

use super::report::{Capped, Failed, Finding, Mismatch, NotStored, Omitted, PrimeReport};
use super::source::Validator;
use super::target::{Done, Outcome, Target};
use crate::core::priming::{Class, Object, Policy, Tally, Verdict};
use crate::core::words::later;
use crate::shell::spec::PrimingSpec;

/// Counts and lists, as they grow.
pub(super) struct Books {
    pub(super) objects: u64,
    deferred: u64,
    tally: Tally,
    nodes: Vec<String>,
    mismatches: Capped<Mismatch>,
    failed: Capped<Failed>,
    not_stored: Capped<NotStored>,
    findings: Capped<Finding>,
}

/// What is known only at the end.
pub(super) struct Closing<'a> {
    pub(super) policy: &'a Policy,
    pub(super) started_at: Timestamp,
    pub(super) read: Result<Validator, String>,
    pub(super) requests: (u64, u64),
    pub(super) seconds: f64,
}

impl Books {
    pub(super) fn new(spec: &PrimingSpec) -> Self {
        let nodes: Vec<String> = spec.nodes.iter().map(|node| node.name.to_string()).collect();
        Self {
            objects: 0,
            deferred: 0,
            tally: Tally::new(nodes.clone()),
            nodes,
            mismatches: Capped::default(),
            failed: Capped::default(),
            not_stored: Capped::default(),
            findings: Capped::default(),
        }
    }

    pub(super) fn unreadable(&mut self, line: u64, reason: &str) {
        self.tally.count_unreadable();
        let url = format!("line {line} of the source");
        self.fail(Failed { url, node: "*".into(), reason: reason.into(), variant: None });
    }

    pub(super) fn defer(&mut self, object: &Object) {
        self.deferred += 1;
        let at = object.not_before().map_or(String::new(), |at| at.to_string());
        self.find(object.url(), "*", format!("left for a run after its not_before, {at}: it is no target of this one"));
    }

    pub(super) fn refuse(&mut self, object: &Object, variants: usize) {
        for node in self.nodes.clone() {
            (0..variants).for_each(|_| self.tally.count(&node, Class::Unknown, Verdict::Open));
            let reason = "not fetched: the policy does not allow this origin; add it to `allow` if it is yours".into();
            self.fail(Failed { url: object.url().into(), node, reason, variant: None });
        }
    }

    pub(super) fn enter(&mut self, done: Done) {
        let (url, node) = (done.object.url(), done.node.name.as_str());
        for message in done.findings {
            self.find(url, node, message);
        }
        for target in done.targets {
            self.enter_target(url, node, target);
        }
    }

    fn enter_target(&mut self, url: &str, node: &str, target: Target) {
        let is_covered = matches!(target.outcome, Outcome::Covered);
        self.tally.count(node, target.class, if is_covered { Verdict::Covered } else { Verdict::Open });
        let (variant, owned) = (target.variant, (url.to_owned(), node.to_owned()));
        let bytes = url.len() + node.len() + variant.as_ref().map_or(0, String::len);
        match target.outcome {
            Outcome::Covered => {
                if let Some(at) = target.stale_at {
                    self.tally.stale_at(at);
                }
            }
            Outcome::Mismatch { expected, actual } => {
                let bytes = bytes + expected.len() + actual.len();
                self.mismatches.push(Mismatch { url: owned.0, node: owned.1, expected, actual, variant }, bytes);
            }
            Outcome::Failed(reason) => self.fail(Failed { url: owned.0, node: owned.1, reason, variant }),
            Outcome::NotStored(reason) => {
                let bytes = bytes + reason.len();
                self.not_stored.push(NotStored { url: owned.0, node: owned.1, reason, variant }, bytes);
            }
            Outcome::Open(reason) => {
                let label = variant.map_or(String::new(), |label| format!(" ({label})"));
                self.find(url, node, format!("not covered{label}: {reason}"));
            }
        }
    }

    fn fail(&mut self, entry: Failed) {
        let bytes = entry.url.len() + entry.node.len() + entry.reason.len();
        self.failed.push(entry, bytes);
    }

    fn find(&mut self, url: &str, node: &str, message: String) {
        let bytes = url.len() + node.len() + message.len();
        self.findings.push(Finding { url: url.into(), node: node.into(), message }, bytes);
    }

    pub(super) fn close(mut self, closing: &Closing<'_>) -> PrimeReport {
        if closing.read.is_err() {
            self.tally.tear();
        }
        let (targets, covered) = self.tally.totals();
        PrimeReport {
            objects: self.objects,
            requested: closing.requests.0,
            classes: Class::by_name(self.tally.classes()),
            coverage: self.tally.coverage(),
            omitted: Omitted {
                mismatches: self.mismatches.omitted,
                failed: self.failed.omitted,
                not_stored: self.not_stored.omitted,
                findings: self.findings.omitted,
            },
            mismatches: self.mismatches.entries,
            failed: self.failed.entries,
            not_stored: self.not_stored.entries,
            findings: self.findings.entries,
            seconds: closing.seconds,
            retried: closing.requests.1,
            deferred: self.deferred,
            source_error: closing.read.as_ref().err().cloned(),
            fresh_until: self.tally.soonest_stale().map(|offset| later(closing.started_at, offset)),
            reached: closing.read.is_ok() && self.tally.reaches(closing.policy.coverage),
            open: targets - covered,
            validator: closing.read.as_ref().ok().cloned(),
        }
    }
}
