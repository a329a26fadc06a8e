//! Counts afterwards what was done to the world, and whether any of it was done twice.
//!
//! It compares what was intended (the journal in the store) with what happened: announcements as the room received them,
//! floors as the group's registry took them. A delivery that is repeated under its key because a kill left it open is
//! not a second change: receivers drop it by its key, which goes along for that (I2). Everything else that came twice is.
//!
//! Invariant: it looks at the world first; the journal can only excuse a repeat that it ordered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::instances::Registry;
use super::room::Heard;
use crate::core::decide::Effect;
use crate::shell::store::{JournalRow, JournalState, Store};

/// What a whole demo did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// Effects in the journal.
    pub(super) effects: usize,
    /// Changes that the world saw twice.
    pub(super) duplicated: u64,
    /// Deliveries that came again under their key after a kill, and were dropped by it.
    pub(super) redelivered: u64,
    /// Effects that were sent again because it was not known whether they had been done.
    pub(super) resent: u64,
    /// Changes of the world that the journal knows nothing of.
    pub(super) unjournaled: usize,
    /// Effects that were still open when the daemon had ended.
    pub(super) open: usize,
}

/// Reads the store of an ended daemon and adds up.
pub(super) fn read(store: &Store, folder: &Path, heard: &[Heard]) -> Result<Ledger, String> {
    let journal = store.journal().map_err(|error| format!("the journal cannot be read: {error}"))?;
    Ok(add_up(&journal, Registry::read(folder).floors(), heard))
}

fn add_up(journal: &[JournalRow], floors: &[(String, u32)], heard: &[Heard]) -> Ledger {
    let attempts: BTreeMap<&str, u32> = journal.iter().map(|row| (row.key.as_str(), row.attempts)).collect();
    let told = Told::of(heard, &attempts);
    let unknown_floors = floors.iter().filter(|(key, _)| !attempts.contains_key(key.as_str())).count();
    let open = |row: &&JournalRow| !matches!(row.state, JournalState::Done | JournalState::Superseded);
    Ledger {
        effects: journal.len(),
        duplicated: told.duplicated + told_again(heard) + floors_again(floors) + reports_again(journal),
        redelivered: told.redelivered,
        resent: journal.iter().map(|row| u64::from(row.attempts.saturating_sub(1))).sum(),
        unjournaled: told.unknown + unknown_floors,
        open: journal.iter().filter(open).count(),
    }
}

/// Deliveries, key by key.
#[derive(Default)]
struct Told {
    duplicated: u64,
    redelivered: u64,
    unknown: usize,
}

impl Told {
    fn of(heard: &[Heard], attempts: &BTreeMap<&str, u32>) -> Self {
        let mut by_key: BTreeMap<&str, Vec<&Heard>> = BTreeMap::new();
        for one in heard {
            by_key.entry(&one.said.key).or_default().push(one);
        }
        let mut told = Self::default();
        for (key, deliveries) in by_key {
            let known = attempts.get(format!("notify:{key}").as_str()).copied();
            told.unknown += usize::from(known.is_none());
            let same = deliveries.iter().all(|one| one.said == deliveries[0].said);
            let repeats = deliveries.len() as u64 - 1;
            // Not ordered again, or not the same again: nobody could have dropped it.
            let excused = if same { repeats.min(u64::from(known.unwrap_or(1).saturating_sub(1))) } else { 0 };
            told.redelivered += excused;
            told.duplicated += repeats - excused;
        }
        told
    }
}

/// Steps and ends of a release happen once: the same sentence under another key is a change that was decided twice.
fn told_again(heard: &[Heard]) -> u64 {
    let once = heard.iter().filter(|one| matches!(one.said.topic.as_str(), "step" | "abort"));
    let keys: BTreeSet<(&str, &str)> = once.map(|one| (one.said.what.as_str(), one.said.key.as_str())).collect();
    let sentences: BTreeSet<&str> = keys.iter().map(|(what, _)| *what).collect();
    (keys.len() - sentences.len()) as u64
}

/// A key that was taken twice, or the floor that stands already set once more.
fn floors_again(floors: &[(String, u32)]) -> u64 {
    let keys: BTreeSet<&str> = floors.iter().map(|(key, _)| key.as_str()).collect();
    let standing = floors.windows(2).filter(|pair| pair[0].1 == pair[1].1).count();
    (floors.len() - keys.len() + standing) as u64
}

fn reports_again(journal: &[JournalRow]) -> u64 {
    let report = |row: &&JournalRow| matches!(row.effect, Some(Effect::Report { .. }));
    (journal.iter().filter(report).count() as u64).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::room::Said;
    use super::*;
    use crate::core::words::Name;

    fn heard(key: &str, topic: &str, what: &str) -> Heard {
        let said = Said { key: key.into(), topic: topic.into(), what: what.into(), ..Said::default() };
        Heard { at: Timestamp::UNIX_EPOCH, said }
    }

    fn row(key: &str, attempts: u32) -> JournalRow {
        let effect = key.starts_with("report").then(|| Effect::Report { release: Name::new("r").unwrap() });
        JournalRow { key: key.into(), effect, state: JournalState::Done, attempts }
    }

    /// What was heard, which floors were set, what the journal knows: duplicated, redelivered, unjournaled.
    type Case = (&'static str, Vec<Heard>, Vec<(String, u32)>, Vec<JournalRow>, (u64, u64, usize));

    #[test]
    fn what_came_twice_is_found_and_what_a_kill_repeats_under_its_key_is_not_that() {
        let step = |key| heard(key, "step", "It is at 10 %.");
        let floor = |key: &str, floor| (key.to_owned(), floor);
        let cases: Vec<Case> = vec![
            (
                "once",
                vec![step("a")],
                vec![floor("f1", 4), floor("f2", 2)],
                vec![row("notify:a", 1), row("f1", 1), row("f2", 2)],
                (0, 0, 0),
            ),
            ("again after a kill", vec![step("a"), step("a")], vec![], vec![row("notify:a", 2)], (0, 1, 0)),
            ("again without an order", vec![step("a"), step("a")], vec![], vec![row("notify:a", 1)], (1, 0, 0)),
            ("more often than ordered", vec![step("a"), step("a"), step("a")], vec![], vec![row("notify:a", 2)], (1, 1, 0)),
            (
                "another text under the key",
                vec![step("a"), heard("a", "step", "Else.")],
                vec![],
                vec![row("notify:a", 2)],
                (1, 0, 0),
            ),
            ("decided twice", vec![step("a"), step("b")], vec![], vec![row("notify:a", 1), row("notify:b", 1)], (1, 0, 0)),
            (
                "readiness may come back",
                vec![heard("a", "readiness", "GO."), heard("b", "readiness", "GO.")],
                vec![],
                vec![row("notify:a", 1), row("notify:b", 1)],
                (0, 0, 0),
            ),
            ("never intended", vec![step("a")], vec![floor("f1", 4)], vec![], (0, 0, 2)),
            (
                "a key taken twice",
                vec![],
                vec![floor("f", 4), floor("g", 2), floor("f", 4)],
                vec![row("f", 1), row("g", 1)],
                (1, 0, 0),
            ),
            ("the same floor again", vec![], vec![floor("f", 4), floor("g", 4)], vec![row("f", 1), row("g", 1)], (1, 0, 0)),
            ("two reports", vec![], vec![], vec![row("report:1", 1), row("report:2", 1)], (1, 0, 0)),
        ];
        for (case, heard, floors, journal, expected) in cases {
            let ledger = add_up(&journal, &floors, &heard);
            assert_eq!((ledger.duplicated, ledger.redelivered, ledger.unjournaled), expected, "{case}");
        }
    }
}
