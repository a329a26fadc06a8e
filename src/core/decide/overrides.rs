//! Overrides by people: what it takes to impose one, what it will cost, and what people hear as it ends.
//!
//! What would be refused later is refused now, with what to do. Not here: what an override makes of a plan, which is
//! [`crate::core::load`]'s. Invariant (I6): none is taken out but by an order about it or at its end, and then once.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::announce::{Text, say};
use super::decision::Told;
use super::draft::Draft;
use super::effect::Topic;
use super::memory::Memory;
use super::orders::told;
use super::snapshot::{Command, Order, Snapshot};
use crate::core::load::{GroupPlan, Override, OverrideKind, OverrideTo, Overrides, Policy, Problem, a_day};
use crate::core::words::{Capacity, Name, format_duration, later, local, since};

/// What an override would do, before it is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// The scaling policy.
    pub group: Name,
    /// What it would impose.
    pub to: OverrideTo,
    /// Until when.
    pub expires_at: Timestamp,
    /// The floor that is there now; `None`: not known.
    pub floor_now: Option<Capacity>,
    /// The floor that it leads to; `None`: as it is.
    pub floor_then: Option<Capacity>,
    /// When that is set, a step at a time; `None`: it is, or something stronger stands in its way.
    pub set_at: Option<Timestamp>,
    /// What it costs beyond what is planned without it, the ramp at its end included; `None` without a price.
    pub cost: Option<f64>,
    /// Currency of the cost, ISO 4217.
    pub currency: Option<String>,
    /// What binds besides, in whole sentences.
    pub notes: Vec<String>,
}

impl Quote {
    /// The figures in a sentence.
    pub fn sentence(&self) -> String {
        let until = local(self.expires_at, None);
        let known = |floor: Option<Capacity>| floor.map_or("?".to_owned(), |floor| floor.to_string());
        let floor = match self.floor_then {
            Some(then) if Some(then) != self.floor_now => {
                let set = self.set_at.map_or(String::new(), |at| format!(", set by {}", local(at, None)));
                format!("floor {} -> {then}{set}", known(self.floor_now))
            }
            _ => format!("floor {} as it is", known(self.floor_now)),
        };
        let cost = self.cost.zip(self.currency.as_ref()).map(|(cost, currency)| money(cost, currency));
        let cost = cost.unwrap_or_else(|| "; its policy states no price".into());
        let notes = self.notes.iter().fold(String::new(), |all, note| all + " " + note);
        format!("{} gets a {} until {until}: {floor}{cost}.{notes}", self.group, self.to.words())
    }
}

/// What it costs, or saves.
fn money(cost: f64, currency: &str) -> String {
    let cents = (cost * 100.0).round();
    match cents {
        0.0 => format!("; 0.00 {currency} more"),
        cents if cents > 0.0 => format!("; about {:.2} {currency} more", cents / 100.0),
        cents => format!("; about {:.2} {currency} less", -cents / 100.0),
    }
}

/// What an order to impose something would do, from how things stand; nothing is done.
pub fn override_quote(snapshot: &Snapshot, command: &Command) -> Result<Quote, Told> {
    let Order::Override { group, to, expires_at } = &command.order else {
        return Err(told("no_override", "this order imposes nothing on a group"));
    };
    let memory = Memory::default();
    imposed(&mut Draft::new(snapshot, &memory), (group, *to, *expires_at), command)
}

/// Imposes.
pub(super) fn add(
    draft: &mut Draft<'_>,
    (group, to, expires_at): (&Name, OverrideTo, Timestamp),
    command: &Command,
) -> Result<Told, Told> {
    imposed(draft, (group, to, expires_at), command).map(|quote| told("overridden", quote.sentence().trim_end_matches('.')))
}

fn imposed(
    draft: &mut Draft<'_>,
    (group, to, expires_at): (&Name, OverrideTo, Timestamp),
    command: &Command,
) -> Result<Quote, Told> {
    let policy = draft.snapshot.config.scalings.get(group).ok_or_else(|| unknown(group))?;
    in_time(draft.snapshot.now, expires_at, policy.limits.override_for)?;
    within_limits(draft, policy, to)?;
    let (before, at) = (draft.plan_of(group), draft.snapshot.now);
    let (owner, reason) = (command.by.name.clone(), command.reason.clone());
    let one = Override { id: 0, group: group.clone(), to, owner, reason, created_at: at, expires_at, warned: false };
    let old = draft.state.overrides.clone();
    draft.state.overrides.put(one);
    let after = draft.plan_of(group);
    let plans = before.as_ref().zip(after.as_ref());
    if let Err(refused) = affordable(policy, plans) {
        draft.state.overrides = old;
        return Err(refused);
    }
    let replaces = old.of(group, at).find(|one| one.to.kind() == to.kind()).map(replaced);
    let planned = before.as_ref().and_then(|plan| kept_away(plan, (to, expires_at)));
    let notes = notes(draft, (group, to), after.as_ref());
    let notes = replaces.into_iter().chain(notes).chain(planned).collect();
    Ok(quote(draft, (policy, to, expires_at), plans, notes))
}

fn unknown(group: &Name) -> Told {
    told("unknown_group", format!("there is no scaling policy {group}"))
}

fn in_time(now: Timestamp, expires_at: Timestamp, longest: Duration) -> Result<(), Told> {
    if expires_at <= now {
        return Err(told("already_over", "it would be over already; say how long it lasts, such as --for 2h"));
    }
    let latest = later(now, longest);
    if expires_at > latest {
        let (longest, latest) = (format_duration(longest), local(latest, None));
        let why = format!(
            "the policy lets an override last {longest} from now, until {latest}; ask for less, and extend it when it is near its end"
        );
        return Err(told("beyond_maximum", why));
    }
    Ok(())
}

/// Absolute limits, quota, the group's own ceiling, and the floor that stands there without tminus.
fn within_limits(draft: &Draft<'_>, policy: &Policy, to: OverrideTo) -> Result<(), Told> {
    let Some(instances) = to.instances() else { return Ok(()) };
    let (limits, group, words) = (&policy.limits, &policy.name, to.words());
    let beyond = |what: String| Err(told("beyond_limits", format!("a {words} on {group} is {what}")));
    let seen = draft.snapshot.observed.groups.get(group);
    if instances < limits.floor {
        return beyond(format!("below the policy's floor of {}; that is the least anybody may ask for", limits.floor));
    }
    if instances > limits.ceiling {
        return beyond(format!("above the policy's ceiling of {}; ask for at most that, or change the policy", limits.ceiling));
    }
    if let Some(quota) = limits.quota.filter(|quota| instances > *quota) {
        return beyond(format!("above the account's quota of {quota}; have the quota raised and write it into the policy first"));
    }
    if let Some(own) = seen.map(|seen| seen.ceiling).filter(|own| instances > *own) {
        return beyond(format!("above the group's own ceiling of {own}, which tminus does not raise; raise it there first"));
    }
    let stands = draft.state.floors.get(group).map(|held| held.restore).or_else(|| seen.map(|seen| seen.floor));
    if let Some(stands) = stands.filter(|stands| instances < *stands && !matches!(to, OverrideTo::Floor(_))) {
        return beyond(format!(
            "below the floor of {stands} that stands there without tminus, which it never takes away; lower that in the group itself"
        ));
    }
    Ok(())
}

/// The policy's limit on cost binds people as it binds automation.
fn affordable(policy: &Policy, plans: Option<(&GroupPlan, &GroupPlan)>) -> Result<(), Told> {
    let costs = plans.and_then(|(before, after)| before.cost.zip(after.cost));
    let Some(((before, after), limit)) = costs.zip(policy.limits.cost) else { return Ok(()) };
    if after <= limit || after <= before {
        return Ok(());
    }
    let why = format!(
        "with it {} costs about {after:.2} and at most {limit:.2} is allowed; ask for less, for a shorter time, or change `limits.cost`",
        policy.name
    );
    Err(told("beyond_cost", why))
}

fn quote(
    draft: &Draft<'_>,
    (policy, to, expires_at): (&Policy, OverrideTo, Timestamp),
    plans: Option<(&GroupPlan, &GroupPlan)>,
    notes: Vec<String>,
) -> Quote {
    let group = &policy.name;
    let held = draft.state.floors.get(group).map(|held| held.floor);
    let now = held.or_else(|| draft.snapshot.observed.groups.get(group).map(|seen| seen.floor));
    let stronger = |kind: OverrideKind| {
        let one = draft.state.overrides.of(group, draft.snapshot.now).find(|one| one.to.kind() == kind)?;
        (kind > to.kind()).then(|| one.to.instances())
    };
    let is_held = stronger(OverrideKind::Pin).or_else(|| stronger(OverrideKind::Freeze)).is_some();
    let ceiling = stronger(OverrideKind::Ceiling).flatten();
    let then = match (to, now) {
        _ if is_held => None,
        (OverrideTo::Floor(floor), Some(now)) if ceiling.is_some_and(|ceiling| ceiling < floor) => ceiling.max(Some(now)),
        (OverrideTo::Floor(floor), Some(now)) => Some(floor.max(now)),
        (OverrideTo::Ceiling(ceiling), Some(now)) => Some(ceiling.min(now)),
        (OverrideTo::Floor(instances) | OverrideTo::Pin(instances), _) => Some(instances),
        (OverrideTo::Ceiling(_) | OverrideTo::Freeze, _) => None,
    };
    let is_there = |floor: Capacity| match now.zip(then) {
        Some((now, then)) if then > now => floor >= then,
        Some((now, then)) if then < now => floor <= then,
        _ => false,
    };
    let changes = plans.map_or(&[][..], |(_, after)| after.timeline.as_slice()).iter();
    Quote {
        group: group.clone(),
        to,
        expires_at,
        floor_now: now,
        floor_then: then,
        set_at: changes.filter(|change| change.at < expires_at).find(|change| is_there(change.to)).map(|change| change.at),
        cost: plans.and_then(|(before, after)| Some(after.cost? - before.cost?)),
        currency: policy.price.as_ref().map(|price| price.currency.clone()),
        notes,
    }
}

/// What stands above it or in its way.
fn notes(draft: &Draft<'_>, (group, to): (&Name, OverrideTo), plan: Option<&GroupPlan>) -> Vec<String> {
    let now = draft.snapshot.now;
    let outranks = |one: &&Override| one.to.kind() > to.kind();
    let stronger = draft.state.overrides.of(group, now).filter(outranks).map(|one| {
        let until = local(one.expires_at, None);
        format!("The {} that {} imposes until {until} is stronger.", one.to.words(), one.owner)
    });
    let held = draft.state.floors.get(group).map(|held| held.floor);
    let takes =
        matches!(to, OverrideTo::Pin(instances) | OverrideTo::Ceiling(instances) if held.is_some_and(|held| instances < held));
    let window = plan.and_then(|plan| plan.window).filter(|(opens, ends)| takes && *opens <= now && now < *ends);
    let window = window.map(|(_, ends)| {
        format!(
            "Nothing is taken away in the launch window, which ends at {}; nothing more is added from now on.",
            local(ends, None)
        )
    });
    let unseen = plan.is_some_and(|plan| plan.problems.contains(&Problem::NotObserved));
    let unseen = unseen.then(|| "It is not observed now: nothing changes until it is seen.".to_owned());
    stronger.chain(window).chain(unseen).collect()
}

fn replaced(one: &Override) -> String {
    format!("It replaces the {} that {} imposes until {}.", one.to.words(), one.owner, local(one.expires_at, None))
}

/// A raise that is planned and does not come while a group is frozen.
fn kept_away(plan: &GroupPlan, (to, expires_at): (OverrideTo, Timestamp)) -> Option<String> {
    let raise = plan.timeline.iter().find(|change| change.to > change.from && change.at < expires_at)?;
    let (floor, at) = (raise.to, local(raise.at, None));
    (to == OverrideTo::Freeze).then(|| format!("The floor of {floor} that is planned for {at} does not come while it lasts."))
}

/// Lets one end later.
pub(super) fn extend(draft: &mut Draft<'_>, (group, kind, by): (&Name, OverrideKind, Duration)) -> Result<Told, Told> {
    let policy = draft.snapshot.config.scalings.get(group);
    let one = draft.state.overrides.find(group, kind).cloned().ok_or_else(|| none(draft, (group, kind)))?;
    let expires_at = later(one.expires_at, by);
    in_time(draft.snapshot.now, expires_at, policy.map_or_else(a_day, |policy| policy.limits.override_for))?;
    let (before, old) = (draft.plan_of(group), draft.state.overrides.clone());
    for other in draft.state.overrides.list.iter_mut().filter(|other| other.id == one.id) {
        (other.expires_at, other.warned) = (expires_at, false);
    }
    let after = draft.plan_of(group);
    let refused = policy.and_then(|policy| affordable(policy, before.as_ref().zip(after.as_ref())).err());
    if let Some(refused) = refused {
        draft.state.overrides = old;
        return Err(refused);
    }
    let words = one.to.words();
    Ok(told(
        "extended",
        format!("the {words} on {group} lasts {} longer, until {}", format_duration(by), local(expires_at, None)),
    ))
}

/// Ends one now.
pub(super) fn clear(draft: &mut Draft<'_>, (group, kind): (&Name, OverrideKind)) -> Result<Told, Told> {
    let one = draft.state.overrides.find(group, kind).cloned().ok_or_else(|| none(draft, (group, kind)))?;
    draft.state.overrides.list.retain(|other| other.id != one.id);
    Ok(told("cleared", format!("the {} on {group} is cleared. {}", one.to.words(), afterwards(one.to).trim_end_matches('.'))))
}

/// Names what is there, so that nobody has to look it up.
fn none(draft: &Draft<'_>, (group, kind): (&Name, OverrideKind)) -> Told {
    let there: Vec<_> = draft.state.overrides.of(group, draft.snapshot.now).map(|one| one.to.words()).collect();
    let there = if there.is_empty() { "no override at all".into() } else { there.join(", ") };
    told("no_override", format!("there is no {} on {group}; in force there is {there}", kind.word()))
}

/// What comes when it is over.
fn afterwards(to: OverrideTo) -> &'static str {
    match to {
        OverrideTo::Floor(_) => "What it raised is given back by the ramp, outside launch windows, as far as no launch needs it.",
        OverrideTo::Ceiling(_) => "Automation raises the floor again as plans ask for.",
        OverrideTo::Pin(_) => {
            "Automation follows the plans again: it raises what they ask for and gives back the rest by the ramp."
        }
        OverrideTo::Freeze => "Automation changes the group again as plans ask for.",
    }
}

/// Takes out what is over; people hear of it once.
pub(super) fn end(draft: &mut Draft<'_>) {
    for one in draft.state.overrides.take_over(draft.snapshot.now) {
        let text = Text {
            topic: Topic::OverrideExpiring,
            key: format!("override:{}:ended", one.id),
            what: format!("The {} that {} imposed on {} is over.", one.to.words(), one.owner, one.group),
            meaning: afterwards(one.to).into(),
            next: "Nothing to do; `tminus override add` imposes it anew.".into(),
        };
        say(draft, None, text);
    }
}

/// Tells people that an end is near, once for each end.
pub(super) fn warn(draft: &mut Draft<'_>) {
    let now = draft.snapshot.now;
    let near = |one: &&mut Override| !one.warned && one.warns_at() <= now;
    let mut told: Vec<Override> = Vec::new();
    for one in draft.state.overrides.list.iter_mut().filter(near) {
        one.warned = true;
        told.push(one.clone());
    }
    for one in told {
        let (left, kind) = (format_duration(whole_minutes(since(one.expires_at, now))), one.to.kind().word());
        let text = Text {
            topic: Topic::OverrideExpiring,
            key: format!("override:{}:expiring:{}", one.id, one.expires_at),
            what: format!("The {} that {} imposed on {} ends in {left}: {}.", one.to.words(), one.owner, one.group, one.reason),
            meaning: afterwards(one.to).into(),
            next: format!("`tminus override extend {} {kind} --for 2h` lets it last longer; otherwise nothing to do.", one.group),
        };
        say(draft, None, text);
    }
}

/// Whole minutes where there is one: nobody reads milliseconds at night.
fn whole_minutes(left: Duration) -> Duration {
    if left < Duration::from_mins(1) { Duration::from_secs(left.as_secs()) } else { Duration::from_mins(left.as_secs() / 60) }
}

/// When an override is known to end or to be announced next.
pub(super) fn next_at(draft: &Draft<'_>) -> Option<Timestamp> {
    let overrides: &Overrides = &draft.state.overrides;
    overrides.list.iter().map(Override::next_at).filter(|at| *at > draft.snapshot.now).min()
}
