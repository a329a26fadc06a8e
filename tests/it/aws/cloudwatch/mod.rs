//! CloudWatch: the source over the wire against a strict service, alarms of checklists, and the daemon with both.

mod alarms;
mod daemon;
mod source;
mod strict;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_autoscaling::config::{Credentials as Keys, SharedCredentialsProvider};
use jiff::Timestamp;
use tminus::shell::aws::Credentials;
use tminus::shell::clock;
use tminus::shell::observe::{Ask, Clouds, ObserveError, Point, Purpose, Pushes, Series, Sources, Span, Substitution, Tick};
use tminus::shell::spec::{AwsAccount, CloudWatchMetric, QuerySpec, SourceSpec, SourceSystem};

use super::fake::cloudwatch::CloudWatch;
use super::name;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn metric(metric: &str, statistic: &str) -> CloudWatchMetric {
    CloudWatchMetric {
        namespace: "Reader".into(),
        metric: metric.into(),
        dimensions: BTreeMap::from([("App".to_owned(), "reader".to_owned())]),
        statistic: statistic.into(),
    }
}

/// A source of the fake's account; two minutes settle.
fn spec(fake: &CloudWatch, queries: &[(&str, CloudWatchMetric)]) -> SourceSpec {
    let account = AwsAccount { region: "us-west-2".into(), profile: None, role_arn: None, endpoint: Some(fake.address.clone()) };
    let queries = queries.iter().map(|(query, metric)| (name(query), QuerySpec::CloudWatch(metric.clone()))).collect();
    SourceSpec { system: SourceSystem::CloudWatch { account, settles: MINUTE * 2 }, queries }
}

fn sources(specs: Vec<(&str, SourceSpec)>) -> Sources {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let keys = Keys::new("AKIDEXAMPLE", "secret", None, None, "test");
    let clouds = Arc::new(Clouds::new(Credentials::Fixed(SharedCredentialsProvider::new(keys))));
    Sources::over(specs.into_iter().map(|(source, spec)| (name(source), spec)).collect(), clouds).unwrap()
}

/// From so long ago until now.
fn back(back: Duration, step: Duration) -> Span {
    let now = clock::now();
    Span { from: now.checked_sub(back).unwrap(), to: now, step }
}

fn ask(query: &str, span: Span, purpose: Purpose) -> Ask {
    let with = Substitution { app: Some("reader".into()), version: Some("2.3.0".into()), channel: Some("release".into()) };
    Ask { source: None, query: name(query), with, span, purpose }
}

type Answer = Result<Series, ObserveError>;

async fn asked(sources: &Sources, asks: &[Ask]) -> Vec<Answer> {
    sources.series(asks, Tick { pushed: &Pushes::new(), now: clock::now() }).await
}

async fn one(sources: &Sources, query: &str, (span, purpose): (Span, Purpose)) -> Answer {
    asked(sources, &[ask(query, span, purpose)]).await.pop().unwrap()
}

/// Values with the age of their instants in whole seconds.
fn values(series: &Series) -> Vec<(Timestamp, f64)> {
    let value = |(at, point): (&Timestamp, &Point)| if let Point::Value(value) = point { Some((*at, *value)) } else { None };
    series.points.iter().filter_map(value).collect()
}
