//! Backups of a store that is written meanwhile, and what a restore takes and refuses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use tminus::core::decide::State;
use tminus::core::priming::Coverage;
use tminus::shell::store::{
    BackupError, Existing, Manifest, Proven, RestoreError, Restored, SealError, Stage, Store, StoreError, backup, restore,
    verify_folder,
};

use super::{at, commit, decision, draw, draws, edit, floor, name, notify, open_keys, prime, seed};

/// A store after some decisions: one effect done, one open, coverage proven.
fn of_decisions(decisions: u64) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    commit(&mut store, &decision(epoch, 1, &[("a", floor("g", 5)), ("p", prime("content")), ("n", notify("n"))])).unwrap();
    for key in ["a", "p", "n"] {
        store.sent(key, at(1)).unwrap();
    }
    store.done("a", at(2), "ok").unwrap();
    store.done_and_proven("p", (at(2), "warm"), &proven()).unwrap();
    for n in 2..=decisions {
        commit(&mut store, &decision(epoch, n, &[])).unwrap();
    }
    (folder, store)
}

fn proven() -> Proven {
    let nodes = [(name("edge1"), 0.1 + 0.2)].into();
    let coverage = Coverage { nodes, objects: 7, problems: 0, first_problem: None, fresh_until: None, measured_at: at(2) };
    Proven { policy: name("Content"), digest: "d".into(), coverage }
}

fn back_up(folder: &Path, file: &Path) -> Result<Manifest, BackupError> {
    backup(folder, file, at(9), &mut |_, _, _| {})
}

fn put_back(file: &Path, folder: &Path, existing: Existing) -> Result<Restored, RestoreError> {
    restore(file, (folder, existing), at(10), &mut |_, _, _| {})
}

/// The `n`th decision.
fn go_on(store: &mut Store, n: u64) {
    let next = decision(store.epoch(), n, &[]);
    commit(store, &next).unwrap();
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_backed_up_while_serving_comes_back_under_a_higher_epoch() {
    let (folder, mut store) = of_decisions(20);
    let (files, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = files.path().join("a file #1?.backup");
    let manifest = back_up(folder.path(), &file).unwrap();
    assert_eq!((manifest.first_row, manifest.last_row, manifest.open_intents, manifest.schema), (1, 20, 1, 3));
    assert_eq!(names_in(files.path()), ["a file #1?.backup"], "nothing is left beside it");
    go_on(&mut store, 21);

    let restored = put_back(&file, other.path(), Existing::Refuse).unwrap();
    assert_eq!((restored.rows, restored.aside, &restored.manifest), (20, None, &manifest));
    let mut store_again = Store::open(other.path()).unwrap();
    let durable = store_again.load().unwrap();
    let state = durable.state.unwrap();
    assert!(state.epoch >= store.epoch() + 1_000, "no start of the lost line had it: {}", state.epoch);
    assert!(state.decisions > 1_000_000, "no key of the lost line comes back: {}", state.decisions);
    assert_eq!(open_keys(&store_again), ["n"]);
    assert_eq!(durable.proven, [proven()], "what was proven warm is known again, to the last bit");
    assert!(store_again.events(0, 100).unwrap().iter().any(|event| event.kind == "restored" && event.message.contains("row 20")));
    let stale = decision(store.epoch(), 22, &[]);
    assert!(matches!(commit(&mut store_again, &stale), Err(StoreError::Fenced { .. })), "the old line is fenced");
    let epoch = store_again.take_epoch().unwrap();
    assert!(epoch > restored.epoch);
    let next = decision(epoch, state.decisions + 1, &[]);
    commit(&mut store_again, &next).unwrap();
    assert_eq!((store_again.verify().unwrap().rows, store_again.verify().unwrap().first_bad), (21, None), "the chain goes on");
}

#[test]
fn a_backup_beside_a_busy_writer_is_of_one_instant() {
    let (folder, mut store) = of_decisions(300);
    let files = tempfile::tempdir().unwrap();
    let enough = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut n = 301;
            while !enough.load(Ordering::Relaxed) {
                let key = format!("k/{n}");
                let next = decision(store.epoch(), n, &[(&key, notify(&key))]);
                commit(&mut store, &next).unwrap();
                n += 1;
            }
            n - 1
        });
        for round in 0..12 {
            let file = files.path().join(format!("{round}"));
            let manifest = back_up(folder.path(), &file).unwrap();
            let target = files.path().join(format!("data-{round}"));
            let restored = put_back(&file, &target, Existing::Refuse).unwrap();
            assert_eq!(restored.rows, manifest.last_row.cast_unsigned());
            let again = Store::open(&target).unwrap();
            let decided = again.load().unwrap().state.map_or(0, |state: State| state.decisions - 1_000_000);
            let keys = open_keys(&again).len() as u64;
            assert_eq!((decided, keys), (restored.rows, restored.rows - 300 + 1), "state, chain and journal are of one instant");
        }
        enough.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    assert!(written > 300, "the writer never waited for a backup to end");
    assert_eq!(store.verify().unwrap().first_bad, None);
}

#[test]
fn half_cut_flipped_and_foreign_files_are_refused_and_change_nothing() {
    let seed = seed();
    let mut draws = draws(seed);
    let (folder, store) = of_decisions(5);
    drop(store);
    let files = tempfile::tempdir().unwrap();
    let (whole, bad, target) = (files.path().join("whole"), files.path().join("bad"), files.path().join("data"));
    back_up(folder.path(), &whole).unwrap();
    let original = std::fs::read(&whole).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let Err(RestoreError::Seal(error)) = put_back(&bad, &target, Existing::PutAside) else { panic!("seed {seed}: {what}") };
        assert!(!target.exists(), "seed {seed}: {what}: a refused file makes no folder");
        error
    };
    for _ in 0..150 {
        let end = draw(&mut draws, original.len() as u64) as usize;
        let error = refused(&original[..end], &format!("cut at {end}"));
        assert!(matches!(error, SealError::Half { .. }), "seed {seed}, cut at {end}: {error}");
        let (byte, bit) = (draw(&mut draws, original.len() as u64) as usize, draw(&mut draws, 8));
        let mut flipped = original.clone();
        flipped[byte] ^= 1 << bit;
        refused(&flipped, &format!("byte {byte}, bit {bit}"));
    }
    // The seal alone, bit by bit: no flip in it goes unseen.
    for byte in original.len() - 600..original.len() {
        let mut flipped = original.clone();
        flipped[byte] ^= 1 << draw(&mut draws, 8);
        refused(&flipped, &format!("byte {byte} of the seal"));
    }
    assert!(matches!(refused(b"", "empty"), SealError::Half { .. }));
    assert!(matches!(refused(b"#!/bin/sh\nexit 0\n", "a script"), SealError::Foreign { .. }));
    assert!(matches!(refused(&[original.as_slice(), b"x"].concat(), "one byte more"), SealError::Half { .. }));
    let database = std::fs::read(folder.path().join("tminus.db")).unwrap();
    assert!(matches!(refused(&database, "a database without a seal"), SealError::Half { .. }));
    put_back(&whole, &target, Existing::Refuse).unwrap();
}

/// The same file with another manifest and a seal that fits.
fn resealed(original: &[u8], change: impl Fn(&mut serde_json::Value), database: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let tail = original.len() - 56;
    let length = u64::from_be_bytes(original[tail..tail + 8].try_into().unwrap()) as usize;
    let mut content = original[..tail - length].to_vec();
    let mut manifest: serde_json::Value = serde_json::from_slice(&original[tail - length..tail]).unwrap();
    database(&mut content);
    let hex = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    manifest["sha256"] = hex.into();
    change(&mut manifest);
    let text = manifest.to_string().into_bytes();
    let mut file = [content.as_slice(), &text, &(text.len() as u64).to_be_bytes()].concat();
    let hash = Sha256::digest(&file);
    file.extend_from_slice(&hash);
    file.extend_from_slice(&original[original.len() - 16..]);
    file
}

#[test]
fn newer_and_broken_stores_are_refused_even_where_the_seal_fits() {
    let (folder, store) = of_decisions(40);
    drop(store);
    let files = tempfile::tempdir().unwrap();
    let (whole, file, target) = (files.path().join("whole"), files.path().join("file"), files.path().join("data"));
    back_up(folder.path(), &whole).unwrap();
    let original = std::fs::read(&whole).unwrap();
    let put = |bytes: Vec<u8>| {
        std::fs::write(&file, bytes).unwrap();
        put_back(&file, &target, Existing::Refuse)
    };
    for key in ["schema", "format"] {
        let newer = put(resealed(&original, |manifest| manifest[key] = 99.into(), |_| {})).unwrap_err();
        assert!(matches!(newer, RestoreError::Seal(SealError::Newer { .. })), "{key}: {newer}");
    }
    let head = put(resealed(&original, |manifest| manifest["head"] = "00".into(), |_| {})).unwrap_err();
    assert!(matches!(head, RestoreError::Broken { .. }), "{head}");
    let lies = put(resealed(&original, |manifest| manifest["bytes"] = 5.into(), |_| {})).unwrap_err();
    assert!(matches!(lies, RestoreError::Seal(SealError::Damaged { .. })), "{lies}");
    let page = put(resealed(&original, |_| {}, |database| database[4_096 * 3..4_096 * 4].fill(0xa5))).unwrap_err();
    assert!(matches!(page, RestoreError::Broken { .. } | RestoreError::Store(_)), "{page}");
    assert_eq!(names_in(&target), ["tminus.lock"], "nothing of a refused store is left");
    put(original).unwrap();
}

#[test]
fn a_folder_in_use_is_refused_and_a_store_that_is_there_is_kept_aside() {
    let (folder, store) = of_decisions(3);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    back_up(folder.path(), &file).unwrap();
    let locked = put_back(&file, folder.path(), Existing::PutAside).unwrap_err();
    assert!(matches!(locked, RestoreError::Store(StoreError::Locked { .. })), "{locked}");
    drop(store);

    let mut store = Store::open(folder.path()).unwrap();
    for _ in 0..4 {
        store.take_epoch().unwrap();
    }
    go_on(&mut store, 9_000_000);
    let (later_epoch, head) = (store.epoch(), store.verify().unwrap().head);
    drop(store);
    let exists = put_back(&file, folder.path(), Existing::Refuse).unwrap_err();
    assert!(matches!(exists, RestoreError::Exists { .. }) && exists.to_string().contains("--force"), "{exists}");
    assert_eq!(verify_folder(folder.path(), &mut |_, _| {}).unwrap().rows, 4, "and nothing was changed");

    // What a restore left that was killed is no hindrance.
    std::fs::write(folder.path().join("tminus.db.restoring"), "half").unwrap();
    let restored = put_back(&file, folder.path(), Existing::PutAside).unwrap();
    assert!(restored.epoch > later_epoch + 999, "above the line that was there: {}", restored.epoch);
    let aside = restored.aside.unwrap();
    assert_eq!(names_in(folder.path()).len(), 3, "{:?}", names_in(folder.path()));
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.verify().unwrap().rows, 3);
    assert!(store.load().unwrap().state.unwrap().decisions >= 10_000_000, "above both lines");
    let kept = tempfile::tempdir().unwrap();
    std::fs::rename(aside, kept.path().join("tminus.db")).unwrap();
    assert_eq!(verify_folder(kept.path(), &mut |_, _| {}).unwrap().head, head, "what was there is whole, aside");
}

#[test]
fn a_damaged_store_is_replaced_and_kept() {
    let (folder, store) = of_decisions(30);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    back_up(folder.path(), &file).unwrap();
    drop(store);
    let path = folder.path().join("tminus.db");
    std::fs::write(&path, "no database any more").unwrap();
    std::fs::write(folder.path().join("tminus.db-wal"), "nor a log").unwrap();
    let restored = put_back(&file, folder.path(), Existing::PutAside).unwrap();
    assert_eq!(std::fs::read_to_string(restored.aside.unwrap()).unwrap(), "no database any more");
    assert_eq!(Store::open(folder.path()).unwrap().verify().unwrap().rows, 30);
}

#[test]
fn an_older_backup_stays_until_the_new_one_is_whole() {
    let (folder, mut store) = of_decisions(3);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("nightly");
    back_up(folder.path(), &file).unwrap();
    go_on(&mut store, 4);
    assert_eq!(back_up(folder.path(), &file).unwrap().last_row, 4, "it is replaced");
    let good = std::fs::read(&file).unwrap();
    // What a killed backup left is no hindrance.
    std::fs::write(files.path().join("nightly.partial"), "half").unwrap();
    back_up(folder.path(), &file).unwrap();

    edit(folder.path(), "UPDATE audit SET summary = 'x' WHERE id = 2");
    let damaged = back_up(folder.path(), &file).unwrap_err();
    assert!(matches!(damaged, BackupError::Damaged { .. }) && damaged.to_string().contains("audit row 2"), "{damaged}");
    assert_eq!(std::fs::read(&file).unwrap().len(), good.len());
    put_back(&file, &files.path().join("data"), Existing::Refuse).unwrap();

    for taken in ["notes.txt", "tminus.db"] {
        let taken = if taken == "notes.txt" { files.path().join(taken) } else { folder.path().join(taken) };
        if !taken.exists() {
            std::fs::write(&taken, "my notes").unwrap();
        }
        let before = std::fs::read(&taken).unwrap();
        let refused = back_up(folder.path(), &taken).unwrap_err();
        assert!(matches!(refused, BackupError::Taken { .. }), "{refused}");
        assert_eq!(std::fs::read(&taken).unwrap(), before);
    }
    let nowhere = back_up(folder.path(), Path::new("/nowhere/at/all/backup")).unwrap_err();
    assert!(matches!(nowhere, BackupError::Seal(SealError::Io { .. })), "{nowhere}");
    assert!(matches!(back_up(files.path(), &file), Err(BackupError::Store(StoreError::Absent { .. }))));
}

#[test]
fn two_backups_into_one_file_do_not_meet() {
    let (folder, _store) = of_decisions(50);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    let mut second = None;
    let first = backup(folder.path(), &file, at(9), &mut |stage, _, _| {
        if stage == Stage::Verifying && second.is_none() {
            second = Some(back_up(folder.path(), &file));
        }
    });
    assert!(matches!(second, Some(Err(BackupError::Running { .. }))), "{second:?}");
    first.unwrap();
    put_back(&file, &files.path().join("data"), Existing::Refuse).unwrap();
}

/// Runs the program: exit code, stdout and stderr.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let out = Command::new(env!("CARGO_BIN_EXE_tminus")).args(arguments).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn the_verbs_say_what_they_did_and_what_to_mind() {
    let (folder, store) = of_decisions(6);
    let files = tempfile::tempdir().unwrap();
    let settings = files.path().join("tminus.yaml");
    let text = format!("apiVersion: tminus/v1\nkind: Settings\nname: test\ndata: {}\n", folder.path().display());
    std::fs::write(&settings, text).unwrap();
    let path = |path: PathBuf| path.into_os_string().into_string().unwrap();
    let (file, data, settings) = (path(files.path().join("b")), path(files.path().join("data")), path(settings));
    let (code, out, prose) = run(&["backup", &file, "--config", &settings, "-o", "json"]);
    let made: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, made["last_row"].as_i64(), made["open_intents"].as_u64()), (Some(0), Some(6), Some(1)), "{out} {prose}");
    let (code, out, _) = run(&["audit", "verify", "--config", &settings]);
    assert!(code == Some(0) && out.contains("6 rows"), "{out}");

    let (code, out, prose) = run(&["restore", &file, "--config", &settings, "--force"]);
    assert!(code == Some(1) && out.is_empty() && prose.contains("another tminus"), "{prose}");
    let (code, out, prose) = run(&["restore", &file, "--data", &data]);
    assert!(code == Some(0) && out.contains("1 effects that were open") && out.contains("audit row 6"), "{out} {prose}");
    let (code, _, prose) = run(&["restore", &file, "--data", &data]);
    assert!(code == Some(1) && prose.contains("--force"), "{prose}");
    drop(store);
    let (code, out, _) = run(&["restore", &file, "--config", &settings, "--force", "-o", "json"]);
    let restored: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == Some(0) && restored["aside"].as_str().is_some_and(|aside| Path::new(aside).exists()), "{out}");

    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let (code, _, prose) = run(&["restore", &file, "--data", &data, "--force"]);
    assert!(code == Some(1) && prose.contains("only part of a backup"), "{prose}");
    let (code, _, _) = run(&["backup", &file, "--data", &data, "--config", &settings]);
    assert_eq!(code, Some(64), "one or the other");
}
