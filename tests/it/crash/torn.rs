//! A database that a power cut left torn: the log cut anywhere, its last frame spoilt, a checkpoint half done.
//!
//! The daemon starts with a whole prefix of what was decided, or it does not start and says why; never anything between.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;
use tminus::shell::clock;

use super::daemon::{Daemon, command};
use super::durable::Durable;
use super::ledger::Deed;
use super::life::{Life, copy};

/// Bytes of a page, and of the smallest piece that a disk writes whole.
const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// Bytes of a frame of the log: its head and a page.
const FRAME: usize = PAGE + 24;

/// Tears of each kind.
const TEARS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_database_is_a_whole_prefix_or_a_clear_refusal() {
    let seed = clock::now().as_nanosecond() as u64;
    println!("seed {seed}");
    let mut life = Life::begin(seed).await;
    let (database, log) = lived(&mut life).await;
    let checkpointed = checkpointed(&life);
    let full = Durable::read(life.folder.path()).unwrap();
    let mut served = 0;
    for tear in 0..TEARS * 3 {
        let (mut torn_database, mut torn_log) = (database.clone(), log.clone());
        let what = match tear % 3 {
            0 => {
                let end = life.draw(log.len() as u64 + 1) as usize;
                torn_log.truncate(end);
                format!("the log cut at {end} of {}", log.len())
            }
            1 => {
                let at = log.len() - 1 - life.draw(FRAME as u64) as usize;
                let bit = life.draw(8);
                torn_log[at] ^= 1 << bit;
                format!("bit {bit} of byte {at} of the log flipped, {} bytes before its end", log.len() - at)
            }
            _ => {
                // What the checkpoint had written by then; the log is still whole.
                let sectors = checkpointed.len() / SECTOR;
                let written = life.draw(sectors as u64 + 1) as usize * SECTOR;
                torn_database.resize(torn_database.len().max(written), 0);
                torn_database[..written].copy_from_slice(&checkpointed[..written]);
                format!("a checkpoint cut off after {written} of {} bytes", checkpointed.len())
            }
        };
        served += u32::from(starts_whole(&life, (&torn_database, &torn_log), (&full, &what)).await);
    }
    println!("{served} of {} served", TEARS * 3);
    assert!(u64::from(served) == TEARS * 3, "a log that is torn at its end is what every power cut leaves, and no damage");
}

/// What no power cut explains is refused, by name, and left as it is for a look.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let mut life = Life::begin(1).await;
    lived(&mut life).await;
    let whole = checkpointed(&life);
    let half = whole[..whole.len() / 2 / PAGE * PAGE].to_vec();
    let mut no_header = whole.clone();
    no_header[..PAGE].fill(0xff);
    let mut no_page = whole.clone();
    no_page[2 * PAGE..3 * PAGE].fill(0);
    for (what, damaged) in [("half of it", half), ("no header", no_header), ("an empty page", no_page)] {
        let folder = tempfile::tempdir().unwrap();
        world(life.folder.path(), folder.path());
        let path = folder.path().join("data/tminus.db");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &damaged).unwrap();
        let mut daemon = Daemon::spawn(command(folder.path(), &life.room.address, 1));
        let status = daemon.serves().await.expect_err(what);
        let said = fs::read_to_string(folder.path().join("daemon.log")).unwrap();
        assert!(status.code() == Some(1) && said.contains("the database is damaged"), "{what}: {status}, {said}");
        assert_eq!(fs::read(&path).unwrap().len(), damaged.len(), "{what}");
        assert!(!folder.path().join("data/groups").exists(), "{what}: nothing was started");
    }
}

/// A daemon that decided a lot and was killed; its database and its log.
async fn lived(life: &mut Life) -> (Vec<u8>, Vec<u8>) {
    let mut daemon = life.start_well().await;
    life.next_release(&daemon).await;
    for _ in 0..6 {
        life.give(&daemon, Deed::Halt).await;
        life.give(&daemon, Deed::Policy).await;
        life.give(&daemon, Deed::Lift).await;
    }
    daemon.kill().await;
    let read = |name: &str| fs::read(life.folder.path().join("data").join(name)).unwrap();
    let (database, log) = (read("tminus.db"), read("tminus.db-wal"));
    assert!(log.len() > 20 * FRAME, "the log holds what was decided");
    (database, log)
}

/// The database as it is when the whole log was copied into it.
fn checkpointed(life: &Life) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    copy(&life.folder.path().join("data"), folder.path()).unwrap();
    let path = folder.path().join("tminus.db");
    let connection = Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    fs::read(path).unwrap()
}

/// Whether the daemon serves with the torn files; what it serves is whole.
async fn starts_whole(life: &Life, (database, log): (&[u8], &[u8]), (full, what): (&Durable, &str)) -> bool {
    let folder = tempfile::tempdir().unwrap();
    world(life.folder.path(), folder.path());
    let data = folder.path().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("tminus.db"), database).unwrap();
    fs::write(data.join("tminus.db-wal"), log).unwrap();
    let torn_at = clock::now();
    let mut daemon = Daemon::spawn(command(folder.path(), &life.room.address, 1));
    if let Err(status) = daemon.serves().await {
        let said = fs::read_to_string(folder.path().join("daemon.log")).unwrap();
        assert_eq!(status.code(), Some(1), "life {}, {what}: {said}", life.seed);
        assert!(said.contains("damaged"), "life {}, {what}: it refuses and does not say why: {said}", life.seed);
        return false;
    }
    let left = Durable::read(folder.path()).unwrap_or_else(|error| panic!("life {}, {what}: {error}", life.seed));
    let decisions = left.state["decisions"].as_u64().unwrap_or(0);
    assert_eq!(decisions, left.rows, "life {}, {what}: state and audit are of one instant", life.seed);
    let before = left.events_before(torn_at);
    assert_eq!(before, &full.events[..before.len()], "life {}, {what}: the timeline is not a prefix", life.seed);
    let halted = life.is_halted(&left);
    assert_eq!(daemon.reason("other").await.as_deref() == Some("halt"), halted, "life {}, {what}", life.seed);
    daemon.kill().await;
    true
}

/// The documents of a world, for a daemon of its own that starts no instance of the other one's.
fn world(from: &Path, to: &Path) {
    for name in ["tminus.yaml", "world.yaml", "objects.ndjson"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

impl Durable {
    fn events_before(&self, at: Timestamp) -> &[(String, String)] {
        let later = self.times.iter().position(|time| time.duration_since(at) >= jiff::SignedDuration::ZERO);
        &self.events[..later.unwrap_or(self.events.len())]
    }
}
