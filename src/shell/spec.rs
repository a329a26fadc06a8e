//! Validated documents that only the shell needs: where things are and how to reach them.
//!
//! Built by `settings`, used by the daemon to start the other rooms. What decisions need is in
//! `core::decide::Config`; nothing here is looked at by the core.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::core::decide::{Config, Person, Topic};
use crate::core::words::Name;

/// Everything that documents say, validated and converted.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// The settings document, if there is one.
    pub settings: Option<Settings>,
    /// What decisions need.
    pub config: Config,
    /// Groups, by scaling policy.
    pub groups: BTreeMap<Name, GroupSpec>,
    /// Priming, by policy.
    pub primings: BTreeMap<Name, PrimingSpec>,
    /// Metrics sources, by name.
    pub sources: BTreeMap<Name, SourceSpec>,
    /// Which queries feed which gate metric, by gate policy.
    pub gate_queries: BTreeMap<Name, Vec<GateQueries>>,
    /// Which query is the load history, by scaling policy.
    pub load_queries: BTreeMap<Name, LoadQuery>,
    /// Who is told.
    pub notifiers: Vec<NotifierSpec>,
}

/// The daemon's own settings (`tminus.yaml`); paths are resolved against the file's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The document's name.
    pub name: Name,
    /// SQLite and journals.
    pub data: PathBuf,
    /// Files and folders with documents.
    pub documents: Vec<PathBuf>,
    /// The control listener.
    pub control: SocketAddr,
    /// The decision listener.
    pub decision: SocketAddr,
    /// Longest time between two looks at the world.
    pub tick: Duration,
    /// Default zone of schedules and pages.
    pub time_zone: Option<String>,
    /// People with tokens. Empty: everybody on loopback is the person `local` with every role.
    pub people: Vec<PersonSpec>,
    /// While it exists everything is halted.
    pub halt_file: Option<PathBuf>,
    /// How long audit and events are kept.
    pub retention: Duration,
}

/// A person and the hash of their token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonSpec {
    /// Name and roles.
    pub person: Person,
    /// SHA-256 of the token, lower-case hex.
    pub token_sha256: String,
}

/// Where an instance group lives.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupSpec {
    /// Real child processes on this machine.
    Local(LocalGroup),
    /// An AWS Auto Scaling group.
    Aws(AwsGroup),
    /// The user's executables.
    Command(CommandGroup),
}

/// An AWS Auto Scaling group, and how to reach it. Credentials are found as every AWS tool finds them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsGroup {
    /// Its name there.
    pub name: String,
    /// Where, and as whom.
    pub account: AwsAccount,
}

/// A region, seen with somebody's rights. Groups with the same one share calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsAccount {
    /// The region, such as `us-west-2`.
    pub region: String,
    /// A profile of the AWS configuration files; `None`: as the environment says.
    pub profile: Option<String>,
    /// A role to assume on top.
    pub role_arn: Option<String>,
    /// Another address than the region's own; `None`: as the environment says.
    pub endpoint: Option<String>,
}

/// A group that the user's executables describe and set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandGroup {
    /// Prints the group as JSON.
    pub describe: Vec<String>,
    /// Sets it to absolute numbers; `{floor}`, `{group}` and `{key}` are replaced in each argument.
    pub set: Vec<String>,
    /// How long each may take.
    pub within: Duration,
}

/// A group of child processes.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalGroup {
    /// Program and arguments; `{address}`, `{zone}` and `{instance}` are replaced in each argument.
    pub command: Vec<String>,
    /// Zone labels, filled evenly.
    pub zones: Vec<String>,
    /// Floor, ceiling and desired when the group is first made.
    pub floor: u32,
    /// See `floor`.
    pub ceiling: u32,
    /// Time between launch and the start of the process, as a machine boots.
    pub boot: Duration,
    /// Path of the health check, answered 200 by the instance when it is in service.
    pub health_path: String,
    /// How often each instance is checked.
    pub health_every: Duration,
    /// How long an instance may finish what it has when it is scaled in.
    pub drain: Duration,
    /// Where the addresses in service are written, as JSON, for load balancers; replaced whole.
    pub targets_file: Option<PathBuf>,
}

/// How to prime.
#[derive(Clone, Debug, PartialEq)]
pub struct PrimingSpec {
    /// Where the list of objects is.
    pub source: PrimingSource,
    /// How often the source is looked at.
    pub poll_every: Duration,
    /// The caches.
    pub nodes: Vec<NodeSpec>,
    /// Header sets; empty: one without Accept-Encoding.
    pub variants: Vec<BTreeMap<String, String>>,
    /// Origins that may be fetched; empty: only those of the nodes' manifest.
    pub allow: Vec<String>,
    /// Bounds on what the origin sees, over all nodes.
    pub requests_per_second: Option<f64>,
    /// See `requests_per_second`.
    pub in_flight: u32,
}

/// Where the list of objects is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrimingSource {
    /// NDJSON over HTTP.
    Manifest(String),
    /// NDJSON on disk.
    File(PathBuf),
    /// URLs in the document.
    Urls(Vec<String>),
}

/// A cache node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub name: Name,
    /// `host:port` to connect to, whatever the URL says.
    pub connect: String,
}

/// Where metrics come from.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpec {
    /// The system.
    pub system: SourceSystem,
    /// Queries by name; `${app}`, `${version}`, `${channel}` are replaced per release.
    pub queries: BTreeMap<Name, QuerySpec>,
}

/// A metrics system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSystem {
    /// Prometheus' HTTP API.
    Prometheus {
        /// Its base URL.
        url: String,
    },
    /// A CSV file: header `timestamp,<series>...`, or `timestamp,value`.
    File {
        /// Its path.
        path: PathBuf,
    },
    /// Counts pushed to the control API.
    Push {
        /// Who must have reported before a period is complete; empty: whoever did.
        senders: Vec<Name>,
    },
    /// Amazon CloudWatch.
    CloudWatch {
        /// Where, and as whom. Sources with the same one share calls.
        account: AwsAccount,
        /// How long after its end a period is taken as complete.
        settles: Duration,
    },
}

/// A query of a source.
#[derive(Clone, Debug, PartialEq)]
pub enum QuerySpec {
    /// PromQL.
    PromQl(String),
    /// A series of a file or of pushed counts.
    Series(String),
    /// A CloudWatch metric.
    CloudWatch(CloudWatchMetric),
}

/// A CloudWatch metric and what is made of its samples; `${app}`, `${version}`, `${channel}` are replaced per release in all
/// but the statistic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloudWatchMetric {
    /// Its namespace.
    pub namespace: String,
    /// Its name there.
    pub metric: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`, `Average`, `p95` and the like.
    pub statistic: String,
}

/// Which queries feed a gate metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateQueries {
    /// The metric.
    pub metric: Name,
    /// Errors and requests of the new version.
    pub candidate: (Name, Name),
    /// Errors and requests of what it is compared with.
    pub baseline: Option<(Name, Name)>,
}

/// Which query is a group's load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadQuery {
    /// The source.
    pub source: Name,
    /// The query; its value is requests per second.
    pub query: Name,
}

/// Who is told what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifierSpec {
    /// The document's name.
    pub name: Name,
    /// Topics; empty: whatever needs a person.
    pub on: Vec<Topic>,
    /// Where to.
    pub to: Vec<NotifyTarget>,
}

/// Where an announcement goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyTarget {
    /// A URL, by POST.
    Webhook(String),
    /// A URL that stands in an environment variable, since it is a secret.
    WebhookEnv(String),
    /// Program and arguments; the announcement comes as JSON on stdin.
    Command(Vec<String>),
}
