//! What the daemon publishes after every decision: the throttle's table, the view for the control listener.
//!
//! Invariant: each is replaced whole; no reader sees half of a decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::core::decide::{Decision, Snapshot};
use crate::core::throttle::{Table, TableInput};
use crate::core::words::{Name, Rate, since};
use crate::shell::control::{GroupView, Papers, View};

/// See the module.
pub(super) struct Board {
    table: Arc<ArcSwap<Table>>,
    view: watch::Sender<Arc<View>>,
    trouble: Option<String>,
}

impl Board {
    pub(super) fn new(table: Arc<ArcSwap<Table>>, view: watch::Sender<Arc<View>>) -> Self {
        Self { table, view, trouble: None }
    }

    /// From the next request on, decisions follow this table.
    pub(super) fn publish_table(&self, snapshot: &Snapshot, decision: &Decision) {
        let next_change = decision.next_change().map(|at| since(at, snapshot.now).as_secs());
        let input = TableInput {
            policies: snapshot.config.throttles.values().cloned().collect(),
            offers: decision.offers.clone(),
            halts: decision.halts.clone(),
            revision: format!("{}-{}", snapshot.config.revision, decision.state.decisions),
            next_change_secs: next_change.and_then(|secs| u32::try_from(secs).ok()),
        };
        self.table.store(Arc::new(Table::build(input)));
    }

    /// Why nothing can be kept, or that it can be again.
    pub(super) fn publish_trouble(&mut self, trouble: Option<String>) {
        if self.trouble != trouble {
            self.trouble.clone_from(&trouble);
            self.view.send_modify(|view| *view = Arc::new(View { not_durable: trouble, ..View::clone(view) }));
        }
    }

    /// How things stand, for people and programs.
    pub(super) fn publish_view(&self, snapshot: Snapshot, decision: Decision, (papers, open): (&Papers, usize)) {
        let groups = groups(&snapshot, &decision);
        let (papers, not_durable) = (papers.clone(), self.trouble.clone());
        let view = View { snapshot, decision, groups, papers, ready: true, open_intents: open, not_durable };
        self.view.send_replace(Arc::new(view));
    }

    /// The view that is published.
    pub(super) fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }
}

fn groups(snapshot: &Snapshot, decision: &Decision) -> BTreeMap<Name, GroupView> {
    let view = |name: &Name| GroupView {
        observed: snapshot.observed.groups.get(name).cloned(),
        plan: decision.plans.get(name).cloned(),
        load: load_now(snapshot, name),
        coverage: coverage(snapshot, name),
    };
    snapshot.config.scalings.keys().map(|name| (name.clone(), view(name))).collect()
}

fn load_now(snapshot: &Snapshot, name: &Name) -> Option<Rate> {
    // A point a minute where there is one; the history is by the hour.
    let last = |series: Option<&Vec<(Timestamp, f64)>>| series.and_then(|points| points.last()).map(|(_, load)| *load);
    let observed = &snapshot.observed;
    let last = last(observed.recent.get(name)).or_else(|| last(observed.history.get(name)))?;
    Rate::per_second(last).ok()
}

/// The priming that stands before a group: that of the releases which lean on it.
fn coverage(snapshot: &Snapshot, name: &Name) -> BTreeMap<Name, crate::core::priming::Coverage> {
    let leaning = snapshot.config.releases.values().filter(|release| release.scaling.contains(name));
    let policies = leaning.flat_map(|release| &release.priming);
    policies.filter_map(|policy| Some((policy.clone(), snapshot.observed.coverage.get(policy)?.clone()))).collect()
}
