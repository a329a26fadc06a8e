//! The head of a document: `apiVersion` and `kind`, which tell what it is before anything else is looked at.
//!
//! Invariant: a document whose kind is not known has at least one finding, and one mistake in its head has no second.

use super::hidden::shortened;
use super::node::{Node, Tree, way};
use super::notes::Notes;
use super::schema::{API_VERSION, Kind, LATER_KINDS};
use super::suggest;
use crate::shell::data::Finding;

/// The kind, if it is known, and what is wrong with the head.
pub fn read(file: &str, root: &Node) -> (Option<Kind>, Vec<Finding>) {
    let mut notes = Notes::new(file, root);
    let Tree::Map(entries) = &root.tree else {
        let message = format!("a document is a mapping, not {}", root.shape());
        let help = match &root.tree {
            Tree::Scalar(_) => {
                "begin it with `apiVersion: tminus/v1`, `kind` and `name`; if this belongs to a text before it, indent the `---`, which begins a document even there"
            }
            _ => "begin it with `apiVersion: tminus/v1`, `kind` and `name`",
        };
        notes.value(way![]).error("TM0106", message, help);
        return (None, notes.into_findings());
    };
    let (version, word) = (root.text_of("apiVersion"), root.text_of("kind"));
    let kind = word.and_then(Kind::of);
    if entries.is_empty() || is_foreign(root, (version, word)) {
        foreign((version, word), &mut notes);
    } else {
        api_version(root, kind, &mut notes);
        if kind.is_none() {
            unknown_kind(root, &mut notes);
        }
    }
    (kind, notes.into_findings())
}

/// Whether nothing says that this is a document of tminus, a misspelt key of the head included.
fn is_foreign(root: &Node, (version, word): (Option<&str>, Option<&str>)) -> bool {
    let no_word = word.is_none_or(|word| Kind::of(word).is_none() && suggest::nearest(word, words()).is_none());
    let version_of_others = version != Some(API_VERSION) && version.is_some() == word.is_some();
    no_word && version_of_others && misspelt(root, "apiVersion").is_none() && misspelt(root, "kind").is_none()
}

fn words() -> impl Iterator<Item = &'static str> {
    Kind::ALL.map(Kind::word).into_iter().chain(LATER_KINDS.iter().copied())
}

fn foreign((version, word): (Option<&str>, Option<&str>), notes: &mut Notes<'_>) {
    let message = match (version, word) {
        (Some(version), Some(word)) => {
            format!("`{}` `{}` is not a document of tminus", shortened(version, 60), shortened(word, 60))
        }
        _ => "the document does not say what it is: it has neither `apiVersion` nor `kind`".to_owned(),
    };
    let kinds = suggest::listed(&Kind::ALL.map(Kind::word));
    let help = format!("begin it with `apiVersion: {API_VERSION}` and a `kind`, one of {kinds}; or take it out of the folder");
    let place = if version.is_some() { way!["apiVersion"] } else { way![] };
    notes.value(place).error("TM0109", message, help);
}

/// The key that stands where this one should.
fn misspelt<'n>(root: &'n Node, wanted: &str) -> Option<&'n str> {
    let head = ["apiVersion", "kind", "name"];
    root.keys().take(50).find(|key| !head.contains(key) && suggest::nearest(key, head) == Some(wanted))
}

fn api_version(root: &Node, kind: Option<Kind>, notes: &mut Notes<'_>) {
    let help = format!("write `apiVersion: {API_VERSION}`");
    match root.text_of("apiVersion") {
        Some(API_VERSION) => {}
        Some(other) => {
            let message = format!("`{}` is not a version this tminus reads", shortened(other, 60));
            notes.value(way!["apiVersion"]).error("TM0109", message, help);
        }
        None if root.entry("apiVersion").is_some() => {
            notes.value(way!["apiVersion"]).error("TM0109", "`apiVersion` is a single value", help);
        }
        None => match misspelt(root, "apiVersion") {
            // Among the keys of a known kind it is refused as an unknown one.
            Some(_) if kind.is_some() => {}
            Some(key) => unknown_key(key, "apiVersion", notes),
            None => notes.value(way!["apiVersion"]).error("TM0109", "the document does not say `apiVersion`", help),
        },
    }
}

fn unknown_key(key: &str, meant: &str, notes: &mut Notes<'_>) {
    let message = format!("`{}` is not a key of a document", shortened(key, 60));
    notes.key(way![key]).error("TM0103", message, format!("did you mean `{meant}`?"));
}

fn unknown_kind(root: &Node, notes: &mut Notes<'_>) {
    let known = Kind::ALL.map(Kind::word);
    let one_of = format!("one of {}", suggest::listed(&known));
    match root.text_of("kind") {
        Some(word) if LATER_KINDS.contains(&word) => {
            let help = "take the document out of the folder until then";
            notes.value(way!["kind"]).error("TM0110", format!("`{word}` is not in this version"), help);
        }
        Some(word) => {
            let message = format!("`{}` is not a kind of document", shortened(word, 60));
            notes.value(way!["kind"]).error("TM0109", message, suggest::help(word, known));
        }
        None if root.entry("kind").is_some() => {
            notes.value(way!["kind"]).error("TM0109", "`kind` is a single word", format!("write {one_of}"));
        }
        None => match misspelt(root, "kind") {
            Some(key) => unknown_key(key, "kind", notes),
            None => {
                notes.value(way!["kind"]).error(
                    "TM0109",
                    "the document does not say its `kind`",
                    format!("add `kind`, {one_of}"),
                );
            }
        },
    }
}
