//! The demo while it runs: a view that is redrawn at a terminal, or a line for every change. On stderr: it is no data.
//!
//! Each state has an icon and a word, never a colour alone.

use super::recorder::Moment;
use super::scenario::Shown;
use super::script::Script;
use crate::core::checklist::ItemState;
use crate::lab::scene;

/// Columns of a bar.
const BAR: usize = 40;

/// Sentences kept below the live view.
const SAID: usize = 6;

/// See the module.
pub(super) struct Screen {
    shown: Shown,
    clients: u32,
    drawn: usize,
    said: Vec<String>,
    last: Option<Moment>,
    last_line: String,
    last_secs: i64,
}

impl Screen {
    pub(super) fn new(shown: Shown, script: &Script) -> Self {
        let clients = script.size.clients;
        anstream::eprintln!("\x1b[1mAgileMD, 25 March 2014, {}\x1b[0m", script.scenario.words());
        anstream::eprintln!(
            "1 s here is {:.0} s of the story; inside a request times are real (service 50 ms, retries 2.5 s). {} clients, {} files each.",
            scene::SCALE,
            clients,
            scene::LIBRARY
        );
        Self { shown, clients, drawn: 0, said: Vec::new(), last: None, last_line: String::new(), last_secs: i64::MIN }
    }

    /// Shows how things stand.
    pub(super) fn show(&mut self, moment: &Moment) {
        match self.shown {
            Shown::Live => {
                self.last = Some(moment.clone());
                self.redraw();
            }
            Shown::Lines => self.line(moment),
        }
    }

    /// Shows what somebody did.
    pub(super) fn say(&mut self, sentence: &str) {
        if self.shown == Shown::Lines {
            return anstream::eprintln!("          {sentence}");
        }
        self.said.push(sentence.to_owned());
        let extra = self.said.len().saturating_sub(SAID);
        self.said.drain(..extra);
        // At once: while the daemon is dead there is no news to wait for.
        self.redraw();
    }

    /// Leaves the last view standing.
    pub(super) fn end(&mut self) {
        self.drawn = 0;
    }

    fn redraw(&mut self) {
        let Some(moment) = &self.last else { return };
        let lines = view(moment, &self.said, self.clients);
        let up = if self.drawn == 0 { String::new() } else { format!("\x1b[{}A\x1b[J", self.drawn) };
        self.drawn = lines.len();
        anstream::eprintln!("{up}{}", lines.join("\n"));
    }

    /// A line when the state changed, and one every five seconds.
    fn line(&mut self, moment: &Moment) {
        let status = &moment.status;
        let state = format!("{} {} {}", status.phase, status.percent, status.readiness.word.text());
        let secs = status.clock_secs;
        if state == self.last_line && secs.abs_diff(self.last_secs) < 5 {
            return;
        }
        (self.last_line, self.last_secs) = (state, secs);
        let reason = status.waiting.first().or(status.readiness.reasons.first()).cloned().unwrap_or_default();
        anstream::eprintln!(
            "{:>8}  {:<9} {:>5} %  {:<5}  {:>5} req/s {:>4} failed  {}  {}",
            status.clock,
            status.phase,
            status.percent,
            status.readiness.word.text(),
            moment.second.requests,
            moment.second.failures,
            capacity(moment),
            cut(reason, 110)
        );
    }
}

fn view(moment: &Moment, said: &[String], clients: u32) -> Vec<String> {
    let status = &moment.status;
    let word = status.readiness.word.text();
    let mut lines = vec![
        String::new(),
        format!("\x1b[1m{:>9}\x1b[0m   {} {}   readiness \x1b[1m{word}\x1b[0m", status.clock, status.release, status.phase),
    ];
    for item in &status.readiness.items {
        let (icon, state) = mark(item.state);
        lines.push(clip(format!("   {icon} {state:<8} {:<34} {}", cut(item.title.clone(), 34), item.detail)));
    }
    let coverage = moment.coverage_percent().unwrap_or(0.0);
    let gate = status.gate.as_ref().map_or("not yet".into(), |gate| {
        format!("{}  for it {}, against it {}  {}", gate.verdict, evidence(gate.safe_e), evidence(gate.e), gate.sentence)
    });
    lines.push(format!("   rollout   {} {:>6} %", bar(status.percent / 100.0), status.percent));
    lines.push(format!("   coverage  {} {coverage:>6.2} %", bar(coverage / 100.0)));
    let exposed = moment.second.exposed as f64 / f64::from(clients);
    lines.push(format!("   exposed   {} {:>6.1} %", bar(exposed), exposed * 100.0));
    lines.push(clip(format!("   gate      {gate}")));
    lines.push(format!("   capacity  {}", capacity(moment)));
    lines.push(format!(
        "   clients   {} requests/s, {} failed, {} hits at the edges",
        moment.second.requests, moment.second.failures, moment.second.hits
    ));
    lines.push(clip(format!("   waits for {}", status.waiting.first().cloned().unwrap_or_else(|| "nothing".into()))));
    lines.extend(said.iter().map(|sentence| clip(format!("   · {sentence}"))));
    lines
}

/// A view that wraps cannot be redrawn in place; 118 columns fit most terminals and lose little.
fn clip(line: String) -> String {
    cut(line, 118)
}

fn cut(line: String, columns: usize) -> String {
    if line.chars().count() <= columns { line } else { line.chars().take(columns - 1).chain(['…']).collect() }
}

/// Evidence grows exponentially; beyond a thousand its size says nothing more.
fn evidence(e: f64) -> String {
    if e < 1_000.0 { format!("{e:.1}") } else { "over 1,000".into() }
}

fn capacity(moment: &Moment) -> String {
    let figure = |value: Option<u32>| value.map_or_else(|| "?".into(), |value| value.to_string());
    let groups = moment.status.groups.iter();
    let words: Vec<String> = groups
        .map(|group| {
            let load = group.load_p95_per_second.map_or_else(String::new, |load| format!(" for {load:.0} req/s at p95"));
            format!("{} floor {} in service {}{load}", group.group, figure(group.floor), figure(group.in_service))
        })
        .collect();
    words.join(", ")
}

fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

fn mark(state: ItemState) -> (&'static str, &'static str) {
    match state {
        ItemState::Green => ("✔", "green"),
        ItemState::Red => ("✖", "red"),
        ItemState::PastDue => ("✖", "past due"),
        ItemState::Pending => ("◷", "pending"),
        ItemState::Stale => ("⚠", "stale"),
        ItemState::Unknown => ("?", "unknown"),
        ItemState::Waived => ("•", "waived"),
    }
}
