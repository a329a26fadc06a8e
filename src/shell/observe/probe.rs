//! Runs one check of the checklist and turns what it saw into evidence with figures.
//!
//! Checks that the core computes itself are not run here. A probe never retries itself; the daemon asks again on the
//! item's cadence. Invariant: one run at a time per item.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;

use super::error::ObserveError;
use super::series::Tick;
use super::{Sources, Substitution, command_probe, http_probe, prometheus};
use crate::core::checklist::{Check, Evidence, Outcome};
use crate::core::words::{Name, format_duration};
use crate::shell::clock;

/// What a probe may look at.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    /// For `metric` and `alarms`.
    pub sources: &'a Sources,
    /// The release's values for placeholders.
    pub with: &'a Substitution,
    /// What push sources hold, and now.
    pub tick: Tick<'a>,
}

/// Bounds of a `metric` check.
struct Bounds {
    below: Option<f64>,
    above: Option<f64>,
    over: Duration,
}

/// The probes of a daemon.
pub struct Probes {
    client: Client,
    running: Mutex<BTreeSet<String>>,
}

impl Probes {
    /// Prepares the shared client: connections are not kept, since a check is about getting one.
    pub fn new() -> Result<Self, ObserveError> {
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0);
        let client = builder.user_agent(concat!("tminus/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|error| ObserveError::Internal(prometheus::causes(&error)))?;
        Ok(Self { client, running: Mutex::default() })
    }

    /// Runs a check unless this item (`release/item`) is being checked already; then `None`.
    pub async fn run(&self, item: &str, check: &Check, look: Probe<'_>) -> Option<Evidence> {
        let _running = Running::begin(&self.running, item)?;
        Some(self.probe(check, look).await)
    }

    /// Runs a check.
    pub async fn probe(&self, check: &Check, look: Probe<'_>) -> Evidence {
        let (outcome, detail) = match check {
            Check::Http { url, status, within } => {
                http_probe::run(&self.client, &http_probe::Demand { url, status: *status, within: *within }).await
            }
            Check::Metric { query, below, above, over } => {
                metric(query, &Bounds { below: *below, above: *above, over: *over }, look).await
            }
            Check::Command { command, within } => command_probe::run(command, *within).await,
            Check::Alarms { source, names } => match look.sources.alarms(source, names).await {
                Ok(verdict) => verdict,
                Err(error) => (Outcome::Unknown, error.to_string()),
            },
            Check::Capacity { .. }
            | Check::Group { .. }
            | Check::Primed { .. }
            | Check::RetryPolicy { .. }
            | Check::Throttled { .. }
            | Check::HaltRehearsed { .. }
            | Check::Gate { .. } => (Outcome::Unknown, "this check is computed, not probed".into()),
        };
        Evidence { outcome, detail, measured_at: clock::now() }
    }
}

/// Green strictly inside the bounds. Without a bound nothing is demanded, and nothing is proven either.
async fn metric(query: &Name, bounds: &Bounds, look: Probe<'_>) -> (Outcome, String) {
    let over = format_duration(bounds.over);
    if bounds.below.is_none() && bounds.above.is_none() {
        return (Outcome::Unknown, format!("{query} has neither `below` nor `above`"));
    }
    match look.sources.metric_value((query, look.with), bounds.over, look.tick).await {
        Err(error) => (Outcome::Unknown, format!("{query} over {over}: {error}")),
        Ok(value) => {
            let is_inside = bounds.below.is_none_or(|below| value < below) && bounds.above.is_none_or(|above| value > above);
            let demand: Vec<String> = [("below", bounds.below), ("above", bounds.above)]
                .into_iter()
                .filter_map(|(word, bound)| bound.map(|bound| format!("{word} {bound}")))
                .collect();
            let outcome = if is_inside { Outcome::Green } else { Outcome::Red };
            (outcome, format!("{query} is {value:.6} over {over}, {} is demanded", demand.join(" and ")))
        }
    }
}

/// Holds an item's place while its check runs, and gives it back however the run ends.
struct Running<'a> {
    items: &'a Mutex<BTreeSet<String>>,
    item: String,
}

impl<'a> Running<'a> {
    fn begin(items: &'a Mutex<BTreeSet<String>>, item: &str) -> Option<Self> {
        let is_first = items.lock().unwrap_or_else(PoisonError::into_inner).insert(item.to_owned());
        is_first.then(|| Self { items, item: item.to_owned() })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.item);
    }
}
