//! Why something could not be measured. Each message names what was asked and what to do.

use crate::core::words::Name;
use crate::shell::aws::AwsError;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// No source has a query of that name.
    #[error("no metrics source has a query named {0}")]
    UnknownQuery(Name),
    /// AWS did not answer as it should.
    #[error("{source_name}: {cause}")]
    Aws {
        /// The source.
        source_name: Name,
        /// Why.
        cause: AwsError,
    },
    /// A gate needs counts, and an average is none.
    #[error("{metric} by {statistic} is no count: a gate needs the statistic Sum or SampleCount")]
    NotCounts {
        /// The metric.
        metric: String,
        /// The statistic.
        statistic: String,
    },
    /// No such period is kept.
    #[error("CloudWatch has no periods of {0}: take 1, 5, 10, 20 or 30 s, or whole minutes up to a day")]
    NoPeriod(String),
    /// Alarms are asked of a source that has none.
    #[error("{0} is no source with `cloudwatch`, which alone has alarms")]
    NoAlarms(Name),
    /// The query is not of the source's kind.
    #[error("query {query} is not one that {source_name} can answer")]
    WrongKind {
        /// The query.
        query: Name,
        /// The source.
        source_name: Name,
    },
    /// A placeholder that is not known, or has nothing to stand for.
    #[error("{0} in a query is not known: ${{app}}, ${{version}} and ${{channel}} are, for a release")]
    Placeholder(String),
    /// A value that would change the query's meaning where it stands.
    #[error("{value:?} cannot stand for {placeholder} outside of quotes: put the placeholder in a quoted label value")]
    Unsafe {
        /// The placeholder.
        placeholder: String,
        /// What it stands for.
        value: String,
    },
    /// The source did not answer.
    #[error("{source_name} does not answer: {reason}")]
    Unreachable {
        /// The source.
        source_name: Name,
        /// Why.
        reason: String,
    },
    /// The source answered with an error.
    #[error("{source_name} refuses the query: {reason}")]
    Refused {
        /// The source.
        source_name: Name,
        /// Why, in its own words.
        reason: String,
    },
    /// More than one series came back.
    #[error("the query returns {0} series where one is needed: wrap it in sum()")]
    ManySeries(usize),
    /// The file has no such column.
    #[error("{path} has no column {series:?}")]
    NoSeries {
        /// The file.
        path: String,
        /// The column.
        series: String,
    },
    /// The file cannot be used.
    #[error("{path} cannot be read: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// It answered, but not with enough to say anything.
    #[error("no data: {0}")]
    NoData(String),
    /// Our own failure.
    #[error("not measured: {0}")]
    Internal(String),
}
