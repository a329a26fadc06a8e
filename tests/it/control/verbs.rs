//! The client verbs as real child processes, against a listener with a fake daemon behind it.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::process::Command;

use super::fake::{open, person};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program; words are split at white space.
async fn run(address: SocketAddr, token: Option<&str>, words: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.args(words.split_whitespace()).env("TMINUS_SERVER", format!("http://{address}")).env_remove("TMINUS_TOKEN");
    if let Some(token) = token {
        command.env("TMINUS_TOKEN", token);
    }
    let out = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: out.status.code().unwrap(), out: text(out.stdout), err: text(out.stderr) }
}

/// Runs and compares the exit code; the output must hold these texts, on stdout when it is 0 and on stderr when it is 1.
async fn check(address: SocketAddr, words: &str, code: i32, holds: &[&str]) {
    let ran = run(address, None, words).await;
    assert_eq!(ran.code, code, "{words}: {} {}", ran.out, ran.err);
    let text = if code == 1 || code == 64 { &ran.err } else { &ran.out };
    for part in holds {
        assert!(text.contains(part), "{words}: {part} is not in {} {}", ran.out, ran.err);
    }
    assert!(
        !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
        "{words}: no colours and no texts of others that drive a terminal"
    );
}

#[tokio::test]
async fn a_launch_day_by_hand() {
    let room = open(Vec::new()).await;
    let at = room.address;
    check(at, "status", 0, &["reader-2.3", "plain", "HOLD", "GO", "first reason"]).await;
    check(at, "status reader-2.3", 0, &["reader 2.3.0", "HOLD", "load-test", "pending", "5 in service", "edge2 not proven"])
        .await;
    check(at, "status reader-2.3 --exit-code", 5, &[]).await;
    check(at, "status plain --exit-code", 0, &[]).await;
    check(at, "go reader-2.3 --reason now", 1, &["load-test", "waive"]).await;
    check(at, "sign-off reader-2.3 load-test --reason tested", 0, &["signed load-test"]).await;
    check(at, "sign-off reader-2.3 load-test", 1, &["has signed load-test already"]).await;
    check(at, "waive reader-2.3 kill-switch --reason rehearsed --for 2d", 0, &["is waived until", " UTC"]).await;
    check(at, "status reader-2.3 --exit-code", 0, &["GO", "waived"]).await;
    check(at, "wait reader-2.3 --for ready --timeout 5s", 0, &["reader-2.3: ready"]).await;
    check(at, "go reader-2.3 --reason now", 0, &["armed"]).await;
    check(at, "hold reader-2.3 --reason lunch", 0, &["is held"]).await;
    check(at, "hold reader-2.3 --reason lunch", 1, &["held already"]).await;
    check(at, "status reader-2.3 --exit-code", 5, &["held", "was ready"]).await;
    check(at, "resume reader-2.3 --reason back", 0, &[]).await;
    check(at, "wait reader-2.3 --for complete --timeout 1s", 4, &[]).await;
    check(at, "scrub reader-2.3 --reason weather", 0, &["scrubbed"]).await;
    check(at, "wait reader-2.3 --for complete", 6, &["scrubbed"]).await;
    check(at, "wait reader-2.3 --for scrubbed", 0, &[]).await;
    check(at, "status --exit-code", 6, &[]).await;
}

#[tokio::test]
async fn the_brake() {
    let room = open(vec![
        person("rita", &["operator", "release"]),
        person("rolf", &["operator", "release"]),
        person("otto", &["operator"]),
    ])
    .await;
    let by = async |token: &str, words: &str| run(room.address, Some(token), words).await;
    let halted = by("otto", "throttle halt reader --version 2.3.0 --reason crashes").await;
    assert_eq!((halted.code, halted.out.as_str()), (0, "reader 2.3.0 is halted\n"), "{}", halted.err);
    let shown = by("rita", "throttle get READER").await;
    assert!(shown.out.contains("HALT reader 2.3.0, by otto: crashes"), "{}", shown.out);
    let all = by("rita", "status").await.out;
    assert_eq!(all.matches("HALT reader 2.3.0, by otto: crashes").count(), 1, "who looks at everything sees the halt: {all}");
    let json: serde_json::Value = serde_json::from_str(&by("rita", "throttle get reader -o json").await.out).unwrap();
    assert_eq!(json["halts"][0]["version"], "2.3.0");
    let alone = by("otto", "throttle lift reader --version 2.3.0").await;
    assert_eq!(alone.code, 1, "{}", alone.out);
    assert_eq!(by("otto", "throttle lift reader --version 2.3.0 --break-glass").await.code, 64, "it needs a reason");
    assert!(by("rita", "throttle lift reader --version 2.3.0").await.out.contains("1 of 2 people"));
    assert!(by("rolf", "throttle lift reader --version 2.3.0").await.out.contains("no longer halted"));
    by("otto", "throttle halt reader --channel beta --reason again").await;
    let broken = by("otto", "throttle lift reader --channel beta --break-glass --reason night").await;
    assert!(broken.out.contains("no longer halted"), "{} {}", broken.out, broken.err);
}

#[tokio::test]
async fn plans_read_as_plans() {
    let room = open(Vec::new()).await;
    check(room.address, "plan plain", 0, &["+ ", "~ ", "step reader/release: none -> 1 %", "1 % -> 12.5 %", "Plan: "]).await;
    check(room.address, "plan plain --detailed-exitcode", 2, &["to add, "]).await;
    let json: serde_json::Value = serde_json::from_str(&run(room.address, None, "plan plain -o json").await.out).unwrap();
    assert_eq!((&json["release"], &json["readiness"]), (&"plain".into(), &"GO".into()));
    check(room.address, "plan plain -o yaml", 0, &["\"actions\":\n  -\n"]).await;
}

#[tokio::test]
async fn plans_need_no_daemon() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/plan/reader.yaml");
    let words = |rest: &str| format!("plan reader-2.3 {rest} --config {config}");
    let shown = [
        "load-test is pending",
        "+ 2099-11-29 11:00:00Z  early reader/betatest: none -> 2.3.0",
        "prime reader-content: none -> 99.9 %",
    ];
    check(nowhere, &words(""), 0, &shown).await;
    check(nowhere, &words("--detailed-exitcode"), 2, &["~ ", "floor reader-api: 4 -> 24", "- ", "Cost: ", "USD"]).await;
    check(nowhere, &format!("plan other --config {config}"), 1, &["no release other", "reader-2.3"]).await;
    check(nowhere, "plan reader-2.3 --config /nowhere", 1, &["nothing was planned"]).await;
}

#[tokio::test]
async fn documents_are_applied_together_or_not() {
    let room = open(Vec::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let good = file("good.yaml", "kind: Release\nname: x\n");
    let bad = file("bad.yaml", "# a comment\nrules:\n  - percnt: 1\n");
    let (good, bad) = (good.display(), bad.display());
    check(room.address, &format!("apply {good}"), 0, &["+ Release/x", "Applied: 1 created, 0 changed, 0 unchanged."]).await;
    let refused = run(room.address, None, &format!("apply {good} {bad}")).await;
    assert_eq!(refused.code, 1);
    for part in [&format!("{bad}:3:3"), "TM0102", "unknown key `percnt`", "did you mean `percent`?", "- percnt: 1"] {
        assert!(refused.out.contains(part), "{part}: {}", refused.out);
    }
    assert!(refused.err.contains("nothing was applied"), "{}", refused.err);
    check(room.address, "apply /nowhere.yaml", 1, &["/nowhere.yaml"]).await;
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let room = open(vec![person("vera", &["viewer"])]).await;
    let at = room.address;
    check(at, "status", 1, &["token"]).await;
    let vera = run(at, Some("vera"), "hold plain --reason x").await;
    assert!(vera.code == 1 && vera.err.contains("role operator"), "{}", vera.err);
    assert_eq!(run(at, Some("vera"), "status").await.code, 0);
    let absent = run(at, Some("vera"), "status nothing").await;
    assert!(absent.code == 1 && absent.err.contains("nothing here"), "{}", absent.err);
    check(at, "hold plain", 64, &["--reason"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "vera\n").unwrap();
    check(at, &format!("status --token-file {}", file.display()), 0, &["plain"]).await;
    room.stop().await.unwrap();
    let gone = run(at, Some("secret-canary"), "status").await;
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("does not answer") && gone.err.contains("tminus serve"), "{}", gone.err);
    assert!(!gone.err.contains("secret-canary"), "{}", gone.err);
    check(at, "status --server not-a-url", 1, &["--server"]).await;
}
