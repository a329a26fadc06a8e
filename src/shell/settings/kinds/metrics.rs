//! `kind: MetricsSource`: where numbers come from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::Name;
use crate::shell::settings::defaults::mins;
use crate::shell::settings::words::{FilePath, Lasting, Text, Url};

/// Where numbers come from: exactly one of `prometheus`, `cloudwatch`, `file` and `push`, and queries by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsSource {
    /// The source's name.
    pub name: Name,
    /// Prometheus' HTTP API.
    #[serde(default)]
    pub prometheus: Option<Prometheus>,
    /// Amazon CloudWatch.
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
    /// A profile of the AWS configuration files. Default: as the environment says.
    #[serde(default)]
    pub profile: Option<Text>,
    /// A role to assume with those credentials, for another account. Default: none.
    #[serde(default)]
    #[schemars(extend("pattern" = "^arn:"))]
    pub role_arn: Option<Text>,
    /// Another address of the CloudWatch service. Default: `AWS_ENDPOINT_URL_CLOUDWATCH`, `AWS_ENDPOINT_URL`, or the region's.
    #[serde(default)]
    #[schemars(extend("pattern" = "^https?://"))]
    pub endpoint: Option<Text>,
    /// How long after its end a period is taken as complete: what comes later than that is seen for ten minutes, and a gate
    /// that judged before does not judge again. Default: 2m.
    #[serde(default = "mins::<2>")]
    pub settles: Lasting,
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// PromQL that gives one number.
    #[serde(default)]
    pub promql: Option<String>,
    /// The series of a file or of pushed counts, such as `errors.${version}`.
    #[serde(default)]
    pub series: Option<String>,
    /// CloudWatch namespace, such as `AWS/ApplicationELB`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// CloudWatch metric, such as `HTTPCode_Target_5XX_Count`.
    #[serde(default)]
    pub metric: Option<String>,
    /// CloudWatch dimensions.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// CloudWatch statistic, such as `Sum`, `Average` or `p95`. A `Sum` or `SampleCount` is a count: a gate takes it per
    /// period, a load or a check per second.
    #[serde(default)]
    pub statistic: Option<String>,
}
