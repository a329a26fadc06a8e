//! The service of these tests refuses what the real one refuses, keeps what is sent to it, and pages as it does: asked by the
//! SDK alone.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::operation::get_metric_data::builders::GetMetricDataFluentBuilder as Ask;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy, StatusCode};
use tminus::shell::clock;

use super::super::fake::cloudwatch::CloudWatch;

fn client(fake: &CloudWatch) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_cloudwatch::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"))
        .http_client(http)
        .endpoint_url(&fake.address);
    Client::from_conf(config.build())
}

fn query(id: &str, period: i32, stat: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name("App").value("reader").build();
    let metric = Metric::builder().namespace("Reader").metric_name("requests").dimensions(dimension).build();
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

/// A call that is as it should be: the hour that ended ten minutes ago.
fn good(client: &Client, queries: Vec<MetricDataQuery>) -> Ask {
    let end = (clock::now().as_second() / 60 - 10) * 60;
    let call = client.get_metric_data().set_metric_data_queries(Some(queries)).scan_by(ScanBy::TimestampAscending);
    call.start_time(DateTime::from_secs(end - 3_600)).end_time(DateTime::from_secs(end))
}

#[tokio::test]
async fn what_aws_refuses_is_refused() {
    let fake = CloudWatch::serve().await;
    let client = client(&fake);
    let many = |count: usize| (0..count).map(|i| query(&format!("q{i}"), 60, "Sum")).collect::<Vec<_>>();
    let one = |id: &str, period: i32, stat: &str| good(&client, vec![query(id, period, stat)]);
    let now = DateTime::from_secs(clock::now().as_second());
    let cases: Vec<(&str, Ask)> = vec![
        ("no query", good(&client, vec![])),
        ("501 queries", good(&client, many(501))),
        ("an id twice", good(&client, vec![query("a", 60, "Sum"), query("a", 60, "Sum")])),
        ("an id with a capital", one("Q1", 60, "Sum")),
        ("an id with a dash", one("q-1", 60, "Sum")),
        ("a period of 90 s", one("q", 90, "Sum")),
        ("a period of nothing", one("q", 0, "Sum")),
        ("a statistic that is none", one("q", 60, "sum")),
        ("a percentile beyond", one("q", 60, "p101")),
        ("too many points", good(&client, many(1)).max_datapoints(100_801)),
        ("no points", good(&client, many(1)).max_datapoints(0)),
        ("an end before the start", good(&client, many(1)).start_time(now)),
        ("a token of nobody", good(&client, many(1)).next_token("x")),
    ];
    for (what, call) in cases {
        let code = call.send().await.unwrap_err().code().map(str::to_owned);
        let expected = if what.contains("token") { "InvalidNextToken" } else { "ValidationError" };
        assert_eq!(code.as_deref(), Some(expected), "{what}");
    }
    assert_eq!(good(&client, many(500)).send().await.unwrap().metric_data_results().len(), 500);
    let names = |count: usize| Some((0..count).map(|i| format!("a{i}")).collect::<Vec<_>>());
    assert!(client.describe_alarms().set_alarm_names(names(101)).send().await.is_err());
    assert!(client.describe_alarms().set_alarm_names(names(1)).max_records(101).send().await.is_err());
    assert!(client.describe_alarms().set_alarm_names(names(100)).send().await.is_ok());
}

#[tokio::test]
async fn what_is_sent_is_kept_and_read_by_page_and_comes_compressed() {
    let fake = CloudWatch::serve().await;
    let client = client(&fake);
    let end = (clock::now().as_second() / 60 - 10) * 60;
    let dimension = Dimension::builder().name("App").value("reader").build();
    let datum = |minute: i64| {
        let datum = MetricDatum::builder().metric_name("requests").dimensions(dimension.clone());
        let datum = datum.timestamp(DateTime::from_secs(end - 3_600 + minute * 60)).values(2.0).values(3.0);
        datum.counts(10.0).counts(20.0).build()
    };
    let data: Vec<MetricDatum> = (0..60).chain(0..60).map(datum).collect();
    client.put_metric_data().namespace("Reader").set_metric_data(Some(data.clone())).send().await.unwrap();
    assert_eq!(fake.sky().zipped, 1, "a body of so many samples is compressed");
    assert!(client.put_metric_data().namespace("AWS/Reader").set_metric_data(Some(data)).send().await.is_err());

    fake.sky().page = 25;
    let queries = vec![query("sum", 60, "Sum"), query("count", 300, "SampleCount"), query("p50", 3_600, "p50")];
    let (mut sums, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = good(&client, queries.clone()).max_datapoints(50).set_next_token(token.take()).send().await.unwrap();
        pages += 1;
        for result in page.metric_data_results() {
            assert_eq!(result.timestamps().len(), result.values().len());
            let is_last = result.id() != Some("sum") || pages == 3;
            let expected =
                if is_last && page.next_token().is_none() { StatusCode::Complete } else { result.status_code().unwrap().clone() };
            assert_eq!(result.status_code(), Some(&expected));
            if result.id() == Some("sum") {
                sums.extend_from_slice(result.values());
            }
        }
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!((pages, sums), (3, vec![160.0; 60]), "twice ten of 2 and twenty of 3, each minute");
}
