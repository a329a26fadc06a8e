//! Decisions made again from their records: through the store, through the verb, over every way a record may be off.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tminus::core;
use tminus::core::decide::{
    Command as Order, Config, Observations, Order as Asks, Person, Scope, Snapshot, State, decide_within,
};
use tminus::core::throttle::HaltTarget;
use tminus::shell::store::{Commit, Store, Verdict, audit_record_of, replay};

use super::{at, edit, name};

/// Somebody halts an app.
fn halt(state: &State) -> Snapshot {
    let target = HaltTarget::App { app: name("reader") };
    let by = Person { name: name("ann"), roles: vec![name("operator")] };
    let commands = vec![Order { by, order: Asks::Halt { target }, reason: "fire".into() }];
    let observed = Observations { history: [(name("g"), vec![(at(0), 0.1 + 0.2)])].into(), ..Observations::default() };
    Snapshot { config: Config::default(), state: state.clone(), observed, commands, now: at(5) }
}

/// A store whose one decision was made from that, with this scope, by this core.
fn decided(scope: Scope, core_version: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    let snapshot = halt(&State { version: 1, epoch, ..State::default() });
    let decision = decide_within(scope, &snapshot);
    let (by, cause) = (Some(name("ann")), "order");
    let (events, documents) = (Vec::new(), Vec::new());
    let commit = Commit {
        at: at(5),
        cause,
        by,
        snapshot: &snapshot,
        decision: &decision,
        events,
        documents,
        in_force: Vec::new(),
        core_version,
    };
    store.commit_within(scope, &commit).unwrap();
    folder
}

fn run(folder: &Path, id: &str, format: &str) -> (Option<i32>, String, String) {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let out = command.args(["audit", "replay", id, "-o", format, "--data"]).arg(folder).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn a_record_of_either_scope_is_reproduced_byte_for_byte() {
    for scope in [Scope::Whole, Scope::Orders] {
        let folder = decided(scope, core::VERSION);
        let record = audit_record_of(folder.path(), 1).unwrap();
        assert_eq!(record.scope, Some(scope));
        let replayed = replay(&record).unwrap();
        assert_eq!((replayed.verdict, &replayed.decision_hash), (Verdict::Reproduced, &record.decision_hash));
    }
}

#[test]
fn the_verb_shows_what_was_decided_and_why() {
    let folder = decided(Scope::Whole, core::VERSION);
    let (code, out, prose) = run(folder.path(), "1", "human");
    assert!(code == Some(0) && out.starts_with("REPRODUCED byte for byte"), "{out} {prose}");
    for said in ["by ann", "ann: ", "(fire)", "reader, by ann: fire", "notify:halt:reader"] {
        assert!(out.contains(said), "{said:?} is not in\n{out}");
    }
    let (code, out, _) = run(folder.path(), "1", "json");
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, shown["verdict"].as_str(), shown["scope"].as_str()), (Some(0), Some("reproduced"), Some("whole")));
    assert_eq!(shown["decision_hash"], shown["recorded_hash"]);
    assert_eq!((shown["replies"][0]["accepted"].as_bool(), shown["broken"].as_array().map(Vec::len)), (Some(true), Some(0)));
}

#[test]
fn another_core_explains_a_difference_and_the_same_core_does_not() {
    let folder = decided(Scope::Whole, "0.1.0");
    let (code, out, _) = run(folder.path(), "1", "human");
    assert!(code == Some(0) && out.contains("recorded by core 0.1.0"), "the same bytes are the same, whoever made them: {out}");

    // A record whose hash is of something else, but which fits its place in the chain.
    for (core_version, code_wanted, verdict, said) in [
        ("0.1.0", 3, "core_changed", "the core's version explains it"),
        (core::VERSION, 1, "differs", "although the core is the same"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let epoch = store.take_epoch().unwrap();
        let snapshot = halt(&State { version: 1, epoch, ..State::default() });
        let mut decision = decide_within(Scope::Whole, &snapshot);
        decision.replies.clear();
        let (events, documents) = (Vec::new(), Vec::new());
        let commit = Commit {
            at: at(5),
            cause: "order",
            by: None,
            snapshot: &snapshot,
            decision: &decision,
            events,
            documents,
            in_force: Vec::new(),
            core_version,
        };
        store.commit(&commit).unwrap();
        let (code, out, _) = run(folder.path(), "1", "human");
        assert!(code == Some(code_wanted) && out.contains(said), "{core_version}: {code:?} {out}");
        let (_, out, _) = run(folder.path(), "1", "json");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["verdict"].as_str(), Some(verdict));
    }
}

#[test]
fn a_record_that_was_changed_is_not_replayed_at_all() {
    for statement in [
        "UPDATE audit SET core_version = '0'",
        "UPDATE audit SET scope = 'orders'",
        "UPDATE audit SET scope = NULL",
        "UPDATE audit SET decision_hash = zeroblob(32)",
        "UPDATE chain SET base_hash = x'01'",
    ] {
        let folder = decided(Scope::Whole, core::VERSION);
        edit(folder.path(), statement);
        let (code, out, prose) = run(folder.path(), "1", "human");
        assert!(code == Some(1) && out.is_empty() && prose.contains("audit verify"), "{statement}: {out} {prose}");
    }
    let folder = decided(Scope::Whole, core::VERSION);
    for id in ["2", "0", "9223372036854775807"] {
        let (code, _, prose) = run(folder.path(), id, "human");
        assert!(code == Some(1) && prose.contains("was never written; the rows kept are 1 to 1"), "{id}: {prose}");
    }
}
