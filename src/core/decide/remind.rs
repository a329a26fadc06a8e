//! What people should hear while they wait: readiness, items that are past due, a T-0 that passes, a step that stays.
//!
//! Each is told once and at once. Only good news after a relapse waits until it has lasted, so that a check that flaps is
//! not heard at every turn. Invariant: what was told is in the state, so that the same news is no news.

use std::time::Duration;

use super::announce::{Text, say};
use super::draft::Draft;
use super::effect::Topic;
use super::facts::Known;
use crate::core::checklist::{Blocks, Demand, Item, ItemState, ItemStatus, Readiness, Word};
use crate::core::gate::{HoldReason, Verdict};
use crate::core::release::{Active, Facts, Phase, Release, ReleaseState, percent, stands_at};
use crate::core::words::{Name, Percent, later, since};

/// How long better news must last before it is told after a relapse: somebody who was told of the bad news has hardly
/// looked by then.
const SETTLES: Duration = Duration::from_mins(1);
/// How long after bad news a relapse is remembered: a check that flaps more rarely is worth each of its messages.
const RELAPSE: Duration = Duration::from_mins(10);

/// Everything there is to remind of.
pub(super) fn remind(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    if draft.state.releases.get(&release.name).is_some_and(is_before_launch) {
        readiness(draft, release, known);
        past_due(draft, release, &known.readiness);
        missed(draft, release, known);
        overslept(draft, release);
    }
    waiting(draft, release, known);
}

fn is_before_launch(state: &ReleaseState) -> bool {
    matches!(state.phase, Phase::Active(Active::Preparing | Active::Ready))
}

/// Readiness changed since people last heard of it.
fn readiness(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    let (now, word) = (draft.snapshot.now, known.readiness.word);
    let Some(state) = draft.state.releases.get_mut(&release.name) else { return };
    if state.word_since.is_none_or(|(before, _)| before != word) {
        state.word_since = Some((word, now));
    }
    let lasted = state.word_since.map_or(Duration::ZERO, |(_, from)| since(now, from));
    let relapsed = state.relapsed_at.is_some_and(|at| since(now, at) < RELAPSE);
    let worse = state.told_word.is_some_and(|told| badness(word) > badness(told));
    if state.told_word == Some(word) || (!worse && relapsed && lasted < SETTLES) {
        return;
    }
    state.relapsed_at = if worse { Some(now) } else { state.relapsed_at };
    state.told_word = Some(word);
    let said = state.armed.is_some() || release.goes_by_itself();
    let text = readiness_text(release, &known.readiness, (said, now >= release.launch_at));
    let key = format!("{}:readiness:{}:{now}", release.name, word.text());
    say(draft, Some(release), Text { key, ..text });
}

fn badness(word: Word) -> u8 {
    match word {
        Word::Go => 0,
        Word::Hold => 1,
        Word::NoGo => 2,
    }
}

fn readiness_text(release: &Release, readiness: &Readiness, (said, passed): (bool, bool)) -> Text {
    let (name, word) = (&release.name, readiness.word);
    let status = format!("`tminus status {name}` shows every item and its owner.");
    let (meaning, next) = match word {
        Word::Go if said => (format!("It launches at {}.", release.local(release.launch_at)), "Nothing to do.".into()),
        Word::Go if passed => ("It can launch now.".into(), format!("`tminus go {name}` launches it.")),
        Word::Go => (format!("It can launch at {}.", release.local(release.launch_at)), format!("`tminus go {name}` arms it.")),
        Word::Hold => ("It would not launch now: something is still open.".into(), status),
        Word::NoGo => ("It would not launch now.".into(), status),
    };
    let what = format!("{name} is {}: {}.", word.text(), reasons(readiness));
    Text { topic: Topic::Readiness, key: String::new(), what, meaning, next }
}

/// The first reason whole, and which items stand against it besides.
fn reasons(readiness: &Readiness) -> String {
    let Some(first) = readiness.reasons.first() else {
        let all = if readiness.items.is_empty() { "it has no checklist" } else { "every item is green and fresh" };
        return all.into();
    };
    // A reason begins with its item.
    let others: Vec<_> = readiness.reasons.iter().skip(1).filter_map(|reason| reason.split(' ').next()).collect();
    if others.is_empty() { first.clone() } else { format!("{first}; besides: {}", others.join(", ")) }
}

/// Items that were not green when they were due, each once.
fn past_due(draft: &mut Draft<'_>, release: &Release, readiness: &Readiness) {
    let name = &release.name;
    let items: Vec<&Item> = draft.items(release).collect();
    for (item, status) in items.into_iter().zip(&readiness.items).filter(|(_, status)| is_late(status)) {
        let due_at = status.due_at.unwrap_or(release.launch_at);
        let owner = item.owner.as_ref().map_or(String::new(), |owner| format!(" (owner {owner})"));
        let text = Text {
            topic: Topic::Readiness,
            key: format!("{name}:past-due:{}:{due_at}", item.id.folded()),
            what: format!("{} of {name} is past due{owner}: {}.", item.id, status.detail),
            meaning: format!("It was due at {}; {name} is NO-GO until it is green or waived.", release.local(due_at)),
            next: settle(name, item),
        };
        once(draft, release, text);
    }
}

/// What is due at T-0 itself is told with the launch that did not come.
fn is_late(status: &ItemStatus) -> bool {
    status.state == ItemState::PastDue && status.due_at.is_some() && status.blocks != Blocks::Nothing
}

fn settle(release: &Name, item: &Item) -> String {
    let id = &item.id;
    let settled = match &item.demand {
        Demand::SignOff { .. } => format!("`tminus sign-off {release} {id}` once it is done"),
        Demand::Check(_) => "Make it green".into(),
    };
    if item.waivable {
        format!("{settled}, or `tminus waive {release} {id}` with a reason.")
    } else {
        format!("{settled}; it may not be waived.")
    }
}

/// T-0 came without GO, or without a go.
fn missed(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    let Some(state) = draft.state.releases.get(&release.name) else { return };
    let (name, said) = (&release.name, state.armed.is_some() || release.goes_by_itself());
    let reason = match known.readiness.word {
        Word::Go if said => return,
        Word::Go => "nobody has said go".to_owned(),
        Word::Hold | Word::NoGo => format!("it is {}, {}", known.readiness.word.text(), reasons(&known.readiness)),
    };
    let until = release.local(release.launches_by_itself_until());
    let next = if said {
        format!(
            "It launches by itself if it is GO by {until}; later it takes `tminus go {name}`. `tminus scrub {name}` calls it off."
        )
    } else {
        format!("Make it GO, then `tminus go {name}`; or `tminus scrub {name}` calls it off.")
    };
    let text = Text {
        topic: Topic::Hold,
        key: format!("{name}:missed:{}", release.launch_at),
        what: format!("{name} did not launch at its T-0: {reason}."),
        meaning: unlaunched(draft, release),
        next,
    };
    if release.launch_at <= draft.snapshot.now {
        once(draft, release, text);
    }
}

/// What a missed T-0 means for clients: nothing, where another release has brought the version already.
fn unlaunched(draft: &Draft<'_>, release: &Release) -> String {
    let same = |other: &Release| other.name != release.name && other.app == release.app && other.version == release.version;
    let is_out = draft.releases().any(|(other, state)| same(other) && state.phase == Phase::Complete);
    if is_out {
        return format!("{} is out already, so clients see no difference; raised capacity stays.", release.version);
    }
    format!("Nobody on {} is offered {}; raised capacity stays.", channels(release), release.version)
}

/// So long after T-0 nobody expects a launch that comes by itself any more.
fn overslept(draft: &mut Draft<'_>, release: &Release) {
    let Some(state) = draft.state.releases.get(&release.name) else { return };
    let (name, now, until) = (&release.name, draft.snapshot.now, release.launches_by_itself_until());
    let said_in_time = state.armed.as_ref().map_or(release.goes_by_itself(), |armed| armed.at <= release.launch_at);
    let text = Text {
        topic: Topic::Hold,
        key: format!("{name}:overslept:{}", release.launch_at),
        what: format!("{name} does not launch by itself any more: its T-0 was at {}.", release.local(release.launch_at)),
        meaning: "The go that was given has lapsed, whatever readiness says.".into(),
        next: format!("`tminus go {name}` when it is GO; or `tminus scrub {name}` calls it off."),
    };
    if said_in_time && until < now {
        once(draft, release, text);
    }
}

fn channels(release: &Release) -> String {
    release.channels.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

/// The dwell or bake is over, and the gate or something physical still holds it; each kind of reason once a step.
fn waiting(draft: &mut Draft<'_>, release: &Release, known: &Known) {
    let (name, now) = (&release.name, draft.snapshot.now);
    let Some(state) = draft.state.releases.get(name) else { return };
    let (whole, reason, stays) = match state.phase {
        Phase::Active(Active::Rolling { .. }) => {
            let step = stands_at(release, state).and_then(|step| release.rollout.steps.get(step));
            let dwell = step.map_or(Duration::MAX, |step| step.dwell);
            let here = percent(release, state).unwrap_or(Percent::ZERO);
            (dwell, not_rising(&known.facts), format!("stays at {here} % although its dwell is over"))
        }
        Phase::Active(Active::Baking) => {
            (release.bake(), not_ending(&known.facts), "goes on baking although its time is over".into())
        }
        _ => return,
    };
    let Some((kind, reason)) = reason.filter(|_| state.dwelled_at(now) >= whole) else { return };
    let (meaning, next) = if state.phase == Phase::Active(Active::Baking) {
        ("It is not complete before counts arrive again; capacity stays.", "Look at the metrics source.".to_owned())
    } else {
        let next = format!("Wait; `tminus advance {name}` enters the next step by your hand, `tminus hold {name}` stops it.");
        ("The percent does not rise until this is settled.", next)
    };
    let text = Text {
        topic: Topic::Hold,
        // A hold does not begin the step anew, and is no reason to tell the same again.
        key: format!("{name}:waiting:{}:{kind}", state.step_from.unwrap_or(state.entered_at)),
        what: format!("{name} {stays}: {reason}"),
        meaning: meaning.into(),
        next,
    };
    once(draft, release, text);
}

/// Why a step is not left: the kind of reason, and a sentence.
fn not_rising(facts: &Facts) -> Option<(&'static str, String)> {
    match (facts.gate.as_ref().map(|gate| &gate.verdict), &facts.step_blocked) {
        (Some(Verdict::Hold(reason)), _) => Some((kind(reason), reason.sentence())),
        (None, _) => Some(("no-gate", "it has no gate.".into())),
        (Some(Verdict::Safe), Some(blocked)) => Some(("blocked", format!("{blocked}."))),
        (Some(Verdict::Safe | Verdict::Abort(_)), _) => None,
    }
}

/// Why a bake does not end: its gate is blind.
fn not_ending(facts: &Facts) -> Option<(&'static str, String)> {
    match facts.gate.as_ref().filter(|gate| !gate.is_fresh()).map(|gate| &gate.verdict) {
        // A bake that takes no time begins without counts, and that is no news.
        Some(Verdict::Hold(reason)) if *reason != HoldReason::NoEvidence => Some((kind(reason), reason.sentence())),
        Some(Verdict::Hold(_) | Verdict::Safe | Verdict::Abort(_)) | None => None,
    }
}

fn kind(reason: &HoldReason) -> &'static str {
    match reason {
        HoldReason::NoEvidence => "no-evidence",
        HoldReason::Evidence { .. } => "evidence",
        HoldReason::Gap { .. } => "gap",
        HoldReason::NoTraffic { .. } => "no-traffic",
        HoldReason::SharedIncident { .. } => "shared-incident",
        HoldReason::Unusable { .. } => "unusable",
    }
}

/// When better news will have lasted long enough to be told.
pub(super) fn tells_at(state: &ReleaseState) -> Option<jiff::Timestamp> {
    let (word, from) = state.word_since?;
    (is_before_launch(state) && state.told_word != Some(word)).then(|| later(from, SETTLES))
}

/// Tells once as long as the release is remembered. The journal knows a key for ever: one that was forgotten and comes back
/// has news of its own, so the instant is part of what the journal is given.
pub(super) fn once(draft: &mut Draft<'_>, release: &Release, text: Text) {
    let now = draft.snapshot.now;
    let Some(state) = draft.state.releases.get_mut(&release.name) else { return };
    if !state.told.contains(&text.key) {
        state.told.push(text.key.clone());
        let key = format!("{}:{now}", text.key);
        say(draft, Some(release), Text { key, ..text });
    }
}
