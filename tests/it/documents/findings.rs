//! Golden bad files: line, column, path, code, message and help of every finding.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use tminus::shell::settings::{Finding, Severity, codes, load};

use super::{document, fixtures};

fn bad_files(ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(fixtures().join("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    files
}

/// As it is reviewed: the place, then the message and the help below it.
fn told(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, found| {
        let word = if found.severity == Severity::Error { "" } else { " (warning)" };
        let Finding { line, column, path, code, message, help, .. } = found;
        let _ = writeln!(text, "{line}:{column} {code}{word} at `{path}`\n    {message}\n    {help}");
        text
    })
}

/// To write the golden files anew after a change of wording: `TMINUS_BLESS=1 cargo test --test it documents`, then review.
#[expect(clippy::disallowed_methods, reason = "a switch for people who change a wording, never set in a test run")]
fn blessing() -> bool {
    std::env::var("TMINUS_BLESS").is_ok()
}

#[test]
fn every_mistake_is_named_at_its_place() {
    let mut wrong = Vec::new();
    for file in bad_files("yaml") {
        let folder = fixtures().join("bad").display().to_string() + "/";
        let found = told(&load(std::slice::from_ref(&file)).findings).replace(&folder, "");
        let golden = file.with_extension("findings");
        if blessing() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}\n--- expected\n{expected}--- found\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_golden_file_is_left_over() {
    let stems = |ending: &str| bad_files(ending).iter().map(|path| path.with_extension("")).collect::<BTreeSet<_>>();
    assert_eq!(stems("findings"), stems("yaml"));
}

#[test]
fn every_code_has_a_fixture() {
    // TM04 is about changes while a daemon runs: tests/it/daemon/.
    let mut paths = bad_files("yaml");
    paths.push(fixtures().join("absent.yaml"));
    let found: BTreeSet<String> = paths.into_iter().flat_map(|path| load(&[path]).findings).map(|finding| finding.code).collect();
    let known: BTreeSet<String> =
        codes::CODES.iter().map(|code| code.code.to_owned()).filter(|code| !code.starts_with("TM04")).collect();
    assert_eq!(found, known);
}

#[test]
fn a_file_that_cannot_be_read_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), b"name: \xff").unwrap();
    fs::write(folder.path().join("b.yml"), document("Checklist", "b", "itemz: []\n")).unwrap();
    fs::write(folder.path().join("c.txt"), "not a document: [").unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(folder.path().join("d/e.yaml"), vec![b'#'; (4 << 20) + 1]).unwrap();
    let loaded = load(&[folder.path().to_owned()]);
    let found: Vec<_> = loaded
        .findings
        .iter()
        .map(|found| (found.file.rsplit('/').next().unwrap(), found.line, found.column, found.code.as_str()))
        .collect();
    assert_eq!(found, [("a.yaml", 1, 7, "TM0101"), ("b.yml", 4, 1, "TM0103"), ("e.yaml", 1, 1, "TM0101")]);
}

#[test]
fn three_mistakes_among_three_hundred_documents_are_named_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let checklist = document("Checklist", &format!("list-{number}"), "items: [{id: a, title: A, sign_off: {count: 1}}]\n");
        let gate = document(
            "GatePolicy",
            &format!("gate-{number}"),
            "slo: {percent: 0.5}\nmetrics: [{name: m, candidate: {errors: e, requests: r}}]\n",
        );
        let body = format!(
            "app: App{number}\nversion: 1.0\nchannels: [release]\nlaunch_at: 2026-12-01T19:00:00Z\nchecklists: [list-{number}]\ngate: gate-{number}\n"
        );
        let release = document("Release", &format!("release-{number}"), &body);
        for (kind, text) in [("list", checklist), ("gate", gate), ("release", release)] {
            fs::write(folder.path().join(format!("{kind}-{number}.yaml")), text).unwrap();
        }
    }
    let source = document("MetricsSource", "counts", "push: {}\nqueries: {e: {series: e}, r: {series: r}}\n");
    fs::write(folder.path().join("source.yaml"), source).unwrap();
    assert!(load(&[folder.path().to_owned()]).findings.is_empty());

    let replace = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    replace("list-7.yaml", "title", "titel");
    replace("gate-42.yaml", "0.5", "105");
    replace("release-99.yaml", "gate-99", "gate-999");
    let loaded = load(&[folder.path().to_owned()]);
    let found: Vec<_> = loaded
        .findings
        .iter()
        .map(|found| {
            (found.file.rsplit('/').next().unwrap(), (found.line, found.column), found.path.as_str(), found.help.as_str())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("gate-42.yaml", (4, 16), "slo.percent", "100 is everybody"),
            ("list-7.yaml", (4, 17), "items[0].titel", "did you mean `title`?"),
            ("release-99.yaml", (9, 7), "gate", "did you mean `gate-99`?"),
        ]
    );
    assert_eq!(loaded.documents.config.releases.len(), 99, "what is valid is there");
}
