//! Errors of the schema validator -> findings that a person can act on.
//!
//! Where a value could be one of several things the branch that was meant is followed, so that a wrong status inside
//! `check: {http: ...}` is reported at the status. Invariant: every error of the validator becomes at least one finding,
//! unless a finding already stands at its place.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::guide::Guide;
use super::hidden::{is_hidden, shortened};
use super::limits::MOST_FINDINGS;
use super::node::{Node, Path, Segment, Tree};
use super::notes::Notes;
use super::schema::Rules;
use super::{hint, suggest, words};

/// Words of later versions, by the key they stand under, and what to use until then.
const LATER: &[(&str, &[&str], &str)] = &[
    ("check", &["tls", "dns", "file", "shielded", "counts_current"], "until then measure it with `command` or `http`"),
    ("source", &["sitemap", "listing", "log_top"], "until then write the list with `manifest`, `file` or `urls`"),
    ("to", &["slack", "pagerduty", "alertmanager", "email"], "until then use `webhook` or `command`"),
];

/// A place of the document, with the schema that governs it.
struct Site<'a> {
    /// The schema of the whole document.
    top: Guide<'a>,
    guide: Guide<'a>,
    node: &'a Node,
    path: Path,
    required: bool,
}

/// Validates and says everything that is wrong.
pub fn diagnose(rules: &Rules, root: &Node, (json, notes): (&Value, &mut Notes<'_>)) {
    let Some(validator) = rules.validator() else { return };
    let errors: Vec<_> = validator.iter_errors(json).collect();
    for error in &errors {
        if notes.is_full() {
            break;
        }
        let site = locate(rules, root, error);
        say(rules, root, (error, site, notes));
    }
}

/// Follows an error's pointer through document and schema together.
fn locate<'a>(rules: &'a Rules, root: &'a Node, error: &ValidationError<'_>) -> Site<'a> {
    let top = Guide::new(&rules.schema);
    let mut site = Site { top, guide: top, node: root, path: Path::default(), required: true };
    for token in error.instance_path().as_str().split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        let here = site.guide.follow(site.node);
        let next = match &site.node.tree {
            Tree::Map(_) => site.node.entry(&key).map(|entry| (&entry.value, here.under(&key), Segment::Key(key.clone()))),
            Tree::List(items) => {
                let index: Option<usize> = key.parse().ok();
                index.and_then(|index| Some((items.get(index)?, here.item(), Segment::Index(index))))
            }
            Tree::Scalar(_) => None,
        };
        let Some((node, guide, segment)) = next else { break };
        // An item of a list has no key to leave out.
        site.required = matches!(site.node.tree, Tree::List(_))
            || here.keyword("required").and_then(Value::as_array).is_some_and(|keys| keys.iter().any(|one| *one == key));
        site.node = node;
        site.guide = guide.unwrap_or(here);
        site.path.0.push(segment);
    }
    site
}

type Saying<'e, 'a, 'n, 'd> = (&'e ValidationError<'e>, Site<'a>, &'n mut Notes<'d>);

fn say(rules: &Rules, root: &Node, (error, site, notes): Saying<'_, '_, '_, '_>) {
    match error.kind() {
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } | Kind::OneOfMultipleValid { context } => {
            alternatives(rules, root, (context, site, notes));
        }
        Kind::AdditionalProperties { unexpected } => {
            unexpected.iter().take(MOST_FINDINGS + 1).for_each(|key| unknown_key(&site, key, notes));
        }
        Kind::Required { property } => missing_key(&site, property.as_str().unwrap_or_default(), notes),
        Kind::Constant { .. } | Kind::Enum { .. } if site.path.0.len() == 1 && is_head(&site.path) => {}
        Kind::Constant { .. } | Kind::Enum { .. } => unknown_word(&site, notes),
        Kind::Type { .. } | Kind::Format { .. } => mismatch(&site, notes),
        other => {
            let limit = limit(other).unwrap_or_else(|| error.to_string());
            let name = shown(&site.path);
            notes.value(site.path).error("TM0130", format!("{name} {limit}"), hint::range(site.guide.follow(site.node), other));
        }
    }
}

/// `apiVersion` and `kind` are looked at before anything else.
fn is_head(path: &Path) -> bool {
    matches!(path.0.first(), Some(Segment::Key(key)) if key == "apiVersion" || key == "kind")
}

fn alternatives(
    rules: &Rules,
    root: &Node,
    (context, site, notes): (&[Vec<ValidationError<'static>>], Site<'_>, &mut Notes<'_>),
) {
    let meant = site.guide.meant(site.node);
    let Some((at, branch)) = meant else { return unknown_word(&site, notes) };
    let Some(errors) = context.get(at).filter(|errors| !errors.is_empty()) else { return unknown_word(&site, notes) };
    let tags = tags(site.guide);
    for error in errors {
        let mut inner = locate(rules, root, error);
        if inner.path == site.path {
            // The same value, one alternative further in.
            inner.guide = branch;
            if let Kind::AdditionalProperties { unexpected } = error.kind()
                && tags.len() > 1
                && branch.resolved().keys().len() == 1
            {
                for key in unexpected {
                    second_tag(&site, (key, &tags), notes);
                }
                continue;
            }
        }
        say(rules, root, (error, inner, notes));
    }
}

/// The words that say which alternative a mapping is: `http`, `metric`.
fn tags(guide: Guide<'_>) -> Vec<&str> {
    guide.branches().into_iter().flatten().flat_map(|branch| branch.resolved().keys()).collect()
}

/// A mapping that is to be one alternative, and names another beside it.
fn second_tag(site: &Site<'_>, (key, tags): (&str, &[&str]), notes: &mut Notes<'_>) {
    if !tags.contains(&key) && later(&site.path, key).is_none() {
        let help = suggest::help(key, tags.iter().copied());
        return notes.key(site.path.then(key)).error("TM0103", format!("`{key}` is not a key {}", inside(&site.path)), help);
    }
    let message = format!("{} is one thing, and `{key}` is a second one", shown(&site.path));
    notes.key(site.path.then(key)).error("TM0112", message, "make an item of its own for each");
}

fn unknown_key(site: &Site<'_>, key: &str, notes: &mut Notes<'_>) {
    // What is not seen in it was told already.
    if notes.is_full() || key.contains(is_hidden) {
        return;
    }
    let path = site.path.then(key);
    let here = site.guide.follow(site.node);
    let known = here.keys();
    if let Some((word, value)) = glued(key, &known) {
        let message = format!("`{}` is one word: the space after the colon is missing", shortened(key, 60));
        return notes.key(path).error("TM0103", message, format!("write `{word}: {}`", shortened(value, 60)));
    }
    let help = match site.top.elsewhere(key).filter(|_| suggest::nearest(key, known.iter().copied()).is_none()) {
        Some(place) if place.is_empty() => format!("`{key}` is a key of the document itself: check the indentation"),
        Some(place) => format!("`{key}` is a key of `{place}`: check the indentation"),
        None => suggest::help(key, known),
    };
    notes.key(path).error("TM0103", format!("`{}` is not a key {}", shortened(key, 60), inside(&site.path)), help);
}

/// `id:a`, which YAML takes for one word.
fn glued<'k>(key: &'k str, known: &[&str]) -> Option<(&'k str, &'k str)> {
    key.split_once(':').filter(|(word, _)| known.contains(word))
}

fn missing_key(site: &Site<'_>, key: &str, notes: &mut Notes<'_>) {
    let here = site.guide.follow(site.node);
    let Tree::Map(entries) = &site.node.tree else { return };
    let known = here.keys();
    // A misspelt key is one mistake: the unknown key already names this one.
    let strangers = entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
    let strangers = strangers.take(MOST_FINDINGS);
    if strangers.into_iter().any(|entry| meant_as(&entry.key, &known) == Some(key))
        || is_head(&Path(vec![key.into()])) && site.path.0.is_empty()
    {
        return;
    }
    let help = here.under(key).map(hint::key).unwrap_or_default();
    notes.value(site.path.clone()).error(
        "TM0104",
        if site.path.0.is_empty() {
            format!("the key `{key}` is missing from this document")
        } else {
            format!("the key `{key}` is missing {}", inside(&site.path))
        },
        format!("add `{key}`: {help}"),
    );
}

/// The key that a misspelt one stands for, hidden characters left out.
fn meant_as<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let seen: String = key.chars().filter(|c| !is_hidden(*c)).collect();
    let seen = glued(&seen, known).map_or(seen.as_str(), |(word, _)| word);
    known.iter().copied().find(|known| *known == seen).or_else(|| suggest::nearest(seen, known.iter().copied()))
}

fn later(path: &Path, word: &str) -> Option<&'static str> {
    let key = path.0.iter().rev().find_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    });
    LATER.iter().find(|(under, words, _)| key == Some(under) && words.contains(&word)).map(|(_, _, help)| *help)
}

/// The value is none of the alternatives.
fn unknown_word(site: &Site<'_>, notes: &mut Notes<'_>) {
    let here = site.guide.resolved();
    let branches = here.branches().unwrap_or_else(|| vec![here]);
    let words: Vec<&str> = branches.iter().flat_map(|branch| branch.words()).collect();
    let tags = tags(here);
    let name = shown(&site.path);
    match &site.node.tree {
        Tree::Map(entries) if !tags.is_empty() => match entries.first() {
            None => notes.value(site.path.clone()).error(
                "TM0112",
                format!("{name} is empty"),
                format!("it takes one of {}", suggest::listed(&tags)),
            ),
            Some(first) => unknown_tag(site, (&first.key, &tags), notes),
        },
        Tree::Scalar(scalar) if !scalar.is_null() && tags.contains(&scalar.text.as_str()) => {
            let help = format!("write `{{{}: ...}}` with its keys in the place of the dots", scalar.text);
            notes.value(site.path.clone()).error("TM0106", format!("`{}` needs its settings", scalar.text), help);
        }
        Tree::Scalar(scalar) if !(scalar.is_null() || words.is_empty() && tags.is_empty()) => {
            unknown_tag_or_word(site, (&scalar.text, if words.is_empty() { &tags } else { &words }), notes);
        }
        _ => mismatch(site, notes),
    }
}

fn unknown_tag(site: &Site<'_>, (word, known): (&str, &[&str]), notes: &mut Notes<'_>) {
    let path = site.path.then(word);
    if let Some(help) = later(&site.path, word) {
        notes.key(path).error("TM0110", format!("`{word}` is not in this version"), help);
    } else {
        let message = format!("`{word}` is not a word that {} knows", shown(&site.path));
        notes.key(path).error("TM0107", message, suggest::help(word, known.iter().copied()));
    }
}

fn unknown_tag_or_word(site: &Site<'_>, (word, known): (&str, &[&str]), notes: &mut Notes<'_>) {
    let help = suggest::help(word, known.iter().copied());
    let help = if suggest::nearest(word, known.iter().copied()).is_some() {
        format!("{help} It is one of {}", suggest::listed(known))
    } else {
        help
    };
    match later(&site.path, word) {
        Some(help) => notes.value(site.path.clone()).error("TM0110", format!("`{word}` is not in this version"), help),
        None => notes.value(site.path.clone()).error(
            "TM0107",
            format!("`{word}` is not a word that {} knows", shown(&site.path)),
            help,
        ),
    }
}

/// A value of another type, or a text that its reader refuses.
fn mismatch(site: &Site<'_>, notes: &mut Notes<'_>) {
    let here = site.guide.follow(site.node);
    let (name, wanted) = (shown(&site.path), hint::wanted(here));
    if site.node.is_null() {
        let help = if site.required {
            format!("write {wanted}")
        } else {
            format!("leave the key out for its default, or write {wanted}")
        };
        return notes.value(site.path.clone()).error("TM0108", format!("{name} cannot be null"), help);
    }
    let format = here.format().and_then(words::format);
    match (site.node.scalar(), format) {
        (Some(scalar), Some(format)) => match (format.read)(&scalar.text) {
            Err(reason) => notes.value(site.path.clone()).error(format.code, reason, hint::scalar(format, &scalar.text)),
            Ok(()) => notes.value(site.path.clone()).error(
                format.code,
                format!("{name} is a number, and this is a text"),
                // YAML takes 05 for a text: a number has no leading zero.
                if scalar.plain { hint::scalar(format, &scalar.text) } else { "write it without quotes".to_owned() },
            ),
        },
        (Some(scalar), None) => {
            let message = format!("{name} is {wanted}, not {:?}", shortened(&scalar.text, 60));
            notes.value(site.path.clone()).error("TM0106", message, hint::untyped(here, scalar));
        }
        (None, _) => {
            let message = format!("{name} is {wanted}, not {}", site.node.shape());
            notes.value(site.path.clone()).error("TM0106", message, hint::shape(here));
        }
    }
}

fn limit(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Minimum { limit } => format!("is at least {}", number(limit)),
        Kind::Maximum { limit } => format!("is at most {}", number(limit)),
        Kind::ExclusiveMinimum { limit } => format!("is above {}", number(limit)),
        Kind::ExclusiveMaximum { limit } => format!("is below {}", number(limit)),
        Kind::MinItems { limit } => format!("has at least {limit} {}", if *limit == 1 { "entry" } else { "entries" }),
        Kind::MaxItems { limit } => format!("has at most {limit} entries"),
        Kind::MinLength { limit } => format!("has at least {limit} characters"),
        Kind::MaxLength { limit } => format!("has at most {limit} characters"),
        Kind::Pattern { pattern } if pattern == "^/" => "begins with a slash".to_owned(),
        _ => return None,
    })
}

/// `1`, not `1.0`.
fn number(limit: &Value) -> String {
    limit.as_f64().map_or_else(|| limit.to_string(), |limit| limit.to_string())
}

/// What a sentence calls the value there.
fn shown(path: &Path) -> String {
    match path.0.last() {
        None => "the document".to_owned(),
        Some(Segment::Key(key)) => format!("`{key}`"),
        Some(Segment::Index(_)) => format!("`{path}`"),
    }
}

fn inside(path: &Path) -> String {
    if path.0.is_empty() { "of this kind of document".to_owned() } else { format!("in `{path}`") }
}
