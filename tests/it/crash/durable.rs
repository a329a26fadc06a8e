//! What stands in the data folder: read beside the daemon, everything of one instant.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tminus::shell::store::verify_folder;

/// What the store holds.
pub struct Durable {
    pub state: Value,
    /// Kind, message, in the order of the timeline.
    pub events: Vec<(String, String)>,
    /// Their instants.
    pub times: Vec<Timestamp>,
    /// By key: state, effect, place in the journal.
    pub intents: BTreeMap<String, (String, Value, i64)>,
    /// Kind, name and text.
    pub documents: Vec<(String, String, String)>,
    /// Rows of the audit chain.
    pub rows: u64,
}

impl Durable {
    pub fn read(folder: &Path) -> Result<Self, String> {
        let report = verify_folder(&folder.join("data"), &mut |_, _| {}).map_err(|error| error.to_string())?;
        if let Some(bad) = report.first_bad {
            return Err(format!("row {} of the audit chain: {} (I10)", bad.id, bad.what));
        }
        Self::tables(&folder.join("data/tminus.db")).map_err(|error| error.to_string())
    }

    fn tables(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let whole = connection.transaction()?;
        let body: Option<String> = whole.query_row("SELECT body FROM state", [], |row| row.get(0))?;
        let json = |text: String| serde_json::from_str(&text).unwrap_or_default();
        let mut events = whole.prepare("SELECT kind, message FROM events ORDER BY id")?;
        let events = events.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut times = whole.prepare("SELECT at FROM events ORDER BY id")?;
        let times: Vec<String> = times.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let times = times.iter().map(|text| text.parse().unwrap()).collect();
        let mut intents = whole.prepare("SELECT key, state, effect, id FROM intents")?;
        let intents = intents
            .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, json(row.get(2)?), row.get(3)?))))?
            .collect::<Result<_, _>>()?;
        let mut documents = whole.prepare("SELECT kind, name, body FROM documents")?;
        let documents = documents.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
        let rows: i64 = whole.query_row("SELECT COUNT(*) FROM audit", [], |row| row.get(0))?;
        Ok(Self { state: body.map(json).unwrap_or_default(), events, times, intents, documents, rows: rows as u64 })
    }

    pub fn open(&self) -> impl Iterator<Item = &String> {
        let open = |state: &str| matches!(state, "intent" | "sent" | "failed");
        self.intents.iter().filter(move |(_, (state, _, _))| open(state)).map(|(key, _)| key)
    }

    pub fn release(&self, name: &str) -> Option<&Value> {
        self.state["releases"].get(name)
    }
}

/// The group's registry as it stands on disk; `None`: not yet.
pub fn registry(folder: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(folder.join("data/groups/api.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("the registry is replaced whole: {error}")))
}

/// Processes of this world that lead their group, by the mark that their folder gives them.
pub fn processes(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().unwrap();
    let wanted = format!("TMINUS_INSTANCE={}/", folder.display()).into_bytes();
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ours = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(&wanted))
    };
    pids.filter(ours).filter(|pid| leads(*pid)).collect()
}

fn leads(pid: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = text.rsplit_once(')') else { return false };
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    fields.get(2) == Some(&pid.to_string().as_str()) && !matches!(fields.first(), Some(&("Z" | "X")))
}
