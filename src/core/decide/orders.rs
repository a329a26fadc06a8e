//! Orders by people: what each does to the state, or why it does nothing.
//!
//! Invariants: halting needs nobody's leave, lifting needs the policy's people; a sign-off binds to what is signed now
//! (I7). Whether a person may give an order at all is the control listener's to check.

use jiff::Timestamp;

use super::agreement;
use super::announce;
use super::decision::Told;
use super::draft::Draft;
use super::facts;
use super::overrides;
use super::snapshot::{Command, Order, Person};
use super::vanished;
use crate::core::checklist::{Demand, Item, SignOff, Waiver};
use crate::core::release::{Event, Refused, Release, ReleaseState, step};
use crate::core::throttle::{Halt, HaltTarget, Lift};
use crate::core::words::{Name, local};

/// Carries out one order; the reply is what the person hears.
pub(super) fn carry_out(draft: &mut Draft<'_>, command: &Command) -> Result<Told, Told> {
    let command = &Command { reason: stated(&command.reason), ..command.clone() };
    let by = command.by.name.clone();
    let reason = command.reason.clone();
    match &command.order {
        Order::Go { release } => {
            let readiness = facts::readiness(draft, release);
            let (word, missing) = readiness.map_or((crate::core::checklist::Word::Hold, Vec::new()), |r| (r.word, r.reasons));
            advance(draft, release, (Event::Go { by, reason, readiness: word, missing }, command))
        }
        Order::Hold { release } => advance(draft, release, (Event::Hold { by, reason }, command)),
        Order::Resume { release } => advance(draft, release, (Event::Resume, command)),
        Order::Advance { release } => advance(draft, release, (Event::Advance, command)),
        Order::Promote { release } => advance(draft, release, (Event::Promote, command)),
        Order::Abort { release } => advance(draft, release, (Event::Abort { reason: format!("{by}: {reason}") }, command)),
        Order::Clear { release } => advance(draft, release, (Event::Clear { by, reason }, command)),
        Order::Scrub { release } => advance(draft, release, (Event::Scrub { reason: format!("{by} says {reason}") }, command)),
        Order::SignOff { release, item } => sign_off(draft, (release, item), command),
        Order::Waive { release, item, expires_at } => waive(draft, (release, item, *expires_at), command),
        Order::Halt { target } => Ok(halt(draft, target, command)),
        Order::Lift { target, break_glass } => {
            let glass = if *break_glass { Glass::Broken } else { Glass::Whole };
            lift(draft, target, (command, glass))
        }
        Order::Override { group, to, expires_at } => overrides::add(draft, (group, *to, *expires_at), command),
        Order::ExtendOverride { group, kind, by } => overrides::extend(draft, (group, *kind, *by)),
        Order::ClearOverride { group, kind } => overrides::clear(draft, (group, *kind)),
        Order::Applied { releases } => {
            draft.state.applies += 1;
            for name in releases {
                if let Some(state) = draft.state.releases.get_mut(name) {
                    state.applied_by = Some(command.by.name.clone());
                }
            }
            Ok(told("applied", "the documents are in force"))
        }
        Order::ApplyPlan { release, made_from } => agreement::apply(draft, (release, made_from), command),
        Order::Removed { document, releases } => Ok(vanished::removed(draft, (document, releases), command)),
    }
}

/// When nobody said why.
const NO_REASON: &str = "no reason given";

/// A reason as part of a sentence: without its own full stop, and never nothing.
fn stated(reason: &str) -> String {
    let words = reason.trim().trim_end_matches('.');
    if words.is_empty() { NO_REASON.into() } else { words.into() }
}

pub(super) fn told(code: &str, message: impl Into<String>) -> Told {
    Told { code: code.into(), message: message.into() }
}

fn unknown(name: &Name) -> Told {
    told("unknown_release", format!("there is no release {name}"))
}

fn advance(draft: &mut Draft<'_>, name: &Name, (event, command): (Event, &Command)) -> Result<Told, Told> {
    let release = draft.snapshot.config.releases.get(name).ok_or_else(|| unknown(name))?;
    let before = draft.state.releases.get(name).cloned().ok_or_else(|| unknown(name))?;
    if let Some(missing) = vanished::refuses(draft, name, &event) {
        return Err(told("document_vanished", missing));
    }
    let after = step(release, &before, event, draft.snapshot.now).map_err(|refused| refusal(name, &refused))?;
    draft.state.releases.insert(name.clone(), after.clone());
    announce::transition(draft, release, (&before, &after, Some(command)));
    let message = outcome(release, &after, &command.order);
    Ok(told(after.phase.word(), message))
}

fn refusal(name: &Name, refused: &Refused) -> Told {
    told(refused.code(), format!("{name}: {refused}"))
}

fn outcome(release: &Release, state: &ReleaseState, order: &Order) -> String {
    match order {
        Order::Go { .. } if state.armed.is_some() => {
            format!("{} is armed and launches at {} if readiness is GO then", release.name, release.local(release.launch_at))
        }
        _ => format!("{} is {}", release.name, state.phase.word()),
    }
}

/// The item of a release with its content hash.
fn item<'a>(draft: &Draft<'a>, release: &Name, id: &Name) -> Result<(&'a Item, String), Told> {
    let config = &draft.snapshot.config;
    let document = config.releases.get(release).ok_or_else(|| unknown(release))?;
    let lists = document.checklists.iter().filter_map(|name| config.checklists.get(name));
    let items: Vec<&Item> = lists.flat_map(|list| &list.items).collect();
    let found = items.iter().find(|item| item.id == *id);
    let found = found.ok_or_else(|| {
        let known: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
        told("unknown_item", format!("{release} has no item {id}; its items: {}", known.join(", ")))
    })?;
    let content = config.contents.get(&format!("{}/{}", release.folded(), id.folded()));
    let content =
        content.ok_or_else(|| told("unknown_content", format!("what {id} binds to is not known; check the documents")))?;
    Ok((found, content.clone()))
}

fn sign_off(draft: &mut Draft<'_>, (release, id): (&Name, &Name), command: &Command) -> Result<Told, Told> {
    let (item, content) = item(draft, release, id)?;
    let Demand::SignOff { roles, .. } = &item.demand else {
        return Err(told("not_a_sign_off", format!("{id} is measured, not signed; a waiver replaces its answer for a while")));
    };
    let may = roles.is_empty() || command.by.roles.iter().any(|role| roles.contains(role));
    if !may {
        return Err(told("wrong_role", format!("{} has none of the roles that {id} asks for", command.by.name)));
    }
    let by = &command.by;
    let state = draft.state.releases.get_mut(release).ok_or_else(|| unknown(release))?;
    if state.applied_by.as_ref() == Some(&by.name) {
        return Err(told("own_release", format!("{} applied {release} and cannot sign it", by.name)));
    }
    if state.sign_offs.iter().any(|old| old.item == *id && old.by == by.name && old.content == content) {
        return Err(told("already_signed", format!("{} has signed {id} already", by.name)));
    }
    state.sign_offs.retain(|old| old.item != *id || old.by != by.name);
    state.sign_offs.push(signature(by, item, (content, draft.snapshot.now, &command.reason)));
    Ok(told("signed", format!("{} signed {id} of {release}", by.name)))
}

fn signature(by: &Person, item: &Item, (content, at, reason): (String, Timestamp, &str)) -> SignOff {
    let reason = (reason != NO_REASON).then(|| reason.to_owned());
    SignOff { item: item.id.clone(), by: by.name.clone(), roles: by.roles.clone(), at, content, reason }
}

fn waive(draft: &mut Draft<'_>, (release, id, expires_at): (&Name, &Name, Timestamp), command: &Command) -> Result<Told, Told> {
    let (item, content) = item(draft, release, id)?;
    if !item.waivable {
        return Err(told("not_waivable", format!("{id} may not be waived")));
    }
    if expires_at <= draft.snapshot.now {
        return Err(told("expired", format!("a waiver until {expires_at} is over already")));
    }
    let state = draft.state.releases.get_mut(release).ok_or_else(|| unknown(release))?;
    state.waivers.retain(|old| old.item != *id);
    let (by, reason) = (command.by.name.clone(), command.reason.clone());
    state.waivers.push(Waiver { item: id.clone(), by, reason, expires_at, content });
    Ok(told("waived", format!("{id} of {release} is waived until {}", local(expires_at, None))))
}

fn halt(draft: &mut Draft<'_>, target: &HaltTarget, command: &Command) -> Told {
    if let Some(halt) = draft.state.halts.iter_mut().find(|halt| halt.target == *target) {
        // Somebody wants it halted: voices to lift it, given before, are void.
        let (voices, halt) = (std::mem::take(&mut halt.lifts), halt.clone());
        let rule = lift_rule(draft, target);
        announce::stays_halted(draft, &halt, (command, &voices, &rule));
        return told("already_halted", format!("{} is halted already", announce::target(target)));
    }
    let halt = Halt {
        target: target.clone(),
        by: command.by.name.to_string(),
        reason: command.reason.clone(),
        at: draft.snapshot.now,
        lifts: Vec::new(),
    };
    let rule = lift_rule(draft, target);
    announce::halted(draft, &halt, &rule);
    draft.state.halts.push(halt);
    told("halted", format!("{} is halted", announce::target(target)))
}

/// Whether one person lifts alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Glass {
    Whole,
    Broken,
}

/// Names what does hold updates back: somebody who lifts the wrong halt would wonder why nothing changes.
fn not_halted(draft: &Draft<'_>, target: &HaltTarget) -> String {
    let what = announce::target(target);
    if draft.snapshot.observed.halt_file {
        return format!("{what} is halted by the halt file, like everything; removing the file lifts it");
    }
    let of_app = |halt: &&Halt| app_of(&halt.target).is_some_and(|app| Some(app) == app_of(target));
    let others: Vec<_> = draft.state.halts.iter().filter(of_app).map(|halt| announce::target(&halt.target)).collect();
    match others.as_slice() {
        [] => format!("{what} is not halted"),
        others => format!("{what} is not halted; halted is {}, lift that by naming it", others.join(", ")),
    }
}

fn lift(draft: &mut Draft<'_>, target: &HaltTarget, (command, glass): (&Command, Glass)) -> Result<Told, Told> {
    let rule = lift_rule(draft, target);
    let by = &command.by;
    let Some(position) = draft.state.halts.iter().position(|halt| halt.target == *target) else {
        return Err(told("not_halted", not_halted(draft, target)));
    };
    let may = rule.roles.is_empty() || by.roles.iter().any(|role| rule.roles.contains(role));
    if !may && glass == Glass::Whole {
        return Err(told(
            "wrong_role",
            format!("{} has none of the roles that may lift; --break-glass lifts alone, and everybody hears of it", by.name),
        ));
    }
    let halt = &mut draft.state.halts[position];
    let is_new = may && !halt.lifts.contains(&by.name);
    if is_new {
        halt.lifts.push(by.name.clone());
    }
    let (got, needed) = (halt.lifts.len(), rule.count.max(1) as usize);
    if got < needed && glass == Glass::Whole {
        let asked = halt.clone();
        if is_new {
            announce::lift_asked(draft, &asked, (&by.name, &rule));
        }
        return Ok(told("lift_pending", format!("{} of {needed} people have asked to lift {}", got, announce::target(target))));
    }
    let halt = draft.state.halts.remove(position);
    if let Some(app) = app_of(target) {
        draft.state.rehearsals.insert(app.clone(), draft.snapshot.now);
    }
    announce::lifted(draft, &halt, (by, &command.reason, glass == Glass::Broken && got < needed));
    Ok(told("lifted", format!("{} is no longer halted", announce::target(target))))
}

fn app_of(target: &HaltTarget) -> Option<&Name> {
    match target {
        HaltTarget::Everything => None,
        HaltTarget::App { app } | HaltTarget::Channel { app, .. } | HaltTarget::Version { app, .. } => Some(app),
    }
}

/// The strictest rule among the policies that name the app, or among all when none does.
fn lift_rule(draft: &Draft<'_>, target: &HaltTarget) -> Lift {
    let policies = &draft.snapshot.config.throttles;
    let names_it = |lift: &&crate::core::throttle::Policy| lift.rules.iter().any(|rule| Some(&rule.app) == app_of(target));
    let strictest = |lifts: Vec<&Lift>| lifts.into_iter().max_by_key(|lift| lift.count).cloned();
    let naming = strictest(policies.values().filter(names_it).map(|policy| &policy.lift).collect());
    naming.or_else(|| strictest(policies.values().map(|policy| &policy.lift).collect())).unwrap_or_default()
}
