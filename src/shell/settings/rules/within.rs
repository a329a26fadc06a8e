//! Which rules a document of a kind is held to, and the ones that several kinds share.

use std::collections::BTreeMap;

use crate::core::words::Name;
use crate::shell::settings::draft::Typed;
use crate::shell::settings::files::Source;
use crate::shell::settings::node::Path;
use crate::shell::settings::notes::Notes;

/// Checks a document against the rules of its kind.
pub fn check(typed: &Typed, source: &Source, notes: &mut Notes<'_>) {
    match typed {
        Typed::Settings(settings) => super::settings::check(settings, notes),
        Typed::Release(release) => super::release::check(release, source, notes),
        Typed::Checklist(checklist) => super::checklist::check(checklist, notes),
        // Rules of one policy tie with each other as those of two do: see the rules among documents.
        Typed::ThrottlePolicy(_) => {}
        Typed::MetricsSource(source) => super::metrics::check(source, notes),
        Typed::GatePolicy(gate) => super::gate::check(gate, notes),
        Typed::ScalingPolicy(scaling) => super::scaling::check(scaling, notes),
        Typed::PrimingPolicy(priming) => super::priming::check(priming, notes),
        Typed::Notifier(notifier) => super::notifier::check(notifier, notes),
    }
}

/// Refuses two entries of a list that go by one name; `key` is the key that names them.
pub fn distinct<'n>(list: &Path, key: &str, (names, notes): (impl Iterator<Item = &'n Name>, &mut Notes<'_>)) {
    let mut seen: BTreeMap<&Name, usize> = BTreeMap::new();
    for (at, name) in names.enumerate() {
        let path = if key.is_empty() { list.then(at) } else { list.then(at).then(key) };
        match seen.get(name) {
            Some(first) => notes.value(path).error(
                "TM0205",
                format!("`{name}` is already the name of `{list}[{first}]`"),
                "give each its own name",
            ),
            None => drop(seen.insert(name, at)),
        }
    }
}

/// Refuses a mapping with none or several of keys that exclude each other; `at` is the mapping.
pub fn exactly_one(at: Path, keys: &[(&str, bool)], notes: &mut Notes<'_>) {
    let given: Vec<&str> = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    let all: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
    let listed = crate::shell::settings::suggest::listed(&all);
    match given.as_slice() {
        [_] => {}
        [] => {
            let message = match all.as_slice() {
                [one, other] => format!("neither `{one}` nor `{other}` is given, and one is needed"),
                _ => format!("none of {listed} is given, and one is needed"),
            };
            notes.value(at).error("TM0112", message, format!("write one of {listed}"));
        }
        [_, second, ..] => {
            let message = format!("`{second}` stands beside `{}`, and they exclude each other", given[0]);
            notes.key(at.then(*second)).error("TM0112", message, format!("keep one of {listed}"));
        }
    }
}
