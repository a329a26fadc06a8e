//! What the service knows: samples by the minute, which come late and in parts, alarms, and how often it was asked.

use std::collections::BTreeMap;
use std::time::Duration;

/// A metric: namespace, name and dimensions.
pub type Id = (String, String, BTreeMap<String, String>);
/// The samples of the minute, or second, that begins at an instant.
type Samples = Box<dyn Fn(i64) -> Vec<f64> + Send>;

/// What is out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Throttles,
    LosesAnswers,
    Hangs,
}

/// An alarm: its state and since when.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub state: &'static str,
    pub since: i64,
    pub is_composite: bool,
}

/// See the module.
pub struct Sky {
    /// Seconds of a metric's finest period, and its samples by those.
    metrics: BTreeMap<Id, (i64, Samples)>,
    /// Samples that were sent, by second.
    put: BTreeMap<Id, BTreeMap<i64, Vec<f64>>>,
    pub alarms: BTreeMap<String, Alarm>,
    pub calls: BTreeMap<String, u32>,
    /// Series that were asked for, over all calls and pages.
    pub series: u32,
    /// The longest range that a call asked for, in seconds.
    pub longest: i64,
    /// Samples of a minute are all there so many seconds after its end; the first half when it ends.
    pub late: i64,
    /// Points of a page, at most.
    pub page: i64,
    /// Alarms of a page, at most.
    pub alarms_page: usize,
    /// How long an answer takes.
    pub delay: Duration,
    /// What becomes of the next calls, the last first.
    pub troubles: Vec<Trouble>,
    /// A code with which everything is refused.
    pub refuses: Option<&'static str>,
    /// Request bodies that came compressed.
    pub zipped: u32,
    /// Metrics whose status is never Complete, by name.
    pub status: BTreeMap<String, &'static str>,
}

impl Default for Sky {
    fn default() -> Self {
        Self {
            metrics: BTreeMap::new(),
            put: BTreeMap::new(),
            alarms: BTreeMap::new(),
            calls: BTreeMap::new(),
            series: 0,
            longest: 0,
            late: 90,
            page: 100_800,
            alarms_page: 100,
            delay: Duration::ZERO,
            troubles: Vec::new(),
            refuses: None,
            zipped: 0,
            status: BTreeMap::new(),
        }
    }
}

impl Sky {
    /// A metric by its name, namespace and one dimension, with samples by the minute.
    pub fn add(&mut self, id: (&str, &str, (&str, &str)), samples: impl Fn(i64) -> Vec<f64> + Send + 'static) {
        self.metrics.insert(self::id(id), (60, Box::new(samples)));
    }

    /// One with samples by so many seconds.
    pub fn add_by(&mut self, grain: i64, id: (&str, &str, (&str, &str)), samples: impl Fn(i64) -> Vec<f64> + Send + 'static) {
        self.metrics.insert(self::id(id), (grain, Box::new(samples)));
    }

    pub fn alarm(&mut self, name: &str, state: &'static str) {
        let is_composite = name.ends_with("composite");
        self.alarms.insert(name.to_owned(), Alarm { state, since: 1_700_000_000, is_composite });
    }

    pub fn called(&self, operation: &str) -> u32 {
        self.calls.get(operation).copied().unwrap_or(0)
    }

    /// Keeps samples that were sent.
    pub(super) fn keep(&mut self, id: Id, at: i64, samples: impl IntoIterator<Item = f64>) {
        self.put.entry(id).or_default().entry(at).or_default().extend(samples);
    }

    pub(super) fn came(&mut self, operation: &str) -> Option<Trouble> {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        self.troubles.pop()
    }

    /// The samples of a period that have come by now.
    pub(super) fn samples(&self, id: &Id, (from, to): (i64, i64), now: i64) -> Vec<f64> {
        if let Some(put) = self.put.get(id) {
            return put.range(from..to).flat_map(|(_, samples)| samples.clone()).collect();
        }
        let Some((grain, samples)) = self.metrics.get(id) else { return Vec::new() };
        let starts = (from - from.rem_euclid(*grain)..to).step_by(*grain as usize);
        let come = |start: i64| {
            let (mut all, end) = (samples(start), start + grain);
            let there = if now >= end + self.late { all.len() } else { all.len() / 2 };
            all.truncate(if now >= end { there } else { 0 });
            all
        };
        starts.flat_map(come).collect()
    }
}

fn id((namespace, name, dimension): (&str, &str, (&str, &str))) -> Id {
    (namespace.to_owned(), name.to_owned(), BTreeMap::from([(dimension.0.to_owned(), dimension.1.to_owned())]))
}
