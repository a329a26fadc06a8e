//! What retention removes and what it leaves, and that the chain still verifies from where it begins.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::words::later;
use tminus::shell::store::{Commit, NewEvent, Pruned, Store, StoreError, audit_record_of, verify_folder};

use super::{at, decision, draw, draws, edit, notify, open_keys, seed, snapshot};

const DAY: i64 = 86_400;

const KEEP: Duration = Duration::from_hours(400 * 24);

/// One decision at an instant, with an announcement as its effect.
fn decide(store: &mut Store, n: u64, when: Timestamp) {
    let key = format!("n/{n}");
    let decision = decision(store.epoch(), n, &[(&key, notify(&key))]);
    let event = NewEvent { at: when, release: None, kind: "phase".into(), message: format!("Decision {n}."), by: None };
    let snapshot = &snapshot(n);
    let commit = Commit {
        at: when,
        cause: "tick",
        by: None,
        snapshot,
        decision: &decision,
        events: vec![event],
        documents: Vec::new(),
        in_force: Vec::new(),
        core_version: "1",
    };
    store.commit(&commit).unwrap();
    store.sent(&key, when).unwrap();
    if !n.is_multiple_of(10) {
        store.done(&key, when, "ok").unwrap();
    }
}

/// A store with a decision a day, of which every tenth has an effect that was never done.
fn of_days(days: &[i64]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.take_epoch().unwrap();
    for (n, day) in (1..).zip(days) {
        decide(&mut store, n, at(day * DAY));
    }
    (folder, store)
}

fn count(folder: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(folder.join("tminus.db")).unwrap();
    connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_old_goes_in_bounded_turns_and_the_rest_verifies() {
    let (folder, mut store) = of_days(&(0..650).collect::<Vec<_>>());
    let state = store.load().unwrap().state;
    let now = at(1_000 * DAY);
    let mut removed = Vec::new();
    loop {
        let turn = store.prune(now, KEEP).unwrap();
        removed.push(turn.audit_rows);
        let report = store.verify().unwrap();
        assert_eq!((report.first_bad, report.rows), (None, 650 - removed.iter().sum::<u64>()));
        if !turn.more {
            break;
        }
    }
    removed.retain(|rows| *rows > 0);
    assert_eq!(removed, [200, 200, 200], "days 0 to 599, at most 200 a turn");
    assert_eq!(store.prune(now, KEEP).unwrap(), Pruned::default(), "nothing is left to remove");
    let checkpoint = store.verify().unwrap().checkpoint.unwrap();
    assert_eq!(checkpoint.removed_to, 600);
    assert_eq!(count(folder.path(), "checkpoints"), 3);
    assert_eq!(count(folder.path(), "events"), 50);
    assert_eq!(open_keys(&store).len(), 65, "what was never done stays open, whatever its age");
    assert_eq!(count(folder.path(), "intents"), 65 + 45);
    assert_eq!(store.load().unwrap().state, state);
    decide(&mut store, 651, at(1_000 * DAY));
    assert_eq!((store.verify().unwrap().first_bad, store.verify().unwrap().rows), (None, 51));

    let record = audit_record_of(folder.path(), 601).unwrap();
    assert_eq!(record.id, 601, "the first row that is kept is bound to the checkpoint");
    let gone = audit_record_of(folder.path(), 150).unwrap_err();
    assert!(matches!(gone, StoreError::NoRecord { first: 601, last: 651, .. }), "{gone}");
    assert!(gone.to_string().contains("removed by `retention`"), "{gone}");
}

#[test]
fn the_newest_row_stays_however_old_it_is() {
    let (_folder, mut store) = of_days(&[0, 1, 2]);
    assert_eq!(store.prune(at(5_000 * DAY), KEEP).unwrap().audit_rows, 2);
    let report = store.verify().unwrap();
    assert_eq!((report.rows, report.first_bad), (1, None));
    assert_eq!(store.prune(at(6_000 * DAY), KEEP).unwrap().audit_rows, 0);
}

#[test]
fn rows_of_a_clock_that_was_wrong_neither_stay_for_ever_nor_take_others_with_them() {
    for (days, now, kept) in [
        // A year-long jump ahead is as old as what follows it.
        (vec![0, 1, 9_000, 2, 500], 600, 1),
        // A jump back among recent rows removes none of them.
        (vec![500, 501, -20_000, 502], 600, 4),
        // At the beginning it is as old as it says.
        (vec![-20_000, 500, 501], 600, 2),
        // Nothing can be said of rows that all lie ahead.
        (vec![9_000, 9_001], 600, 2),
    ] {
        let (_folder, mut store) = of_days(&days);
        store.prune(at(now * DAY), KEEP).unwrap();
        let report = store.verify().unwrap();
        assert_eq!((report.rows, report.first_bad), (kept, None), "{days:?}");
    }
}

#[test]
fn what_others_remove_is_not_taken_for_retention() {
    for (statement, bad) in [
        ("DELETE FROM audit WHERE id = 11", 11),
        ("DELETE FROM audit WHERE id = 13", 13),
        ("DELETE FROM audit WHERE id <= 12; UPDATE chain SET base_id = 12", 11),
        ("DELETE FROM checkpoints", 1),
        ("UPDATE checkpoints SET from_id = 2", 1),
        ("UPDATE checkpoints SET to_id = 9", 10),
        ("UPDATE checkpoints SET hash = zeroblob(32)", 11),
        ("UPDATE chain SET base_hash = zeroblob(32)", 11),
        ("UPDATE chain SET base_id = 0, base_hash = zeroblob(32); DELETE FROM checkpoints", 1),
    ] {
        let days: Vec<i64> = (0..20).collect();
        let (folder, mut store) = of_days(&days);
        assert_eq!(store.prune(at(410 * DAY), KEEP).unwrap().audit_rows, 10);
        drop(store);
        assert_eq!(verify_folder(folder.path(), &mut |_, _| {}).unwrap().first_bad, None);
        edit(folder.path(), statement);
        let found = verify_folder(folder.path(), &mut |_, _| {}).unwrap().first_bad.map(|bad| bad.id);
        assert_eq!(found, Some(bad), "{statement}");
    }
}

#[test]
fn a_power_cut_between_turns_leaves_a_chain_that_verifies() {
    let seed = seed();
    let mut draws = draws(seed);
    let (folder, mut store) = of_days(&(0..400).collect::<Vec<_>>());
    for day in [500, 600, 700] {
        store.prune(at(day * DAY), KEEP).unwrap();
    }
    // What a cut leaves: the file as it was, and a log that ends anywhere.
    let log = std::fs::read(folder.path().join("tminus.db-wal")).unwrap();
    let main = std::fs::read(folder.path().join("tminus.db")).unwrap();
    for _ in 0..40 {
        let end = draw(&mut draws, log.len() as u64 + 1) as usize;
        let copy = tempfile::tempdir().unwrap();
        std::fs::write(copy.path().join("tminus.db"), &main).unwrap();
        std::fs::write(copy.path().join("tminus.db-wal"), &log[..end]).unwrap();
        let Ok(store) = Store::open(copy.path()) else { continue };
        let report = store.verify().unwrap();
        assert_eq!(report.first_bad, None, "seed {seed}, cut at {end}");
    }
}

#[test]
fn an_old_epoch_removes_nothing_i1() {
    let (folder, mut store) = of_days(&[0, 1, 2]);
    edit(folder.path(), "UPDATE state SET epoch = epoch + 1");
    let refused = store.prune(later(at(0), Duration::from_hours(24 * 900)), KEEP);
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(count(folder.path(), "audit"), 3);
}
