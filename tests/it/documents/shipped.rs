//! The shipped documents are valid and worth copying; the published schemas are those of the program; hostile variants of
//! them are findings and never worse.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tminus::shell::settings::{Kind, load, load_texts};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn shipped() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    for folder in ["checklists", "policies", "releases"] {
        walk(&root().join(folder), &mut found);
    }
    found.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    found.sort();
    found
}

#[test]
fn shipped_documents_are_valid_as_they_are() {
    let loaded = load(&["checklists", "policies", "releases"].map(|folder| root().join(folder)));
    assert!(loaded.findings.is_empty(), "{:#?}", loaded.findings);
    let config = &loaded.documents.config;
    assert_eq!((config.releases.len(), config.checklists.len(), config.gates.len(), config.throttles.len()), (7, 4, 4, 3));
    for item in config.checklists.values().flat_map(|checklist| &checklist.items) {
        assert!(item.why.is_some() && item.owner.is_some() && item.due.is_some(), "{} is worth copying", item.id);
    }
    // Every item of every release has something to sign.
    let items: usize =
        config.releases.values().flat_map(|release| &release.checklists).map(|list| config.checklists[list].items.len()).sum();
    assert_eq!(config.contents.len(), items);
}

#[test]
fn every_shipped_file_names_its_schema() {
    for path in shipped() {
        let text = fs::read_to_string(&path).unwrap();
        let schema = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        let schema = schema.unwrap_or_else(|| panic!("{} begins with its schema", path.display()));
        assert!(path.with_file_name(schema).canonicalize().is_ok(), "{} names {schema}", path.display());
        let kind = schema.rsplit('/').next().unwrap().trim_end_matches(".json");
        let kinds: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        assert!(kinds.iter().all(|found| *found == kind), "{} holds {kinds:?}", path.display());
    }
}

#[test]
fn published_schemas_are_those_of_the_program() {
    for kind in Kind::ALL {
        let path = root().join(format!("docs/schema/{}.json", kind.word()));
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == kind.published(),
            "docs/schema/{0}.json drifted: tminus schema {0} > docs/schema/{0}.json",
            kind.word()
        );
    }
    assert_eq!(fs::read_dir(root().join("docs/schema")).unwrap().count(), Kind::ALL.len());
}

/// One way to spoil a text: a word replaced, a line taken out, doubled or indented.
fn spoilt(text: &str, (way, line, word): (u8, prop::sample::Index, &str)) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = line.index(lines.len());
    match way {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines[at] = format!("  {}", lines[at]),
        3 => lines[at].push_str(word),
        _ => {
            let key = lines[at].find(": ").map(|colon| lines[at][..colon].to_owned());
            lines[at] = key.map_or_else(|| word.to_owned(), |key| format!("{key}: {word}"));
        }
    }
    lines.join("\n")
}

const WORDS: &[&str] = &[
    "null",
    "~",
    "[]",
    "{}",
    "[[a]]",
    "{a: b}",
    "-1",
    "0",
    "1e9",
    "1e999",
    "NaN",
    "99999999999999999999",
    "yes",
    "\"5\"",
    "5m",
    "T-1h",
    "é",
    "'",
    "\"",
    "[",
    "{",
    "*a",
    "&a b",
    "!x y",
    "|",
    "a: b",
    "\t",
    "\0",
    "\u{202e}",
    "9223372036854775808",
    "0.00001",
    "100",
    "101",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the schema lets through the types read (the finding for the opposite says so), and every error has a place in
    /// the text, a code and a help.
    #[test]
    fn spoilt_documents_are_findings_with_a_place(
        file in any::<prop::sample::Index>(),
        way in 0_u8..8,
        line in any::<prop::sample::Index>(),
        word in prop::sample::select(WORDS),
    ) {
        let files = shipped();
        let text = fs::read_to_string(&files[file.index(files.len())]).unwrap();
        let text = spoilt(&text, (way, line, word));
        let loaded = load_texts(&[("spoilt.yaml".to_owned(), text.clone())]);
        for found in &loaded.findings {
            prop_assert!(!found.message.starts_with("cannot be read:"), "schema and types disagree: {found:?}\n{text}");
            prop_assert!(found.line >= 1 && found.line <= text.lines().count() + 1 && found.column >= 1, "{found:?}\n{text}");
            prop_assert!(found.code.len() == 6 && !found.message.is_empty() && !found.help.is_empty(), "{found:?}\n{text}");
        }
    }

    /// Text that is no document at all neither panics nor passes.
    #[test]
    fn noise_is_never_a_document(text in "[-\\[\\]{}:,#&*!|>'\"%@` \ta-c0-9\n]{0,80}") {
        let loaded = load_texts(&[("noise.yaml".to_owned(), text)]);
        prop_assert!(loaded.parts.is_empty());
    }
}
