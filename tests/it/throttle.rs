//! `tminus decide` over the vectors and snapshots of AUS2: the real binary, YAML documents, JSON out.
//!
//! The tables are the ones that the core is tested with. Invariant: what is asked for is in the tables alone.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

fn fixture(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/throttle").join(file)
}

fn rows(file: &str) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(fixture(file)).unwrap();
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split('\t').map(String::from).collect()).collect()
}

/// Runs `tminus decide` over a fixture; the arguments are apart by spaces.
#[expect(clippy::disallowed_methods, reason = "the binary under test is a child of the test")]
fn run(documents: &str, arguments: &str) -> Output {
    let mut tminus = std::process::Command::new(env!("CARGO_BIN_EXE_tminus"));
    tminus.arg("decide").arg("--policy").arg(fixture(documents)).args(arguments.split(' '));
    tminus.output().unwrap()
}

fn decide(documents: &str, arguments: &str) -> Value {
    let output = run(documents, &format!("{arguments} -o json"));
    let prose = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{documents} {arguments}: {prose}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn forced(force: &str) -> String {
    if force == "-" { String::new() } else { format!(" --force {force}") }
}

#[test]
fn the_vectors_hold_in_the_binary() {
    for row in rows("vectors.tsv") {
        let [id, config, app, version, channel, force, percent, reason] = &row[..] else { panic!("row {row:?}") };
        let arguments = format!("--app {app} --version {version} --channel {channel}{} --client c-1", forced(force));
        let decision = decide(&format!("{config}.yaml"), &arguments);
        let ppm = percent.parse::<u64>().unwrap() * 10_000;
        assert_eq!((decision["percent_ppm"].as_u64(), decision["reason"].as_str()), (Some(ppm), Some(reason.as_str())), "{id}");
        assert_eq!(decision["serve"].as_bool(), Some(decision["bucket"].as_u64().unwrap() < ppm), "{id}: {decision}");
        assert!(decision["version"].is_null() && decision["revision"].is_string(), "{id}: {decision}");
    }
}

#[test]
fn the_snapshots_hold_in_the_binary() {
    let versions = ["1.0.5", "1.0.6", "1.0.7", "2.0.1", "2.0.2", "2.0.3"];
    for row in rows("snapshots.tsv") {
        let (snapshot, at, channels, force) = (&row[0], &row[1], &row[2], &row[3]);
        // The core checks every channel; the last one of each row is enough to check the way there.
        let channel = channels.split(' ').next_back().unwrap();
        for (version, expected) in versions.iter().zip(&row[4..]) {
            let arguments = format!("--app MyApp --version {version} --channel {channel}{} --at {at}", forced(force));
            let decision = decide(&format!("{snapshot}.yaml"), &arguments);
            let given = decision["version"].as_str().unwrap_or("");
            let cell = match (decision["serve"].as_bool(), decision["reason"].as_str()) {
                (Some(true), _) => given.to_owned(),
                (_, Some("no_offer")) => format!("-{given}"),
                _ => format!("!{given}"),
            };
            assert_eq!(cell, *expected, "{snapshot} at {at}: {version} on {channel}, force {force}: {decision}");
        }
    }
}

#[test]
fn an_explanation_goes_to_stderr_and_the_answer_to_stdout() {
    let asks = "--app MyApp --version 1.0.7 --channel release --at 2026-12-01T12:00:00-08:00[America/Los_Angeles] --explain";
    let output = run("a6.yaml", asks);
    let (answer, prose) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(answer.starts_with("held back\nreason     rule at 0 %\n"), "{answer}");
    for line in
        ["offer: 2.0.3 by release myapp-2.0.3-major", "rule: ", "force: none", "exception: none", "percent: ", "fallback: none"]
    {
        assert!(prose.lines().any(|found| found.starts_with(line)), "{line}: {prose}");
    }
    let yaml = String::from_utf8(run("a6.yaml", &format!("{asks} -o yaml")).stdout).unwrap();
    assert!(yaml.lines().any(|line| line == "\"serve\": false"), "{yaml}");
}

#[test]
fn what_cannot_be_asked_is_usage_and_what_cannot_be_read_is_an_error() {
    for (arguments, code) in [
        ("--app A --version 1.0", 64),
        ("--app A --channel c --version 1,0", 64),
        ("--app A --channel c --version 1 --at yesterday", 64),
        ("--app A --channel c --version 1 --at 2026-12-01T12:00:00+09:00[America/Los_Angeles]", 64),
        ("--app A --channel c --version 1 --policy /nonexistent.yaml", 1),
    ] {
        let output = run("c0.yaml", arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments}");
    }
}
