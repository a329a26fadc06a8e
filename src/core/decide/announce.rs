//! What people should hear, once per event: what happened, what it means for the launch, what to do next.
//!
//! Invariant: every announcement has a key that names the event; the journal sends a key once.

use super::draft::Draft;
use super::effect::{Announcement, Effect, Topic};
use super::facts::Known;
use super::snapshot::Person;
use crate::core::checklist::Word;
use crate::core::gate::Verdict;
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::throttle::{Halt, HaltTarget};
use crate::core::words::TRelative;

/// The text of an announcement.
struct Text {
    topic: Topic,
    key: String,
    what: String,
    meaning: String,
    next: String,
}

fn say(draft: &mut Draft<'_>, release: Option<&Release>, text: Text) {
    let now = draft.snapshot.now;
    let announcement = Announcement {
        key: text.key.clone(),
        topic: text.topic,
        release: release.map(|release| release.name.clone()),
        clock: release.map(|release| clock(release, draft)),
        what: text.what,
        meaning: text.meaning,
        next: text.next,
        at: now,
    };
    draft.ask(format!("notify:{}", text.key), Effect::Notify(announcement));
}

fn clock(release: &Release, draft: &Draft<'_>) -> String {
    TRelative::of(draft.snapshot.now, release.launch_at).clock()
}

/// A release went from one state to another.
pub(super) fn transition(draft: &mut Draft<'_>, release: &Release, (before, after): (&ReleaseState, &ReleaseState)) {
    if before.phase == after.phase {
        return armed(draft, release, (before, after));
    }
    if let Phase::Aborted { reason, .. } = &after.phase {
        return aborted(draft, release, reason.clone());
    }
    let name = &release.name;
    let (topic, what, meaning, next) = match &after.phase {
        Phase::Active(Active::Rolling { .. } | Active::Baking) => stepped(release, before, after),
        Phase::Held { by, reason, .. } => (
            Topic::Hold,
            format!("{by} holds {name}: {reason}."),
            "The percent stays where it is; nothing rises.".into(),
            format!("`tminus resume {name}` lets it go on."),
        ),
        Phase::Active(_) if matches!(before.phase, Phase::Held { .. }) => (
            Topic::Hold,
            format!("{name} goes on; the hold is over."),
            "The launch follows its readiness again.".into(),
            "Nothing.".into(),
        ),
        Phase::Scrubbed { reason } => (
            Topic::Abort,
            format!("{name} is called off: {reason}."),
            "It will not launch; capacity is given back.".into(),
            "Apply a new release when there is a new date.".into(),
        ),
        Phase::Complete if before.phase != Phase::Planned => (
            Topic::Step,
            format!("{name} is complete: everybody is offered {}.", release.version),
            "Capacity is given back by ramp, and the report is written.".into(),
            "Read the report.".into(),
        ),
        // Readiness tells of preparing and ready; a release that was out already needs nobody.
        _ => return,
    };
    let key = format!("{name}:{}:{}", after.phase.word(), after.entered_at);
    say(draft, Some(release), Text { topic, key, what, meaning, next });
}

fn armed(draft: &mut Draft<'_>, release: &Release, (before, after): (&ReleaseState, &ReleaseState)) {
    let (None, Some(armed)) = (&before.armed, &after.armed) else { return };
    let what = format!("{} said GO for {}: {}.", armed.by, release.name, armed.reason);
    let meaning = format!("It launches at {} if readiness is GO then.", release.launch_at);
    let key = format!("{}:armed:{}", release.name, armed.at);
    say(draft, Some(release), Text { topic: Topic::Readiness, key, what, meaning, next: "Nothing, or hold.".into() });
}

type Words = (Topic, String, String, String);

fn stepped(release: &Release, before: &ReleaseState, after: &ReleaseState) -> Words {
    let percent = super::super::release::percent(release, after).map_or_else(String::new, |percent| percent.to_string());
    let name = &release.name;
    let what = match &before.phase {
        Phase::Active(Active::Preparing | Active::Ready) => {
            format!("{name} launched: {percent} % of clients are offered {}.", release.version)
        }
        Phase::Held { .. } => format!("{name} goes on at {percent} %."),
        _ => format!("{name} is at {percent} %."),
    };
    let meaning = match after.phase {
        Phase::Active(Active::Baking) => "Everybody is offered it; it is watched until the bake is over.",
        _ => "The gate watches; the next step needs SAFE and its dwell.",
    };
    (Topic::Step, what, meaning.into(), format!("Nothing; `tminus hold {name}` stops it here."))
}

fn aborted(draft: &mut Draft<'_>, release: &Release, reason: String) {
    let (name, version) = (&release.name, &release.version);
    let (meaning, next) = if release.halts_on_abort() {
        let meaning = format!("{version} is halted: nobody is offered it, force and early channels included. Capacity stays.");
        let next = format!(
            "Find the cause; `tminus clear {name}` and `tminus throttle lift {} --version {version}` bring it back.",
            release.app
        );
        (meaning, next)
    } else {
        (
            "The last certified percent stays; nothing rises. Capacity stays.".into(),
            format!("Find the cause; `tminus clear {name}` brings it back, held."),
        )
    };
    let key = format!("{name}:aborted:{}", draft.snapshot.now);
    let what = format!("{name} is aborted: {reason}");
    say(draft, Some(release), Text { topic: Topic::Abort, key, what, meaning, next });
    if release.halts_on_abort() {
        halt_version(draft, release, reason);
    }
}

/// The version goes out of the running, as an ABORT with `on_abort: halt` asks.
fn halt_version(draft: &mut Draft<'_>, release: &Release, reason: String) {
    let target = HaltTarget::Version { app: release.app.clone(), version: release.version.as_str().into() };
    if draft.state.halts.iter().all(|halt| halt.target != target) {
        let by = format!("ABORT of {}", release.name);
        draft.state.halts.push(Halt { target, by, reason, at: draft.snapshot.now, lifts: Vec::new() });
    }
}

/// Readiness changed since people last heard of it.
pub(super) fn readiness(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    let Some(state) = draft.state.releases.get(&release.name) else { return };
    let before_launch = matches!(state.phase, Phase::Active(Active::Preparing | Active::Ready));
    let word = known.readiness.word;
    if !before_launch || state.told_word == Some(word) {
        return;
    }
    let first = known.readiness.reasons.first().cloned().unwrap_or_else(|| "every item is green and fresh".into());
    let more = known.readiness.reasons.len().saturating_sub(1);
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let (meaning, next) = match word {
        Word::Go if state.armed.is_some() => ("It launches at T-0.".to_owned(), "Nothing.".to_owned()),
        Word::Go => (format!("It can launch at {}.", release.launch_at), format!("`tminus go {}` arms it.", release.name)),
        Word::Hold | Word::NoGo => {
            ("It would not launch now.".into(), format!("`tminus status {}` shows every item and its owner.", release.name))
        }
    };
    let key = format!("{}:readiness:{}:{}", release.name, word.text(), draft.snapshot.now);
    let what = format!("{} is {}: {first}{more}.", release.name, word.text());
    say(draft, Some(release), Text { topic: Topic::Readiness, key, what, meaning, next });
    if let Some(state) = draft.state.releases.get_mut(&release.name) {
        state.told_word = Some(word);
    }
}

/// T-0 came without GO, or without a go.
pub(super) fn missed(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    let now = draft.snapshot.now;
    let Some(state) = draft.state.releases.get(&release.name) else { return };
    let waiting = matches!(state.phase, Phase::Active(Active::Preparing | Active::Ready)) && release.launch_at <= now;
    let reason = match known.readiness.word {
        Word::Go if state.armed.is_none() => "nobody has said go".to_owned(),
        Word::Go => return,
        Word::Hold | Word::NoGo => known.readiness.reasons.first().cloned().unwrap_or_default(),
    };
    let text = Text {
        topic: Topic::Hold,
        key: format!("{}:missed:{}", release.name, release.launch_at),
        what: format!("T-0 of {} passed without a launch: {reason}.", release.name),
        meaning: "Nobody is offered the new version; capacity stays up.".into(),
        next: format!("Make it GO, then `tminus go {}`; or scrub it.", release.name),
    };
    if waiting {
        once(draft, release, text);
    }
}

/// The dwell is over and the gate, or something physical, still holds the step.
pub(super) fn waiting(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    let now = draft.snapshot.now;
    let Some(state) = draft.state.releases.get(&release.name) else { return };
    let Phase::Active(Active::Rolling { step }) = state.phase else { return };
    let dwell = release.rollout.steps.get(step).map_or(std::time::Duration::MAX, |step| step.dwell);
    let reason = match (known.facts.gate.as_ref().map(|gate| &gate.verdict), &known.facts.step_blocked) {
        (Some(Verdict::Hold(reason)), _) => reason.sentence(),
        (None, _) => "it has no gate".into(),
        (Some(Verdict::Safe), Some(blocked)) => blocked.clone(),
        (Some(Verdict::Safe | Verdict::Abort(_)), _) => return,
    };
    let text = Text {
        topic: Topic::Hold,
        key: format!("{}:waiting:{step}:{}", release.name, state.entered_at),
        what: format!("{} stays at its step although its dwell is over: {reason}", release.name),
        meaning: "The percent does not rise until this is settled.".into(),
        next: format!("Wait; `tminus advance {0}` enters the next step by your hand, `tminus hold {0}` stops it.", release.name),
    };
    if state.dwelled_at(now) >= dwell {
        once(draft, release, text);
    }
}

fn once(draft: &mut Draft<'_>, release: &Release, text: Text) {
    let Some(state) = draft.state.releases.get_mut(&release.name) else { return };
    if !state.told.contains(&text.key) {
        state.told.push(text.key.clone());
        say(draft, Some(release), text);
    }
}

/// Somebody halted something.
pub(super) fn halted(draft: &mut Draft<'_>, halt: &Halt) {
    let what = format!("{} halted {}: {}.", halt.by, target(&halt.target), halt.reason);
    let text = Text {
        topic: Topic::Halt,
        key: format!("halt:{}:{}", target(&halt.target), halt.at),
        what,
        meaning: "From the next request on nobody is offered an update there, force included.".into(),
        next: "`tminus throttle lift` lifts it when the policy's people agree.".into(),
    };
    say(draft, None, text);
}

/// Somebody lifted a halt; alone, if the glass was broken.
pub(super) fn lifted(draft: &mut Draft<'_>, halt: &Halt, (by, alone): (&Person, bool)) {
    let how = if alone { ", alone, by breaking the glass" } else { "" };
    let text = Text {
        topic: Topic::Halt,
        key: format!("lift:{}:{}", target(&halt.target), draft.snapshot.now),
        what: format!("{} lifted the halt of {}{how}.", by.name, target(&halt.target)),
        meaning: "Updates are offered again as the throttle says.".into(),
        next: if alone { "Ask why the others were not there.".into() } else { "Nothing.".into() },
    };
    say(draft, None, text);
}

/// What is halted, in words.
pub(super) fn target(target: &HaltTarget) -> String {
    match target {
        HaltTarget::Everything => "everything".into(),
        HaltTarget::App { app } => app.to_string(),
        HaltTarget::Channel { app, channel } => format!("{app} on channel {channel}"),
        HaltTarget::Version { app, version } => format!("{app} {version}"),
    }
}
