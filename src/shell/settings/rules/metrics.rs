//! What a metrics source must keep to.

use std::collections::BTreeMap;

use super::within::{distinct, exactly_one};
use crate::shell::settings::kinds::metrics::{MetricsSource, Query};
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;
use crate::shell::settings::suggest::listed;

/// Most dimensions of a metric of CloudWatch.
const MOST_DIMENSIONS: usize = 30;

pub fn check(source: &MetricsSource, notes: &mut Notes<'_>) {
    let systems = [
        ("prometheus", source.prometheus.is_some()),
        ("cloudwatch", source.cloudwatch.is_some()),
        ("file", source.file.is_some()),
        ("push", source.push.is_some()),
    ];
    exactly_one(way![], &systems, notes);
    folded_twice(notes);
    if source.queries.is_empty() {
        let message = "`queries` is empty, so nothing ever asks this source";
        notes.value(way!["queries"]).warning(
            "TM0206",
            message,
            "write the queries that gates and checks name, or take the source out",
        );
    }
    if let Some(push) = &source.push {
        distinct(&way!["push", "senders"], "", (push.senders.iter(), notes));
    }
    let given: Vec<&str> = systems.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    let [system] = given.as_slice() else { return };
    for (name, query) in &source.queries {
        check_query((system, name.as_str()), query, notes);
    }
}

/// Keys that differ in case alone would be one query.
fn folded_twice(notes: &mut Notes<'_>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for key in notes.keys_at("queries") {
        if let Some(first) = seen.insert(key.to_ascii_lowercase(), key.clone()) {
            let message = format!("`{key}` is the same query as `{first}`: case does not count");
            notes.key(way!["queries", key.as_str()]).error("TM0105", message, "keep one of the two");
        }
    }
}

fn check_query((system, name): (&str, &str), query: &Query, notes: &mut Notes<'_>) {
    let given = [
        ("promql", query.promql.is_some()),
        ("series", query.series.is_some()),
        ("namespace", query.namespace.is_some()),
        ("metric", query.metric.is_some()),
        ("statistic", query.statistic.is_some()),
        ("dimensions", !query.dimensions.is_empty()),
    ];
    let (needed, taken): (&[&str], &[&str]) = match system {
        "prometheus" => (&["promql"], &["promql"]),
        "cloudwatch" => (&["namespace", "metric", "statistic"], &["namespace", "metric", "statistic", "dimensions"]),
        _ => (&["series"], &["series"]),
    };
    let foreign: Vec<&str> = given.iter().filter(|(key, given)| *given && !taken.contains(key)).map(|(key, _)| *key).collect();
    if !foreign.is_empty() && !given.iter().any(|(key, given)| *given && taken.contains(key)) {
        // A query copied from a file for another system: harmless, since it never answers and what needs it holds.
        let message = format!("`{name}` is never answered: a query of `{system}` takes {}", listed(taken));
        let help = format!("write it with {}, or move it to a source that takes {}", listed(needed), listed(&foreign));
        return notes.key(way!["queries", name]).warning("TM0206", message, help);
    }
    for (key, given) in given {
        if given && !taken.contains(&key) {
            let message = format!("a query of `{system}` does not take `{key}`");
            let help = format!("it takes {}", listed(taken));
            notes.key(way!["queries", name, key]).error("TM0206", message, help);
        } else if !given && needed.contains(&key) {
            let message = format!("a query of `{system}` needs `{key}`");
            notes.value(way!["queries", name]).error("TM0206", message, format!("add `{key}`"));
        }
    }
    if system == "cloudwatch" {
        check_metric(name, query, notes);
    }
}

fn check_metric(name: &str, query: &Query, notes: &mut Notes<'_>) {
    if let Some(statistic) = query.statistic.as_ref().filter(|statistic| !is_statistic(statistic)) {
        let message = format!("CloudWatch has no statistic `{statistic}`");
        let known = "`Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, `p95`, `tm99`, `IQM` and the like";
        notes.value(way!["queries", name, "statistic"]).error("TM0206", message, format!("it has {known}; case counts"));
    }
    if query.dimensions.len() > MOST_DIMENSIONS {
        let message = format!("{} dimensions, and a metric of CloudWatch has at most {MOST_DIMENSIONS}", query.dimensions.len());
        notes.value(way!["queries", name, "dimensions"]).error("TM0206", message, "name the dimensions that the metric has");
    }
}

/// Whether CloudWatch has it: the plain ones, `p95`, `tm99.9`, `tc90`, `ts90`, `wm98`, and forms with bounds such as `TM(10%:90%)`
/// (CloudWatch User Guide, "Statistics definitions").
fn is_statistic(text: &str) -> bool {
    if ["Sum", "Average", "Minimum", "Maximum", "SampleCount", "IQM"].contains(&text) {
        return true;
    }
    let of_percent = ["p", "tm", "tc", "ts", "wm"].iter().filter_map(|prefix| text.strip_prefix(prefix));
    let is_percent = |text: &str| {
        let plain =
            text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.starts_with(|c: char| c.is_ascii_digit());
        plain && text.parse::<f64>().is_ok_and(|percent| percent <= 100.0)
    };
    let bounded = ["TM", "TC", "TS", "WM", "PR"].iter().filter_map(|prefix| text.strip_prefix(prefix));
    let is_bounded = |text: &str| {
        let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        inner
            .is_some_and(|inner| inner.contains(':') && inner.bytes().all(|byte| byte.is_ascii_digit() || b".:%".contains(&byte)))
    };
    of_percent.into_iter().any(is_percent) || bounded.into_iter().any(is_bounded)
}

#[cfg(test)]
mod tests {
    use super::is_statistic;

    #[test]
    fn statistics_are_the_ones_that_cloudwatch_has() {
        for has in ["Sum", "SampleCount", "p95", "p99.9", "p100", "tm90", "wm98", "IQM", "TM(10%:90%)", "PR(:300)"] {
            assert!(is_statistic(has), "{has}");
        }
        for has_not in ["sum", "avg", "p", "p101", "P95", "p9e1", "p+9", "p-1", "tm", "TM()", "TM(10)", "", "Sum "] {
            assert!(!is_statistic(has_not), "{has_not:?}");
        }
    }
}
