//! A thousand edits of the audit chain, drawn at random: each is found, and the first bad row is named.

use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use tminus::shell::store::verify_folder;

use super::audit::{audit_verify, chain_of};
use super::{draw, draws, seed};

const ROWS: u64 = 24;

/// An edit of a chain of [`ROWS`] rows; the first row that it makes bad.
fn make(connection: &Connection, mut next: impl FnMut(u64) -> u64) -> (String, i64) {
    let id = 1 + next(ROWS).cast_signed();
    let run = |statement: &str| connection.execute_batch(statement).unwrap();
    match next(9) {
        0 => {
            run(&format!("DELETE FROM audit WHERE id = {id}"));
            (format!("row {id} removed"), id)
        }
        1 => {
            let other = 1 + next(ROWS).cast_signed();
            let other = if other == id { 1 + id % ROWS.cast_signed() } else { other };
            run(&format!(
                "UPDATE audit SET id = -1 WHERE id = {id}; UPDATE audit SET id = {id} WHERE id = {other}; UPDATE audit SET id = {other} WHERE id = -1"
            ));
            (format!("rows {id} and {other} swapped"), id.min(other))
        }
        2 => {
            run(&format!("DELETE FROM audit WHERE id >= {id}"));
            (format!("cut off at {id}"), id)
        }
        3 => {
            run(&format!(
                "UPDATE chain SET base_id = {id}, base_hash = (SELECT hash FROM audit WHERE id = {id}); DELETE FROM audit WHERE id <= {id}"
            ));
            (format!("rows 1 to {id} removed as retention would, without a checkpoint"), 1)
        }
        4 => {
            run("UPDATE chain SET head_hash = randomblob(32)");
            ("another head".into(), ROWS.cast_signed())
        }
        5 => {
            rehash(connection, id);
            let bad = if id == ROWS.cast_signed() { id } else { id + 1 };
            (format!("row {id} rewritten with a hash that fits it"), bad)
        }
        _ => {
            let columns = ["at", "cause", "core_version", "summary", "scope", "decision_hash", "snapshot", "hash", "epoch"];
            let column = columns[next(9) as usize];
            flip(connection, (id, column), &mut next);
            (format!("a bit of {column} of row {id} flipped"), id)
        }
    }
}

fn flip(connection: &Connection, (id, column): (i64, &str), mut next: impl FnMut(u64) -> u64) {
    if column == "epoch" {
        connection.execute(&format!("UPDATE audit SET epoch = epoch ^ 1 << {} WHERE id = {id}", next(62)), []).unwrap_or_else(
            |_| connection.execute(&format!("UPDATE audit SET epoch = epoch + {} WHERE id = {id}", 1 + next(1_000)), []).unwrap(),
        );
        return;
    }
    let read = format!("SELECT CAST({column} AS BLOB), typeof({column}) FROM audit WHERE id = {id}");
    let (mut bytes, kind): (Vec<u8>, String) = connection.query_row(&read, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let at = next(bytes.len() as u64) as usize;
    bytes[at] ^= 1 << next(8);
    let write = format!("UPDATE audit SET {column} = CAST(?1 AS {kind}) WHERE id = {id}");
    connection.execute(&write, [&bytes]).unwrap();
}

/// What somebody does who knows how hashes are made: another summary, and the row's own hash to it.
fn rehash(connection: &Connection, id: i64) {
    type Row = (String, String, i64, String, Vec<u8>, Vec<u8>, String);
    let read = "SELECT at, cause, epoch, core_version, decision_hash, snapshot, scope FROM audit WHERE id = ?1";
    let row =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?));
    let (at, cause, epoch, core, decision, snapshot, scope): Row = connection.query_row(read, [id], row).unwrap();
    let before = connection.query_row("SELECT hash FROM audit WHERE id = ?1", [id - 1], |row| row.get(0)).unwrap_or(vec![0; 32]);
    let mut digest = Sha256::new();
    digest.update(before);
    let parts: [&[u8]; 12] = [
        b"tminus audit 2",
        &id.to_be_bytes(),
        at.as_bytes(),
        cause.as_bytes(),
        &[0],
        b"",
        &epoch.to_be_bytes(),
        core.as_bytes(),
        b"nothing to see here",
        &decision,
        &snapshot,
        scope.as_bytes(),
    ];
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let hash = digest.finalize();
    let write = "UPDATE audit SET summary = 'nothing to see here', hash = ?2 WHERE id = ?1";
    connection.execute(write, (id, hash.as_slice())).unwrap();
}

fn first_bad(folder: &Path) -> Option<i64> {
    verify_folder(folder, &mut |_, _| {}).unwrap().first_bad.map(|bad| bad.id)
}

#[test]
fn a_thousand_random_edits_are_found_and_the_first_bad_row_named_i10() {
    let seed = seed();
    let mut draws = draws(seed);
    let whole = chain_of(ROWS);
    assert_eq!(first_bad(whole.path()), None);
    let original = std::fs::read(whole.path().join("tminus.db")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tminus.db");
    for edit in 0..1_000 {
        std::fs::write(&path, &original).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        let (what, bad) = make(&connection, |below| draw(&mut draws, below));
        drop(connection);
        assert_eq!(first_bad(folder.path()), Some(bad), "seed {seed}, edit {edit}: {what}");
        if edit % 50 == 0 {
            let (code, out, _) = audit_verify(folder.path(), "human");
            let said = format!("Row {bad} of the audit chain is bad");
            assert!(code == Some(1) && out.contains(&said), "seed {seed}, edit {edit}: {what}: {code:?} {out}");
        }
    }
}
