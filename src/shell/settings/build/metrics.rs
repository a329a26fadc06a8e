//! A MetricsSource document as the shell sees it.

use std::path::Path;

use crate::shell::settings::kinds::metrics::{MetricsSource, Query};
use crate::shell::spec::{QuerySpec, SourceSpec, SourceSystem};

/// Converts a source; `None` only without any system, which the rules refuse.
pub fn source(from: &MetricsSource, folder: &Path) -> Option<SourceSpec> {
    let system = if let Some(prometheus) = &from.prometheus {
        SourceSystem::Prometheus { url: prometheus.url.0.clone() }
    } else if let Some(file) = &from.file {
        SourceSystem::File { path: folder.join(&file.path.0) }
    } else if let Some(push) = &from.push {
        SourceSystem::Push { senders: push.senders.clone() }
    } else {
        SourceSystem::CloudWatch { region: from.cloudwatch.as_ref()?.region.0.clone() }
    };
    let queries = from.queries.iter().map(|(name, query)| (name.clone(), convert_query(query))).collect();
    Some(SourceSpec { system, queries })
}

fn convert_query(from: &Query) -> QuerySpec {
    match (&from.promql, &from.series) {
        (Some(promql), _) => QuerySpec::PromQl(promql.clone()),
        (None, Some(series)) => QuerySpec::Series(series.clone()),
        (None, None) => QuerySpec::CloudWatch(serde_json::to_value(from).unwrap_or_default()),
    }
}
