//! Torn logs and real kills: what was acknowledged is there, whole and once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tminus::shell::store::Store;

use super::{at, commit, decision, draw, draws, notify, seed};

/// The log cut at any byte, as a power loss leaves it: what is left is a whole prefix.
#[test]
fn a_torn_log_leaves_a_whole_prefix() {
    let seed = seed();
    let mut draws = draws(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let epoch = store.take_epoch().unwrap();
    for n in 1..=30 {
        let key = format!("key/{n}");
        commit(&mut store, &decision(epoch, n, &[(&key, notify(&key))])).unwrap();
    }
    let (database, log) =
        (std::fs::read(folder.path().join("tminus.db")).unwrap(), std::fs::read(folder.path().join("tminus.db-wal")).unwrap());
    assert!(!log.is_empty());
    for _ in 0..40 {
        let end = draw(&mut draws, log.len() as u64 + 1) as usize;
        let torn = tempfile::tempdir().unwrap();
        std::fs::write(torn.path().join("tminus.db"), &database).unwrap();
        std::fs::write(torn.path().join("tminus.db-wal"), &log[..end]).unwrap();
        let store = Store::open(torn.path()).unwrap_or_else(|error| panic!("seed {seed}, cut at {end}: {error}"));
        let report = store.verify().unwrap();
        assert_eq!(report.first_bad, None, "seed {seed}, cut at {end}");
        let durable = store.load().unwrap();
        let decisions = durable.state.map_or(0, |state| state.decisions);
        let keys = durable.open.len() as u64;
        let events = store.events(0, 1_000).unwrap().len() as u64;
        assert_eq!((report.rows, keys, events), (decisions, decisions, decisions), "seed {seed}, cut at {end}");
    }
}

/// Set in the child: the folder to write to.
const CHILD: &str = "TMINUS_TEST_CRASH_FOLDER";

/// Not a test by itself: the child of the next one, which runs it in a process of its own to kill it. Commits for
/// ever and says on stdout what was acknowledged.
#[test]
fn crash_child() {
    #[expect(clippy::disallowed_methods, reason = "how the parent test tells this process that it is the child")]
    let Ok(folder) = std::env::var(CHILD) else { return };
    let mut store = Store::open(Path::new(&folder)).unwrap();
    let epoch = store.take_epoch().unwrap();
    let durable = store.load().unwrap();
    let mut say = std::io::stdout().lock();
    writeln!(say, "\nopen {epoch}").unwrap();
    for intent in durable.open {
        store.sent(&intent.key, at(0)).unwrap();
        store.done(&intent.key, at(0), "resumed").unwrap();
        writeln!(say, "done {}", intent.key).unwrap();
    }
    for n in durable.state.map_or(0, |state| state.decisions) + 1.. {
        let key = format!("key/{n}");
        // Every commit repeats the key before, as a daemon does that does not know yet what became of it.
        let before = format!("key/{}", n - 1);
        let effects = [(before.as_str(), notify(&before)), (key.as_str(), notify(&key))];
        let effects = if n == 1 { &effects[1..] } else { &effects };
        commit(&mut store, &decision(epoch, n, effects)).unwrap();
        writeln!(say, "committed {n}").unwrap();
        store.sent(&key, at(1)).unwrap();
        store.done(&key, at(2), "ok").unwrap();
        writeln!(say, "done {key}").unwrap();
    }
}

/// What the children acknowledged so far.
#[derive(Default)]
struct Acknowledged {
    epoch: u64,
    committed: u64,
    done: BTreeSet<String>,
}

impl Acknowledged {
    fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("open", epoch)) => {
                let epoch = epoch.parse().unwrap();
                assert!(epoch > self.epoch, "epoch {epoch} after {}", self.epoch);
                self.epoch = epoch;
            }
            Some(("committed", n)) => self.committed = n.parse().unwrap(),
            Some(("done", key)) => assert!(self.done.insert(key.into()), "{key} was done twice"),
            _ => {}
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_no_key_is_there_twice_over_thirty_kills() {
    let seed = seed();
    let mut draws = draws(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for kill in 0..30 {
        let limit = Duration::from_micros(draw(&mut draws, 60_000));
        run_and_kill(folder.path(), limit, &mut acknowledged);
        inspect(folder.path(), &mut acknowledged).unwrap_or_else(|what| panic!("seed {seed}, kill {kill}: {what}"));
    }
    assert!(acknowledged.committed > 30, "seed {seed}: only {} commits", acknowledged.committed);
}

fn run_and_kill(folder: &Path, limit: Duration, acknowledged: &mut Acknowledged) {
    let mut child = spawn_child(folder);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("open ") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child ended before it opened the store");
    }
    acknowledged.hear(line.trim());
    // The draw is when to kill it; what it acknowledges until then is read afterwards from the pipe.
    std::thread::sleep(limit);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    // The last line may be torn by the kill: only whole lines were said.
    let whole = rest.rfind('\n').map_or("", |end| &rest[..end]);
    whole.lines().for_each(|line| acknowledged.hear(line));
}

#[expect(clippy::disallowed_methods, reason = "the child is this test binary, started to be killed")]
fn spawn_child(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["store::crash::crash_child", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn inspect(folder: &Path, acknowledged: &mut Acknowledged) -> Result<(), String> {
    let mut wrong = String::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            let _ = writeln!(wrong, "{what}");
        }
    };
    let store = Store::open(folder).map_err(|error| error.to_string())?;
    let durable = store.load().map_err(|error| error.to_string())?;
    let decisions = durable.state.map_or(0, |state| state.decisions);
    expect(decisions >= acknowledged.committed, "an acknowledged commit is lost");
    expect(decisions <= acknowledged.committed + 1, "a commit came from nowhere");
    // What was durable without having been said is known from here on: the next child begins after it.
    acknowledged.committed = decisions;
    let report = store.verify().map_err(|error| error.to_string())?;
    expect(report.first_bad.is_none() && report.rows == decisions, "the audit chain does not have one good row per commit (I10)");
    drop(store);
    let rows = journal(folder);
    let keys: BTreeSet<&String> = rows.iter().map(|(key, _)| key).collect();
    expect(keys.len() == rows.len() && rows.len() as u64 == decisions, "the journal does not have each key once (I2)");
    let done: BTreeSet<String> = rows.iter().filter(|(_, state)| state == "done").map(|(key, _)| key.clone()).collect();
    expect(acknowledged.done.is_subset(&done), "an acknowledged result is lost");
    expect(rows.len() - done.len() <= 1, "more is open than one intent could be");
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn journal(folder: &Path) -> Vec<(String, String)> {
    let path: PathBuf = folder.join("tminus.db");
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT key, state FROM intents").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}
