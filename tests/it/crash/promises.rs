//! What must hold after every start, whatever killed the daemon before.
//!
//! I1: what reached the world is in the journal. I2: per key one change, told again only by a later run, and never once
//! the journal knew it done. I10: the chain verifies, one row per decision. And every promise that a person was given
//! is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::durable::Durable;
use super::ledger::{Deed, Ledger, mark, marked};
use super::room::Receipt;

/// Everything that is looked at together.
pub struct Stand<'a> {
    pub ledger: &'a Ledger,
    pub durable: &'a Durable,
    pub registry: Option<&'a Value>,
    pub receipts: &'a [Receipt],
    /// What the command was told: run and message.
    pub tellings: &'a [(u32, String)],
    pub run: u32,
}

/// What earlier looks have shown.
#[derive(Default)]
pub struct Seen {
    /// Keys that the journal knew done, and the run in which that was first seen.
    done: BTreeMap<String, u32>,
    decisions: u64,
}

/// Every promise that is broken, in words.
pub fn broken(stand: &Stand<'_>, seen: &mut Seen) -> Vec<String> {
    let mut broken = Vec::new();
    orders(stand, &mut broken);
    applied(stand, &mut broken);
    halts(stand, &mut broken);
    phases(stand, &mut broken);
    audited(stand, seen, &mut broken);
    told(stand, seen, &mut broken);
    floors(stand, &mut broken);
    instances(stand, &mut broken);
    broken
}

/// Numbers of the orders that the timeline says were carried out, in its order.
fn carried_out(stand: &Stand<'_>) -> Vec<u32> {
    let orders = stand.durable.events.iter().filter(|(kind, _)| kind == "order");
    orders.filter_map(|(_, message)| marked(message)).collect()
}

fn orders(stand: &Stand<'_>, broken: &mut Vec<String>) {
    let carried_out = carried_out(stand);
    for (number, entry) in stand.ledger.entries() {
        if matches!(entry.deed, Deed::Release { .. } | Deed::Policy) {
            continue;
        }
        let times = carried_out.iter().filter(|other| **other == number).count();
        // What is halted already is halted, and nothing changes.
        let least = usize::from(!matches!(entry.deed, Deed::Halt | Deed::Lift | Deed::LiftVersion));
        let fits = match (entry.promised, entry.refused) {
            (true, _) => (least..=1).contains(&times),
            (_, true) => times == 0,
            (false, false) => times <= 1,
        };
        if !fits {
            broken.push(format!("{number} {entry:?} was carried out {times} times"));
        }
    }
}

fn applied(stand: &Stand<'_>, broken: &mut Vec<String>) {
    let mut promised_policy = 0;
    for (number, entry) in stand.ledger.entries().filter(|(_, entry)| entry.promised) {
        match &entry.deed {
            Deed::Release { release } => {
                let is_kept = stand.durable.documents.iter().any(|(kind, name, _)| kind == "Release" && name == release);
                broken.extend((!is_kept).then(|| format!("{release} was applied and is gone")));
            }
            Deed::Policy => promised_policy = number,
            _ => {}
        }
    }
    let policy = stand.durable.documents.iter().find(|(kind, _, _)| kind == "ThrottlePolicy");
    let kept = policy.and_then(|(_, _, body)| marked(body)).unwrap_or(0);
    if kept < promised_policy {
        broken.push(format!("{} was applied and the policy has {kept}", mark(promised_policy)));
    }
    // I7 hangs on it: who applied a release may not sign it.
    for (_, name, _) in stand.durable.documents.iter().filter(|(kind, _, _)| kind == "Release") {
        let by = stand.durable.release(name).map(|release| &release["applied_by"]);
        if by.is_none_or(|by| by != "lead") {
            broken.push(format!("{name} is applied, and by whom is lost: {by:?} (I7)"));
        }
    }
}

/// Whether the other app must be halted, as its orders in the timeline leave it.
pub fn is_halted(stand: &Stand<'_>) -> bool {
    let mut deeds = carried_out(stand).into_iter().filter_map(|number| stand.ledger.get(number)).map(|entry| &entry.deed);
    deeds.rfind(|deed| matches!(deed, Deed::Halt | Deed::Lift)) == Some(&Deed::Halt)
}

/// What was promised last about the other app; `None`: an order without an answer came after it.
fn promised_halt(ledger: &Ledger) -> Option<bool> {
    let about = ledger.entries().filter(|(_, entry)| matches!(entry.deed, Deed::Halt | Deed::Lift) && !entry.refused);
    about.last().map_or(Some(false), |(_, entry)| entry.promised.then_some(entry.deed == Deed::Halt))
}

fn halts(stand: &Stand<'_>, broken: &mut Vec<String>) {
    let text = stand.durable.state["halts"].to_string();
    let stands = text.contains(r#""app":"other""#);
    if promised_halt(stand.ledger).is_some_and(|promised| promised != stands) {
        broken.push(format!("the last promise about the other app is not kept; the state says {text}"));
    }
    if stands != is_halted(stand) {
        broken.push(format!("the orders leave the other app halted: {}; the state says {text}", is_halted(stand)));
    }
}

/// The last order about a release decides where it may stand.
fn phases(stand: &Stand<'_>, broken: &mut Vec<String>) {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for number in carried_out(stand) {
        match stand.ledger.get(number).map(|entry| &entry.deed) {
            Some(Deed::Phase { release, word }) => drop(last.insert(release, word)),
            Some(Deed::SignOff { release }) => {
                let signed = stand.durable.release(release).and_then(|state| state["sign_offs"].as_array().map(Vec::len));
                if signed.is_none_or(|count| count == 0) {
                    broken.push(format!("the signature under {release} is lost"));
                }
            }
            _ => {}
        }
    }
    for (release, word) in last {
        let Some(state) = stand.durable.release(release) else {
            broken.push(format!("{release} has no state"));
            continue;
        };
        let phase = state["phase"].to_string();
        let fits = match word {
            "hold" | "clear" => phase.contains("held"),
            "abort" => phase.contains("aborted"),
            _ => !phase.contains("held") && !phase.contains("aborted"),
        };
        if !fits {
            broken.push(format!("after {word} {release} is {phase}"));
        }
    }
}

fn audited(stand: &Stand<'_>, seen: &mut Seen, broken: &mut Vec<String>) {
    let decisions = stand.durable.state["decisions"].as_u64().unwrap_or(0);
    if decisions != stand.durable.rows {
        broken.push(format!("{decisions} decisions and {} rows of the audit (I10)", stand.durable.rows));
    }
    if decisions < seen.decisions {
        broken.push(format!("{} decisions were durable, {decisions} are left", seen.decisions));
    }
    seen.decisions = decisions;
}

/// The key that a message carries.
fn key_of(message: &str) -> String {
    let value: Value = serde_json::from_str(message).unwrap_or_default();
    format!("notify:{}", value["key"].as_str().unwrap_or("?"))
}

fn told(stand: &Stand<'_>, seen: &mut Seen, broken: &mut Vec<String>) {
    let mut bodies: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut times: BTreeMap<(&str, String, u32), i64> = BTreeMap::new();
    for receipt in stand.receipts {
        let key = key_of(&receipt.body);
        bodies.entry(key.clone()).or_default().insert(&receipt.body);
        if key.strip_prefix("notify:") != Some(&receipt.key) {
            broken.push(format!("{key} came with the idempotency key {}", receipt.key));
        }
        // An answer that was lost may be asked for again; nothing else.
        *times.entry(("the room", key, receipt.run)).or_default() += i64::from(receipt.answered);
    }
    for (run, message) in stand.tellings {
        let key = key_of(message);
        bodies.entry(key.clone()).or_default().insert(message);
        *times.entry(("the command", key, *run)).or_default() += 1;
    }
    for (key, bodies) in bodies {
        if bodies.len() > 1 {
            broken.push(format!("{key} has {} different messages (I2)", bodies.len()));
        }
        if !stand.durable.intents.contains_key(&key) {
            broken.push(format!("{key} reached the world and is not in the journal (I1)"));
        }
    }
    for ((who, key, run), times) in times {
        if times > 1 {
            broken.push(format!("{who} was told {key} {times} times in run {run} (I2)"));
        }
        if let Some(known) = seen.done.get(&key).filter(|known| run >= **known) {
            broken.push(format!("{who} was told {key} in run {run}; run {known} knew it done (I2)"));
        }
    }
    for (key, _) in stand.durable.intents.iter().filter(|(_, (state, _, _))| state == "done") {
        // Told before this look and within this run is fine, so it counts from the next run on.
        seen.done.entry(key.clone()).or_insert(stand.run + 1);
    }
}

fn floors(stand: &Stand<'_>, broken: &mut Vec<String>) {
    let Some(registry) = stand.registry else { return };
    let keys = registry["keys"].as_array().cloned().unwrap_or_default();
    let (mut known, mut newest) = (BTreeSet::new(), 0);
    for pair in &keys {
        let key = pair[0].as_str().unwrap_or("?").to_owned();
        let Some((_, effect, place)) = stand.durable.intents.get(&key) else {
            broken.push(format!("{key} changed the group and is not in the journal (I1)"));
            continue;
        };
        if effect["set_floor"]["floor"] != pair[1] {
            broken.push(format!("{key} set the floor {}, the journal says {effect} (I2)", pair[1]));
        }
        if *place < newest {
            broken.push(format!("{key} changed the group after one that was decided later"));
        }
        newest = *place;
        if !known.insert(key.clone()) {
            broken.push(format!("{key} changed the group twice (I2)"));
        }
    }
    if keys.last().is_some_and(|last| registry["floor"] != last[1]) {
        broken.push(format!("the floor is {}, the last order set {keys:?}", registry["floor"]));
    }
}

/// Nothing in this world ends an instance but scaling in.
fn instances(stand: &Stand<'_>, broken: &mut Vec<String>) {
    let Some(registry) = stand.registry else { return };
    for ended in registry["ended"].as_array().into_iter().flatten() {
        if ended["reason"] != "scaled in" {
            broken.push(format!("an instance was lost: {ended}"));
        }
    }
}
