//! What people would see of a decision: what differs from the one before, and what they are told.

use tminus::core::checklist::Word;
use tminus::core::decide::{Announcement, Decision, Effect, ReleaseView, Snapshot};
use tminus::core::gate::Verdict;
use tminus::core::throttle::{Halt, HaltTarget};
use tminus::core::words::{Percent, TRelative};
use tminus::shell::settings::Finding;

/// A line of a transcript; further lines of its text are put below it.
pub(super) fn line(clock: &str, label: &str, text: &str) -> Vec<String> {
    let mut lines = text.lines();
    let first = format!("{clock:<12} {label:<8} {}", lines.next().unwrap_or_default());
    std::iter::once(first).chain(lines.map(|line| format!("{:22}{line}", ""))).collect()
}

/// A finding without its place in the file, which every edit would move.
pub(super) fn finding(finding: &Finding) -> String {
    let file = finding.file.rsplit('/').next().unwrap_or_default();
    let text = format!("{} {file} {}: {}; {}", finding.code, finding.path, finding.message, finding.help);
    text.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "")
}

/// Everything that is new in a decision, in the order in which it was decided.
pub(super) fn news(before: Option<&Decision>, after: &Decision, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let mut news = Vec::new();
    for reply in &after.replies {
        news.push(match reply {
            Ok(told) => ("done", format!("{} ({})", told.message, told.code)),
            Err(told) => ("refused", format!("{} ({})", told.message, told.code)),
        });
    }
    for (name, view) in &after.releases {
        let old = before.and_then(|before| before.releases.get(name));
        news.extend(changes(old, view).into_iter().map(|(label, text)| (label, format!("{name}: {text}"))));
    }
    news.extend(halts(before, after).into_iter().map(|text| ("halts", text)));
    let before_floor = |group| snapshot.observed.groups.get(group).map_or("?".into(), |seen| seen.floor.to_string());
    for intent in &after.intents {
        news.push(match &intent.effect {
            Effect::SetFloor { group, floor, why, .. } => {
                ("floor", format!("{group}: {} -> {floor}: {why}", before_floor(group)))
            }
            Effect::ScheduleFloors { group, why, .. } => ("schedule", format!("{group}: {why}")),
            // Only the first run is news; afterwards everything is looked at again and again.
            Effect::Prime { policy, release: None } => ("prime", format!("{policy} by its schedule")),
            Effect::Prime { policy, .. } if snapshot.observed.coverage.contains_key(policy) => continue,
            Effect::Prime { policy, release: Some(release) } => ("prime", format!("{policy} for {release}")),
            Effect::Notify(told) => ("told", announcement(told, snapshot)),
            Effect::Report { release } => ("report", format!("of {release}")),
        });
    }
    news
}

/// Phase, percent, readiness and the gate's word of a release, where they changed.
fn changes(old: Option<&ReleaseView>, new: &ReleaseView) -> Vec<(&'static str, String)> {
    let mut changes = Vec::new();
    let was = old.map_or("new", |old| old.phase.as_str());
    if was != new.phase {
        changes.push(("phase", format!("{was} -> {}", new.phase)));
    }
    let percent = old.map_or(Percent::ZERO, |old| old.percent);
    if percent != new.percent {
        changes.push(("percent", format!("{percent} -> {}", new.percent)));
    }
    let waits = matches!(new.phase.as_str(), "preparing" | "ready");
    if waits && old.map(readiness) != Some(readiness(new)) {
        changes.push(("ready?", readiness_line(new)));
    }
    if new.gate.is_some() && old.map(gate) != Some(gate(new)) {
        changes.push(("gate", new.gate.as_ref().map_or(String::new(), |gate| gate.verdict.to_string())));
    }
    changes
}

/// The word and the item that comes first: its figures may change without being news.
fn readiness(view: &ReleaseView) -> (Word, Option<&str>) {
    let readiness = &view.readiness;
    (readiness.word, readiness.reasons.first().and_then(|reason| reason.split(' ').next()))
}

fn readiness_line(view: &ReleaseView) -> String {
    let readiness = &view.readiness;
    let Some(first) = readiness.reasons.first() else { return readiness.word.text().into() };
    let more = readiness.reasons.len() - 1;
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    format!("{}: {first}{more}", readiness.word.text())
}

/// The verdict without its figures.
fn gate(view: &ReleaseView) -> Option<(u8, Option<std::mem::Discriminant<tminus::core::gate::HoldReason>>)> {
    view.gate.as_ref().map(|gate| match &gate.verdict {
        Verdict::Safe => (0, None),
        Verdict::Hold(reason) => (1, Some(std::mem::discriminant(reason))),
        Verdict::Abort(_) => (2, None),
    })
}

fn halts(before: Option<&Decision>, after: &Decision) -> Vec<String> {
    let old = before.map_or(&[][..], |before| &before.halts);
    let is_in = |halts: &[Halt], target: &HaltTarget| halts.iter().any(|halt| halt.target == *target);
    let new = after.halts.iter().filter(|halt| !is_in(old, &halt.target));
    let gone = old.iter().filter(|halt| !is_in(&after.halts, &halt.target));
    let begun = new.map(|halt| format!("{} by {}", target(&halt.target), halt.by));
    begun.chain(gone.map(|halt| format!("{} is lifted", target(&halt.target)))).collect()
}

fn target(target: &HaltTarget) -> String {
    match target {
        HaltTarget::Everything => "everything".into(),
        HaltTarget::App { app } => app.to_string(),
        HaltTarget::Channel { app, channel } => format!("{app} on {channel}"),
        HaltTarget::Version { app, version } => format!("{app} {version}"),
    }
}

/// What is told; its own clock, where it is not the transcript's.
fn announcement(told: &Announcement, snapshot: &Snapshot) -> String {
    let release = told.release.as_ref().and_then(|name| snapshot.config.releases.get(name));
    let clock = release.map(|release| TRelative::of(snapshot.now, release.launch_at).clock());
    assert_eq!(told.clock, clock, "an announcement carries the clock of its release");
    let clock = clock.map_or(String::new(), |clock| format!("{clock} "));
    format!("{clock}{}\n{}\n{}", told.what, told.meaning, told.next)
}
