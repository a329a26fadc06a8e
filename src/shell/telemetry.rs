//! Logs, and the one table of metrics with their help texts.
//!
//! Counters and histograms are recorded where things happen. What only mirrors the last decision is written at each
//! scrape by whoever holds it ([`Scrape`]), so that a series of something that is gone goes with it. Not here: HTTP.
//! Invariant: every name that `/metrics` exposes is in [`Metric::ALL`].

use std::fmt::Write as _;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use clap::ValueEnum;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// How logs are written. They go to stderr; `TMINUS_LOG` filters them, such as `tminus=debug`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging; later calls change nothing.
pub fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_env("TMINUS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    // A line that cannot be written (the log is on a full disk) is dropped: to say so on stderr would panic.
    let builder = tracing_subscriber::fmt().log_internal_errors(false);
    let builder = builder.with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // An error means that logs run already, which is what is wanted.
    let _ = match format {
        LogFormat::Human => builder.with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// The metrics. Names follow Prometheus: base units, `_total` on counters, no unbounded labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Which version runs.
    BuildInfo,
    /// Decisions of the daemon.
    Ticks,
    /// Time a tick took, observation to commit.
    TickSeconds,
    /// Age of the last tick.
    TickAge,
    /// Decisions that could not be kept.
    CommitsFailed,
    /// Effects by kind and result.
    Effects,
    /// Intents not done.
    OpenIntents,
    /// Whether the last load of documents was good.
    DocumentsValid,
    /// Whether decisions can be made durable.
    Durable,
    /// When the documents in force were taken.
    DocumentsLoaded,
    /// Documents in force that are in no file any more.
    DocumentsVanished,
    /// Loads of documents by result.
    DocumentLoads,
    /// Throttle decisions by reason.
    Decisions,
    /// Throttle requests without a decision, by cause.
    DecisionRefused,
    /// Connections of the decision listener.
    DecisionConnections,
    /// Halts in force.
    Halts,
    /// The phase, one series a phase.
    ReleasePhase,
    /// The percent in force.
    ReleasePercent,
    /// Readiness, one series a word.
    ReleaseReadiness,
    /// T-0.
    ReleaseLaunch,
    /// The gate's word, one series a word.
    GateVerdict,
    /// The gate's e-values.
    GateEValue,
    /// The e-values at which the gate decides.
    GateBound,
    /// Age of the gate's newest counts.
    GateDataAge,
    /// Failures of the newest period, each side on its own.
    GateErrorRatio,
    /// A group's floor.
    GroupFloor,
    /// A group's desired.
    GroupDesired,
    /// A group's instances in service.
    GroupInService,
    /// Instances that the p95 load needs.
    GroupNeeded,
    /// Proven coverage.
    PrimingCoverage,
    /// Coverage that its policy asks for.
    PrimingWanted,
}

/// What a metric is, and who writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Rises; recorded where it happens.
    Counter,
    /// Buckets of seconds; recorded where it happens.
    Histogram,
    /// Goes up and down; recorded where it happens.
    Gauge,
    /// A gauge that mirrors the last decision; written at each scrape.
    Mirror,
}

impl MetricKind {
    /// As Prometheus calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Mirror => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 31] = [
        Self::BuildInfo,
        Self::Ticks,
        Self::TickSeconds,
        Self::TickAge,
        Self::CommitsFailed,
        Self::Effects,
        Self::OpenIntents,
        Self::DocumentsValid,
        Self::Durable,
        Self::DocumentsLoaded,
        Self::DocumentsVanished,
        Self::DocumentLoads,
        Self::Decisions,
        Self::DecisionRefused,
        Self::DecisionConnections,
        Self::Halts,
        Self::ReleasePhase,
        Self::ReleasePercent,
        Self::ReleaseReadiness,
        Self::ReleaseLaunch,
        Self::GateVerdict,
        Self::GateEValue,
        Self::GateBound,
        Self::GateDataAge,
        Self::GateErrorRatio,
        Self::GroupFloor,
        Self::GroupDesired,
        Self::GroupInService,
        Self::GroupNeeded,
        Self::PrimingCoverage,
        Self::PrimingWanted,
    ];

    /// Its name, what it is, and its help text.
    pub fn row(self) -> (&'static str, MetricKind, &'static str) {
        use MetricKind::{Counter, Gauge, Histogram, Mirror};
        match self {
            Self::BuildInfo => ("tminus_build_info", Mirror, "Always 1, labelled with the version that runs."),
            Self::Ticks => ("tminus_ticks_total", Counter, "Decisions of the daemon."),
            Self::TickSeconds => ("tminus_tick_seconds", Histogram, "Time a tick took, from observation to commit."),
            Self::TickAge => ("tminus_tick_age_seconds", Mirror, "Age of the last tick; it grows when the loop hangs."),
            Self::CommitsFailed => {
                ("tminus_commits_failed_total", Counter, "Decisions that could not be kept: state and world stayed as they were.")
            }
            Self::Effects => ("tminus_effects_total", Counter, "Effects sent to the world, by kind and result."),
            Self::OpenIntents => ("tminus_open_intents", Mirror, "Intents that are journaled and not yet done."),
            Self::Durable => (
                "tminus_durable",
                Mirror,
                "1 while decisions can be made durable; 0: every order is refused, the disk is full or fails.",
            ),
            Self::DocumentsValid => {
                ("tminus_documents_valid", Mirror, "1 when the last load had no errors; 0 when older documents are in force.")
            }
            Self::DocumentsLoaded => {
                ("tminus_documents_loaded_timestamp_seconds", Mirror, "When the documents in force were taken, in Unix time.")
            }
            Self::DocumentsVanished => {
                ("tminus_documents_vanished", Mirror, "Documents that are gone and in force as they last were.")
            }
            Self::DocumentLoads => (
                "tminus_document_loads_total",
                Counter,
                "Times the documents were read, by what came of it: changed, unchanged, rejected.",
            ),
            Self::Decisions => ("tminus_decisions_total", Counter, "Throttle decisions, by the layer that decided."),
            Self::DecisionRefused => {
                ("tminus_decision_refused_total", Counter, "Requests and connections that got no decision, by cause.")
            }
            Self::DecisionConnections => ("tminus_decision_connections", Gauge, "Open connections of the decision listener."),
            Self::Halts => ("tminus_halts", Mirror, "Halts in force, the halt file included."),
            Self::ReleasePhase => ("tminus_release_phase", Mirror, "1 for the phase a release is in, 0 for the others."),
            Self::ReleasePercent => {
                ("tminus_release_percent", Mirror, "Percent of the rollout's audience that is served, 0 to 100.")
            }
            Self::ReleaseReadiness => ("tminus_release_readiness", Mirror, "1 for the word of readiness, 0 for the others."),
            Self::ReleaseLaunch => ("tminus_release_launch_timestamp_seconds", Mirror, "T-0, in seconds since 1970."),
            Self::GateVerdict => ("tminus_gate_verdict", Mirror, "1 for the gate's word, 0 for the others."),
            Self::GateEValue => {
                ("tminus_gate_e_value", Mirror, "Evidence against the release (abort), and the least certificate for it (safe).")
            }
            Self::GateBound => {
                ("tminus_gate_e_value_bound", Mirror, "The e-value at which the gate says so: 1/alpha and 1/beta.")
            }
            Self::GateDataAge => {
                ("tminus_gate_data_age_seconds", Mirror, "Age of the newest period in which the release was counted.")
            }
            Self::GateErrorRatio => (
                "tminus_gate_error_ratio",
                Mirror,
                "Failed requests of all in the newest period counted, 0 to 1, each side on its own.",
            ),
            Self::GroupFloor => ("tminus_group_floor_instances", Mirror, "Lower bound of a group."),
            Self::GroupDesired => ("tminus_group_desired_instances", Mirror, "Instances a group is heading for."),
            Self::GroupInService => ("tminus_group_in_service_instances", Mirror, "Instances that pass their health check."),
            Self::GroupNeeded => ("tminus_group_needed_instances", Mirror, "Instances that the p95 of the planned load needs."),
            Self::PrimingCoverage => {
                ("tminus_priming_coverage_ratio", Mirror, "Targets proven fresh on a node, of all its targets, 0 to 1.")
            }
            Self::PrimingWanted => ("tminus_priming_wanted_ratio", Mirror, "Coverage that the policy asks for, 0 to 1."),
        }
    }

    /// The labels of its series, in the order of the table.
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::BuildInfo => &["version"],
            Self::Decisions => &["reason"],
            Self::Effects => &["kind", "result"],
            Self::ReleasePhase => &["release", "phase"],
            Self::ReleasePercent | Self::ReleaseLaunch | Self::GateDataAge => &["release"],
            Self::GateVerdict => &["release", "verdict"],
            Self::GateEValue | Self::GateBound => &["release", "towards"],
            Self::GateErrorRatio => &["release", "metric", "side"],
            Self::ReleaseReadiness => &["release", "word"],
            Self::GroupFloor | Self::GroupDesired | Self::GroupInService | Self::GroupNeeded => &["group"],
            Self::PrimingCoverage => &["policy", "node"],
            Self::PrimingWanted => &["policy"],
            Self::DecisionRefused => &["cause"],
            Self::DocumentLoads => &["result"],
            Self::Ticks
            | Self::TickSeconds
            | Self::TickAge
            | Self::CommitsFailed
            | Self::OpenIntents
            | Self::DocumentsValid
            | Self::Durable
            | Self::DocumentsLoaded
            | Self::DocumentsVanished
            | Self::DecisionConnections
            | Self::Halts => &[],
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    fn describe(self) {
        let (name, kind, help) = self.row();
        match kind {
            MetricKind::Counter => describe_counter!(name, help),
            MetricKind::Gauge => describe_gauge!(name, help),
            MetricKind::Histogram => describe_histogram!(name, Unit::Seconds, help),
            MetricKind::Mirror => {}
        }
    }
}

/// Buckets of a tick in seconds: it should take milliseconds, and ten seconds is the default pace.
const TICK_BUCKETS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts recording; later calls change nothing. Until then everything recorded is dropped.
pub fn start_metrics() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let name = Matcher::Full(Metric::TickSeconds.name().into());
        // Only an empty list of buckets is an error; without buckets the histogram would be a summary.
        let builder = PrometheusBuilder::new().set_buckets_for_metric(name, &TICK_BUCKETS);
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("somebody else records metrics in this process; /metrics has no counters");
        }
        for metric in Metric::ALL {
            metric.describe();
        }
        // Known from the start, so that a first failure is a rise and not a new series.
        for quiet in [Metric::Ticks, Metric::CommitsFailed] {
            counter!(quiet.name()).absolute(0);
        }
        handle
    })
}

/// The daemon decided. Also keeps the histograms small when nobody scrapes.
pub fn tick(took: Duration) {
    let handle = start_metrics();
    counter!(Metric::Ticks.name()).increment(1);
    histogram!(Metric::TickSeconds.name()).record(took.as_secs_f64());
    handle.run_upkeep();
}

/// A decision could not be kept.
pub fn commit_failed() {
    counter!(Metric::CommitsFailed.name()).increment(1);
}

/// An effect was sent. `kind` is the effect's word, `result` is `done` or `failed`.
pub fn effect(kind: &'static str, result: &'static str) {
    counter!(Metric::Effects.name(), "kind" => kind, "result" => result).increment(1);
}

/// The documents were read. `result` is `changed`, `unchanged` or `rejected`.
pub fn documents_read(result: &'static str) {
    counter!(Metric::DocumentLoads.name(), "result" => result).increment(1);
}

/// One scrape: what was recorded, then what mirrors the last decision, in the text exposition of Prometheus.
pub struct Scrape {
    text: String,
}

impl Scrape {
    /// Begins with what was recorded.
    pub fn begin() -> Self {
        let handle = start_metrics();
        handle.run_upkeep();
        Self { text: handle.render() }
    }

    /// Adds one metric with its series, each a list of labels and a value. Without series nothing is written.
    pub fn mirror(&mut self, metric: Metric, series: &[(Vec<(&str, &str)>, f64)]) {
        let (name, _, help) = metric.row();
        if series.is_empty() {
            return;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in series {
            let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
            let braces = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.text, "{name}{braces} {value}");
        }
    }

    /// The whole text.
    pub fn text(self) -> String {
        self.text
    }
}

/// A label value as the exposition format writes it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for metric in Metric::ALL {
            let (name, kind, help) = metric.row();
            assert!(name.starts_with("tminus_") && help.ends_with('.'), "{name}: {help}");
            assert_eq!(name.ends_with("_total"), kind == MetricKind::Counter, "{name}");
        }
    }

    #[test]
    fn labels_of_others_stay_labels() {
        let mut scrape = Scrape { text: String::new() };
        scrape.mirror(Metric::ReleasePercent, &[(vec![("release", "a\"} 1\nb\\c")], 12.5)]);
        scrape.mirror(Metric::Halts, &[(Vec::new(), 0.0)]);
        scrape.mirror(Metric::GroupFloor, &[]);
        let lines: Vec<&str> = scrape.text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["tminus_release_percent{release=\"a\\\"} 1\\nb\\\\c\"} 12.5", "tminus_halts 0"]);
    }
}
