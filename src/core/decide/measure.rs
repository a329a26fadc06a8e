//! The checks that the core computes from what it sees: capacity, warmth, retries, throttle, rehearsal, gate data.
//!
//! Not here: http, metric and command, which the shell probes. Invariant: what was not observed is `Unknown` or absent,
//! never green; what tminus itself is still working on is `Pending`, not red, until it is due.

use std::time::Duration;

use jiff::Timestamp;

use super::draft::Draft;
use crate::core::checklist::{Check, Demand, Evidence, Item, Outcome};
use crate::core::load::{self, Aspect, CapacityAnswer, Fitness, GroupFinding, GroupPlan};
use crate::core::release::Release;
use crate::core::words::{Name, Percent, Version, format_duration, later, since};

/// Most findings of a group that its item says; the board of the group has all of them.
const MOST_SAID: usize = 3;

/// The evidence for one item of a release; `None`: not measured yet.
pub(super) fn evidence(draft: &Draft<'_>, release: &Release, item: &Item) -> Option<Evidence> {
    let Demand::Check(check) = &item.demand else { return None };
    match check {
        Check::Capacity { group, quantile } => capacity(draft, group, *quantile),
        Check::Group { group, aspect } => fit(draft, group, *aspect),
        Check::Primed { policy, coverage } => Some(primed(draft, release, policy, *coverage)),
        Check::RetryPolicy { release, amplification_below } => retries(draft, release, *amplification_below),
        Check::Throttled { app, version, channel, at_most } => Some(throttled(draft, (app, version, channel), *at_most)),
        Check::HaltRehearsed { within } => Some(rehearsed(draft, release, *within)),
        Check::Gate { policy } => Some(gate(draft, release, policy).unwrap_or_else(|| {
            let detail = "no counts have arrived yet; look at the metrics source".to_owned();
            measured(Outcome::Pending, detail, draft.snapshot.now)
        })),
        Check::Http { .. } | Check::Metric { .. } | Check::Command { .. } | Check::Alarms { .. } => {
            draft.snapshot.observed.evidence.get(&release.name)?.get(&item.id).cloned()
        }
    }
}

/// How often an answer is renewed, where the checklist's cadence does not decide it: what a cache was proven to hold is
/// looked at again when the priming policy says so.
pub(super) fn renewed_every(draft: &Draft<'_>, item: &Item) -> Option<Duration> {
    let Demand::Check(Check::Primed { policy, .. }) = &item.demand else { return None };
    draft.snapshot.config.primings.get(policy).map(|policy| policy.poll_every)
}

fn measured(good: Outcome, detail: String, measured_at: Timestamp) -> Evidence {
    Evidence { outcome: good, detail, measured_at }
}

fn capacity(draft: &Draft<'_>, group: &Name, quantile: f64) -> Option<Evidence> {
    let policy = draft.snapshot.config.scalings.get(group)?;
    let plan = draft.plans.get(group)?;
    let Some(observed) = draft.snapshot.observed.groups.get(group) else { return Some(unseen(draft, plan)) };
    let answer = load::holds(plan, policy, observed, quantile);
    let shortfall = plan.problems.iter().find(|problem| problem.is_shortfall());
    let found = load::bearing(plan, observed, draft.snapshot.now);
    let outcome = match (&answer, shortfall) {
        // What is in service may hold; with this it need not for long.
        _ if found.iter().any(GroupFinding::is_serious) => Outcome::Red,
        // What priming will mend is open, not red, while tminus is at it; the due decides.
        (_, Some(_)) if plan.is_mended_by_priming() && primes(draft, group) => Outcome::Pending,
        (_, Some(_)) => Outcome::Red,
        (CapacityAnswer::Holds(_), None) => Outcome::Green,
        (CapacityAnswer::Short(_), None) => Outcome::Pending,
        (CapacityAnswer::Unknown(_), None) => Outcome::Unknown,
    };
    let said = shortfall.map(|problem| problem.sentence(group)).into_iter();
    let said = said.chain(found.iter().map(|finding| finding.sentence(group)).take(MOST_SAID));
    // Details become parts of sentences, which bring their own full stop.
    let bare = |text: String| text.trim_end_matches('.').to_owned();
    let detail: Vec<String> = std::iter::once(answer.sentence()).chain(said).map(bare).collect();
    Some(measured(outcome, detail.join(". "), observed.observed_at))
}

fn fit(draft: &Draft<'_>, group: &Name, aspect: Aspect) -> Option<Evidence> {
    let policy = draft.snapshot.config.scalings.get(group)?;
    let plan = draft.plans.get(group)?;
    let Some(observed) = draft.snapshot.observed.groups.get(group) else {
        let why = draft.snapshot.observed.unseen.get(group).map_or("was not asked yet", String::as_str);
        return Some(measured(Outcome::Unknown, format!("{group} is not seen: it {why}"), draft.snapshot.now));
    };
    let (outcome, detail) = match load::fitness(aspect, (plan, policy), observed, draft.snapshot.now) {
        Fitness::Fit(detail) => (Outcome::Green, detail),
        Fitness::Unfit(detail) if aspect == Aspect::Quota && plan.is_mended_by_priming() && primes(draft, group) => {
            (Outcome::Pending, detail)
        }
        Fitness::Unfit(detail) => (Outcome::Red, detail),
        Fitness::Unknown(detail) => (Outcome::Unknown, detail),
    };
    Some(measured(outcome, detail, observed.observed_at))
}

/// Of a group that is not seen it is known only when no size that it may have is enough.
fn unseen(draft: &Draft<'_>, plan: &GroupPlan) -> Evidence {
    let group = &plan.group;
    let why = draft.snapshot.observed.unseen.get(group).map_or("was not asked yet", String::as_str);
    let detail = format!("{group} is not seen: it {why}");
    let shortfall = plan.problems.iter().find(|problem| problem.is_shortfall());
    match shortfall.filter(|_| !(plan.is_mended_by_priming() && primes(draft, group))) {
        Some(problem) => {
            let detail = format!("{detail}. {}", problem.sentence(group).trim_end_matches('.'));
            measured(Outcome::Red, detail, draft.snapshot.now)
        }
        None => measured(Outcome::Unknown, detail, draft.snapshot.now),
    }
}

/// Whether a launch that leans on the group has caches that tminus primes.
fn primes(draft: &Draft<'_>, group: &Name) -> bool {
    draft.releases().any(|(release, _)| release.scaling.contains(group) && !release.priming.is_empty())
}

fn primed(draft: &Draft<'_>, release: &Release, name: &Name, wanted: f64) -> Evidence {
    proven(draft, release, name, wanted).unwrap_or_else(|| {
        let next = match draft.snapshot.observed.priming.get(name) {
            Some(run) => format!("the first run is at {} of {} targets", run.proven, run.targets),
            None if release.priming.contains(name) => "the first run has not ended".to_owned(),
            None => format!("{} does not prime it: add it to its `priming`", release.name),
        };
        measured(
            Outcome::Pending,
            format!("the caches are cold as far as is known: nothing of {name} is proven, {next}"),
            draft.snapshot.now,
        )
    })
}

fn proven(draft: &Draft<'_>, release: &Release, name: &Name, wanted: f64) -> Option<Evidence> {
    let coverage = draft.snapshot.observed.coverage.get(name)?;
    let policy = draft.snapshot.config.primings.get(name)?;
    let missing = policy.nodes.iter().find(|node| !coverage.nodes.contains_key(*node));
    let (node, least) = coverage.nodes.iter().min_by(|one, other| one.1.total_cmp(other.1))?;
    let needed_until = policy.fresh_until.map(|until| until.at(release.launch_at));
    let expires = needed_until.zip(coverage.fresh_until).filter(|(needed, fresh)| fresh < needed);
    let detail = format!(
        "{} % of {} objects proven on {node}, the least of {} nodes",
        shown(least * 100.0),
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
        (None, Some((needed, fresh))) => {
            let (fresh, needed) = (release.local(fresh), release.local(needed));
            (Outcome::Pending, format!("{detail}; the first goes stale at {fresh}, all are needed until {needed}"))
        }
        (None, None) if least * 100.0 >= wanted => (Outcome::Green, detail),
        (None, None) if coverage.problems > 0 => (Outcome::Red, format!("{detail}{problem}")),
        (None, None) => (Outcome::Pending, detail),
    };
    Some(measured(outcome, detail, coverage.measured_at))
}

fn retries(draft: &Draft<'_>, name: &Name, below: f64) -> Option<Evidence> {
    let release = draft.snapshot.config.releases.get(name)?;
    let plans = release.scaling.iter().filter_map(|group| draft.plans.get(group));
    let worst = plans.map(|plan| plan.amplification).max_by(f64::total_cmp);
    let (Some(audience), Some(worst)) = (&release.audience, worst) else {
        let detail = format!("{name} names no audience or no scaling policy, so nothing is known of what retries would do");
        return Some(measured(Outcome::Unknown, detail, draft.snapshot.now));
    };
    let outcome = if worst < below { Outcome::Green } else { Outcome::Red };
    let every = audience.retry.as_ref().map_or(String::new(), |retry| {
        let most = retry.limit.map_or("for ever".to_owned(), |limit| format!("at most {limit} times"));
        format!("clients retry every {} {most}, and ", format_duration(retry.every))
    });
    let detail = format!(
        "{every}at the planned capacity each request becomes {}; below {below} is wanted",
        shown((worst * 10.0).round() / 10.0)
    );
    Some(measured(outcome, detail, draft.snapshot.now))
}

/// Two decimals at most, and none of them a closing zero; rounded down, so that 99.999 % does not read as all.
fn shown(value: f64) -> String {
    // What binary fractions lose is no whole hundredth.
    let text = format!("{:.2}", (value * 100.0 + 1e-6).floor() / 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Judged by the policies alone: before the release is on offer nobody is served anyway, and that proves no throttle.
fn throttled(draft: &Draft<'_>, (app, version, channel): (&Name, &Version, &Name), at_most: Percent) -> Evidence {
    let (allowed, rule) = draft.table().allowed(app, version, channel);
    let by = rule.map_or_else(|| "no rule matches it".to_owned(), |rule| format!("rule {rule}"));
    let detail = format!("the throttle serves {allowed} % of {app} {version} on {channel} ({by})");
    if allowed <= at_most {
        return measured(Outcome::Green, detail, draft.snapshot.now);
    }
    measured(Outcome::Red, format!("{detail}; at most {at_most} % is wanted before it is pushed"), draft.snapshot.now)
}

fn rehearsed(draft: &Draft<'_>, release: &Release, within: Duration) -> Evidence {
    let (now, app) = (draft.snapshot.now, &release.app);
    let Some(at) = draft.state.rehearsals.get(app).copied() else {
        let detail = format!("no halt of {app} was ever rehearsed: `tminus throttle halt {app}`, then lift it");
        return measured(Outcome::Pending, detail, now);
    };
    let when = release.local(at);
    if since(now, at) <= within {
        return measured(Outcome::Green, format!("a halt of {app} was pulled and lifted, last at {when}"), now);
    }
    let lasts = format_duration(within);
    let detail = format!("a halt of {app} was last pulled and lifted at {when}, longer than {lasts} ago: rehearse it again");
    measured(Outcome::Red, detail, now)
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
    let detail = match outcome {
        Outcome::Green => "counts arrive".to_owned(),
        _ => format!("no counts for {}; look at the metrics source", format_duration(silent)),
    };
    Some(measured(outcome, detail, now))
}
