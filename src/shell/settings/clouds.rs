//! What gates and checks need of a CloudWatch source: alarms are there alone, counts are sums, and it has not every period.
//!
//! Not here: whether a name refers to anything. Invariant: what CloudWatch would never answer is an error before a launch, not
//! a HOLD in it.

use std::collections::BTreeMap;

use super::draft::{Draft, Typed};
use super::kinds::checklist::Check;
use super::kinds::gate::{Arm, GatePolicy};
use super::kinds::metrics::{CloudWatch, MetricsSource};
use super::node::{Path, way};
use super::notes::Notes;
use crate::core::words::{Name, format_duration};
use crate::shell::data::Finding;

/// What is known of the sources.
struct Known<'d> {
    sources: BTreeMap<&'d Name, bool>,
    /// Queries of CloudWatch with their statistic.
    queries: BTreeMap<&'d Name, (&'d CloudWatch, &'d str)>,
}

/// Findings by the draft they are about.
pub fn check(drafts: &[Draft<'_>]) -> Vec<(usize, Vec<Finding>)> {
    let known = known(drafts);
    let of = |(at, draft): (usize, &Draft<'_>)| {
        let mut notes = draft.notes();
        match &draft.typed {
            Some(Typed::Checklist(checklist)) => {
                for (item, check) in checklist.items.iter().map(|item| &item.check).enumerate() {
                    check_alarms((item, check.as_ref()), &known, &mut notes);
                }
            }
            Some(Typed::GatePolicy(gate)) => check_gate(gate, &known, &mut notes),
            _ => return None,
        }
        Some((at, notes.into_findings()))
    };
    drafts.iter().enumerate().filter_map(of).collect()
}

fn known<'d>(drafts: &'d [Draft<'_>]) -> Known<'d> {
    let source = |draft: &'d Draft<'_>| match &draft.typed {
        Some(Typed::MetricsSource(source)) => Some(source),
        _ => None,
    };
    let sources: Vec<&MetricsSource> = drafts.iter().filter_map(source).collect();
    let mut queries = BTreeMap::new();
    for source in &sources {
        let Some(cloudwatch) = &source.cloudwatch else { continue };
        for (name, query) in &source.queries {
            queries.extend(query.statistic.as_deref().map(|statistic| (name, (cloudwatch, statistic))));
        }
    }
    Known { sources: sources.iter().map(|source| (&source.name, source.cloudwatch.is_some())).collect(), queries }
}

fn check_alarms((item, check): (usize, Option<&Check>), known: &Known<'_>, notes: &mut Notes<'_>) {
    let Some(Check::Alarms(alarms)) = check else { return };
    if known.sources.get(&alarms.source) == Some(&false) {
        let message = format!("`{}` has no alarms: it is no source with `cloudwatch`", alarms.source);
        let help = "name a MetricsSource with `cloudwatch` and the region of the alarms";
        notes.value(way!["items", item, "check", "alarms", "source"]).error("TM0206", message, help);
    }
}

fn check_gate(gate: &GatePolicy, known: &Known<'_>, notes: &mut Notes<'_>) {
    let mut asked = None;
    for (at, metric) in gate.metrics.iter().enumerate() {
        let candidate = Some((&metric.candidate, "candidate"));
        for (arm, key) in candidate.into_iter().chain(metric.baseline.as_ref().map(|arm| (arm, "baseline"))) {
            asked = check_arm(arm, &way!["metrics", at, key], (known, notes)).or(asked);
        }
    }
    let Some(cloudwatch) = asked else { return };
    let period = gate.period.0;
    let fine = [1, 5, 10, 20, 30].contains(&period.as_secs());
    if period.subsec_nanos() > 0 || (!fine && (period.is_zero() || !period.as_secs().is_multiple_of(60))) {
        let message = format!("CloudWatch has no periods of {}", format_duration(period));
        notes.value(way!["period"]).error("TM0206", message, "write whole minutes such as `1m`, or 1, 5, 10, 20 or 30 s");
    }
    if gate.lag.0 < cloudwatch.settles.0 {
        let settles = format_duration(cloudwatch.settles.0);
        let message = format!("a period of CloudWatch is taken as complete {settles} after its end, which is later than `lag`");
        notes.value(way!["lag"]).warning(
            "TM0206",
            message,
            format!("write `lag: {settles}`, or a shorter `settles` at the source"),
        );
    }
}

/// The source, if one of CloudWatch is asked.
fn check_arm<'k>(arm: &Arm, path: &Path, (known, notes): (&Known<'k>, &mut Notes<'_>)) -> Option<&'k CloudWatch> {
    let mut asked = None;
    for (query, key) in [(&arm.errors, "errors"), (&arm.requests, "requests")] {
        let Some((cloudwatch, statistic)) = known.queries.get(query) else { continue };
        asked = Some(*cloudwatch);
        if !["Sum", "SampleCount"].contains(statistic) {
            let message = format!("`{query}` is no count: its statistic is `{statistic}`");
            let help = "a gate compares counts: ask for the statistic `Sum` or `SampleCount`";
            notes.value(path.then(key)).error("TM0206", message, help);
        }
    }
    asked
}
