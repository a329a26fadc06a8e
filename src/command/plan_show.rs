//! A plan for people: marks and reasons, then each group with what its size comes from, then the sum.

use std::time::Duration;

use super::board::readiness_word;
use super::terminal::{Colour, paint, plain};
use crate::core::decide::{Action, Amount, Change, GroupOutlook, LoadRange, PlanView};
use crate::core::words::format_duration;

/// All of it.
pub fn human(plan: &PlanView) -> String {
    let mut lines = vec![format!("{}  {}", paint(Colour::Bold, &plain(plan.release.as_str())), readiness_word(plan.readiness))];
    lines.extend(plan.reasons.iter().map(|reason| format!("  → {}", plain(reason))));
    lines.push(String::new());
    lines.extend(plan.actions.iter().map(line));
    lines.extend(scheduled(plan));
    lines.push(String::new());
    lines.extend(plan.load.p95.map(|p95| format!("Load: p50 {:.0}/s, p95 {p95:.0}/s", plan.load.p50.unwrap_or(p95))));
    lines.extend(plan.groups.iter().flat_map(|group| outlook(group, plan.currency.as_deref().unwrap_or_default())));
    lines.extend(plan.dominates.as_ref().map(|dominates| plain(&dominates.sentence)));
    lines.extend(plan.cost.map(|cost| format!("Cost: {cost:.2} {}", plain(plan.currency.as_deref().unwrap_or_default()))));
    lines.push(sum(plan));
    lines.join("\n")
}

/// The rest of the plan that was applied.
fn scheduled(plan: &PlanView) -> Vec<String> {
    let Some(applied) = plan.applied.as_ref().filter(|_| !plan.scheduled.is_empty()) else { return Vec::new() };
    let when = applied.at.strftime("%Y-%m-%d %H:%M:%SZ");
    let head = format!("Under way, by the plan that {} applied at {when}:", plain(applied.by.as_str()));
    std::iter::once(head).chain(plan.scheduled.iter().map(line)).collect()
}

fn sum(plan: &PlanView) -> String {
    let count = |change: Change| plan.actions.iter().filter(|action| action.change == change).count();
    let (add, change, remove) = (count(Change::Add), count(Change::Change), count(Change::Remove));
    if plan.applied.is_some() && plan.actions.is_empty() {
        return "Plan: no changes; what was applied is what would be planned now".into();
    }
    format!("Plan: {add} to add, {change} to change, {remove} to remove")
}

fn outlook(group: &GroupOutlook, currency: &str) -> Vec<String> {
    let name = plain(group.group.as_str());
    let mut lines = vec![format!("Needs: {} instances of {name}{}", group.instances, warm(group))];
    let p95 = |load: LoadRange| load.p95.unwrap_or_default();
    let retries =
        if group.amplification > 1.0 { format!(", {:.1} times that with retries", group.amplification) } else { String::new() };
    lines.push(format!(
        "  load at p95: {:.0}/s on ordinary days, {:.0}/s more by launches{retries}",
        p95(group.baseline),
        p95(group.surge)
    ));
    lines.extend(group.queue.map(|queue| {
        let busy = queue.utilisation.map_or("no worker left".to_owned(), |busy| format!("{:.0} % utilisation", busy * 100.0));
        match queue.wait_p95_secs {
            Some(secs) => format!(
                "  waiting (Erlang C): {:.1} % of requests, at p95 {:.0} ms, at {busy} with zones lost",
                queue.wait_probability * 100.0,
                secs * 1_000.0
            ),
            None => format!("  waiting (Erlang C): the queue grows without end: {busy} with zones lost"),
        }
    }));
    lines.extend(group.lead_secs.map(|secs| {
        let source = if group.lead_is_observed { "the p95 of observed boots" } else { "as the policy states" };
        format!("  lead: {}, {source}", format_duration(Duration::from_secs(secs)))
    }));
    lines.extend(group.cost.map(|cost| format!("  cost: {cost:.2} {}", plain(currency))));
    lines.extend(group.problems.iter().map(|problem| paint(Colour::Yellow, &format!("  ! {}", plain(problem)))));
    lines
}

/// What priming would spare.
fn warm(group: &GroupOutlook) -> String {
    let fewer = group.instances_primed.filter(|primed| *primed < group.instances);
    fewer.map_or(String::new(), |primed| format!(", {primed} once its caches are primed"))
}

fn line(action: &Action) -> String {
    let (mark, colour) = match action.change {
        Change::Add => ("+", Colour::Green),
        Change::Change => ("~", Colour::Yellow),
        Change::Remove => ("-", Colour::Red),
    };
    let unit = if matches!(action.kind.as_str(), "step" | "prime") { " %" } else { "" };
    let side = |amount: Option<&Amount>| match amount {
        None => "none".into(),
        Some(Amount::Whole(whole)) => format!("{whole}{unit}"),
        Some(Amount::Fraction(fraction)) => format!("{fraction}{unit}"),
        Some(Amount::Text(text)) => text.clone(),
    };
    let sides = format!("{} -> {}", side(action.from.as_ref()), side(action.to.as_ref()));
    let what = format!("{} {}: {sides}", action.kind, action.target);
    let why = paint(Colour::Grey, &plain(&action.why));
    format!("  {} {}  {}\n      {why}", paint(colour, mark), action.at.strftime("%Y-%m-%d %H:%M:%SZ"), plain(&what))
}
