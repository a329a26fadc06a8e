//! The board of a release for a terminal: icon, word and colour, the first reason first.
//!
//! Nothing is decided here. Invariant: it says the same without colours as with them.

use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::board_priming;
use super::override_show;
use super::terminal::{Colour, paint, plain};
use super::throttle::halt_line;
use crate::core::checklist::{ItemState, Word};
use crate::shell::control::span;
use crate::shell::control::status::{DocumentsStatus, GroupStatus, ItemStatus, RunwayStatus, Status, StatusList};

/// One release on a page.
pub fn board(status: &Status) -> String {
    let mut parts = vec![head(status)];
    parts.extend(first_reason(status));
    parts.extend(documents(&status.documents));
    parts.extend(status.halts.iter().map(halt_line));
    parts.extend((!status.readiness.items.is_empty()).then(|| items(&status.readiness.items)));
    parts.push(step(status));
    parts.extend(status.gate.as_ref().map(|gate| {
        let (colour, icon) = gate_look(&gate.verdict);
        let figures = format!("e {:.2}, certificate {:.2}, {} requests", gate.e, gate.safe_e, gate.requests);
        format!(
            "gate      {} {} {}",
            paint(colour, &format!("{icon} {}", gate.verdict)),
            plain(&gate.sentence),
            paint(Colour::Grey, &figures)
        )
    }));
    for one in &status.groups {
        parts.push(group(one));
        parts.extend(one.runway.as_ref().map(runway));
        parts.extend(one.overrides.iter().map(override_show::line));
    }
    parts.extend(status.coverage.iter().map(board_priming::coverage));
    parts.push(paint(Colour::Grey, &format!("as of {} ago, epoch {}", seconds(status.data_age_secs), status.epoch)));
    parts.join("\n")
}

/// All releases, one line each, and what runs by a schedule.
pub fn list(all: &StatusList) -> String {
    let scheduled = all.scheduled.iter().map(board_priming::coverage);
    let overrides = all.overrides.iter().map(override_show::line);
    std::iter::once(releases(&all.releases)).chain(overrides).chain(scheduled).collect::<Vec<_>>().join("\n")
}

fn releases(statuses: &[Status]) -> String {
    if statuses.is_empty() {
        return "no releases; `tminus apply FILE` makes one".into();
    }
    let mut table = table(&["", "release", "phase", "percent", "clock", "readiness", "first reason"]);
    for status in statuses {
        let (colour, icon) = phase_look(status);
        let reason = status.waiting.first().or(status.readiness.reasons.first());
        table.add_row([
            cell(colour, icon),
            Cell::new(plain(&status.release)),
            Cell::new(&status.phase),
            Cell::new(format!("{} %", status.percent)),
            Cell::new(&status.clock),
            cell(word_look(status.readiness.word).0, word_look(status.readiness.word).1),
            Cell::new(plain(reason.map_or("", String::as_str))),
        ]);
    }
    // What is halted holds every step back, whatever the lines say.
    let mut halts: Vec<String> = statuses.iter().flat_map(|status| &status.halts).map(halt_line).collect();
    halts.sort();
    halts.dedup();
    std::iter::once(table.to_string()).chain(halts).collect::<Vec<_>>().join("\n")
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.iter().map(|word| cell(Colour::Grey, word)));
    table
}

/// A cell knows its colour itself, so that the table can tell how wide the text is.
fn cell(colour: Colour, text: &str) -> Cell {
    let cell = Cell::new(text);
    match colour {
        Colour::Green => cell.fg(Color::Green),
        Colour::Yellow => cell.fg(Color::Yellow),
        Colour::Red => cell.fg(Color::Red),
        Colour::Grey => cell.fg(Color::DarkGrey),
        Colour::Bold => cell,
    }
}

fn head(status: &Status) -> String {
    let (colour, icon) = phase_look(status);
    let phase = match &status.phase_before {
        Some(before) => format!("{icon} {} (was {before})", status.phase),
        None => format!("{icon} {}", status.phase),
    };
    let name = plain(&format!("{}  {} {}", status.release, status.app, status.version));
    let shadow = if status.shadow { "  shadow: acts on nothing" } else { "" };
    format!(
        "{}  {}  {}  {}{shadow}",
        paint(Colour::Bold, &name),
        status.clock,
        paint(colour, &phase),
        readiness_word(status.readiness.word)
    )
}

fn first_reason(status: &Status) -> Vec<String> {
    let reasons = status.waiting.iter().chain(&status.readiness.reasons);
    let mut seen: Vec<&String> = Vec::new();
    for reason in reasons {
        if !seen.contains(&reason) {
            seen.push(reason);
        }
    }
    let line = |(index, reason): (usize, &&String)| {
        let colour = if index == 0 { Colour::Bold } else { Colour::Grey };
        format!("{} {}", if index == 0 { "→" } else { " " }, paint(colour, &plain(reason)))
    };
    seen.iter().enumerate().map(line).collect()
}

/// What is the matter with the documents, first, since everything else is decided by them.
pub fn documents(documents: &DocumentsStatus) -> impl Iterator<Item = String> {
    let (colour, icon) = if documents.valid { (Colour::Yellow, "⚠") } else { (Colour::Red, "✖") };
    documents.sentences.iter().map(move |sentence| format!("documents {} {}", paint(colour, icon), plain(sentence)))
}

fn items(items: &[ItemStatus]) -> String {
    let mut table = table(&["", "item", "state", "owner", "age", "due", "detail"]);
    for item in items {
        let (colour, icon, word) = item_look(item.state);
        table.add_row([
            cell(colour, icon),
            Cell::new(plain(&item.id)),
            cell(colour, word),
            Cell::new(plain(item.owner.as_deref().unwrap_or("-"))),
            Cell::new(item.age_secs.map_or("-".into(), seconds)),
            Cell::new(item.due_at.map_or("-".into(), |due| due.strftime("%m-%d %H:%MZ").to_string())),
            Cell::new(plain(if item.detail.is_empty() { &item.title } else { &item.detail })),
        ]);
    }
    if let Some(age) = table.column_mut(4) {
        age.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn step(status: &Status) -> String {
    let steps = status.steps.iter().enumerate().map(|(index, step)| {
        let text = format!("{} %", step.percent);
        if status.step == Some(index) { paint(Colour::Bold, &format!("[{text}]")) } else { text }
    });
    let next = status.next_at.map(|at| format!("  next {}", at.strftime("%H:%M:%SZ"))).unwrap_or_default();
    format!("rollout   {} % now; steps {}{next}", status.percent, steps.collect::<Vec<_>>().join(" → "))
}

fn group(group: &GroupStatus) -> String {
    let known = |figure: Option<u32>| figure.map_or("?".into(), |figure| figure.to_string());
    let load = |figure: Option<f64>| figure.map_or("?".into(), |figure| format!("{figure:.0}/s"));
    let enough = group.in_service.zip(group.instances_needed).map(|(have, need)| have >= need);
    let (colour, icon) = match enough {
        Some(true) => (Colour::Green, "✔"),
        Some(false) => (Colour::Yellow, "◷"),
        None => (Colour::Yellow, "?"),
    };
    let age = group.age_secs.map_or("not observed".into(), |age| format!("{} ago", seconds(age)));
    let figures = format!(
        "{} in service, needs {}; floor {}, desired {}, ceiling {}; load {}, p95 {}",
        known(group.in_service),
        known(group.instances_needed),
        known(group.floor),
        known(group.desired),
        known(group.ceiling),
        load(group.load_per_second),
        load(group.load_p95_per_second)
    );
    let problems = group.problems.iter().map(|problem| format!("\n          {}", paint(Colour::Yellow, &plain(problem))));
    format!(
        "capacity  {} {}: {figures} {}{}",
        paint(colour, icon),
        plain(&group.group),
        paint(Colour::Grey, &age),
        problems.collect::<String>()
    )
}

/// How long what is in service is enough, as the load grows now.
fn runway(runway: &RunwayStatus) -> String {
    let (colour, left) = match runway.minutes {
        Some(0.0) => (Colour::Red, format!("full: queues grow by {:.0} requests/s", runway.queue_growth_per_second)),
        Some(minutes) if minutes < 15.0 => (Colour::Red, format!("{minutes:.0} min of runway")),
        Some(minutes) => (Colour::Yellow, format!("{minutes:.0} min of runway")),
        None => (Colour::Green, "no end of it in sight".into()),
    };
    let growth = runway.growth_per_minute.map_or("growth not known".into(), |growth| format!("{growth:+.1}/s a minute"));
    let age = paint(Colour::Grey, &format!("{} ago", seconds(runway.age_secs)));
    format!("load      {:.0} % of what is in service, {growth}: {} {age}", runway.utilisation * 100.0, paint(colour, &left))
}

/// Readiness with its colour.
pub fn readiness_word(word: Word) -> String {
    let (colour, text) = word_look(word);
    paint(colour, text)
}

fn word_look(word: Word) -> (Colour, &'static str) {
    match word {
        Word::Go => (Colour::Green, "GO"),
        Word::Hold => (Colour::Yellow, "HOLD"),
        Word::NoGo => (Colour::Red, "NO-GO"),
    }
}

fn gate_look(verdict: &str) -> (Colour, &'static str) {
    match verdict {
        "SAFE" => (Colour::Green, "✔"),
        "ABORT" => (Colour::Red, "✖"),
        _ => (Colour::Yellow, "◷"),
    }
}

fn phase_look(status: &Status) -> (Colour, &'static str) {
    match status.phase.as_str() {
        "complete" | "ready" => (Colour::Green, "✔"),
        "aborted" | "scrubbed" => (Colour::Red, "✖"),
        "held" => (Colour::Yellow, "॥"),
        "rolling" | "baking" => (Colour::Bold, "⟳"),
        "preparing" => (Colour::Yellow, "◌"),
        _ => (Colour::Grey, "•"),
    }
}

fn item_look(state: ItemState) -> (Colour, &'static str, &'static str) {
    match state {
        ItemState::Green => (Colour::Green, "✔", "green"),
        ItemState::Red => (Colour::Red, "✖", "red"),
        ItemState::PastDue => (Colour::Red, "✖", "past due"),
        ItemState::Pending => (Colour::Yellow, "◷", "pending"),
        ItemState::Stale => (Colour::Yellow, "⚠", "stale"),
        ItemState::Unknown => (Colour::Yellow, "?", "unknown"),
        ItemState::Waived => (Colour::Grey, "•", "waived"),
    }
}

fn seconds(secs: u64) -> String {
    span(Duration::from_secs(secs))
}
