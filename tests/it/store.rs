//! The store from the outside: real files, real kills, real damage.

mod audit;
mod backup;
mod crash;
mod edits;
mod history;
mod replay;
mod retention;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use tminus::core::decide::{Announcement, Config, Decision, Effect, Intent, Observations, Snapshot, State, Topic};
use tminus::core::words::{Capacity, Name};
use tminus::shell::clock;
use tminus::shell::data::PushedCounts;
use tminus::shell::store::{
    AppliedDocument, Commit, Committed, Failure, NewEvent, Progress, Store, StoreError, decision_hash, verify_folder,
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_000 + secs).unwrap()
}

/// A decision of an epoch, the `n`th, with these effects by key.
fn decision(epoch: u64, n: u64, effects: &[(&str, Effect)]) -> Decision {
    let intent = |(key, effect): &(&str, Effect)| Intent { key: (*key).into(), epoch, effect: effect.clone() };
    Decision {
        state: State { epoch, decisions: n, ..State::default() },
        intents: effects.iter().map(intent).collect(),
        changed: true,
        ..Decision::default()
    }
}

fn snapshot(n: u64) -> Snapshot {
    let history = vec![(at(0), 0.1 + 0.2), (at(60), 1.0 / 3.0)];
    let observed = Observations { history: BTreeMap::from([(name("reader-api"), history)]), ..Observations::default() };
    let state = State { decisions: n, ..State::default() };
    Snapshot { config: Config::default(), state, observed, commands: Vec::new(), now: at(n.cast_signed()) }
}

fn event(message: &str) -> NewEvent {
    NewEvent { at: at(1), release: Some(name("reader-2.3")), kind: "phase".into(), message: message.into(), by: None }
}

fn floor(group: &str, instances: u32) -> Effect {
    Effect::SetFloor { group: name(group), floor: Capacity(instances), restore: Capacity(4), why: "the surge".into() }
}

fn prime(policy: &str) -> Effect {
    Effect::Prime { policy: name(policy), release: Some(name("reader-2.3")) }
}

fn notify(key: &str) -> Effect {
    Effect::Notify(Announcement {
        key: key.into(),
        topic: Topic::Hold,
        release: None,
        clock: None,
        what: "It holds.".into(),
        meaning: "No launch.".into(),
        next: "Look.".into(),
        at: at(0),
    })
}

fn commit(store: &mut Store, decision: &Decision) -> Result<Committed, StoreError> {
    commit_with(store, decision, Vec::new())
}

fn commit_with(store: &mut Store, decision: &Decision, documents: Vec<AppliedDocument>) -> Result<Committed, StoreError> {
    let n = decision.state.decisions;
    store.commit(&Commit {
        at: at(n.cast_signed()),
        cause: "tick",
        by: None,
        snapshot: &snapshot(n),
        decision,
        events: vec![event(&format!("Decision {n}."))],
        documents,
        in_force: Vec::new(),
        core_version: "0.1.0",
    })
}

fn open_keys(store: &Store) -> Vec<String> {
    store.open_intents().unwrap().into_iter().map(|open| open.intent.key).collect()
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.load().unwrap().state, None);
    let epoch = store.take_epoch().unwrap();
    let document = AppliedDocument {
        kind: "Release".into(),
        name: name("Reader-2.3"),
        text: "kind: Release\n".into(),
        by: Some(name("ann")),
        at: at(3),
    };
    let decided = decision(epoch, 1, &[("floor/1", floor("reader-api", 12)), ("prime/1", prime("reader-content"))]);
    let committed = commit_with(&mut store, &decided, vec![document.clone()]).unwrap();
    assert_eq!((committed.audit_id, committed.inserted.len(), committed.events.len()), (1, 2, 1));
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    let durable = store.load().unwrap();
    assert_eq!(durable.state, Some(decided.state.clone()));
    assert_eq!(durable.open, decided.intents);
    assert_eq!(durable.documents, [document]);
    assert_eq!(store.events(0, 10).unwrap(), committed.events);
    assert_eq!(store.events(committed.events[0].id, 10).unwrap(), []);
    let record = store.audit_record(1).unwrap().unwrap();
    assert_eq!(record.snapshot, snapshot(1));
    assert_eq!(record.decision_hash, decision_hash(&decided).unwrap());
    assert_eq!((record.cause.as_str(), record.core_version.as_str(), record.summary.as_str()), ("tick", "0.1.0", "Decision 1."));
    let report = store.verify().unwrap();
    assert_eq!((report.rows, report.first_bad, report.head), (1, None, committed.head));
    assert_eq!(store.audit_record(2).unwrap(), None);
}

#[test]
fn two_daemons_never_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
    // Reading beside it works.
    assert_eq!(verify_folder(folder.path(), &mut |_, _| {}).unwrap().rows, 0);
    drop(first);
    Store::open(folder.path()).unwrap();
}

#[test]
fn an_old_epoch_writes_nothing_i1() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let old = store.take_epoch().unwrap();
    commit(&mut store, &decision(old, 1, &[("a", floor("g", 5))])).unwrap();
    drop(store);
    let mut store = Store::open(folder.path()).unwrap();
    let new = store.take_epoch().unwrap();
    assert_eq!(new, old + 1);
    let durable = store.load().unwrap();
    assert_eq!(durable.state.unwrap().epoch, new);
    assert_eq!(durable.open[0].epoch, new, "open intents come along under the new epoch");

    let mut stale_intent = decision(new, 2, &[("b", floor("g", 6))]);
    stale_intent.intents[0].epoch = old;
    for (what, decided) in
        [("old state", decision(old, 2, &[])), ("old intent", stale_intent), ("epoch never given", decision(new + 1, 2, &[]))]
    {
        let refused = commit(&mut store, &decided);
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{what}: {refused:?}");
    }
    assert_eq!(store.verify().unwrap().rows, 1);
    assert_eq!(open_keys(&store), ["a"]);
    commit(&mut store, &decision(new, 2, &[])).unwrap();
}

#[test]
fn a_takeover_by_another_connection_fences_every_write_i1() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    commit(&mut store, &decision(epoch, 1, &[("a", floor("g", 5))])).unwrap();
    edit(folder.path(), "UPDATE state SET epoch = epoch + 1");
    let failure = Failure { at: at(2), error: "x".into(), retry_at: at(3), delivered: vec![] };
    let counts = PushedCounts { from: name("edge1"), at: at(0), counts: BTreeMap::new() };
    let refusals: Vec<Result<(), StoreError>> = vec![
        commit(&mut store, &decision(epoch, 2, &[])).map(drop),
        store.sent("a", at(2)),
        store.done("a", at(2), "ok"),
        store.failed("a", &failure),
        store.superseded("a", at(2)),
        store.add_events(&[event("x")]).map(drop),
        store.put_documents(&[]),
        store.put_counts(&name("pushed"), &counts),
        store.prune_counts(at(0)),
        store.take_epoch().map(drop),
    ];
    for (at, refused) in refusals.iter().enumerate() {
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "write {at}: {refused:?}");
    }
}

#[test]
fn a_key_is_in_the_journal_once_i2() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    let again = |n| decision(epoch, n, &[("a", floor("g", 5)), ("n", notify("n"))]);
    commit(&mut store, &again(1)).unwrap();
    let second = commit(&mut store, &again(2)).unwrap();
    assert_eq!((second.inserted.len(), second.known), (0, vec!["a".to_owned(), "n".into()]));
    store.sent("a", at(2)).unwrap();
    store.done("a", at(3), "ok").unwrap();
    commit(&mut store, &again(3)).unwrap();
    assert_eq!(open_keys(&store), ["n"], "what is done does not open again");
    let other = commit(&mut store, &decision(epoch, 4, &[("n", notify("n")), ("a", floor("g", 6))])).unwrap();
    assert_eq!(other.conflicting, ["a"], "the first stays in force");
    assert_eq!(open_keys(&store), ["n"]);
}

#[test]
fn a_newer_intent_replaces_older_ones_for_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    let first = [("a", floor("G", 5)), ("b", floor("h", 5)), ("p", prime("G")), ("n", notify("n"))];
    commit(&mut store, &decision(epoch, 1, &first)).unwrap();
    store.sent("a", at(1)).unwrap();
    let second =
        commit(&mut store, &decision(epoch, 2, &[("c", floor("g", 6)), ("m", notify("m")), ("d", floor("g", 7))])).unwrap();
    assert_eq!(second.superseded, ["a", "c"], "within one decision too, and names fold");
    assert_eq!(open_keys(&store), ["b", "p", "n", "m", "d"]);
    let late = store.done("a", at(3), "ok");
    assert!(matches!(&late, Err(StoreError::NotOpen { state: Some(state), .. }) if state == "superseded"), "{late:?}");
}

#[test]
fn the_journal_follows_an_intent() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    commit(&mut store, &decision(epoch, 1, &[("n", notify("n"))])).unwrap();
    let only = |store: &Store| store.open_intents().unwrap().remove(0);
    assert_eq!((only(&store).progress, only(&store).attempts), (Progress::Intent, 0));
    store.sent("n", at(1)).unwrap();
    assert_eq!((only(&store).progress, only(&store).attempts), (Progress::Sent, 1));
    let failure =
        |delivered: &str| Failure { at: at(2), error: "503".into(), retry_at: at(9), delivered: vec![delivered.into()] };
    store.failed("n", &failure("room")).unwrap();
    store.sent("n", at(9)).unwrap();
    assert_eq!(only(&store).not_before, None);
    store.failed("n", &failure("pager")).unwrap();
    let open = only(&store);
    assert_eq!(
        (open.progress, open.attempts, open.not_before, open.error),
        (Progress::Failed, 2, Some(at(9)), Some("503".into()))
    );
    assert_eq!(open.delivered, ["pager", "room"], "what was delivered is remembered over attempts");
    store.superseded("n", at(10)).unwrap();
    assert_eq!(open_keys(&store), Vec::<String>::new());
    let refused = store.sent("nobody", at(1));
    assert!(matches!(refused, Err(StoreError::NotOpen { state: None, .. })), "{refused:?}");
}

#[test]
fn an_intent_of_an_unknown_kind_is_kept_and_blocks_nothing_i11() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    commit(&mut store, &decision(epoch, 1, &[("later", prime("p")), ("a", floor("g", 5))])).unwrap();
    drop(store);
    edit(folder.path(), r#"UPDATE intents SET effect = '{"teleport":{"to":"mars"}}' WHERE key = 'later'"#);
    let store = Store::open(folder.path()).unwrap();
    let durable = store.load().unwrap();
    assert_eq!(durable.open.len(), 1);
    assert_eq!(durable.unreadable, ["later"]);
}

#[test]
fn quiet_ticks_are_counted_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    for tick in 0..1_000 {
        store.count_quiet_tick(at(tick)).unwrap();
    }
    commit(&mut store, &decision(epoch, 1, &[])).unwrap();
    store.count_quiet_tick(at(1_001)).unwrap();
    assert_eq!(store.quiet_ticks().unwrap(), 1_001);
    drop(store);
    assert_eq!(Store::open(folder.path()).unwrap().quiet_ticks().unwrap(), 1_001);
}

/// In seconds.
const WEEK: i64 = 7 * 86_400;

fn pushed(from: &str, secs: i64, counts: &[(&str, u64)]) -> PushedCounts {
    let counts = counts.iter().map(|(series, count)| ((*series).into(), *count)).collect();
    PushedCounts { from: name(from), at: at(secs), counts }
}

#[test]
fn pushed_counts_tell_partial_from_zero() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let (edges, other) = (name("Edges"), name("other"));
    store.put_counts(&edges, &pushed("edge1", 0, &[("errors", 9), ("requests", 900), ("old", 1)])).unwrap();
    store.put_counts(&edges, &pushed("edge1", 0, &[("errors", 1), ("requests", 100)])).unwrap();
    store.put_counts(&edges, &pushed("edge2", 0, &[("errors", 0), ("requests", 200)])).unwrap();
    store.put_counts(&edges, &pushed("edge2", 60, &[("requests", 210)])).unwrap();
    store.put_counts(&edges, &pushed("edge1", 60, &[])).unwrap();
    store.put_counts(&other, &pushed("edge1", 60, &[("errors", 77)])).unwrap();

    let asked = ["errors".to_owned(), "old".into(), "never".into()];
    let periods = store.counts(&name("edges"), &asked, at(0)).unwrap();
    let seen: Vec<String> = periods.iter().map(|period| format!("{} {:?}", period.at, period.senders)).collect();
    let expected = [
        format!(r#"{} {{"edge1": {{"errors": 1}}, "edge2": {{"errors": 0}}}}"#, at(0)),
        format!(r#"{} {{"edge1": {{}}, "edge2": {{}}}}"#, at(60)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(store.counts(&edges, &asked, at(1)).unwrap().len(), 1);

    store.put_counts(&edges, &pushed("edge3", 40 * WEEK, &[("errors", 5)])).unwrap();
    store.prune_counts(at(60 + WEEK)).unwrap();
    let left: Vec<Timestamp> = store.counts(&edges, &asked, at(0)).unwrap().into_iter().map(|period| period.at).collect();
    assert_eq!(left, [at(60)], "neither what is older than a week nor what is far ahead");
}

#[test]
fn series_of_user_input_are_stopped_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let source = name("edges");
    let many: Vec<String> = (0..1_000).map(|series| format!("errors.{series}")).collect();
    let many: Vec<(&str, u64)> = many.iter().map(|series| (series.as_str(), 1)).collect();
    store.put_counts(&source, &pushed("edge1", 0, &many)).unwrap();
    let refused = store.put_counts(&source, &pushed("edge2", 0, &[("errors.1", 1), ("one.more", 1)]));
    assert!(matches!(refused, Err(StoreError::TooMuch { limit: 1_000, .. })), "{refused:?}");
    let period = store.counts(&source, &["errors.1".into()], at(0)).unwrap().remove(0);
    assert_eq!(period.senders.len(), 1, "a refused push leaves nothing behind");
    store.put_counts(&source, &pushed("edge2", 0, &[("errors.1", 1)])).unwrap();
    for (what, counts) in [
        ("a long name", pushed("edge1", 0, &[(&"x".repeat(201), 1)])),
        ("a huge count", pushed("edge1", 0, &[("errors.1", u64::MAX)])),
    ] {
        let refused = store.put_counts(&source, &counts);
        assert!(matches!(refused, Err(StoreError::TooMuch { .. })), "{what}: {refused:?}");
    }
    // When all that used the names is gone, there is room again.
    store.prune_counts(at(1 + WEEK)).unwrap();
    store.put_counts(&source, &pushed("edge1", 5, &[("one.more", 1)])).unwrap();
}

#[test]
fn newer_foreign_and_broken_files_are_refused_by_name_and_left_alone() {
    let refusal = |prepare: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        prepare(folder.path());
        let before = std::fs::read(folder.path().join("tminus.db")).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert_eq!(std::fs::read(folder.path().join("tminus.db")).unwrap(), before, "{error}");
        assert!(verify_folder(folder.path(), &mut |_, _| {}).is_err());
        error
    };
    let newer = refusal(&|folder| edit(folder, "PRAGMA user_version = 99"));
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");
    let foreign = refusal(&|folder| edit(folder, "PRAGMA application_id = 1"));
    assert!(matches!(foreign, StoreError::Foreign { .. }), "{foreign}");
    let broken =
        refusal(&|folder| std::fs::write(folder.join("tminus.db"), "this is no database at all, but long enough").unwrap());
    assert!(matches!(broken, StoreError::Damaged(_)), "{broken}");
    let absent = verify_folder(Path::new("/nowhere"), &mut |_, _| {}).unwrap_err();
    assert!(matches!(absent, StoreError::Absent { .. }), "{absent}");
}

/// Changes the file as somebody with an editor would.
fn edit(folder: &Path, statement: &str) {
    let connection = rusqlite::Connection::open(folder.join("tminus.db")).unwrap();
    connection.execute_batch(statement).unwrap();
}

/// Printed by every test that draws, so that a failure can be had again.
fn seed() -> u64 {
    let seed = clock::now().as_nanosecond() as u64;
    println!("seed {seed}");
    seed
}

/// SplitMix64.
fn draws(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn draw(draws: &mut impl Iterator<Item = u64>, below: u64) -> u64 {
    draws.next().unwrap() % below
}
