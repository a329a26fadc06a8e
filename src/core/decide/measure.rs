//! The checks that the core computes from what it sees: capacity, warmth, retries, throttle, rehearsal, gate data.
//!
//! Not here: http, metric and command, which the shell probes. Invariant: what was not observed is `Unknown` or absent,
//! never green; what tminus itself is still working on is open, not red, until it is due.

use jiff::Timestamp;

use super::draft::Draft;
use crate::core::checklist::{Check, Demand, Evidence, Item, Outcome};
use crate::core::load::{self, CapacityAnswer, GroupPlan, Problem};
use crate::core::release::Release;
use crate::core::throttle::{Force, Request};
use crate::core::words::{Name, Percent, Version, later, since};

/// The evidence for one item of a release; `None`: not measured yet.
pub(super) fn evidence(draft: &Draft<'_>, release: &Release, item: &Item) -> Option<Evidence> {
    let Demand::Check(check) = &item.demand else { return None };
    match check {
        Check::Capacity { group, quantile } => capacity(draft, group, *quantile),
        Check::Primed { policy, coverage } => primed(draft, release, policy, *coverage),
        Check::RetryPolicy { release, amplification_below } => retries(draft, release, *amplification_below),
        Check::Throttled { app, version, channel, at_most } => Some(throttled(draft, (app, version, channel), *at_most)),
        Check::HaltRehearsed { within } => rehearsed(draft, release, *within),
        Check::Gate { policy } => gate(draft, release, policy),
        Check::Http { .. } | Check::Metric { .. } | Check::Command { .. } => {
            draft.snapshot.observed.evidence.get(&release.name)?.get(&item.id).cloned()
        }
    }
}

fn measured(good: Outcome, detail: String, measured_at: Timestamp) -> Evidence {
    Evidence { outcome: good, detail, measured_at }
}

fn capacity(draft: &Draft<'_>, group: &Name, quantile: f64) -> Option<Evidence> {
    let policy = draft.snapshot.config.scalings.get(group)?;
    let observed = draft.snapshot.observed.groups.get(group)?;
    let plan = draft.plans.get(group)?;
    let answer = load::holds(plan, policy, observed, quantile);
    let shortfall = plan.problems.iter().find(|problem| problem.is_shortfall());
    let outcome = match (&answer, shortfall) {
        // What priming will mend is open, not red, while tminus is at it; the due decides.
        (_, Some(_)) if is_mended_by_priming(plan) && primes(draft, group) => Outcome::Pending,
        (_, Some(_)) => Outcome::Red,
        (CapacityAnswer::Holds(_), None) => Outcome::Green,
        (CapacityAnswer::Short(_), None) => Outcome::Pending,
        (CapacityAnswer::Unknown(_), None) => Outcome::Unknown,
    };
    let problem = shortfall.map_or(String::new(), |problem| format!("; {}", problem.sentence(group)));
    Some(measured(outcome, format!("{}{problem}", answer.sentence()), observed.observed_at))
}

/// Whether the plan fits once its caches are warm.
fn is_mended_by_priming(plan: &GroupPlan) -> bool {
    plan.problems.iter().any(|problem| matches!(problem, Problem::ColdCache { primed, allowed, .. } if primed <= allowed))
}

/// Whether a launch that leans on the group has caches that tminus primes.
fn primes(draft: &Draft<'_>, group: &Name) -> bool {
    draft.releases().any(|(release, _)| release.scaling.contains(group) && !release.priming.is_empty())
}

fn primed(draft: &Draft<'_>, release: &Release, name: &Name, wanted: f64) -> Option<Evidence> {
    let coverage = draft.snapshot.observed.coverage.get(name)?;
    let policy = draft.snapshot.config.primings.get(name)?;
    let missing = policy.nodes.iter().find(|node| !coverage.nodes.contains_key(*node));
    let (node, least) = coverage.nodes.iter().min_by(|one, other| one.1.total_cmp(other.1))?;
    let needed_until = policy.fresh_until.map(|until| until.at(release.launch_at));
    let expires = needed_until.zip(coverage.fresh_until).filter(|(needed, fresh)| fresh < needed);
    let detail = format!(
        "{:.2} % of {} objects proven on {node}, the least of {} nodes",
        least * 100.0,
        coverage.objects,
        coverage.nodes.len()
    );
    let problem = coverage
        .first_problem
        .as_deref()
        .map_or(String::new(), |problem| format!("; {} problems, the first: {problem}", coverage.problems));
    if coverage.objects == 0 {
        let why = coverage.first_problem.as_deref().unwrap_or("the source lists no object");
        return Some(measured(Outcome::Unknown, format!("nothing is proven yet: {why}"), coverage.measured_at));
    }
    let (outcome, detail) = match (missing, expires) {
        (Some(node), _) => (Outcome::Pending, format!("nothing is proven on node {node} yet")),
        (None, Some((needed, fresh))) => (Outcome::Pending, format!("{detail}; fresh until {fresh}, needed until {needed}")),
        (None, None) if least * 100.0 >= wanted => (Outcome::Green, detail),
        (None, None) if coverage.problems > 0 => (Outcome::Red, format!("{detail}{problem}")),
        (None, None) => (Outcome::Pending, detail),
    };
    Some(measured(outcome, detail, coverage.measured_at))
}

fn retries(draft: &Draft<'_>, name: &Name, below: f64) -> Option<Evidence> {
    let release = draft.snapshot.config.releases.get(name)?;
    let plans = release.scaling.iter().filter_map(|group| draft.plans.get(group));
    let worst = plans.map(|plan| plan.amplification).max_by(f64::total_cmp)?;
    let outcome = if worst < below { Outcome::Green } else { Outcome::Red };
    let detail = format!("retries make {worst:.2} of each first attempt at the planned capacity; the limit is {below}");
    Some(measured(outcome, detail, draft.snapshot.now))
}

fn throttled(draft: &Draft<'_>, (app, version, channel): (&Name, &Version, &Name), at_most: Percent) -> Evidence {
    let request =
        Request { app: app.clone(), version: version.clone(), channel: channel.clone(), client: None, force: Force::None };
    let decision = draft.table.decide(&request, 0);
    let outcome = if decision.percent <= at_most { Outcome::Green } else { Outcome::Red };
    let detail = format!(
        "{app} {version} on {channel} is served at {} % by {}; at most {at_most} % is wanted",
        decision.percent,
        decision.rule.as_deref().unwrap_or_else(|| decision.reason.word()),
    );
    measured(outcome, detail, draft.snapshot.now)
}

fn rehearsed(draft: &Draft<'_>, release: &Release, within: std::time::Duration) -> Option<Evidence> {
    let now = draft.snapshot.now;
    let at = *draft.state.rehearsals.get(&release.app)?;
    let outcome = if since(now, at) <= within { Outcome::Green } else { Outcome::Red };
    Some(measured(outcome, format!("a halt of {} was pulled and lifted at {at}", release.app), now))
}

/// Green while counts arrive: the newest closed period of every metric has requests in one arm at least.
fn gate(draft: &Draft<'_>, release: &Release, name: &Name) -> Option<Evidence> {
    let policy = draft.snapshot.config.gates.get(name)?;
    let metrics = draft.snapshot.observed.minutes.get(&release.name)?;
    let now = draft.snapshot.now;
    let heard = |metric: &Name| {
        let minutes = metrics.get(metric)?;
        let counted =
            |minute: &&crate::core::gate::Minute| minute.baseline.or(minute.candidate).is_some_and(|counts| counts.requests > 0);
        minutes.iter().rev().find(counted).map(|minute| later(minute.at, policy.period))
    };
    let newest: Option<Vec<Timestamp>> = policy.metrics.iter().map(|metric| heard(&metric.name)).collect();
    let oldest = newest?.into_iter().min()?;
    let silent = since(now, later(oldest, policy.lag));
    let outcome = if silent <= policy.no_data.max_gap { Outcome::Green } else { Outcome::Unknown };
    Some(measured(outcome, format!("counts arrive, the newest closed at {oldest}"), now))
}
