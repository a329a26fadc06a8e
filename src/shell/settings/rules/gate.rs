//! What a gate policy must keep to.

use super::within::distinct;
use crate::core::words::Percent;
use crate::shell::settings::kinds::gate::GatePolicy;
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;

pub fn check(gate: &GatePolicy, notes: &mut Notes<'_>) {
    distinct(&way!["metrics"], "name", (gate.metrics.iter().map(|metric| &metric.name), notes));
    chances(gate, notes);
    ratios(gate, notes);
    times(gate, notes);
    comparison(gate, notes);
}

fn chances(gate: &GatePolicy, notes: &mut Notes<'_>) {
    for (key, chance) in [("alpha", gate.alpha), ("beta", gate.beta)] {
        if chance <= 0.0 || chance >= 1.0 {
            let message = format!("`{key}` is a chance, between 0 and 1, not {chance}");
            notes.value(way![key]).error("TM0202", message, "write a number such as 0.01");
        }
    }
}

fn ratios(gate: &GatePolicy, notes: &mut Notes<'_>) {
    if gate.regression <= gate.tolerance {
        let message = format!(
            "`regression` {} is not above `tolerance` {}, so a rate could be accepted and bad at once",
            gate.regression, gate.tolerance
        );
        notes.value(way!["regression"]).error(
            "TM0202",
            message,
            "write a `regression` well above `tolerance`, such as 2.0 over 1.25",
        );
    }
    if let Some(cap) = gate.cap.filter(|cap| *cap <= 1.0) {
        let message = format!("with `cap` {cap} no evidence could ever grow");
        notes.value(way!["cap"]).error("TM0202", message, "write a number such as 10, or null for no cap");
    }
    if gate.dispersion.is_some() && gate.calibrate.is_some() {
        let message = "`calibrate` stands beside `dispersion`, and they exclude each other";
        notes.key(way!["calibrate"]).error("TM0112", message, "keep one of them");
    }
}

fn times(gate: &GatePolicy, notes: &mut Notes<'_>) {
    if gate.period.0.is_zero() {
        notes.value(way!["period"]).error("TM0130", "`period` is above 0s", "write a duration such as 1m");
    }
    if gate.no_data.max_gap.0 > gate.no_data.deadline.0 {
        let message = "people would be told of silence that still counts as complete: `max_gap` is longer than `deadline`";
        notes.value(way!["no_data", "max_gap"]).error("TM0202", message, "write a shorter `max_gap`, or a longer `deadline`");
    }
}

fn comparison(gate: &GatePolicy, notes: &mut Notes<'_>) {
    if let Some(slo) = &gate.slo {
        if slo.percent.0 == Percent::ZERO || slo.percent.0 == Percent::FULL {
            let message = format!("an error rate of {} percent decides nothing", slo.percent.0);
            notes.value(way!["slo", "percent"]).error("TM0202", message, "write a rate such as 0.5");
        }
        return;
    }
    for (at, metric) in gate.metrics.iter().enumerate().filter(|(_, metric)| metric.baseline.is_none()) {
        let message = format!("`{}` has no baseline and the policy no `slo`, so no step could ever be SAFE", metric.name);
        notes.value(way!["metrics", at]).error("TM0203", message, "add `slo: {percent: 0.5}`, or a `baseline` to the metric");
    }
}
