//! What a checklist must keep to.

use std::collections::BTreeSet;

use super::within::{distinct, exactly_one};
use crate::core::words::TRelative;
use crate::shell::settings::kinds::checklist::{Alarms, Check, Checklist, Item, Metric};
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;

pub fn check(checklist: &Checklist, notes: &mut Notes<'_>) {
    distinct(&way!["items"], "id", (checklist.items.iter().map(|item| &item.id), notes));
    for (at, item) in checklist.items.iter().enumerate() {
        check_item(at, item, notes);
    }
}

fn check_item(at: usize, item: &Item, notes: &mut Notes<'_>) {
    exactly_one(way!["items", at], &[("sign_off", item.sign_off.is_some()), ("check", item.check.is_some())], notes);
    if let Some(due) = item.due.filter(|due| !due.is_before_launch() && *due != TRelative::ZERO) {
        let message = format!("an item is due before or at T-0, and {due} is after it");
        notes.value(way!["items", at, "due"]).error("TM0209", message, "write a time such as `T-30m`");
    }
    if let Some(every) = item.every.as_ref().filter(|every| every.0.is_zero()) {
        let _ = every;
        notes.value(way!["items", at, "every"]).error(
            "TM0130",
            "`every` is above 0s",
            "leave the key out to measure faster near T-0",
        );
    }
    if item.every.is_some() && item.sign_off.is_some() {
        let message = "a sign-off is not measured, so `every` means nothing here";
        notes.key(way!["items", at, "every"]).error("TM0112", message, "take the key out");
    }
    if let Some(Check::Metric(metric)) = &item.check {
        check_bounds(at, metric, notes);
    }
    if let Some(Check::Alarms(alarms)) = &item.check {
        check_names(at, alarms, notes);
    }
}

/// Names of alarms, which differ by case there.
fn check_names(at: usize, alarms: &Alarms, notes: &mut Notes<'_>) {
    let mut seen = BTreeSet::new();
    for (index, name) in alarms.names.iter().enumerate() {
        if !seen.insert(&name.0) {
            let message = format!("the alarm `{}` is named twice", name.0);
            let path = way!["items", at, "check", "alarms", "names", index];
            notes.value(path).error("TM0205", message, "name each alarm once");
        }
    }
}

fn check_bounds(at: usize, metric: &Metric, notes: &mut Notes<'_>) {
    let path = way!["items", at, "check", "metric"];
    match (metric.above, metric.below) {
        (None, None) => notes.value(path).error("TM0210", "the check has no bound, so it says nothing", "add `below` or `above`"),
        (Some(above), Some(below)) if above >= below => {
            let message = format!("no number is above {above} and below {below}");
            notes.value(path.then("above")).error("TM0210", message, "exchange the two");
        }
        _ => {}
    }
}
