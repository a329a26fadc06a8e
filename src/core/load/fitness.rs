//! Whether a group is fit for a launch beside its size: the answers to the checklist items `quota`, `zone_balance`,
//! `lead_time` and `processes`.
//!
//! `capacity` asks for what is in service now; these can be asked days before, while there is time to ask a provider for
//! more. Not here: the age of the observation, which is the checklist's business. Invariant: what is not known is never fit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::count;
use super::{GroupFinding, GroupPlan, Lead, Policy, Problem, findings};
use crate::core::decide::GroupObservation;
use crate::core::words::format_duration;

/// What is asked of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// What the launch needs is within ceiling, quota and cost.
    Quota,
    /// What is in service is spread evenly over the zones.
    ZoneBalance,
    /// Boots were observed, and the last raised instance is in service by T-0.
    LeadTime,
    /// Nothing at its provider stands in the way: no process is suspended, nothing is being replaced, no launch fails, no
    /// scheduled change of others goes against it.
    Processes,
}

/// Whether it is fit; each with a part of a sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// It is.
    Fit(String),
    /// It is not.
    Unfit(String),
    /// Not known.
    Unknown(String),
}

/// Whether a group is fit in one aspect, by its plan and by what was seen of it.
pub fn fitness(aspect: Aspect, (plan, policy): (&GroupPlan, &Policy), seen: &GroupObservation, now: Timestamp) -> Fitness {
    match aspect {
        Aspect::Quota => quota(plan, policy),
        Aspect::ZoneBalance => zone_balance(policy, seen, plan),
        Aspect::LeadTime => lead_time(plan, policy),
        Aspect::Processes => processes((plan, policy), seen, now),
    }
}

/// Zones that are further apart than a tenth of the group, and than one instance.
pub fn unbalanced(zones: &BTreeMap<String, u32>) -> Option<GroupFinding> {
    let most = zones.iter().max_by_key(|(_, count)| **count)?;
    let least = zones.iter().min_by_key(|(_, count)| **count)?;
    let apart = (zones.values().fold(0, |sum: u32, count| sum.saturating_add(*count)) / 10).max(1);
    let named = |(zone, count): (&String, &u32)| (zone.clone(), *count);
    (most.1 - least.1 > apart).then(|| GroupFinding::Unbalanced { most: named(most), least: named(least) })
}

fn quota(plan: &GroupPlan, policy: &Policy) -> Fitness {
    let Some(quota) = policy.limits.quota else {
        return Fitness::Unknown(format!("the policy of {} states no quota: add limits.quota", plan.group));
    };
    if let Some(over) = plan.problems.iter().find(|problem| is_limit(problem)) {
        return Fitness::Unfit(said(over, plan));
    }
    let guess = plan.problems.iter().find(|problem| {
        matches!(problem, Problem::NoHistory | Problem::NoAudience { .. } | Problem::NoAdoption { .. } | Problem::NotObserved)
    });
    if let Some(guess) = guess {
        return Fitness::Unknown(said(guess, plan));
    }
    if plan.window.is_none() {
        return Fitness::Unknown(format!("no launch is ahead of {}, so nothing is planned", plan.group));
    }
    let cost = match (plan.cost, &policy.price, policy.limits.cost) {
        (Some(cost), Some(price), Some(limit)) => format!(", and costs about {cost:.2} of at most {limit:.2} {}", price.currency),
        _ => String::new(),
    };
    let (needed, ceiling) = (count(plan.instances), policy.limits.ceiling);
    Fitness::Fit(format!("the launch needs {needed} with headroom; ceiling {ceiling}, quota {quota}{cost}"))
}

/// A limit that the plan runs into.
fn is_limit(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Ceiling { .. }
            | Problem::Quota { .. }
            | Problem::Contention { .. }
            | Problem::Cost { .. }
            | Problem::ColdCache { .. }
    )
}

fn zone_balance(policy: &Policy, seen: &GroupObservation, plan: &GroupPlan) -> Fitness {
    let serving: BTreeMap<&String, u32> =
        seen.zones.iter().filter(|zone| *zone.1 > 0).map(|(zone, many)| (zone, *many)).collect();
    let told: Vec<String> = serving.iter().map(|(zone, many)| format!("{many} in {zone}")).collect();
    let told = if told.is_empty() { "none in any zone".to_owned() } else { told.join(", ") };
    if seen.zones.is_empty() {
        return Fitness::Unknown(format!("the provider of {} does not say in which zones its instances are", plan.group));
    }
    let reported = seen.findings.iter().find(|finding| matches!(finding, GroupFinding::Unbalanced { .. }));
    if let Some(unbalanced) = reported.cloned().or_else(|| unbalanced(&seen.zones)) {
        return Fitness::Unfit(unbalanced.sentence(&plan.group).trim_end_matches('.').to_owned());
    }
    let planned = policy.zones.map_or(1, |zones| zones.count);
    if serving.len() < planned as usize {
        return Fitness::Unfit(format!("{} has {told}; its policy counts on {planned} zones", plan.group));
    }
    Fitness::Fit(format!("in service: {told}"))
}

fn lead_time(plan: &GroupPlan, policy: &Policy) -> Fitness {
    if let Some(late) = plan.problems.iter().find(|problem| matches!(problem, Problem::Late { .. })) {
        return Fitness::Unfit(said(late, plan));
    }
    let stated = format_duration(policy.lead);
    match plan.lead {
        Some(Lead::Observed(p95)) if p95 > policy.lead => {
            let p95 = format_duration(p95);
            Fitness::Fit(format!(
                "19 of 20 boots took at most {p95}, longer than the {stated} stated: floors rise that much earlier"
            ))
        }
        Some(Lead::Observed(p95)) => {
            Fitness::Fit(format!("19 of 20 boots took at most {}; {stated} are planned", format_duration(p95)))
        }
        _ => Fitness::Unknown(format!(
            "no boot of {} was observed, {stated} are only stated: start an instance to see, or have `describe` tell boot_p95_secs",
            plan.group
        )),
    }
}

fn processes((plan, policy): (&GroupPlan, &Policy), seen: &GroupObservation, now: Timestamp) -> Fitness {
    let all = findings(plan, seen, now);
    let sentence = |finding: &GroupFinding| finding.sentence(&plan.group).trim_end_matches('.').to_owned();
    let serious = all.iter().find(|finding| finding.is_serious() && !matches!(finding, GroupFinding::MaxTooLow { .. }));
    let unread = || all.iter().find(|finding| matches!(finding, GroupFinding::Unread { .. }));
    match (serious, unread()) {
        (Some(serious), _) => Fitness::Unfit(sentence(serious)),
        (None, Some(unread)) => Fitness::Unknown(sentence(unread)),
        (None, None) if !policy.tells_of_trouble => Fitness::Unknown(format!(
            "the programs of {} tell nothing of suspended processes or failing starts; have a `command` check look",
            plan.group
        )),
        (None, None) => Fitness::Fit("no process is suspended, nothing is being replaced, and instances start".to_owned()),
    }
}

fn said(problem: &Problem, plan: &GroupPlan) -> String {
    problem.sentence(&plan.group).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{group, history, minute, policy, release, t0};
    use super::super::{Demand, Launch, Limits, plan_group};
    use super::*;
    use crate::core::words::Capacity;

    /// The answer for a launch with warm caches ten hours ahead.
    fn ask(aspect: Aspect, policy: &Policy, change: impl FnOnce(&mut GroupObservation)) -> Fitness {
        let (release, history, now) = (release(), history(t0()), minute(-600));
        let mut seen = group(4, now);
        change(&mut seen);
        let launch = Launch { primed: Some(1.0), ..Launch::ahead(&release) };
        let demand = Demand { history: &history, launches: vec![launch], group: Some(&seen), held: None };
        fitness(aspect, (&plan_group(policy, &demand, now), policy), &seen, now)
    }

    fn check(answer: &Fitness, word: &str, says: &str) {
        let (found, text) = match answer {
            Fitness::Fit(text) => ("fit", text),
            Fitness::Unfit(text) => ("unfit", text),
            Fitness::Unknown(text) => ("unknown", text),
        };
        assert!(found == word && text.contains(says) && !text.ends_with('.'), "{word} {says:?}: {answer:?}");
    }

    #[test]
    fn a_quota_is_asked_of_what_the_launch_needs() {
        let with = |limits: Limits| Policy { limits, ..policy() };
        check(&ask(Aspect::Quota, &policy(), |_| {}), "fit", "ceiling 24, quota 40");
        check(&ask(Aspect::Quota, &with(Limits { quota: None, ..policy().limits }), |_| {}), "unknown", "states no quota");
        let small = with(Limits { quota: Some(Capacity(2)), floor: Capacity(1), ..policy().limits });
        check(&ask(Aspect::Quota, &small, |_| {}), "unfit", "the quota is 2");
    }

    #[test]
    fn zones_are_even_known_and_as_many_as_planned() {
        let zones = |of: &[(&str, u32)]| of.iter().map(|(zone, many)| ((*zone).to_owned(), *many)).collect::<BTreeMap<_, _>>();
        for (of, word, says) in [
            (zones(&[("a", 2), ("b", 2)]), "fit", "2 in a, 2 in b"),
            (zones(&[("a", 3), ("b", 1)]), "unfit", "not balanced"),
            (zones(&[("a", 1), ("b", 0)]), "unfit", "counts on 2 zones"),
            (zones(&[]), "unknown", "does not say"),
        ] {
            check(&ask(Aspect::ZoneBalance, &policy(), |seen| seen.zones = of), word, says);
        }
    }

    #[test]
    fn a_lead_is_proven_by_boots() {
        check(&ask(Aspect::LeadTime, &policy(), |_| {}), "unknown", "no boot");
        for (boot, word, says) in [(193_000, "fit", "20m are planned"), (30 * 60_000, "fit", "longer than the 20m stated")] {
            check(&ask(Aspect::LeadTime, &policy(), |seen| seen.boot_p95_ms = Some(boot)), word, says);
        }
    }

    #[test]
    fn what_stands_in_the_way_at_the_provider_is_told() {
        check(&ask(Aspect::Processes, &policy(), |_| {}), "fit", "no process is suspended");
        let launch = || GroupFinding::Suspended { process: "Launch".into(), reason: "by hand".into() };
        let balance = || GroupFinding::Suspended { process: "AZRebalance".into(), reason: String::new() };
        let unread = || GroupFinding::Unread { what: "the warm pool".into(), why: "throttled".into() };
        for (findings, word, says) in [
            (vec![balance(), launch()], "unfit", "process Launch suspended (by hand)"),
            (vec![balance()], "fit", "no process"),
            (vec![unread()], "unknown", "could not be read: throttled"),
        ] {
            check(&ask(Aspect::Processes, &policy(), |seen| seen.findings = findings), word, says);
        }
    }
}
