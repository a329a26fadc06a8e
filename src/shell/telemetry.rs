//! Logs, and the one table of metrics with their help texts.
//!
//! Counters and histograms are recorded where things happen, by any room; gauges are set by the control listener at each
//! scrape, from the view that it shows to people too. Not here: what the figures are. Invariant: what `/metrics` exposes is in [`Metric::ALL`], and a series
//! of something that is gone goes with it.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use clap::ValueEnum;
use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use tracing_subscriber::EnvFilter;

use crate::core::throttle::Reason;

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
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
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
    /// Time a decision took, observation to commit.
    TickSeconds,
    /// Throttle decisions by reason.
    Decisions,
    /// Effects by kind and result.
    Effects,
    /// Age of the last decision.
    DecisionAge,
    /// Intents not done.
    OpenIntents,
    /// Whether the last load of documents was good.
    DocumentsValid,
    /// Halts in force.
    Halts,
    /// The phase, one series a phase.
    ReleasePhase,
    /// The percent in force.
    ReleasePercent,
    /// Readiness, one series a word.
    ReleaseReadiness,
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
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets.
    Histogram,
}

impl MetricKind {
    /// As Prometheus calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 17] = [
        Self::BuildInfo,
        Self::Ticks,
        Self::TickSeconds,
        Self::Decisions,
        Self::Effects,
        Self::DecisionAge,
        Self::OpenIntents,
        Self::DocumentsValid,
        Self::Halts,
        Self::ReleasePhase,
        Self::ReleasePercent,
        Self::ReleaseReadiness,
        Self::GroupFloor,
        Self::GroupDesired,
        Self::GroupInService,
        Self::GroupNeeded,
        Self::PrimingCoverage,
    ];

    /// Its name, what it is, and its help text.
    pub fn row(self) -> (&'static str, MetricKind, &'static str) {
        use MetricKind::{Counter, Gauge, Histogram};
        match self {
            Self::BuildInfo => ("tminus_build_info", Gauge, "Always 1, labelled with the version that runs."),
            Self::Ticks => ("tminus_ticks_total", Counter, "Decisions of the daemon."),
            Self::TickSeconds => ("tminus_tick_seconds", Histogram, "Time a decision took, from observation to commit."),
            Self::Decisions => ("tminus_decisions_total", Counter, "Throttle decisions by the layer that decided."),
            Self::Effects => ("tminus_effects_total", Counter, "Effects sent to the world, by kind and result."),
            Self::DecisionAge => {
                ("tminus_decision_age_seconds", Gauge, "Age of the last decision; it grows when the loop hangs.")
            }
            Self::OpenIntents => ("tminus_open_intents", Gauge, "Intents that are journaled and not yet done."),
            Self::DocumentsValid => {
                ("tminus_documents_valid", Gauge, "1 when the last load had no errors; 0 when older documents are in force.")
            }
            Self::Halts => ("tminus_halts", Gauge, "Halts in force, the halt file included."),
            Self::ReleasePhase => ("tminus_release_phase", Gauge, "1 for the phase a release is in, 0 for the others."),
            Self::ReleasePercent => {
                ("tminus_release_percent", Gauge, "Percent of the rollout's audience that is served, 0 to 100.")
            }
            Self::ReleaseReadiness => ("tminus_release_readiness", Gauge, "1 for the word of readiness, 0 for the others."),
            Self::GroupFloor => ("tminus_group_floor_instances", Gauge, "Lower bound of a group."),
            Self::GroupDesired => ("tminus_group_desired_instances", Gauge, "Instances a group is heading for."),
            Self::GroupInService => ("tminus_group_in_service_instances", Gauge, "Instances that pass their health check."),
            Self::GroupNeeded => ("tminus_group_needed_instances", Gauge, "Instances that the p95 of the planned load needs."),
            Self::PrimingCoverage => {
                ("tminus_priming_coverage_ratio", Gauge, "Targets proven fresh on a node, of all its targets, 0 to 1.")
            }
        }
    }

    /// The labels of its series, in the order of the table.
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::BuildInfo => &["version"],
            Self::Decisions => &["reason"],
            Self::Effects => &["kind", "result"],
            Self::ReleasePhase => &["release", "phase"],
            Self::ReleasePercent => &["release"],
            Self::ReleaseReadiness => &["release", "word"],
            Self::GroupFloor | Self::GroupDesired | Self::GroupInService | Self::GroupNeeded => &["group"],
            Self::PrimingCoverage => &["policy", "node"],
            Self::Ticks | Self::TickSeconds | Self::DecisionAge | Self::OpenIntents | Self::DocumentsValid | Self::Halts => &[],
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    fn describe(self) {
        let (name, kind, help) = self.row();
        match (kind, name.ends_with("_seconds")) {
            (MetricKind::Counter, _) => describe_counter!(name, help),
            (MetricKind::Gauge, true) => describe_gauge!(name, Unit::Seconds, help),
            (MetricKind::Gauge, false) => describe_gauge!(name, help),
            (MetricKind::Histogram, _) => describe_histogram!(name, Unit::Seconds, help),
        }
    }
}

/// Buckets of a tick in seconds: it should take milliseconds, and ten seconds is the default pace.
const TICK_BUCKETS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Gauges that no scrape renewed for this long are of something that is gone.
const GAUGE_LIFE: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts recording; later calls change nothing. Until then everything recorded is dropped.
pub fn start_metrics() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(GAUGE_LIFE));
        let name = Matcher::Full(Metric::TickSeconds.name().into());
        // Only an empty list of buckets is an error; without buckets the histogram would be a summary.
        let builder = builder.set_buckets_for_metric(name, &TICK_BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics are recorded by somebody else in this process; /metrics stays empty");
        }
        Metric::ALL.into_iter().for_each(Metric::describe);
        counter!(Metric::Ticks.name()).absolute(0);
        handle
    })
}

/// A decision of the daemon was made. Also keeps the histograms small when nobody scrapes.
pub fn tick(took: Duration) {
    counter!(Metric::Ticks.name()).increment(1);
    histogram!(Metric::TickSeconds.name()).record(took.as_secs_f64());
    start_metrics().run_upkeep();
}

/// The counter of throttle decisions with this reason; look it up once, not on each request.
pub fn decisions(reason: Reason) -> Counter {
    counter!(Metric::Decisions.name(), "reason" => reason.word())
}

/// An effect was sent. `kind` is the effect's word, `result` is `done` or `failed`.
pub fn effect(kind: &'static str, result: &'static str) {
    counter!(Metric::Effects.name(), "kind" => kind, "result" => result).increment(1);
}

/// Everything recorded so far, as text for a scrape.
pub fn exposition() -> String {
    let handle = start_metrics();
    handle.run_upkeep();
    handle.render()
}
