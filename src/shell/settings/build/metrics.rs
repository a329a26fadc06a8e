//! A MetricsSource document as the shell sees it.

use std::path::Path;

use crate::shell::settings::kinds::metrics::{CloudWatch, MetricsSource, Query};
use crate::shell::settings::words::Text;
use crate::shell::spec::{AwsAccount, CloudWatchMetric, QuerySpec, SourceSpec, SourceSystem};

/// Converts a source; `None` only without any system, which the rules refuse.
pub fn source(from: &MetricsSource, folder: &Path) -> Option<SourceSpec> {
    let system = if let Some(prometheus) = &from.prometheus {
        SourceSystem::Prometheus { url: prometheus.url.0.clone() }
    } else if let Some(file) = &from.file {
        SourceSystem::File { path: folder.join(&file.path.0) }
    } else if let Some(push) = &from.push {
        SourceSystem::Push { senders: push.senders.clone() }
    } else {
        let cloudwatch = from.cloudwatch.as_ref()?;
        SourceSystem::CloudWatch { account: account(cloudwatch), settles: cloudwatch.settles.0 }
    };
    let queries = from.queries.iter().map(|(name, query)| (name.clone(), convert_query(query))).collect();
    Some(SourceSpec { system, queries })
}

fn convert_query(from: &Query) -> QuerySpec {
    match (&from.promql, &from.series) {
        (Some(promql), _) => QuerySpec::PromQl(promql.clone()),
        (None, Some(series)) => QuerySpec::Series(series.clone()),
        (None, None) => QuerySpec::CloudWatch(CloudWatchMetric {
            namespace: from.namespace.clone().unwrap_or_default(),
            metric: from.metric.clone().unwrap_or_default(),
            dimensions: from.dimensions.clone(),
            statistic: from.statistic.clone().unwrap_or_default(),
        }),
    }
}

fn account(from: &CloudWatch) -> AwsAccount {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
    AwsAccount {
        region: from.region.0.clone(),
        profile: text(&from.profile),
        role_arn: text(&from.role_arn),
        endpoint: text(&from.endpoint),
    }
}
