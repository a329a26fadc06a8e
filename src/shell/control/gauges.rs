//! The gauges of `/metrics`, read out of the view at each scrape: they never say more than the last decision knew.
//!
//! Not here: names and help texts, which are telemetry's table. Invariant: what is not known has no series, never a zero.

use jiff::Timestamp;
use metrics::gauge;

use super::desk::View;
use super::reading::Reading;
use super::status::Status;
use crate::core::checklist::Word;
use crate::core::release::Phase;
use crate::core::words::since;
use crate::shell::data::Severity;
use crate::shell::telemetry::{self, Metric};

/// The text exposition, with gauges as of the view.
pub(super) fn exposition(view: &View, now: Timestamp) -> String {
    telemetry::start_metrics();
    let list = Reading { view, now }.list();
    let valid = !view.findings.iter().any(|finding| finding.severity == Severity::Error);
    gauge!(Metric::BuildInfo.name(), "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!(Metric::DecisionAge.name()).set(since(now, view.snapshot.now).as_secs_f64());
    gauge!(Metric::OpenIntents.name()).set(view.open_intents as f64);
    gauge!(Metric::DocumentsValid.name()).set(f64::from(u8::from(valid)));
    gauge!(Metric::Halts.name()).set(Reading { view, now }.halts(None).len() as f64);
    list.releases.iter().for_each(release);
    groups(view);
    coverage(view);
    telemetry::exposition()
}

fn release(status: &Status) {
    for phase in Phase::WORDS {
        let is = f64::from(u8::from(status.phase == phase));
        gauge!(Metric::ReleasePhase.name(), "release" => status.release.clone(), "phase" => phase).set(is);
    }
    for (word, text) in [(Word::Go, "GO"), (Word::Hold, "HOLD"), (Word::NoGo, "NO-GO")] {
        let is = f64::from(u8::from(status.readiness.word == word));
        gauge!(Metric::ReleaseReadiness.name(), "release" => status.release.clone(), "word" => text).set(is);
    }
    gauge!(Metric::ReleasePercent.name(), "release" => status.release.clone()).set(status.percent);
}

fn groups(view: &View) {
    for (name, group) in &view.groups {
        let set = |metric: Metric, value: u32| gauge!(metric.name(), "group" => name.to_string()).set(f64::from(value));
        if let Some(observed) = &group.observed {
            set(Metric::GroupFloor, observed.floor.0);
            set(Metric::GroupDesired, observed.desired.0);
            set(Metric::GroupInService, observed.in_service.0);
        }
        if let Some(plan) = &group.plan {
            set(Metric::GroupNeeded, plan.instances.0);
        }
    }
}

fn coverage(view: &View) {
    for (policy, proven) in &view.snapshot.observed.coverage {
        for (node, ratio) in &proven.nodes {
            let labels = [("policy", policy.to_string()), ("node", node.to_string())];
            gauge!(Metric::PrimingCoverage.name(), &labels).set(*ratio);
        }
    }
}
