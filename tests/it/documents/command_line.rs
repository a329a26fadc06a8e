//! `check`, `schema` and `explain` as a person or a pipeline runs them.

use std::process::{Command, Output};

use serde_json::Value;

use super::{document, fixtures};

#[expect(clippy::disallowed_methods, reason = "this is the program under test")]
fn tminus(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tminus")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn exit_codes_tell_errors_from_warnings_and_usage() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, body: &str| {
        let path = folder.path().join(file);
        std::fs::write(&path, body).unwrap();
        path.display().to_string()
    };
    let release = "app: A\nversion: 1\nlaunch_at: 2026-12-01T19:00:00Z\n";
    let clean = write("clean.yaml", &document("Release", "clean", &format!("{release}channels: [release]\n")));
    let warned = write("warned.yaml", &document("Release", "warned", &format!("{release}channels: []\n")));
    let wrong = write("wrong.yaml", &document("Release", "wrong", release));
    for (arguments, code) in [
        (vec!["check", &clean], 0),
        (vec!["check", &clean, &warned], 3),
        (vec!["check", &clean, &warned, &wrong], 1),
        (vec!["check", "/nowhere/at/all.yaml"], 1),
        (vec!["check"], 64),
        (vec!["check", &clean, "-o", "xml"], 64),
        (vec!["schema"], 0),
        (vec!["schema", "gatepolicy"], 0),
        (vec!["schema", "Gate"], 1),
        (vec!["explain", "TM0103"], 0),
        (vec!["explain", "TM9999"], 1),
    ] {
        assert_eq!(tminus(&arguments).status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn answers_come_as_json_too() {
    for (arguments, key, value) in [
        (vec!["explain", "tm0103", "-o", "json"], "code", "TM0103"),
        (vec!["version", "-o", "json"], "version", env!("CARGO_PKG_VERSION")),
    ] {
        let answer: Value = serde_json::from_slice(&tminus(&arguments).stdout).unwrap();
        assert_eq!(answer[key], value, "{arguments:?}");
    }
}

#[test]
fn a_folder_without_documents_does_not_read_as_approval() {
    let folder = tempfile::tempdir().unwrap();
    let output = tminus(&["check", &folder.path().display().to_string()]);
    assert!(text(&output.stderr).contains("nothing was checked"), "{}", text(&output.stderr));
}

#[test]
fn json_holds_the_documented_fields_and_nothing_else_stands_on_stdout() {
    let file = fixtures().join("bad/unknown_key.yaml").display().to_string();
    let output = tminus(&["check", &file, "-o", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.as_object().unwrap().keys().collect::<Vec<_>>(), ["findings"]);
    let first = &report["findings"][0];
    let expected = serde_json::json!({
        "file": file, "line": 7, "column": 5, "path": "rules[0].percnt", "code": "TM0103", "severity": "error",
        "message": "`percnt` is not a key in `rules[0]`", "help": "did you mean `percent`?",
    });
    assert_eq!(*first, expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_form_names_every_finding() {
    let file = fixtures().join("bad/unknown_key.yaml").display().to_string();
    let count = |form: &str, mark: &str| text(&tminus(&["check", &file, "-o", form]).stdout).matches(mark).count();
    let total = count("json", "\"code\"");
    assert!(total > 2);
    for (form, mark) in
        [("human", "help: "), ("yaml", "TM0103"), ("github", "::error file="), ("junit", "<failure "), ("sarif", "\"ruleId\"")]
    {
        assert_eq!(count(form, mark), total, "{form}");
    }
    let github = text(&tminus(&["check", &file, "-o", "github"]).stdout);
    assert!(github.contains("line=7,col=5,title=TM0103::`percnt` is not a key"), "{github}");
}

#[test]
fn people_see_the_line_and_a_count() {
    let file = fixtures().join("bad/unknown_key.yaml").display().to_string();
    let output = tminus(&["check", &file]);
    let shown = text(&output.stdout);
    assert!(shown.contains("percnt: 12.5") && shown.contains("did you mean `percent`?"), "{shown}");
    assert!(text(&output.stderr).contains("1 document in 1 file: "), "{}", text(&output.stderr));
}

#[test]
fn control_characters_of_a_document_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, document("Checklist", "\"\\u001b[2Ja\"", "items: [] # \u{1b}[2J\u{9b}1A\u{202e}\n\"\\u001b[2J\": x\n"))
        .unwrap();
    let output = tminus(&["check", &file.display().to_string()]);
    let shown = text(&output.stdout);
    assert!(output.status.code() == Some(1) && shown.contains("items"), "{shown}");
    assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
}
