//! Golden bad documents: each file (or folder) of tests/fixtures/bad, with what a person and a program are told of it.
//!
//! `TMINUS_BLESS=1 cargo test --test it documents::bad` writes the golden files anew after a change of wording; then they
//! are reviewed as what somebody reads at 3 a.m.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tminus::shell::settings::{codes, load};

use super::fixtures;

/// Files and folders that are checked, each by itself.
fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures().join("bad")).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "yaml")).collect();
    cases.sort();
    cases
}

/// What a person sees and what a program reads, as a transcript.
#[expect(clippy::disallowed_methods, reason = "this is the program under test")]
fn transcript(case: &Path) -> String {
    let name = case.file_name().unwrap().to_str().unwrap();
    let mut text = String::new();
    for arguments in [vec!["check", name], vec!["check", name, "-o", "json"]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tminus")).args(&arguments).current_dir(case.parent().unwrap()).output().unwrap();
        let (shown, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let _ = write!(text, "$ tminus {}\n{shown}{said}exit {}\n\n", arguments.join(" "), output.status.code().unwrap());
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "a switch for people who change a wording, never set in a test run")]
fn blessing() -> bool {
    std::env::var("TMINUS_BLESS").is_ok()
}

#[test]
fn every_mistake_is_told_as_it_was_reviewed() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (golden, found) = (case.with_extension("txt"), transcript(&case));
        if blessing() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}\n--- expected\n{expected}--- found\n{found}", case.display()));
        }
        let odd = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!found.contains(odd), "{} prints what moves a cursor: {found:?}", case.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_golden_file_is_left_over() {
    let entries = fs::read_dir(fixtures().join("bad")).unwrap().map(|entry| entry.unwrap().path());
    let golden: BTreeSet<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    let expected: BTreeSet<_> = cases().iter().map(|case| case.with_extension("txt")).collect();
    assert_eq!(golden, expected);
    assert!(expected.len() >= 70, "{} bad documents", expected.len());
}

#[test]
fn every_code_has_a_fixture() {
    let mut paths = cases();
    paths.push(fixtures().join("absent.yaml"));
    let found: BTreeSet<String> = paths.into_iter().flat_map(|path| load(&[path]).findings).map(|finding| finding.code).collect();
    // TM04 is about changes while a daemon runs: tests/it/daemon/.
    let known: BTreeSet<String> =
        codes::CODES.iter().map(|code| code.code.to_owned()).filter(|code| !code.starts_with("TM04")).collect();
    assert_eq!(found, known);
}

/// One mistake is one finding: no two are about one value or key. Of missing keys each is a mistake, at the same mapping.
#[test]
fn no_finding_follows_from_another_at_the_same_place() {
    // Several bounds may be broken by one number, and each is a mistake of its own.
    let independent = ["scaling.yaml", "queries.yaml"];
    for case in cases() {
        if independent.contains(&case.file_name().unwrap().to_str().unwrap()) {
            continue;
        }
        let mut seen = BTreeSet::new();
        for found in load(std::slice::from_ref(&case)).findings.into_iter().filter(|found| found.code != "TM0104") {
            let about = (found.file.clone(), found.line, found.column, found.path.clone());
            assert!(seen.insert(about), "{}: {found:?}", case.display());
        }
    }
}
