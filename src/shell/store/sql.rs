//! Every statement of the store, in standard SQL with numbered parameters, so that a second engine can run the same.
//!
//! Instants are text in RFC 3339 with nine decimals, in UTC: exact, readable, and in order as text. Names are stored
//! as written beside their folded form where they are looked up. Not here: the schema itself.

pub(super) const READ_STATE: &str = "SELECT epoch, body FROM state WHERE one = 1";
pub(super) const READ_EPOCH: &str = "SELECT epoch FROM state WHERE one = 1";
pub(super) const TAKE_EPOCH: &str = "UPDATE state SET epoch = epoch + 1 WHERE one = 1 RETURNING epoch";
pub(super) const WRITE_EPOCH: &str = "UPDATE state SET epoch = ?1 WHERE one = 1";
pub(super) const WRITE_STATE: &str = "UPDATE state SET body = ?1 WHERE one = 1";
pub(super) const ADD_QUIET_TICKS: &str = "UPDATE state SET quiet_ticks = quiet_ticks + ?1, quiet_at = ?2 WHERE one = 1";
pub(super) const READ_QUIET_TICKS: &str = "SELECT quiet_ticks FROM state WHERE one = 1";

pub(super) const INTENT_BY_KEY: &str = "SELECT state, effect FROM intents WHERE key = ?1";
pub(super) const INSERT_INTENT: &str = "INSERT INTO intents \
     (key, epoch, target, effect, state, audit_id, decided_at, updated_at) \
     VALUES (?1, ?2, ?3, ?4, 'intent', ?5, ?6, ?6)";
pub(super) const SUPERSEDE_TARGET: &str = "UPDATE intents SET state = 'superseded', updated_at = ?2 \
     WHERE target = ?1 AND state IN ('intent', 'sent', 'failed') RETURNING key";
pub(super) const ADOPT_INTENTS: &str = "UPDATE intents SET epoch = ?1 WHERE state IN ('intent', 'sent', 'failed')";
pub(super) const OPEN_INTENTS: &str = "SELECT key, epoch, effect, state, attempts, not_before, error, delivered FROM intents \
     WHERE state IN ('intent', 'sent', 'failed') ORDER BY id";
pub(super) const JOURNAL: &str = "SELECT key, effect, state, attempts FROM intents ORDER BY id";
pub(super) const COUNT_OPEN: &str = "SELECT COUNT(*) FROM intents WHERE state IN ('intent', 'sent', 'failed')";
pub(super) const INTENT_SENT: &str = "UPDATE intents \
     SET state = 'sent', attempts = attempts + 1, not_before = NULL, updated_at = ?2 \
     WHERE key = ?1 AND state IN ('intent', 'sent', 'failed')";
pub(super) const INTENT_DONE: &str = "UPDATE intents SET state = 'done', result = ?3, error = NULL, updated_at = ?2 \
     WHERE key = ?1 AND state IN ('intent', 'sent', 'failed')";
pub(super) const INTENT_FAILED: &str = "UPDATE intents \
     SET state = 'failed', error = ?3, not_before = ?4, delivered = ?5, updated_at = ?2 \
     WHERE key = ?1 AND state IN ('intent', 'sent', 'failed')";
pub(super) const INTENT_SUPERSEDED: &str = "UPDATE intents SET state = 'superseded', updated_at = ?2 \
     WHERE key = ?1 AND state IN ('intent', 'sent', 'failed')";
pub(super) const INTENT_DELIVERED: &str = "SELECT delivered FROM intents WHERE key = ?1";

pub(super) const INSERT_EVENT: &str =
    "INSERT INTO events (at, release, kind, message, by_person) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
pub(super) const INSERT_RESTORED: &str = "INSERT INTO events (at, release, kind, message, by_person) \
     VALUES (?1, NULL, 'restored', ?2, NULL)";
pub(super) const EVENTS_AFTER: &str =
    "SELECT id, at, release, kind, message, by_person FROM events WHERE id > ?1 ORDER BY id LIMIT ?2";

pub(super) const PUT_DOCUMENT: &str = "INSERT INTO documents (kind, folded, name, body, by_person, at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
     ON CONFLICT (kind, folded) DO UPDATE SET name = excluded.name, body = excluded.body, \
     by_person = excluded.by_person, at = excluded.at";
pub(super) const REMOVE_DOCUMENT: &str = "DELETE FROM documents WHERE kind = ?1 AND folded = ?2";
pub(super) const FORGET_IN_FORCE: &str = "DELETE FROM documents_in_force";
pub(super) const PUT_IN_FORCE: &str =
    "INSERT OR REPLACE INTO documents_in_force (kind, folded, name, file, body) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const IN_FORCE: &str = "SELECT kind, name, file, body FROM documents_in_force ORDER BY kind, folded";
pub(super) const DOCUMENTS: &str = "SELECT kind, name, body, by_person, at FROM documents ORDER BY kind, folded";

pub(super) const READ_CHAIN: &str = "SELECT base_id, base_hash, head_id, head_hash FROM chain WHERE one = 1";
pub(super) const WRITE_HEAD: &str = "UPDATE chain SET head_id = ?1, head_hash = ?2 WHERE one = 1";
pub(super) const INSERT_AUDIT: &str = "INSERT INTO audit \
     (id, at, cause, by_person, epoch, core_version, summary, decision_hash, snapshot, hash, scope) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
pub(super) const AUDIT_AFTER: &str = "SELECT \
     id, at, cause, by_person, epoch, core_version, summary, decision_hash, snapshot, hash, scope \
     FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2";
pub(super) const AUDIT_TIMES: &str = "SELECT id, at FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2";
pub(super) const PRUNE_AUDIT: &str = "DELETE FROM audit WHERE id <= ?1";
pub(super) const WRITE_BASE: &str = "UPDATE chain SET base_id = ?1, base_hash = ?2 WHERE one = 1";
pub(super) const INSERT_CHECKPOINT: &str = "INSERT INTO checkpoints (at, from_id, to_id, hash) VALUES (?1, ?2, ?3, ?4)";
pub(super) const CHECKPOINTS_AFTER: &str =
    "SELECT at, from_id, to_id, hash FROM checkpoints WHERE to_id > ?1 ORDER BY to_id LIMIT ?2";

pub(super) const EVENT_TIMES: &str = "SELECT id, at FROM events WHERE id > ?1 ORDER BY id LIMIT ?2";
pub(super) const PRUNE_EVENTS: &str = "DELETE FROM events WHERE id <= ?1";
pub(super) const PRUNE_INTENTS: &str = "DELETE FROM intents WHERE id IN (SELECT id FROM intents \
     WHERE state IN ('done', 'superseded') AND updated_at < ?1 ORDER BY updated_at LIMIT ?2)";

pub(super) const PUT_COVERAGE: &str = "INSERT INTO coverage (folded, name, digest, body) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (folded) DO UPDATE SET name = excluded.name, digest = excluded.digest, body = excluded.body";
pub(super) const COVERAGE: &str = "SELECT name, digest, body FROM coverage ORDER BY folded";

pub(super) const COUNT_NAME: &str = "SELECT id FROM count_names WHERE source = ?1 AND kind = ?2 AND name = ?3";
pub(super) const COUNT_NAMES_OF_KIND: &str = "SELECT COUNT(*) FROM count_names WHERE source = ?1 AND kind = ?2";
pub(super) const INSERT_COUNT_NAME: &str =
    "INSERT INTO count_names (source, kind, name, written) VALUES (?1, ?2, ?3, ?4) RETURNING id";
pub(super) const PUSHES_OF_SOURCE: &str = "SELECT pushes FROM count_sources WHERE source = ?1";
pub(super) const ADD_PUSH_OF_SOURCE: &str = "INSERT INTO count_sources (source, pushes) VALUES (?1, 1) \
     ON CONFLICT (source) DO UPDATE SET pushes = pushes + 1";
pub(super) const DELETE_COUNTS_OF_PUSH: &str = "DELETE FROM counts WHERE sender_id = ?1 AND at = ?2";
pub(super) const INSERT_PUSH: &str = "INSERT INTO pushes (sender_id, at) VALUES (?1, ?2) ON CONFLICT (sender_id, at) DO NOTHING";
pub(super) const INSERT_COUNT: &str = "INSERT INTO counts (sender_id, at, series_id, value) VALUES (?1, ?2, ?3, ?4)";
pub(super) const PUSHES_SINCE: &str = "SELECT p.at, n.written FROM count_names n JOIN pushes p ON p.sender_id = n.id \
     WHERE n.source = ?1 AND n.kind = 'sender' AND p.at >= ?2";
pub(super) const COUNTS_SINCE: &str = "SELECT c.at, n.written, c.value FROM counts c JOIN count_names n ON n.id = c.sender_id \
     WHERE c.series_id = ?1 AND c.at >= ?2";
pub(super) const PRUNE_COUNTS: &str = "DELETE FROM counts WHERE (sender_id, at) IN \
     (SELECT sender_id, at FROM pushes WHERE at < ?1 OR at > ?2 ORDER BY sender_id, at LIMIT ?3)";
pub(super) const PRUNE_PUSHES: &str = "DELETE FROM pushes WHERE (sender_id, at) IN \
     (SELECT sender_id, at FROM pushes WHERE at < ?1 OR at > ?2 ORDER BY sender_id, at LIMIT ?3)";
pub(super) const PRUNE_SENDERS: &str =
    "DELETE FROM count_names WHERE kind = 'sender' AND NOT EXISTS (SELECT 1 FROM pushes WHERE sender_id = count_names.id)";
pub(super) const PRUNE_SERIES: &str =
    "DELETE FROM count_names WHERE kind = 'series' AND NOT EXISTS (SELECT 1 FROM counts WHERE series_id = count_names.id)";
pub(super) const RECOUNT_PUSHES: &str = "UPDATE count_sources SET pushes = (SELECT COUNT(*) FROM pushes p \
     JOIN count_names n ON n.id = p.sender_id WHERE n.source = count_sources.source)";
