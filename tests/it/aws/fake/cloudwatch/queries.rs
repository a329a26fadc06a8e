//! What a query of GetMetricData must keep to, and the points that it gets.

use std::collections::BTreeMap;

use super::Refusal;
use super::cbor::Value;
use super::sky::{Id, Sky};

const DAY: i64 = 86_400;

/// A query that is as it should be.
pub struct Query {
    pub id: String,
    metric: Id,
    pub period: i64,
    stat: String,
}

fn invalid(message: impl Into<String>) -> Refusal {
    ("ValidationError", message.into())
}

/// Reads all queries of a call.
pub fn read(input: &Value) -> Result<Vec<Query>, Refusal> {
    let list = input.list("MetricDataQueries");
    if list.is_empty() || list.len() > 500 {
        return Err(invalid(format!("the collection MetricDataQueries must have 1 to 500 members, and has {}", list.len())));
    }
    let queries: Vec<Query> = list.iter().map(query).collect::<Result<_, _>>()?;
    let mut ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() == queries.len() { Ok(queries) } else { Err(invalid("the ids are not unique")) }
}

fn query(from: &Value) -> Result<Query, Refusal> {
    let id = from.text("Id").unwrap_or_default();
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || !id.starts_with(|c: char| c.is_ascii_lowercase()) || id.len() > 255 {
        return Err(invalid(format!("{id:?} is no id")));
    }
    let (Some(stat), None) = (from.get("MetricStat"), from.get("Expression")) else {
        return Err(invalid("exactly one of MetricStat and Expression"));
    };
    let metric = stat.get("Metric").ok_or_else(|| invalid("no Metric"))?;
    let (namespace, name) = (metric.text("Namespace").unwrap_or_default(), metric.text("MetricName").unwrap_or_default());
    let period = stat.whole("Period").unwrap_or(0);
    if namespace.is_empty() || name.is_empty() || metric.list("Dimensions").len() > 30 {
        return Err(invalid("Namespace, MetricName or Dimensions"));
    }
    if !([1, 5, 10, 20, 30].contains(&period) || (period > 0 && period % 60 == 0 && period <= DAY)) {
        return Err(invalid(format!("Period {period}")));
    }
    let statistic = stat.text("Stat").unwrap_or_default();
    let percentile = statistic.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
    let known = ["Sum", "Average", "Minimum", "Maximum", "SampleCount"].contains(&statistic);
    if !known && !percentile.is_some_and(|p| (0.0..=100.0).contains(&p)) {
        return Err(invalid(format!("Stat {statistic}")));
    }
    Ok(Query { id: id.into(), metric: (namespace.into(), name.into(), dimensions(metric)), period, stat: statistic.into() })
}

/// The dimensions of a metric or a datum.
pub fn dimensions(of: &Value) -> BTreeMap<String, String> {
    let dimension = |it: &Value| Some((it.text("Name")?.to_owned(), it.text("Value")?.to_owned()));
    of.list("Dimensions").iter().filter_map(dimension).collect()
}

impl Query {
    pub fn metric_name(&self) -> &str {
        &self.metric.1
    }

    /// Points with samples in a range, oldest first. Periods begin where the range does, as far back as they are kept.
    pub fn points(&self, sky: &Sky, (from, to): (i64, i64), now: i64) -> Vec<(i64, f64)> {
        let kept = match self.period {
            _ if self.period < 60 => 3 * 3_600,
            _ if self.period % 3_600 == 0 => 455 * DAY,
            _ if self.period % 300 == 0 => 63 * DAY,
            _ => 15 * DAY,
        };
        let starts = (from..to).step_by(self.period as usize).filter(|start| *start >= now - kept);
        let point = |start: i64| {
            let samples = sky.samples(&self.metric, (start, start + self.period), now);
            (!samples.is_empty()).then(|| (start, statistic(&self.stat, samples)))
        };
        starts.filter_map(point).collect()
    }
}

fn statistic(stat: &str, mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let sum: f64 = samples.iter().sum();
    match stat {
        "Sum" => sum,
        "SampleCount" => samples.len() as f64,
        "Average" => sum / samples.len() as f64,
        "Minimum" => samples[0],
        "Maximum" => samples[samples.len() - 1],
        percentile => {
            let p: f64 = percentile[1..].parse().unwrap();
            let rank = (p / 100.0 * samples.len() as f64).ceil() as usize;
            samples[rank.clamp(1, samples.len()) - 1]
        }
    }
}
