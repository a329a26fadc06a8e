//! A replayed decision as people and programs read it: how it compares, what was decided, and why.
//!
//! Invariant: everything shown of the decision is what this core decides from the record; where that is not what was
//! recorded, the first line says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::terminal::plain;
use crate::core;
use crate::core::check::check;
use crate::core::decide::{Decision, Intent, Snapshot, Told};
use crate::core::throttle::{Halt, HaltTarget};
use crate::core::words::Name;
use crate::shell::store::{Replayed, SnapshotRecord, Verdict};

/// What `-o json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    id: i64,
    at: String,
    cause: &'a str,
    by: Option<&'a Name>,
    epoch: u64,
    scope: Option<core::decide::Scope>,
    summary: &'a str,
    verdict: Verdict,
    core_version: &'a str,
    this_core_version: &'static str,
    recorded_hash: &'a str,
    decision_hash: &'a str,
    releases: BTreeMap<&'a Name, Course<'a>>,
    intents: &'a [Intent],
    replies: Vec<Reply<'a>>,
    halts: &'a [Halt],
    /// Invariants that the decision breaks, as the checker finds now.
    broken: Vec<String>,
}

/// What became of a release.
#[derive(Debug, Serialize)]
struct Course<'a> {
    before: &'a str,
    after: &'a str,
    percent: core::words::Percent,
    readiness: core::checklist::Word,
    reasons: Vec<&'a str>,
}

/// An order and its answer.
#[derive(Debug, Serialize)]
struct Reply<'a> {
    by: &'a Name,
    accepted: bool,
    code: &'a str,
    message: &'a str,
    reason: &'a str,
}

impl<'a> Shown<'a> {
    /// Puts together what a replay shows.
    pub(super) fn of(record: &'a SnapshotRecord, replayed: &'a Replayed) -> Self {
        let (snapshot, decision) = (&record.snapshot, &replayed.decision);
        Self {
            id: record.id,
            at: record.at.to_string(),
            cause: &record.cause,
            by: record.by.as_ref(),
            epoch: record.epoch,
            scope: record.scope,
            summary: &record.summary,
            verdict: replayed.verdict,
            core_version: &record.core_version,
            this_core_version: core::VERSION,
            recorded_hash: &record.decision_hash,
            decision_hash: &replayed.decision_hash,
            releases: courses(snapshot, decision),
            intents: &decision.intents,
            replies: snapshot.commands.iter().zip(&decision.replies).map(|(command, told)| reply(command, told)).collect(),
            halts: &decision.halts,
            broken: check(decision, snapshot).into_iter().map(|one| format!("{}: {}", one.invariant, one.message)).collect(),
        }
    }
}

fn courses<'a>(snapshot: &'a Snapshot, decision: &'a Decision) -> BTreeMap<&'a Name, Course<'a>> {
    let course = |(name, view): (&'a Name, &'a core::decide::ReleaseView)| {
        let before = snapshot.state.releases.get(name).map_or("unknown", |state| state.phase.word());
        let reasons = view.waiting.iter().map(String::as_str).collect();
        (name, Course { before, after: &view.phase, percent: view.percent, readiness: view.readiness.word, reasons })
    };
    decision.releases.iter().map(course).collect()
}

fn reply<'a>(command: &'a core::decide::Command, told: &'a Result<Told, Told>) -> Reply<'a> {
    let (Ok(said) | Err(said)) = told;
    Reply { by: &command.by.name, accepted: told.is_ok(), code: &said.code, message: &said.message, reason: &command.reason }
}

/// For people: the verdict first.
pub(super) fn human(shown: &Shown<'_>) -> String {
    let mut text = format!("{}\n\n", verdict(shown));
    let by = shown.by.map_or(String::new(), |by| format!(", by {by}"));
    let _ = writeln!(
        text,
        "Row {}, {}, cause {}{by}, epoch {}\n  {}",
        shown.id,
        shown.at,
        shown.cause,
        shown.epoch,
        plain(shown.summary)
    );
    list(&mut text, "Orders", shown.replies.iter().map(|reply| format!("{}: {} ({})", reply.by, reply.message, reply.reason)));
    list(&mut text, "Releases", shown.releases.iter().map(|(name, course)| release(name, course)));
    list(&mut text, "Effects", shown.intents.iter().map(|intent| intent.key.clone()));
    list(&mut text, "Halts in force", shown.halts.iter().map(halt));
    list(&mut text, "Invariants that it breaks", shown.broken.iter().cloned());
    text
}

fn verdict(shown: &Shown<'_>) -> String {
    let (then, now) = (plain(shown.core_version), shown.this_core_version);
    let core = if then == now { format!("core {now}") } else { format!("recorded by core {then}, replayed by core {now}") };
    match shown.verdict {
        Verdict::Reproduced => format!("REPRODUCED byte for byte ({core}): SHA-256 {}.", shown.decision_hash),
        Verdict::CoreChanged => format!(
            "DIFFERS, and the core's version explains it: {core}. The record says SHA-256 {}, this core comes to {}.\nNothing is \
             wrong with the record: it fits its place in the chain. What follows is what this core would decide; for the very \
             decision of then replay it with the tminus of then.",
            shown.recorded_hash, shown.decision_hash
        ),
        Verdict::Differs => format!(
            "DIFFERS although the core is the same ({core}): the record says SHA-256 {}, the same inputs now give {}.\nThis must \
             not happen. Keep the data folder and this output, and report both: either the program was built from other sources \
             under the same version, or the host computes otherwise.",
            shown.recorded_hash, shown.decision_hash
        ),
    }
}

fn release(name: &Name, course: &Course<'_>) -> String {
    let moved =
        if course.before == course.after { course.after.into() } else { format!("{} -> {}", course.before, course.after) };
    let why = if course.reasons.is_empty() { String::new() } else { format!("; waits: {}", course.reasons.join("; ")) };
    format!("{name}: {moved}, {} %, readiness {}{why}", course.percent, course.readiness.text())
}

fn halt(halt: &Halt) -> String {
    let what = match &halt.target {
        HaltTarget::Everything => "everything".to_owned(),
        HaltTarget::App { app } => app.to_string(),
        HaltTarget::Channel { app, channel } => format!("{app} on {channel}"),
        HaltTarget::Version { app, version } => format!("{app} {version}"),
    };
    format!("{what}, by {}: {}", halt.by, halt.reason)
}

/// A heading with its lines, or nothing where there are none.
fn list(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("  {}\n", plain(&line))).collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n{heading}\n{}", lines.concat());
    }
}
