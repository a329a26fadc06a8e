//! The whole journal, as a reader finds it.

use tminus::shell::store::{JournalState, Store};

use super::{at, commit, decision, edit, floor, notify, prime};

#[test]
fn the_journal_tells_every_intent_and_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    let effects =
        [("done", floor("g", 5)), ("sent", notify("s")), ("new", notify("n")), ("old", prime("p")), ("later", prime("p"))];
    commit(&mut store, &decision(epoch, 1, &effects)).unwrap();
    for key in ["done", "sent", "sent"] {
        store.sent(key, at(1)).unwrap();
    }
    store.done("done", at(2), "ok").unwrap();
    drop(store);
    edit(folder.path(), r#"UPDATE intents SET effect = '{"teleport":{"to":"mars"}}' WHERE key = 'later'"#);
    let journal = Store::open(folder.path()).unwrap().journal().unwrap();
    let seen: Vec<_> = journal.iter().map(|row| (row.key.as_str(), row.state, row.attempts, row.effect.is_some())).collect();
    let expected = [
        ("done", JournalState::Done, 1, true),
        ("sent", JournalState::Sent, 2, true),
        ("new", JournalState::Intent, 0, true),
        ("old", JournalState::Superseded, 0, true),
        ("later", JournalState::Intent, 0, false),
    ];
    assert_eq!(seen, expected);
}
