//! Prometheus' HTTP API: one range query per distinct expression and span.
//!
//! Prometheus has no batch; callers ask concurrently, bounded. Not here: grids. Invariant: an answer that is not one
//! series of numbers is an error in Prometheus' own words, never an empty series.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use serde::Deserialize;

use super::error::ObserveError;
use super::series::{Purpose, Series, Span};
use crate::core::words::Name;

/// A query that takes longer would make the tick late; Prometheus is told the same limit.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer: 11,000 points take well below a megabyte; what is longer is not one series.
const LONGEST: usize = 8 << 20;
/// Most points per query; Prometheus refuses more than 11,000.
const MOST_POINTS: usize = 10_000;

/// One Prometheus, with its name for messages.
pub(super) struct Prometheus<'a> {
    pub(super) name: &'a Name,
    pub(super) url: &'a str,
    pub(super) client: &'a Client,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Vec<Matrix>,
}

#[derive(Deserialize)]
struct Matrix {
    values: Vec<(f64, String)>,
}

impl Prometheus<'_> {
    /// An expression over a span. Counts are stamped with the start of their period, which ends where they are evaluated.
    pub(super) async fn range(&self, expression: &str, span: Span, purpose: Purpose) -> Result<Series, ObserveError> {
        let starts: Vec<Timestamp> = span.periods().collect();
        let mut series = Series::default();
        for part in starts.chunks(MOST_POINTS) {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { break };
            let moved = |at: Timestamp| if purpose == Purpose::Counts { span.end_of(at) } else { at };
            let values = self.ask(expression, (moved(*first), moved(*last)), span.step.max(Duration::from_secs(1))).await?;
            for (secs, text) in values {
                self.enter(&mut series, (secs, &text), (span, purpose));
            }
        }
        Ok(series)
    }

    fn enter(&self, series: &mut Series, point: (f64, &str), ask: (Span, Purpose)) {
        let ((secs, text), (span, purpose)) = (point, ask);
        let Some(at) = instant(secs) else {
            return series.refuse(None, format!("{} sent a timestamp that is none: {secs}", self.name));
        };
        // What is evaluated at the end of a period belongs to its start; half a step absorbs rounded stamps.
        let at = if purpose == Purpose::Counts { span.floor(earlier(at, span.step / 2)) } else { at };
        match text.parse::<f64>() {
            Ok(value) => series.put(at, value, purpose),
            Err(_) => series.refuse(Some(at), format!("{} sent {text:?} as a value", self.name)),
        }
    }

    async fn ask(
        &self,
        expression: &str,
        between: (Timestamp, Timestamp),
        step: Duration,
    ) -> Result<Vec<(f64, String)>, ObserveError> {
        let base = self.url.trim_end_matches('/');
        let internal = |reason: String| ObserveError::Unreachable { source_name: self.name.clone(), reason };
        let url = Url::parse(&format!("{base}/api/v1/query_range")).map_err(|error| internal(error.to_string()))?;
        let mut form = url.clone();
        form.query_pairs_mut()
            .clear()
            .append_pair("query", expression)
            .append_pair("start", &between.0.to_string())
            .append_pair("end", &between.1.to_string())
            .append_pair("step", &step.as_secs_f64().to_string())
            .append_pair("timeout", &format!("{}s", ANSWER_WITHIN.as_secs()));
        let body = form.query().unwrap_or_default().to_owned();
        let request = self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let response = request.timeout(ANSWER_WITHIN).send().await.map_err(|error| internal(causes(&error)))?;
        let status = response.status();
        let mut text = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            text.extend_from_slice(&chunk.map_err(|error| internal(causes(&error)))?);
            if text.len() > LONGEST {
                return Err(self.refused(&format!("its answer is longer than {} MiB", LONGEST >> 20)));
            }
        }
        let answer: Answer = serde_json::from_slice(&text)
            .map_err(|error| self.refused(&format!("status {status}, and no answer of Prometheus: {error}")))?;
        self.one_series(answer)
    }

    fn one_series(&self, answer: Answer) -> Result<Vec<(f64, String)>, ObserveError> {
        if answer.status != "success" {
            return Err(self.refused(&answer.error.unwrap_or(answer.status)));
        }
        let data =
            answer.data.filter(|data| data.kind == "matrix").ok_or_else(|| self.refused("no range of values came back"))?;
        let count = data.result.len();
        let mut result = data.result.into_iter();
        match (result.next(), count) {
            (None, _) => Ok(vec![]),
            (Some(only), 1) => Ok(only.values),
            _ => Err(ObserveError::ManySeries(count)),
        }
    }

    fn refused(&self, reason: &str) -> ObserveError {
        ObserveError::Refused { source_name: self.name.clone(), reason: reason.chars().take(300).collect() }
    }
}

fn instant(secs: f64) -> Option<Timestamp> {
    // Beyond 2^43 milliseconds there is no calendar; the cast of what is inside is exact.
    let ms = (secs * 1_000.0).round();
    if ms.is_finite() && ms.abs() < 8.0e12 { Timestamp::from_millisecond(ms as i64).ok() } else { None }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// An error with its causes, innermost last.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut texts = vec![];
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.dedup();
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// A client for metrics sources: no redirects, since a source is where its document says.
pub(super) fn client() -> Result<Client, ObserveError> {
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(ANSWER_WITHIN);
    builder
        .user_agent(concat!("tminus/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ObserveError::Internal(causes(&error)))
}
