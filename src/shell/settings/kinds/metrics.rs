//! `kind: MetricsSource`: where numbers come from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::words::Name;
use crate::shell::settings::words::{FilePath, Text, Url};

/// Where numbers come from: exactly one of `prometheus`, `cloudwatch`, `file` and `push`, and queries by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsSource {
    /// The source's name.
    pub name: Name,
    /// Prometheus' HTTP API.
    #[serde(default)]
    pub prometheus: Option<Prometheus>,
    /// Amazon CloudWatch. Read and checked; this version does not ask it.
    #[serde(default)]
    pub cloudwatch: Option<CloudWatch>,
    /// A CSV file.
    #[serde(default)]
    pub file: Option<File>,
    /// Counts that edges or services send to the control API.
    #[serde(default)]
    pub push: Option<Push>,
    /// Queries by name. `${app}`, `${version}` and `${channel}` are replaced by those of the release.
    pub queries: BTreeMap<Name, Query>,
}

/// Prometheus' HTTP API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// Its base URL.
    pub url: Url,
}

/// Amazon CloudWatch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudWatch {
    /// The region.
    pub region: Text,
}

/// A CSV file with the header `timestamp,value`, or `timestamp` and one column per series.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path; a relative one starts at the document's folder.
    pub path: FilePath,
}

/// Counts that are sent to the control API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Who must have reported before a period is complete. Default: whoever did.
    #[serde(default)]
    pub senders: Vec<Name>,
}

/// One query: `promql` for Prometheus; `series` for a file or pushed counts; `namespace`, `metric`, `dimensions` and
/// `statistic` for CloudWatch.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// PromQL that gives one number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promql: Option<String>,
    /// The series of a file or of pushed counts, such as `errors.${version}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// CloudWatch namespace, such as `AWS/ApplicationELB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// CloudWatch metric, such as `HTTPCode_Target_5XX_Count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// CloudWatch dimensions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// CloudWatch statistic, such as `Sum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,
}
