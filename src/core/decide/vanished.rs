//! Documents that are refused or gone: what is in force goes on, nothing more is let through, and people hear of it.
//!
//! A release whose document vanished is held where it stands, with the document as it last was; one for which nothing was
//! done yet is forgotten. Not here: how a document is found missing, and keeping its text; that is the daemon's.
//! Invariant: what vanishes never takes an offer back and never lets more through, and only a person lets it go on.

use jiff::Timestamp;

use super::announce::{Text, say};
use super::decision::Told;
use super::draft::Draft;
use super::effect::Topic;
use super::snapshot::Command;
use crate::core::release::{Event, Missing, Phase, Release, ReleaseState, Vanished, offer, percent, step};
use crate::core::words::Name;

/// Whether a release stays in force when its document vanishes: something was done for it, people signed it, or clients
/// were offered it. Without a state nothing is known to have been done.
pub fn keeps(release: &Release, state: &ReleaseState, now: Timestamp) -> bool {
    let was_live = || offer(release, state, now).is_some_and(|offer| offer.was_live);
    match state.phase {
        Phase::Planned => !state.sign_offs.is_empty() || !state.waivers.is_empty() || was_live(),
        // Called off before anybody had it, nobody needs it; otherwise its app would become somebody else's.
        Phase::Scrubbed { .. } => was_live(),
        Phase::Active(_) | Phase::Held { .. } | Phase::Aborted { .. } | Phase::Complete => true,
    }
}

/// Whether a release lives on in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    /// As its phase says.
    On,
    /// It is not begun while something of it is missing.
    Nowhere,
}

/// What is known of the documents as a whole.
pub(super) fn documents(draft: &mut Draft<'_>) {
    draft.state.revision.clone_from(&draft.snapshot.config.revision);
    forget(draft);
    refused(draft);
}

/// Nothing was done for these, and their documents are gone.
fn forget(draft: &mut Draft<'_>) {
    let documents = &draft.snapshot.config.releases;
    let begun = |state: &ReleaseState| !matches!(state.phase, Phase::Planned | Phase::Scrubbed { .. });
    draft.state.releases.retain(|name, state| documents.contains_key(name) || begun(state));
}

/// The documents have errors, others than people heard of, or none any more.
fn refused(draft: &mut Draft<'_>) {
    let (now, before) = (draft.snapshot.now, draft.state.rejected.take());
    draft.state.rejected.clone_from(&draft.snapshot.observed.rejected);
    let digest = |rejected: &Option<super::Rejected>| rejected.as_ref().map(|rejected| rejected.digest.clone());
    if digest(&before) == digest(&draft.state.rejected) {
        // The same errors; how they are worded is no news.
        draft.state.rejected = before;
        return;
    }
    let text = match &draft.state.rejected {
        Some(rejected) => Text {
            topic: Topic::Documents,
            key: format!("documents:refused:{}:{now}", rejected.digest),
            what: format!(
                "The documents were changed and are refused: {}; the first: {}.",
                if rejected.errors == 1 { "1 error".into() } else { format!("{} errors", rejected.errors) },
                rejected.first.trim_end_matches('.')
            ),
            meaning: "The documents before this change stay in force, and launches go on by them.".into(),
            next: "Mend the files: `tminus check` shows every error; they are read again by themselves.".into(),
        },
        None => Text {
            topic: Topic::Documents,
            key: format!("documents:valid:{now}"),
            what: "The documents are valid again.".into(),
            meaning: "They are in force as the files say.".into(),
            next: "Nothing to do.".into(),
        },
    };
    say(draft, None, text);
}

/// Holds a release that something is missing of, and tells when it is back.
pub(super) fn follow(draft: &mut Draft<'_>, release: &Release) -> Goes {
    let missing = draft.snapshot.config.vanished.get(&release.name);
    let Some(before) = draft.state.releases.get(&release.name).cloned() else { return Goes::On };
    match (missing, &before.vanished) {
        (Some(missing), _) => gone(draft, release, (&before, missing)),
        (None, Some(known)) if known.back_at.is_none() => back(draft, release, (&before, known)),
        (None, _) => {}
    }
    if missing.is_some() && before.phase == Phase::Planned { Goes::Nowhere } else { Goes::On }
}

fn gone(draft: &mut Draft<'_>, release: &Release, (before, missing): (&ReleaseState, &[Missing])) {
    let now = draft.snapshot.now;
    let known = before.vanished.as_ref();
    let is_news = known.is_none_or(|known| known.back_at.is_some() || known.missing != missing);
    let since = known.map_or(now, |known| known.since);
    let vanished = Some(Vanished { since, missing: missing.to_vec(), back_at: None });
    let hold = Event::Hold { by: tminus(), reason: listed(missing) };
    let held = match &before.phase {
        // A hold of what is under way is never refused; a refusal would leave the state as it is.
        Phase::Active(_) => step(release, before, hold, now).unwrap_or_else(|_| before.clone()),
        _ => before.clone(),
    };
    let after = ReleaseState { vanished, ..held };
    if is_news || after.phase != before.phase {
        let text = gone_text(release, (before, &after), missing);
        say(draft, Some(release), Text { key: format!("{}:vanished:{now}", release.name), ..text });
    }
    draft.state.releases.insert(release.name.clone(), after);
}

fn gone_text(release: &Release, (before, after): (&ReleaseState, &ReleaseState), missing: &[Missing]) -> Text {
    let name = &release.name;
    let put_back = "Put it back where it was";
    let what = match (&before.phase, &after.phase) {
        (Phase::Active(_), Phase::Held { .. }) => format!("tminus holds {name}: {}.", listed(missing)),
        _ => format!("A document of {name} is gone: {}.", listed(missing)),
    };
    let (meaning, next) = match &after.phase {
        Phase::Held { .. } => {
            let stays = percent(release, after).map_or("It does not launch".into(), |percent| format!("It stays at {percent} %"));
            let end = if after.evidence_from.is_some() { "abort" } else { "scrub" };
            (
                format!("{stays}, with the documents as they last were; nothing rises, and an ABORT still counts."),
                format!("{put_back}, then `tminus resume {name}`; or end it with `tminus {end} {name}`."),
            )
        }
        Phase::Complete => (
            format!("{} stays on offer as it was.", release.version),
            format!("{put_back}; or take it off for good: {}.", remove(missing)),
        ),
        Phase::Aborted { .. } => (
            "It stays aborted, with the documents as they last were.".into(),
            format!("{put_back}; or take it off for good: {}.", remove(missing)),
        ),
        Phase::Planned | Phase::Active(_) | Phase::Scrubbed { .. } => (
            "What was signed is kept; nothing is begun for it while this is missing.".into(),
            format!("{put_back}; or call it off with `tminus scrub {name}`."),
        ),
    };
    Text { topic: Topic::Hold, key: String::new(), what, meaning, next }
}

fn back(draft: &mut Draft<'_>, release: &Release, (before, known): (&ReleaseState, &Vanished)) {
    let (name, now) = (&release.name, draft.snapshot.now);
    let is_held = matches!(before.phase, Phase::Held { .. });
    let vanished = is_held.then(|| Vanished { back_at: Some(now), ..known.clone() });
    draft.state.releases.insert(name.clone(), ReleaseState { vanished, ..before.clone() });
    let (meaning, next) = if is_held {
        ("It stays held: somebody should look at what changed before more is let through.", format!("`tminus resume {name}`."))
    } else {
        ("It is in force as its documents say.", "Nothing to do.".into())
    };
    let what = format!("The documents of {name} are back: {}.", documents_of(&known.missing));
    let text = Text { topic: Topic::Hold, key: format!("{name}:back:{now}"), what, meaning: meaning.into(), next };
    say(draft, Some(release), text);
}

/// Why an order is not carried out while a document is missing: it would let more through by what may not be meant any
/// more. Orders that stop are carried out.
pub(super) fn refuses(draft: &Draft<'_>, name: &Name, event: &Event) -> Option<String> {
    let missing = draft.snapshot.config.vanished.get(name)?;
    match event {
        Event::Go { .. } | Event::Resume | Event::Advance | Event::Promote | Event::Clear { .. } => Some(format!(
            "{name} stays where it is: {}; put it back first, hold, abort and scrub work all the same",
            listed(missing)
        )),
        Event::Tick(_) | Event::Hold { .. } | Event::Abort { .. } | Event::Scrub { .. } => None,
    }
}

/// Somebody removed a document on purpose.
pub(super) fn removed(draft: &mut Draft<'_>, (document, releases): (&str, &[Name]), command: &Command) -> Told {
    for name in releases.iter().filter(|name| !draft.snapshot.config.releases.contains_key(*name)) {
        draft.state.releases.remove(name);
    }
    let (by, now) = (&command.by.name, draft.snapshot.now);
    let text = Text {
        topic: Topic::Documents,
        key: format!("removed:{document}:{now}"),
        what: format!("{by} removed {document}: {}.", command.reason),
        meaning: if releases.is_empty() {
            "It is in force no more.".into()
        } else {
            "It is in force no more: nobody is offered it, and tminus forgets how it stood.".into()
        },
        next: "Nothing to do; a document of that name begins anew.".into(),
    };
    say(draft, None, text);
    Told { code: "removed".into(), message: format!("{document} is removed") }
}

/// What is missing of a release, as the first reason why it is not further.
pub(super) fn sentences(state: &ReleaseState) -> impl Iterator<Item = String> {
    let sentence = state.vanished.as_ref().map(|vanished| match vanished.back_at {
        None => format!("{}; it goes on when that is back and somebody resumes it", listed(&vanished.missing)),
        Some(_) => format!("{} was gone and is back; somebody has to resume it", documents_of(&vanished.missing)),
    });
    let ended = matches!(state.phase, Phase::Complete | Phase::Aborted { .. } | Phase::Scrubbed { .. });
    let shown =
        sentence.map(|sentence| if ended { sentence.split("; it goes").next().unwrap_or_default().into() } else { sentence });
    shown.into_iter()
}

fn listed(missing: &[Missing]) -> String {
    let each: Vec<String> =
        missing.iter().map(|missing| format!("{} vanished from {}", missing.document, missing.file)).collect();
    each.join(", ")
}

fn documents_of(missing: &[Missing]) -> String {
    missing.iter().map(|missing| missing.document.as_str()).collect::<Vec<_>>().join(", ")
}

fn remove(missing: &[Missing]) -> String {
    let first = missing.first().map_or("KIND/NAME", |missing| missing.document.as_str());
    format!("`tminus apply --remove {first} --reason TEXT`")
}

/// Who holds what nobody held.
#[expect(clippy::expect_used, reason = "a literal that is a name")]
fn tminus() -> Name {
    Name::new("tminus").expect("a literal")
}
