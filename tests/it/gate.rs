//! `tminus gate replay` from the outside: the real program over files.

#![expect(clippy::panic, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/gate");

#[expect(clippy::disallowed_methods, reason = "the program under test is started here")]
fn replay(policy: &str, counts: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.current_dir(FOLDER).args(["gate", "replay", "--policy", policy, counts]).args(more).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The same shape, texts and order; figures to nine digits, since the mathematics library is the host's.
#[track_caller]
fn close(found: &Value, golden: &Value, place: &str) {
    match (found, golden) {
        (Value::Array(found), Value::Array(golden)) => {
            assert_eq!(found.len(), golden.len(), "{place}");
            for (index, (found, golden)) in found.iter().zip(golden).enumerate() {
                close(found, golden, &format!("{place}[{index}]"));
            }
        }
        (Value::Object(found), Value::Object(golden)) => {
            assert!(found.keys().eq(golden.keys()), "{place}: {found:?}");
            for (key, value) in found {
                close(value, &golden[key], &format!("{place}.{key}"));
            }
        }
        (Value::Number(found), Value::Number(golden)) => {
            let (found, golden) = (found.as_f64().unwrap(), golden.as_f64().unwrap());
            assert!((found - golden).abs() <= 1e-9 * golden.abs().max(1e-300), "{place}: {found} is not {golden}");
        }
        _ => assert_eq!(found, golden, "{place}"),
    }
}

#[test]
fn answers_are_the_golden_ones_with_their_exit_codes() {
    let cases = [
        ("policy.yaml", "healthy", 0),
        ("policy.yaml", "regression", 6),
        ("policy.yaml", "panic", 6),
        ("policy.yaml", "gaps", 5),
        ("with-slo.yaml", "clean", 5),
        ("alone.yaml", "alone", 0),
    ];
    for (policy, counts, exit) in cases {
        let output = replay(policy, &format!("{counts}.csv"), &["-o", "json", "--exit-code"]);
        assert_eq!(output.status.code(), Some(exit), "{counts}: {output:?}");
        let golden = std::fs::read_to_string(Path::new(FOLDER).join(format!("{counts}.json"))).unwrap();
        close(&json(&output), &serde_json::from_str(&golden).unwrap(), counts);
        let plain = replay(policy, &format!("{counts}.csv"), &["-o", "json"]);
        assert_eq!((plain.status.code(), plain.stdout), (Some(0), output.stdout), "{counts}");
    }
}

#[test]
fn the_first_policy_of_a_file_is_used() {
    // Clean requests teach only a policy with an slo, and only the first one has it.
    let with_slo = json(&replay("with-slo.yaml", "clean.csv", &["-o", "json"]));
    let without = json(&replay("policy.yaml", "clean.csv", &["-o", "json"]));
    assert_eq!(with_slo["minutes"][2]["verdict"], "SAFE");
    assert_eq!(without["minutes"][2]["verdict"], "HOLD");
}

#[test]
fn every_problem_of_the_counts_is_told_with_its_line() {
    let output = replay("policy.yaml", "broken.csv", &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    let expected = [
        "broken.csv:3: minute \"yesterday\"",
        "broken.csv:4: candidate_errors \"-1\"",
        "broken.csv:5: minute 2026-12-01T19:02:00Z is the same as that of line 4",
        "broken.csv:5: candidate_errors 1001 are more than candidate_requests 1000",
    ];
    assert_eq!(lines.len(), expected.len(), "{told}");
    for (line, part) in lines.iter().zip(expected) {
        assert!(line.contains(part), "{line:?} does not say {part:?}");
    }
}

#[test]
fn problems_of_both_files_are_told_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "apiVersion: tminus/v1\nkind: GatePolicy\nname: p\nalpha: 2\n").unwrap();
    let output = replay(policy.to_str().unwrap(), "broken.csv", &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("policy.yaml") && told.contains("alpha") && told.contains("broken.csv:3"), "{told}");
    let missing = replay("nowhere.yaml", "nowhere.csv", &[]);
    let told = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(told.contains("nowhere.yaml") && told.contains("nowhere.csv"), "{told}");
}

#[test]
fn a_policy_needs_no_metrics_to_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "apiVersion: tminus/v1\nkind: GatePolicy\nname: bare\n").unwrap();
    let bare = json(&replay(policy.to_str().unwrap(), "healthy.csv", &["-o", "json"]));
    let whole = json(&replay("policy.yaml", "healthy.csv", &["-o", "json"]));
    assert_eq!(bare["minutes"], whole["minutes"]);
}

#[test]
fn no_rows_are_a_hold_and_people_and_yaml_get_the_same_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let counts = folder.path().join("counts.csv");
    std::fs::write(&counts, "minute,candidate_errors,candidate_requests,baseline_errors,baseline_requests\n").unwrap();
    let output = replay("policy.yaml", counts.to_str().unwrap(), &["-o", "json", "--exit-code"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!((&json(&output)["verdict"], &json(&output)["minutes"]), (&"HOLD".into(), &Value::Array(vec![])));
    let human = String::from_utf8(replay("policy.yaml", "regression.csv", &[]).stdout).unwrap();
    assert!(human.lines().last().unwrap().starts_with("ABORT: http_5xx: "), "{human}");
    let yaml = String::from_utf8(replay("policy.yaml", "regression.csv", &["-o", "yaml"]).stdout).unwrap();
    assert!(yaml.lines().any(|line| line == "\"verdict\": \"ABORT\""), "{yaml}");
}
