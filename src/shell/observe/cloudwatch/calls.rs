//! Every operation of CloudWatch that is used, by page and in batches. `deploy/aws/policy.json` allows these and no others,
//! which a test compares.
//!
//! Not here: when to call. Invariants: nothing is ever changed there; pages are bounded, whatever AWS says; what was not told
//! wholly is marked so.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmType, Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StateValue, StatusCode,
};
use jiff::Timestamp;

use super::kept::Range;
use super::trouble::Trouble;
use super::wanted::Key;
use crate::shell::aws::{AwsError, Credentials, Patience, reach};
use crate::shell::spec::AwsAccount;

/// Most series that one call reads.
pub(super) const SERIES_A_CALL: usize = 500;
/// Most alarms that one call describes.
pub(super) const ALARMS_A_CALL: usize = 100;
const ALARMS_A_PAGE: i32 = 100;
/// Points of a page, the most there are.
pub(super) const POINTS_A_PAGE: i64 = 100_800;
/// Pages that one answer may take.
const MOST_PAGES: usize = 30;

/// A client, and its patience.
pub(super) struct Calls {
    client: Client,
    patience: Patience,
}

/// What was told of one series.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// By start of period.
    pub(super) points: BTreeMap<i64, f64>,
    /// Why it is not whole, or not at all; `None`: it is.
    pub(super) trouble: Option<Trouble>,
}

/// How an alarm is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shell::observe) struct Alarm {
    pub(super) state: StateValue,
    /// As AWS says it; may be empty.
    pub(super) reason: String,
    /// Since when; not told for some.
    pub(super) since: Option<Timestamp>,
}

impl Calls {
    /// A client for one account. Only CloudWatch lives at an endpoint of its own.
    pub(super) async fn connect(account: &AwsAccount, credentials: Credentials) -> Self {
        let config = aws_sdk_cloudwatch::config::Builder::from(&reach(account, credentials).await);
        let config = match &account.endpoint {
            Some(endpoint) => config.endpoint_url(endpoint),
            None => config,
        };
        Self { client: Client::from_conf(config.build()), patience: Patience::default() }
    }

    /// At most [`SERIES_A_CALL`] series over one range, in order.
    pub(super) async fn data(&self, keys: &[&Key], (from, to): Range) -> Result<Vec<Told>, AwsError> {
        let queries: Vec<MetricDataQuery> = keys.iter().enumerate().map(query).collect();
        let unread = Told { trouble: Some(Trouble::Partial), ..Told::default() };
        let (mut told, mut token) = (vec![unread; keys.len()], None::<String>);
        for _ in 0..MOST_PAGES {
            let ask = || {
                let call = self.client.get_metric_data().set_metric_data_queries(Some(queries.clone()));
                let call = call.start_time(DateTime::from_secs(from)).end_time(DateTime::from_secs(to));
                let call = call.scan_by(ScanBy::TimestampAscending).max_datapoints(POINTS_A_PAGE as i32);
                call.set_next_token(token.clone()).send()
            };
            let page = self.patience.call("GetMetricData", ask).await?;
            for result in page.metric_data_results.unwrap_or_default() {
                let place = result.id.as_deref().and_then(|id| id.strip_prefix('q')?.parse::<usize>().ok());
                if let Some((told, key)) = place.and_then(|place| Some((told.get_mut(place)?, keys.get(place)?))) {
                    told.enter(&result, key.period);
                }
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(told)
    }

    /// At most [`ALARMS_A_CALL`] alarms by their names; those that do not exist are absent.
    pub(super) async fn alarms(&self, names: &[String]) -> Result<BTreeMap<String, Alarm>, AwsError> {
        let (mut alarms, mut token) = (BTreeMap::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let ask = || {
                let call = self.client.describe_alarms().set_alarm_names(Some(names.to_vec()));
                let call = call.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
                call.max_records(ALARMS_A_PAGE).set_next_token(token.clone()).send()
            };
            let page = self.patience.call("DescribeAlarms", ask).await?;
            let metric = page.metric_alarms.unwrap_or_default().into_iter();
            let metric = metric.map(|it| (it.alarm_name, it.state_value, it.state_reason, it.state_updated_timestamp));
            let composite = page.composite_alarms.unwrap_or_default().into_iter();
            let composite = composite.map(|it| (it.alarm_name, it.state_value, it.state_reason, it.state_updated_timestamp));
            for (name, state, reason, since) in metric.chain(composite) {
                if let (Some(name), Some(state)) = (name, state) {
                    let since = since.and_then(|at| Timestamp::from_second(at.secs()).ok());
                    alarms.insert(name, Alarm { state, reason: reason.unwrap_or_default(), since });
                }
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(alarms);
            }
        }
        let cause = format!("{} alarms take more than {MOST_PAGES} pages", names.len());
        Err(AwsError::Unreachable { operation: "DescribeAlarms", cause })
    }
}

impl Told {
    /// Takes a page's part; the last word on a series is the one of its last page.
    fn enter(&mut self, result: &MetricDataResult, period: i64) {
        if matches!(self.trouble, Some(Trouble::Odd(_))) {
            return;
        }
        let (stamps, values) = (result.timestamps(), result.values());
        if stamps.len() != values.len() {
            self.trouble = Some(Trouble::Odd(format!("{} instants came with {} values", stamps.len(), values.len())));
            return;
        }
        for (at, value) in stamps.iter().zip(values) {
            if at.secs().rem_euclid(period) != 0 {
                self.trouble = Some(Trouble::Odd(format!("a period of {period} s begins at {}", at.secs())));
                return;
            }
            self.points.insert(at.secs(), *value);
        }
        self.trouble = match result.status_code {
            Some(StatusCode::Complete) => None,
            Some(StatusCode::PartialData) => Some(Trouble::Partial),
            Some(StatusCode::Forbidden) => Some(Trouble::Forbidden),
            _ => Some(Trouble::Internal),
        };
    }
}

fn query((place, key): (usize, &&Key)) -> MetricDataQuery {
    let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
    let dimensions: Vec<Dimension> = key.metric.dimensions.iter().map(dimension).collect();
    let metric = Metric::builder().namespace(&key.metric.namespace).metric_name(&key.metric.metric);
    let metric = metric.set_dimensions((!dimensions.is_empty()).then_some(dimensions)).build();
    let period = i32::try_from(key.period).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(&key.metric.statistic).build();
    MetricDataQuery::builder().id(format!("q{place}")).metric_stat(stat).return_data(true).build()
}
