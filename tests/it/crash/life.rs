//! One data folder with a world around it, over many lives of its daemon.

use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tminus::lab::leash::Leash;
use tminus::shell::clock;
use tminus::shell::daemon::DieAt;
use tokio::process::Command;

use super::daemon::{Daemon, command};
use super::documents::{self, Addresses};
use super::durable::{self, Durable};
use super::ledger::Ledger;
use super::promises::{self, Seen, Stand};
use super::room::Room;
use crate::primer::edge::{Edge, Origin};

/// After faults stop the world is as desired within so long (I9): ten minutes of a default tick, in ticks of 0.1 s.
pub const HEALS_WITHIN: Duration = Duration::from_secs(40);

/// Every so many answers of the room are lost while there are faults.
const LOSES_EVERY: u64 = 13;

/// See the module.
pub struct Life {
    pub seed: u64,
    pub folder: tempfile::TempDir,
    pub ledger: Ledger,
    /// The number of the release that is going on; 0: none was applied.
    pub release: u32,
    pub room: Room,
    seen: Seen,
    run: u32,
    draws: Box<dyn Iterator<Item = u64> + Send + Sync>,
    /// Instances end with it.
    leash: Leash,
}

impl Life {
    pub async fn begin(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (leash, room) = (Leash::hold().unwrap(), Room::open(LOSES_EVERY).await);
        let edge = Arc::new(Edge::new("edge1", &Origin::quick())).serve().await;
        let at = Addresses { leash: leash.address().to_string(), edge: edge.to_string() };
        documents::write(folder.path(), &at);
        let draws = Box::new(draws(seed));
        Self { seed, folder, ledger: Ledger::default(), release: 0, room, seen: Seen::default(), run: 0, draws, leash }
    }

    /// A draw below a bound.
    pub fn draw(&mut self, below: u64) -> u64 {
        self.draws.next().unwrap() % below
    }

    /// The command that starts the daemon once more.
    pub fn command(&mut self) -> Command {
        self.run += 1;
        command(self.folder.path(), &self.room.address, self.run)
    }

    /// Starts the daemon, to die at a point or not at all, and does not wait.
    pub fn spawn(&mut self, die_at: Option<DieAt>) -> Daemon {
        let mut command = self.command();
        if let Some(at) = die_at {
            command.arg("--die-at").arg(at.to_string());
        }
        Daemon::spawn(command)
    }

    /// Starts the daemon and waits until it serves.
    pub async fn start(&mut self, die_at: Option<DieAt>) -> Result<Daemon, ExitStatus> {
        let mut daemon = self.spawn(die_at);
        daemon.serves().await.map(|()| daemon)
    }

    /// Starts it as it must always start.
    pub async fn start_well(&mut self) -> Daemon {
        match self.start(None).await {
            Ok(daemon) => daemon,
            Err(status) => self.fail(&[format!("it does not start: {status}")]),
        }
    }

    /// Checks every promise; the daemon, if there is one, answers clients as its orders say.
    pub async fn check(&mut self, daemon: Option<&Daemon>) {
        // The world before the journal: what reaches the world in between is in a journal that is read later (I1).
        let (receipts, tellings) = (self.room.receipts(), self.tellings());
        let registry = durable::registry(self.folder.path());
        let durable = match Durable::read(self.folder.path()) {
            Ok(durable) => durable,
            Err(error) => self.fail(&[error]),
        };
        let stand = Stand {
            ledger: &self.ledger,
            durable: &durable,
            registry: registry.as_ref(),
            receipts: &receipts,
            tellings: &tellings,
            run: self.run,
        };
        let mut broken = promises::broken(&stand, &mut self.seen);
        let halted = promises::is_halted(&stand);
        if let Some(reason) = match daemon {
            Some(daemon) => daemon.reason("other").await,
            None => None,
        } && (reason == "halt") != halted
        {
            broken.push(format!("the other app is answered {reason}, halted by its orders: {halted}"));
        }
        if !broken.is_empty() {
            self.fail(&broken);
        }
    }

    /// Whether the orders so far leave the other app halted, as the timeline has them.
    pub fn is_halted(&self, durable: &Durable) -> bool {
        let (registry, receipts, tellings) = (None, &[][..], &[][..]);
        promises::is_halted(&Stand { ledger: &self.ledger, durable, registry, receipts, tellings, run: self.run })
    }

    /// What the command was told, by run.
    fn tellings(&self) -> Vec<(u32, String)> {
        let mut told = Vec::new();
        for run in 1..=self.run {
            let text = std::fs::read_to_string(self.folder.path().join(format!("told.{run}.ndjson"))).unwrap_or_default();
            let mut messages = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
            let mut from = 0;
            while let Some(Ok(_)) = messages.next() {
                told.push((run, text[from..messages.byte_offset()].trim().to_owned()));
                from = messages.byte_offset();
            }
        }
        told
    }

    /// Faults are over: everything that is open ends, the world is as desired, and no process is left or lost (I9).
    pub async fn heal(mut self) -> Healed {
        self.room.answer_all();
        let started = clock::monotonic();
        let mut daemon = self.start_well().await;
        self.check(Some(&daemon)).await;
        loop {
            self.finish(&daemon).await;
            let unrest = self.unrest();
            if unrest.is_empty() {
                break;
            }
            if started.elapsed() > HEALS_WITHIN {
                self.fail(&unrest);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.check(Some(&daemon)).await;
        let took = started.elapsed();
        daemon.stop().await;
        let (folder, left) = (self.folder.path(), durable::processes(self.folder.path()).len());
        assert_eq!(left as u32, documents::FLOOR, "seed {}: instances outlive the daemon, all of them, and no others", self.seed);
        drop(self.leash);
        until("the instances end with the test", || durable::processes(folder).is_empty()).await;
        Healed { took, releases: self.release }
    }

    /// What is not yet as desired.
    fn unrest(&self) -> Vec<String> {
        let mut unrest = Vec::new();
        let durable = Durable::read(self.folder.path()).unwrap_or_else(|error| self.fail(&[error]));
        unrest.extend(durable.open().map(|key| format!("{key} is open")));
        for (name, state) in durable.state["releases"].as_object().into_iter().flatten() {
            if state["phase"] != "complete" {
                unrest.push(format!("{name} is {}", state["phase"]));
            }
        }
        let floor = u64::from(documents::FLOOR);
        let registry = durable::registry(self.folder.path()).unwrap_or_default();
        let serving = |instance: &&serde_json::Value| instance["state"] == "in_service";
        let instances = registry["instances"].as_array().cloned().unwrap_or_default();
        let known: Vec<u64> =
            instances.iter().filter(serving).filter_map(|instance| instance["process"]["pid"].as_u64()).collect();
        if registry["floor"] != floor
            || registry["desired"] != floor
            || known.len() as u64 != floor
            || instances.len() != known.len()
        {
            unrest.push(format!("the group is {registry}"));
        }
        let running: Vec<u64> = durable::processes(self.folder.path()).into_iter().map(u64::from).collect();
        if running != known {
            unrest.push(format!("the registry knows {known:?}, there are {running:?}"));
        }
        let told: std::collections::BTreeSet<String> = self.room.receipts().into_iter().map(|receipt| receipt.key).collect();
        let announced = durable.intents.keys().filter_map(|key| key.strip_prefix("notify:"));
        unrest.extend(announced.filter(|key| !told.contains(*key)).map(|key| format!("nobody was told {key}")));
        unrest
    }

    /// Ends the test with everything that is needed to look into it.
    pub fn fail(&self, broken: &[String]) -> ! {
        let kept = std::env::temp_dir().join(format!("tminus-crash-{}", self.seed));
        let copied = copy(self.folder.path(), &kept);
        let log = std::fs::read_to_string(self.folder.path().join("daemon.log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(40).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        println!("the end of the log:\n{}\nthe folder is kept in {} ({copied:?})", tail.join("\n"), kept.display());
        println!("life {}, run {}:\n  {}", self.seed, self.run, broken.join("\n  "));
        panic!("life {}: {}", self.seed, broken.join("; "));
    }
}

/// What a life came to.
pub struct Healed {
    pub took: Duration,
    pub releases: u32,
}

/// Copies a folder with what is in it.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

pub async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let started = clock::monotonic();
    while !look() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub fn draws(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
