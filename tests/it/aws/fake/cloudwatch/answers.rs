//! What each operation answers. Pages are by points, and a token is good for the very request that it came from.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Refusal;
use super::cbor::Value;
use super::queries::{self, Query};
use super::sky::{Alarm, Sky};

pub fn answer(sky: &mut Sky, operation: &str, (input, now): (&Value, i64)) -> Result<Value, Refusal> {
    if let Some(code) = sky.refuses {
        return Err((code, format!("{operation} is not for you")));
    }
    match operation {
        "GetMetricData" => metric_data(sky, (input, now)),
        "DescribeAlarms" => alarms(sky, input),
        "PutMetricData" => put(sky, (input, now)),
        other => Err(("UnknownOperationException", format!("no operation {other}"))),
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    ("ValidationError", message.into())
}

fn metric_data(sky: &mut Sky, (input, now): (&Value, i64)) -> Result<Value, Refusal> {
    let queries = queries::read(input)?;
    let range = (input.instant("StartTime").unwrap_or(0), input.instant("EndTime").unwrap_or(0));
    let most = input.whole("MaxDatapoints").unwrap_or(100_800);
    if range.0 >= range.1 || range.0 == 0 || !(1..=100_800).contains(&most) {
        return Err(invalid(format!("StartTime, EndTime {range:?} or MaxDatapoints {most}")));
    }
    let is_descending = match input.text("ScanBy") {
        Some("TimestampAscending") => false,
        None | Some("TimestampDescending") => true,
        Some(other) => return Err(invalid(format!("ScanBy {other}"))),
    };
    sky.series += queries.len() as u32;
    sky.longest = sky.longest.max(range.1 - range.0);
    let key = token_key(input);
    let skip = input.text("NextToken").map_or(Ok(0), |token| offset(token, &key))?;
    let page = sky.page.min(most) as usize;
    let (mut left, mut passed, mut more, mut results) = (page, 0, false, Vec::new());
    for query in &queries {
        let mut points = query.points(sky, range, now);
        if is_descending {
            points.reverse();
        }
        let total = points.len();
        // What earlier pages told, and what this one has room for.
        let begin = skip.saturating_sub(passed).min(total);
        let end = (begin + left).min(total);
        left -= end - begin;
        more |= end < total;
        passed += total;
        results.push(told(sky, query, (&points[begin..end], end < total)));
    }
    let mut output = vec![("MetricDataResults".to_owned(), Value::List(results))];
    if more {
        output.push(("NextToken".to_owned(), Value::Text(format!("{key}:{}", skip + page))));
    }
    Ok(Value::Map(output))
}

fn told(sky: &Sky, query: &Query, (points, goes_on): (&[(i64, f64)], bool)) -> Value {
    let status = if goes_on { "PartialData" } else { "Complete" };
    let status = sky.status.get(query.metric_name()).copied().unwrap_or(status);
    let points = if ["InternalError", "Forbidden"].contains(&status) { &[] } else { points };
    Value::map([
        ("Id", Value::Text(query.id.clone())),
        ("Label", Value::Text(query.metric_name().to_owned())),
        ("Timestamps", Value::List(points.iter().map(|(at, _)| Value::Instant(*at as f64)).collect())),
        ("Values", Value::List(points.iter().map(|(_, value)| Value::Real(*value)).collect())),
        ("StatusCode", Value::Text(status.to_owned())),
    ])
}

/// What all pages of one request have in common.
fn token_key(input: &Value) -> String {
    let Value::Map(entries) = input else { return String::new() };
    let same: Vec<_> = entries.iter().filter(|(key, _)| key != "NextToken").collect();
    let mut hasher = DefaultHasher::new();
    format!("{same:?}").hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

fn offset(token: &str, key: &str) -> Result<usize, Refusal> {
    let offset = token.split_once(':').filter(|(of, _)| *of == key).and_then(|(_, offset)| offset.parse().ok());
    offset.ok_or_else(|| ("InvalidNextToken", "the token is of another request".to_owned()))
}

/// Samples by `Value`, or by `Values` with their `Counts`; not older than two weeks, not further ahead than two hours.
fn put(sky: &mut Sky, (input, now): (&Value, i64)) -> Result<Value, Refusal> {
    let namespace = input.text("Namespace").unwrap_or_default();
    let data = input.list("MetricData");
    if namespace.is_empty() || namespace.starts_with("AWS/") || data.is_empty() || data.len() > 1_000 {
        return Err(invalid(format!("Namespace {namespace:?} or {} MetricData", data.len())));
    }
    for datum in data {
        let at = datum.instant("Timestamp").unwrap_or(now);
        let (values, counts) = (datum.reals("Values"), datum.reals("Counts"));
        if !(now - 14 * 86_400..=now + 7_200).contains(&at)
            || values.len() > 150
            || (!counts.is_empty() && counts.len() != values.len())
        {
            return Err(invalid(format!("Timestamp {at}, Values or Counts")));
        }
        let repeated = values.iter().enumerate().flat_map(|(i, value)| {
            let count = counts.get(i).copied().unwrap_or(1.0) as usize;
            std::iter::repeat_n(*value, count)
        });
        let single = datum.real("Value");
        let id = (namespace.to_owned(), datum.text("MetricName").unwrap_or_default().to_owned(), queries::dimensions(datum));
        sky.keep(id, at, single.into_iter().chain(repeated));
    }
    Ok(Value::Map(Vec::new()))
}

fn alarms(sky: &Sky, input: &Value) -> Result<Value, Refusal> {
    let names = input.texts("AlarmNames");
    let most = input.whole("MaxRecords").unwrap_or(50);
    if names.len() > 100 || !(1..=100).contains(&most) {
        return Err(invalid(format!("{} AlarmNames, MaxRecords {most}", names.len())));
    }
    let types = input.texts("AlarmTypes");
    if let Some(other) = types.iter().find(|kind| !["MetricAlarm", "CompositeAlarm"].contains(kind)) {
        return Err(invalid(format!("AlarmTypes {other}")));
    }
    let asked = |alarm: &Alarm| {
        if alarm.is_composite { types.contains(&"CompositeAlarm") } else { types.is_empty() || types.contains(&"MetricAlarm") }
    };
    let found: Vec<(&String, &Alarm)> =
        sky.alarms.iter().filter(|(name, alarm)| names.contains(&name.as_str()) && asked(alarm)).collect();
    let key = token_key(input);
    let skip = input.text("NextToken").map_or(Ok(0), |token| offset(token, &key))?;
    let page = sky.alarms_page.min(most as usize);
    let shown: Vec<_> = found.iter().skip(skip).take(page).collect();
    let of = |is_composite: bool| {
        let alarms = shown.iter().filter(|(_, alarm)| alarm.is_composite == is_composite);
        Value::List(alarms.map(|(name, alarm)| described(name, alarm)).collect())
    };
    let mut output = vec![("MetricAlarms".to_owned(), of(false)), ("CompositeAlarms".to_owned(), of(true))];
    if skip + page < found.len() {
        output.push(("NextToken".to_owned(), Value::Text(format!("{key}:{}", skip + page))));
    }
    Ok(Value::Map(output))
}

fn described(name: &str, alarm: &Alarm) -> Value {
    Value::map([
        ("AlarmName", Value::Text(name.to_owned())),
        ("StateValue", Value::Text(alarm.state.to_owned())),
        ("StateReason", Value::Text(format!("Threshold of {name}"))),
        ("StateUpdatedTimestamp", Value::Instant(alarm.since as f64)),
    ])
}
