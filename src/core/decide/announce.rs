//! What people should hear when something is done: what happened, what it means for the launch, what to do next.
//!
//! Not here: what they should hear while nothing happens; that is `remind`.
//!
//! Invariant: every announcement has a key that names the event and its instant; the journal sends a key once.

use std::time::Duration;

use super::draft::Draft;
use super::effect::{Announcement, Effect, Topic};
use super::snapshot::{Command, Order, Person};
use crate::core::release::{Active, Phase, Release, ReleaseState, next_step, percent, stands_at};
use crate::core::throttle::{Halt, HaltTarget, Lift, Rule};
use crate::core::words::{Name, Percent, TRelative, Version, VersionRule, format_duration};

/// The text of an announcement.
pub(super) struct Text {
    pub(super) topic: Topic,
    pub(super) key: String,
    pub(super) what: String,
    pub(super) meaning: String,
    pub(super) next: String,
}

/// Tells people.
pub(super) fn say(draft: &mut Draft<'_>, release: Option<&Release>, text: Text) {
    let now = draft.snapshot.now;
    let shadow = release.is_some_and(|release| release.shadow);
    let text = if shadow { of_shadow(text) } else { text };
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

/// A shadow acts on nothing, and nobody should have to know that by heart.
fn of_shadow(text: Text) -> Text {
    let (what, meaning) = (format!("Shadow: {}", text.what), format!("Nothing is done. If it were real: {}", text.meaning));
    Text { what, meaning, ..text }
}

fn clock(release: &Release, draft: &Draft<'_>) -> String {
    TRelative::of(draft.snapshot.now, release.launch_at).clock()
}

/// A release went from one state to another; `cause` is the order that did it, if one did.
pub(super) fn transition(draft: &mut Draft<'_>, release: &Release, (before, after, cause): Transition<'_>) {
    if before.phase == after.phase {
        return armed(draft, release, (before, after));
    }
    if let Phase::Aborted { reason, .. } = &after.phase {
        return aborted(draft, release, (reason, cause));
    }
    let name = &release.name;
    let (topic, what, meaning, next) = match &after.phase {
        Phase::Active(Active::Rolling { .. } | Active::Baking) => stepped(draft, release, (before, after, cause)),
        Phase::Held { by, reason, .. } if matches!(before.phase, Phase::Aborted { .. }) => cleared(draft, release, (by, reason)),
        Phase::Held { by, reason, .. } => held(release, after, (by, reason)),
        Phase::Active(_) if matches!(before.phase, Phase::Held { .. }) => (
            Topic::Hold,
            format!("{name} goes on; the hold is over{}.", by(cause)),
            "The launch follows its readiness again.".into(),
            NOTHING.into(),
        ),
        Phase::Scrubbed { reason } => (
            Topic::Abort,
            format!("{name} is called off: {reason}."),
            "It will not launch; raised capacity is given back.".into(),
            "Apply a new release when there is a new date.".into(),
        ),
        Phase::Complete if before.phase != Phase::Planned => (
            Topic::Step,
            format!("{name} is complete: the rollout is over, and {} stays on offer.", release.version),
            if release.scaling.is_empty() {
                "The report is written."
            } else {
                "Capacity is given back by ramp, and the report is written."
            }
            .into(),
            "Read the report.".into(),
        ),
        // Readiness tells of preparing and ready; a release that was out already needs nobody.
        _ => return,
    };
    // Two steps may be entered at one instant: by the order that lets it go on, and by what was certified before it.
    let stands_at = percent(release, after).map_or_else(String::new, |percent| format!(":{percent}"));
    let key = format!("{name}:{}{stands_at}:{}", after.phase.word(), after.entered_at);
    say(draft, Some(release), Text { topic, key, what, meaning, next });
}

/// From, to, and the order that did it.
pub(super) type Transition<'a> = (&'a ReleaseState, &'a ReleaseState, Option<&'a Command>);

type Words = (Topic, String, String, String);

/// When nobody has to act.
const NOTHING: &str = "Nothing to do.";

fn by(cause: Option<&Command>) -> String {
    cause.map_or(String::new(), |command| format!(", {} says: {}", command.by.name, command.reason))
}

fn armed(draft: &mut Draft<'_>, release: &Release, (before, after): (&ReleaseState, &ReleaseState)) {
    let (None, Some(armed)) = (&before.armed, &after.armed) else { return };
    let what = format!("{} said GO for {}: {}.", armed.by, release.name, armed.reason);
    let meaning = format!("It launches at {} if readiness is GO then.", release.local(release.launch_at));
    let key = format!("{}:armed:{}", release.name, armed.at);
    let next = format!("Nothing to do; `tminus hold {}` stops it.", release.name);
    say(draft, Some(release), Text { topic: Topic::Readiness, key, what, meaning, next });
}

fn held(release: &Release, after: &ReleaseState, (by, reason): (&Name, &str)) -> Words {
    let name = &release.name;
    let meaning = match percent(release, after) {
        Some(percent) => format!("It stays at {percent} %; nothing rises, and an ABORT still counts."),
        None => "It does not launch while it is held; preparing goes on.".into(),
    };
    (Topic::Hold, format!("{by} holds {name}: {reason}."), meaning, format!("`tminus resume {name}` lets it go on."))
}

fn cleared(draft: &Draft<'_>, release: &Release, (by, reason): (&Name, &str)) -> Words {
    let (name, app, version) = (&release.name, &release.app, &release.version);
    let halted = draft.is_version_halted(release);
    let certified = draft.state.releases.get(name).map_or(Percent::ZERO, |state| state.certified);
    let where_to = if certified == Percent::ZERO { "before its launch".into() } else { format!("at {certified} %") };
    let (meaning, lift) = if halted {
        let meaning = format!("It is held {where_to}; {version} is still halted, so nobody is offered it.");
        (meaning, format!("`tminus throttle lift {app} --version {version}`, then "))
    } else {
        (format!("It is held {where_to}, and the evidence begins anew."), String::new())
    };
    (Topic::Abort, format!("{by} cleared the ABORT of {name}: {reason}."), meaning, format!("{lift}`tminus resume {name}`."))
}

/// A step was lowered in the document of a release that stands at it.
pub(super) fn edited(draft: &mut Draft<'_>, release: &Release, (before, after): (&ReleaseState, &ReleaseState)) {
    let (Some(was), Some(is)) = (percent(release, before), percent(release, after)) else { return };
    if is >= was {
        return;
    }
    let name = &release.name;
    let text = Text {
        topic: Topic::Step,
        key: format!("{name}:lowered:{}", draft.snapshot.now),
        what: format!("{name} goes from {was} to {is} %: its document was changed so."),
        meaning: "Clients above it are offered the version no more; the evidence for this step begins anew.".into(),
        next: format!("Nothing to do; `tminus status {name}` shows how it stands."),
    };
    say(draft, Some(release), text);
}

fn stepped(draft: &Draft<'_>, release: &Release, (before, after, cause): Transition<'_>) -> Words {
    let (name, version) = (&release.name, &release.version);
    let percent = percent(release, after).unwrap_or(Percent::ZERO);
    let order = cause.map(|command| (&command.order, &command.by.name, &command.reason));
    let what = match (&before.phase, order) {
        (_, Some((Order::Advance { .. }, by, reason))) => format!("{by} advanced {name} to {percent} % without SAFE: {reason}."),
        (_, Some((Order::Promote { .. }, by, reason))) => format!("{by} promoted {name} to {percent} %: {reason}."),
        (Phase::Active(Active::Preparing | Active::Ready), _) => {
            let channels: Vec<_> = release.channels.iter().map(Name::as_str).collect();
            format!("{name} launched: {percent} % of clients on {} may have {version}{}.", channels.join(", "), by(cause))
        }
        (Phase::Held { .. }, _) => format!("{name} goes on at {percent} %{}.", by(cause)),
        _ => format!("{name} is at {percent} %."),
    };
    (Topic::Step, what, ahead(draft, release, after), format!("Nothing to do; `tminus hold {name}` stops it here."))
}

/// What comes after this step, and what it takes.
fn ahead(draft: &Draft<'_>, release: &Release, after: &ReleaseState) -> String {
    let here = percent(release, after).unwrap_or(Percent::ZERO);
    let lower = if throttled_below(draft, release, here) { " Throttle rules hold some of them lower." } else { "" };
    let step = match stands_at(release, after) {
        Some(step) => step,
        _ if release.bake().is_zero() => return format!("Nothing is watched any more: it has no bake.{lower}"),
        _ => return format!("It is watched for {} more.{lower}", format_duration(release.bake())),
    };
    let dwell = release.rollout.steps.get(step).map_or(Duration::ZERO, |step| step.dwell);
    let next = release.rollout.steps.get(next_step(release, after)).map_or(Percent::FULL, |step| step.percent);
    match &release.gate {
        Some(_) => format!("The next step is {next} %, after at least {} and a SAFE gate.{lower}", format_duration(dwell)),
        None => format!("The next step is {next} %; without a gate it takes `tminus advance {}`.{lower}", release.name),
    }
}

/// Whether a rule about the app, or the layer under the rules, lets fewer through than the rollout.
fn throttled_below(draft: &Draft<'_>, release: &Release, here: Percent) -> bool {
    let channel = |rule: &Rule| rule.channel.as_ref().is_none_or(|one| release.channels.contains(one));
    let touches = |rule: &Rule| rule.app == release.app && channel(rule) && takes_some_of(release, rule.version.as_ref());
    let mut policies = draft.snapshot.config.throttles.values();
    policies.any(|policy| {
        policy.global.is_some_and(|global| global < here) || policy.rules.iter().any(|rule| touches(rule) && rule.percent < here)
    })
}

/// Whether a rule is about a version that may take the release; ranges and prefixes count as if they were.
fn takes_some_of(release: &Release, versions: Option<&VersionRule>) -> bool {
    let takes = |version: &Version| {
        version.is_older_than(&release.version) && release.from.as_ref().is_none_or(|from| from.matches(version))
    };
    match versions {
        Some(VersionRule::Exact(version)) => takes(version),
        Some(VersionRule::List(versions)) => versions.iter().any(takes),
        Some(VersionRule::Range(_) | VersionRule::Prefix(_)) | None => true,
    }
}

/// What an ABORT means for everybody, and what to do next.
pub fn after_abort(release: &Release) -> (String, String) {
    let (name, version) = (&release.name, &release.version);
    if release.halts_on_abort() {
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
    }
}

fn aborted(draft: &mut Draft<'_>, release: &Release, (reason, cause): (&str, Option<&Command>)) {
    let name = &release.name;
    let (meaning, next) = after_abort(release);
    let key = format!("{name}:aborted:{}", draft.snapshot.now);
    // The gate speaks in whole sentences, people do not.
    let what = match cause {
        Some(command) => format!("{} aborted {name}: {}.", command.by.name, command.reason),
        None => format!("{name} is aborted: {reason}"),
    };
    say(draft, Some(release), Text { topic: Topic::Abort, key, what, meaning, next });
    if release.halts_on_abort() && !release.shadow {
        halt_version(draft, release, reason.to_owned());
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

/// Somebody halted something.
pub(super) fn halted(draft: &mut Draft<'_>, halt: &Halt, rule: &Lift) {
    let text = Text {
        topic: Topic::Halt,
        key: format!("halt:{}:{}", target(&halt.target), halt.at),
        what: format!("{} halted {}: {}.", halt.by, target(&halt.target), halt.reason),
        meaning: match halt.target {
            HaltTarget::Version { .. } => {
                "From the next request on nobody is offered this version, force included; the next one that fits is."
            }
            _ => "From the next request on nobody is offered an update there, force included.",
        }
        .into(),
        next: format!("{} lifts it: {}; one alone may break the glass.", lift_order(&halt.target), people(rule)),
    };
    say(draft, None, text);
}

/// Somebody wants a halt to stay while others ask to lift it: without voices there is no news.
pub(super) fn stays_halted(draft: &mut Draft<'_>, halt: &Halt, (command, voices, rule): (&Command, &[Name], &Lift)) {
    if voices.is_empty() {
        return;
    }
    let (what, voices) = (target(&halt.target), voices.iter().map(Name::as_str).collect::<Vec<_>>());
    let text = Text {
        topic: Topic::Halt,
        key: format!("stays-halted:{what}:{}", draft.snapshot.now),
        what: format!("{} wants {what} to stay halted: {}.", command.by.name, command.reason),
        meaning: format!("What {} asked before does not count any more.", voices.join(", ")),
        next: format!("{} begins anew: {}.", lift_order(&halt.target), people(rule)),
    };
    say(draft, None, text);
}

/// The halt file came or went.
pub(super) fn halt_file(draft: &mut Draft<'_>) {
    let (is_there, was_there) = (draft.snapshot.observed.halt_file, draft.state.halt_file);
    if is_there == was_there {
        return;
    }
    draft.state.halt_file = is_there;
    let key = format!("halt-file:{is_there}:{}", draft.snapshot.now);
    let text = if is_there {
        Text {
            topic: Topic::Halt,
            key,
            what: "The halt file exists: everything is halted.".into(),
            meaning: "From the next request on nobody is offered any update of any app, force included.".into(),
            next: "Remove the file to lift it.".into(),
        }
    } else {
        let (meaning, next) = (format!("Updates are offered again as the throttle says.{}", left(draft)), NOTHING.into());
        Text { topic: Topic::Halt, key, what: "The halt file is gone.".into(), meaning, next }
    };
    say(draft, None, text);
}

/// What is halted still, as a sentence.
fn left(draft: &Draft<'_>) -> String {
    let left: Vec<_> = draft.state.halts.iter().map(|halt| target(&halt.target)).collect();
    if left.is_empty() { String::new() } else { format!(" Still halted: {}.", left.join(", ")) }
}

/// Somebody asked to lift a halt, and it takes more people.
pub(super) fn lift_asked(draft: &mut Draft<'_>, halt: &Halt, (by, rule): (&Name, &Lift)) {
    let what = target(&halt.target);
    let text = Text {
        topic: Topic::Halt,
        key: format!("lift-asked:{what}:{by}:{}", draft.snapshot.now),
        what: format!("{by} asks to lift the halt of {what}: {} of {}.", halt.lifts.len(), rule.count),
        meaning: format!("{what} stays halted until enough people have asked."),
        next: format!("{} adds a voice: {}.", lift_order(&halt.target), people(rule)),
    };
    say(draft, None, text);
}

/// Somebody lifted a halt; alone, if the glass was broken.
pub(super) fn lifted(draft: &mut Draft<'_>, halt: &Halt, (by, reason, alone): (&Person, &str, bool)) {
    let left = left(draft);
    let how = if alone { ", alone, by breaking the glass" } else { "" };
    let text = Text {
        topic: Topic::Halt,
        key: format!("lift:{}:{}", target(&halt.target), draft.snapshot.now),
        what: format!("{} lifted the halt of {}{how}: {reason}.", by.name, target(&halt.target)),
        meaning: format!("Updates are offered again as the throttle says.{left}"),
        next: if alone { "Ask why the others were not there.".into() } else { NOTHING.into() },
    };
    say(draft, None, text);
}

/// Who may lift, in words.
fn people(rule: &Lift) -> String {
    let count = rule.count.max(1);
    let who = if count == 1 { "1 person" } else { &format!("{count} people") };
    let roles: Vec<_> = rule.roles.iter().map(Name::as_str).collect();
    if roles.is_empty() { format!("it takes {who}") } else { format!("it takes {who} of {}", roles.join(" or ")) }
}

/// The command that lifts a halt.
fn lift_order(target: &HaltTarget) -> String {
    match target {
        HaltTarget::Everything => "Removing the halt file".into(),
        HaltTarget::App { app } => format!("`tminus throttle lift {app}`"),
        HaltTarget::Channel { app, channel } => format!("`tminus throttle lift {app} --channel {channel}`"),
        HaltTarget::Version { app, version } => format!("`tminus throttle lift {app} --version {version}`"),
    }
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
