//! The audit chain under an editor, under flipped bits, and from the command line.

use std::path::Path;
use std::process::Command;

use tminus::shell::store::{AuditReport, Store, verify_folder};

use super::{commit, decision, draw, draws, edit, seed};

pub(super) fn chain_of(rows: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    for n in 1..=rows {
        commit(&mut store, &decision(epoch, n, &[])).unwrap();
    }
    folder
}

fn first_bad(folder: &Path) -> Option<i64> {
    let report: AuditReport = verify_folder(folder, &mut |_, _| {}).unwrap();
    report.first_bad.map(|bad| bad.id)
}

#[test]
fn every_kind_of_edit_is_found_and_the_first_bad_row_named_i10() {
    let move_row = |from: i64, to: i64| format!("UPDATE audit SET id = {to} WHERE id = {from};");
    for (edit_made, bad) in [
        ("UPDATE audit SET summary = 'Decision 7!' WHERE id = 7".to_owned(), Some(7)),
        ("UPDATE audit SET by_person = 'mallory' WHERE id = 2".into(), Some(2)),
        ("UPDATE audit SET by_person = '' WHERE id = 2".into(), Some(2)),
        ("UPDATE audit SET snapshot = zeroblob(length(snapshot)) WHERE id = 1".into(), Some(1)),
        ("UPDATE audit SET hash = zeroblob(32) WHERE id = 9".into(), Some(9)),
        ("DELETE FROM audit WHERE id = 5".into(), Some(5)),
        ("DELETE FROM audit WHERE id = 1".into(), Some(1)),
        ("DELETE FROM audit WHERE id >= 9".into(), Some(9)),
        ("DELETE FROM audit".into(), Some(1)),
        (move_row(3, 99) + &move_row(4, 3) + &move_row(99, 4), Some(3)),
        ("INSERT INTO audit SELECT id + 1, at, cause, by_person, epoch, core_version, summary, decision_hash, snapshot, hash, scope FROM audit WHERE id = 10".into(), Some(11)),
        ("UPDATE chain SET head_hash = zeroblob(32)".into(), Some(10)),
        ("UPDATE events SET message = 'x'".into(), None),
    ] {
        let folder = chain_of(10);
        assert_eq!(first_bad(folder.path()), None);
        edit(folder.path(), &edit_made);
        assert_eq!(first_bad(folder.path()), bad, "{edit_made}");
    }
}

#[test]
fn a_flipped_bit_in_any_column_of_any_row_is_found() {
    let seed = seed();
    let mut draws = draws(seed);
    let folder = chain_of(20);
    let path = folder.path().join("tminus.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let texts = ["at", "cause", "core_version", "summary"];
    let blobs = ["decision_hash", "snapshot", "hash"];
    for _ in 0..200 {
        let id = 1 + draw(&mut draws, 20).cast_signed();
        let column = draw(&mut draws, 8) as usize;
        let Some(column) = texts.iter().chain(&blobs).nth(column) else {
            continue;
        };
        let is_text = texts.contains(column);
        let cast = if is_text { "TEXT" } else { "BLOB" };
        let read = format!("SELECT CAST({column} AS BLOB) FROM audit WHERE id = {id}");
        let original: Vec<u8> = connection.query_row(&read, [], |row| row.get(0)).unwrap();
        let mut flipped = original.clone();
        let byte = draw(&mut draws, flipped.len() as u64) as usize;
        let bit = draw(&mut draws, 8);
        flipped[byte] ^= 1 << bit;
        let write = format!("UPDATE audit SET {column} = CAST(?1 AS {cast}) WHERE id = {id}");
        connection.execute(&write, [&flipped]).unwrap();
        assert_eq!(first_bad(folder.path()), Some(id), "seed {seed}: {column} of row {id}, byte {byte}, bit {bit}");
        connection.execute(&write, [&original]).unwrap();
    }
    assert_eq!(first_bad(folder.path()), None);
}

#[test]
fn flipped_bytes_of_the_file_never_panic_and_never_pass_in_the_chain() {
    let seed = seed();
    let mut draws = draws(seed);
    let folder = chain_of(50);
    let path = folder.path().join("tminus.db");
    let original = std::fs::read(&path).unwrap();
    let expected = verify_folder(folder.path(), &mut |_, _| {}).unwrap();
    let mut found = 0;
    for _ in 0..300 {
        let byte = draw(&mut draws, original.len() as u64) as usize;
        let mut damaged = original.clone();
        damaged[byte] ^= 1 << draw(&mut draws, 8);
        std::fs::write(&path, &damaged).unwrap();
        match verify_folder(folder.path(), &mut |_, _| {}) {
            // A flip outside of the chain (free space, other tables) leaves every row of it as it was.
            Ok(report) if report.first_bad.is_none() => assert_eq!(report, expected, "seed {seed}: byte {byte}"),
            _ => found += 1,
        }
        for journal in ["tminus.db-wal", "tminus.db-shm"] {
            let _ = std::fs::remove_file(folder.path().join(journal));
        }
    }
    assert!(found > 0, "seed {seed}: no flip was found at all");
}

#[test]
fn the_chain_verifies_beside_a_daemon_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    for n in 1..=50 {
        commit(&mut store, &decision(epoch, n, &[])).unwrap();
        let report = verify_folder(folder.path(), &mut |_, _| {}).unwrap();
        assert_eq!((report.rows, report.first_bad), (n, None));
    }
}

/// Runs `tminus audit verify` on a folder: exit code, stdout and stderr.
pub(super) fn audit_verify(folder: &Path, format: &str) -> (Option<i32>, String, String) {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
    let out = command.args(["audit", "verify", "-o", format, "--data"]).arg(folder).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn audit_verify_reports_in_every_form_and_by_exit_code() {
    let folder = chain_of(3);
    let store = Store::open(folder.path()).unwrap();
    let head = store.verify().unwrap().head;
    let (code, out, prose) = audit_verify(folder.path(), "human");
    assert!(code == Some(0) && out.contains("3 rows") && out.contains(&head) && prose.is_empty(), "{code:?} {out} {prose}");
    let (code, out, _) = audit_verify(folder.path(), "json");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report), (Some(0), serde_json::json!({"rows": 3, "head": head, "checkpoint": null, "first_bad": null})));
    drop(store);

    edit(folder.path(), "DELETE FROM audit WHERE id = 2");
    let (code, out, _) = audit_verify(folder.path(), "human");
    assert!(code == Some(1) && out.contains("Row 2 of the audit chain is bad"), "{code:?} {out}");
    let (code, out, _) = audit_verify(folder.path(), "yaml");
    assert!(code == Some(1) && out.contains("\"id\": 2\n"), "{code:?} {out}");

    let (code, out, prose) = audit_verify(Path::new("/nowhere"), "json");
    assert!(code == Some(1) && out.is_empty() && prose.contains("/nowhere/tminus.db"), "{code:?} {out} {prose}");
}
