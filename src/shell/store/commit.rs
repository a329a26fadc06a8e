//! The one transaction of a decision: next state, intents, events, applied documents and the audit row, or nothing.
//!
//! It does not send anything. Invariant: a key is in the journal once, whatever is committed again (I2), and each
//! commit adds exactly one audit row (I10).

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction};

use super::audit::{self, AuditRow};
use super::documents::{self, AppliedDocument, DocumentInForce};
use super::writer::{add_quiet_ticks, cut, instant, signed};
use super::{EventRow, NewEvent, Store, StoreError, sql, timeline};
use crate::core::decide::{Decision, Effect, Intent, Scope, Snapshot};
use crate::core::words::Name;

/// Bytes of a summary; one line for people.
const SUMMARY: usize = 400;

/// What is made durable together.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    /// When.
    pub at: Timestamp,
    /// Why there was a decision: `tick`, `order`, `apply`, `start`.
    pub cause: &'a str,
    /// Who, where it was a person.
    pub by: Option<Name>,
    /// What it was decided from.
    pub snapshot: &'a Snapshot,
    /// What was decided; its state's epoch must be the one in force.
    pub decision: &'a Decision,
    /// What people see of it.
    pub events: Vec<NewEvent>,
    /// Documents that the decision was made with for the first time.
    pub documents: Vec<AppliedDocument>,
    /// Everything that is in force from now on; empty: what was.
    pub in_force: Vec<DocumentInForce>,
    /// The version of the core that decided.
    pub core_version: &'a str,
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The audit row.
    pub audit_id: i64,
    /// The head of the chain after it, lower-case hex: written to the log, it shows later whether the chain was rewritten.
    pub head: String,
    /// Keys that are new in the journal: to be sent, in this order.
    pub inserted: Vec<String>,
    /// Keys that were there already and ask for the same; nothing was added.
    pub known: Vec<String>,
    /// Keys that were there already but ask for something else: the first stays in force (I2), and it is a fault of ours.
    pub conflicting: Vec<String>,
    /// Open intents that a newer one for the same target replaced; not to be sent any more.
    pub superseded: Vec<String>,
    /// The events with their ids.
    pub events: Vec<EventRow>,
}

impl Store {
    /// Makes a whole decision durable. On an error nothing of it is: the caller keeps the state it had and sends nothing.
    pub fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        self.commit_within(Scope::Whole, commit)
    }

    /// The same for a decision of this scope.
    pub fn commit_within(&mut self, scope: Scope, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        let ours = commit.decision.state.epoch;
        if ours != self.epoch() {
            return Err(StoreError::Fenced { ours, current: self.epoch() });
        }
        // Everything that takes time is done before the transaction holds the lock.
        let state = json(&commit.decision.state, "the state")?;
        let row = audit_row(scope, commit)?;
        let quiet = self.quiet();
        let committed = self.write(|transaction| {
            let (audit_id, head) = audit::append(transaction, row)?;
            let mut committed = Committed { audit_id, head: audit::hex(&head), ..Committed::default() };
            for intent in &commit.decision.intents {
                put_intent(transaction, (intent, ours, commit.at), &mut committed)?;
            }
            documents::put(transaction, &commit.documents)?;
            if !commit.in_force.is_empty() {
                documents::put_in_force(transaction, &commit.in_force)?;
            }
            committed.events = timeline::add(transaction, &commit.events)?;
            transaction.execute(sql::WRITE_STATE, [state])?;
            if let Some((count, at)) = quiet {
                add_quiet_ticks(transaction, count, at)?;
            }
            Ok(committed)
        })?;
        self.quiet_is_written();
        Ok(committed)
    }
}

fn audit_row(scope: Scope, commit: &Commit<'_>) -> Result<AuditRow, StoreError> {
    let decision_hash = audit::decision_hash_bytes(commit.decision)?;
    Ok(AuditRow {
        id: 0,
        at: instant(commit.at),
        cause: cut(commit.cause, SUMMARY),
        by: commit.by.as_ref().map(|by| by.as_str().into()),
        epoch: signed(commit.decision.state.epoch, "an epoch")?,
        core_version: cut(commit.core_version, SUMMARY),
        summary: summary(commit),
        decision_hash: decision_hash.to_vec(),
        snapshot: audit::pack(commit.snapshot)?,
        hash: Vec::new(),
        scope: Some(scope.word().into()),
    })
}

/// The first event says it best; without events the effects do.
fn summary(commit: &Commit<'_>) -> String {
    let more = |count: usize| if count == 0 { String::new() } else { format!(" (and {count} more)") };
    let line = match (commit.events.first(), commit.decision.intents.first()) {
        (Some(event), _) => format!("{}{}", event.message, more(commit.events.len() - 1)),
        (None, Some(intent)) => format!("{}{}", wanted(&intent.effect), more(commit.decision.intents.len() - 1)),
        (None, None) => "State changed without effects.".into(),
    };
    cut(&line, SUMMARY)
}

fn wanted(effect: &Effect) -> String {
    match effect {
        Effect::SetFloor { group, floor, why, .. } => format!("Floor of {group} to {floor}: {why}"),
        Effect::ScheduleFloors { group, why, .. } => format!("Schedule of {group}: {why}"),
        Effect::Prime { policy, release: Some(release) } => format!("Prime {policy} for {release}."),
        Effect::Prime { policy, release: None } => format!("Prime {policy} by its schedule."),
        Effect::Notify(announcement) => announcement.what.clone(),
        Effect::Report { release } => format!("Write the report of {release}."),
    }
}

fn put_intent(
    transaction: &Transaction<'_>,
    (intent, epoch, at): (&Intent, u64, Timestamp),
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(1);
    let known = transaction.prepare_cached(sql::INTENT_BY_KEY)?.query_row([&intent.key], read).optional()?;
    if let Some(effect) = known {
        let same = serde_json::from_str(&effect).is_ok_and(|known: Effect| is_same_change(&known, &intent.effect));
        if same { &mut committed.known } else { &mut committed.conflicting }.push(intent.key.clone());
        return Ok(());
    }
    if intent.epoch != epoch {
        return Err(StoreError::Fenced { ours: intent.epoch, current: epoch });
    }
    let target = target(&intent.effect);
    if let Some(target) = &target {
        let mut statement = transaction.prepare_cached(sql::SUPERSEDE_TARGET)?;
        let keys = statement.query_map((target, instant(at)), |row| row.get(0))?;
        committed.superseded.extend(keys.collect::<Result<Vec<String>, _>>()?);
    }
    let row =
        (&intent.key, signed(epoch, "an epoch")?, target, json(&intent.effect, "an effect")?, committed.audit_id, instant(at));
    transaction.prepare_cached(sql::INSERT_INTENT)?.execute(row)?;
    committed.inserted.push(intent.key.clone());
    Ok(())
}

/// What a newer intent replaces. Announcements and reports stand each for itself.
fn target(effect: &Effect) -> Option<String> {
    match effect {
        Effect::SetFloor { group, .. } => Some(format!("group/{}", group.folded())),
        Effect::ScheduleFloors { group, .. } => Some(format!("schedule/{}", group.folded())),
        Effect::Prime { policy, .. } => Some(format!("priming/{}", policy.folded())),
        Effect::Notify(_) | Effect::Report { .. } => None,
    }
}

/// Whether two effects change the world in the same way; their reasons may be worded differently.
fn is_same_change(one: &Effect, other: &Effect) -> bool {
    match (one, other) {
        (
            Effect::SetFloor { group, floor, restore, .. },
            Effect::SetFloor { group: other_group, floor: other_floor, restore: other_restore, .. },
        ) => (group, floor, restore) == (other_group, other_floor, other_restore),
        (
            Effect::ScheduleFloors { group, floors, .. },
            Effect::ScheduleFloors { group: other_group, floors: other_floors, .. },
        ) => (group, floors) == (other_group, other_floors),
        (Effect::Notify(one), Effect::Notify(other)) => one.key == other.key,
        (one, other) => one == other,
    }
}

pub(super) fn json(value: &impl serde::Serialize, what: &str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unwritable(format!("{what} ({error})")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::decide::{Config, Observations, State};

    /// A commit with a snapshot that hardly compresses.
    fn commit_large(store: &mut Store, decisions: u64) -> Result<Committed, StoreError> {
        let noise = |i: u64| (Timestamp::UNIX_EPOCH, (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64);
        let history = BTreeMap::from([(Name::new("g").unwrap(), (0..20_000).map(noise).collect())]);
        let state = State { decisions, ..State::default() };
        let decision = Decision { state: state.clone(), changed: true, ..Decision::default() };
        let observed = Observations { history, ..Observations::default() };
        let now = Timestamp::UNIX_EPOCH;
        let snapshot = Snapshot { config: Config::default(), state, observed, commands: Vec::new(), now };
        store.commit(&Commit {
            at: now,
            cause: "tick",
            by: None,
            snapshot: &snapshot,
            decision: &decision,
            events: Vec::new(),
            documents: Vec::new(),
            in_force: Vec::new(),
            core_version: "0",
        })
    }

    #[test]
    fn a_full_disk_leaves_what_was_decided_and_ends_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        commit_large(&mut store, 1).unwrap();
        // The engine's own limit on its file fails in the same place and with the same code as a full disk.
        let pages: i64 = store.reader().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = |store: &Store, pages: i64| {
            store.reader().pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        limit(&store, pages);
        let before = store.load().unwrap();
        for _ in 0..3 {
            let refused = commit_large(&mut store, 2);
            assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
        }
        assert_eq!(store.load().unwrap(), before);
        assert_eq!(store.verify().unwrap().rows, 1);
        limit(&store, pages * 100);
        assert_eq!(commit_large(&mut store, 2).unwrap().audit_id, 2);
        assert_eq!(store.verify().unwrap().first_bad, None);
    }
}
