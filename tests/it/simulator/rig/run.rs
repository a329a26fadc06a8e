//! A run: time, what comes when, and how it ends.
//!
//! Invariant: the same options and script give the same run, to the last byte of every decision (I12).

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::decide::{Config, Decision, keeps};
use tminus::core::release::Missing;
use tminus::core::words::{Name, later};

use super::daemon::Daemon;
use super::documents;
use super::journal::Journal;
use super::options::{HOUR, MINUTE, Options};
use super::script::{Event, Happening, Trouble};
use super::tally::Tally;
use super::trace::Trace;
use super::watch::Watch;
use super::world::{World, name};

/// What comes at an instant.
#[derive(Clone, Debug)]
pub enum Next {
    Event(usize),
    TroubleEnds,
    Start,
    Arrive { epoch: u64, key: String, answers: bool },
    Reply { epoch: u64, key: String, result: Result<(), String> },
    Primed { epoch: u64, key: String, policy: Name },
    OldEnds,
    Heal,
    Help,
    Look,
    End,
}

/// A broken invariant, with its instant in milliseconds after the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub invariant: String,
    pub message: String,
    pub at: i64,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub broken: Option<Broken>,
    pub tally: Tally,
    pub hash: u64,
    pub lines: Vec<String>,
}

/// See the module.
pub struct Sim {
    pub options: Options,
    pub script: Vec<Event>,
    pub now: i64,
    pub world: World,
    pub journal: Journal,
    pub daemon: Option<Daemon>,
    /// The daemon that was taken over and does not know.
    pub old: Option<Daemon>,
    pub last: Decision,
    pub armed: Option<(super::script::KillPoint, i64)>,
    pub removed: BTreeSet<usize>,
    pub group_names: Vec<Name>,
    pub priming_names: Vec<Name>,
    pub seen: Watch,
    pub tally: Tally,
    pub trace: Trace,
    pub healed: bool,
    documents: Config,
    queue: BTreeMap<(i64, u64), Next>,
    planned: u64,
    broken: Option<Broken>,
}

/// How much of a run is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The hash of what changes.
    Changes,
    /// The hash of every decision, whole.
    Everything,
    /// What happens, in lines for people.
    Lines,
}

/// Runs a script in a world. A panic is a broken invariant like any other: the core decides whatever it is given.
pub fn run(options: &Options, script: &[Event], detail: Detail) -> Ended {
    let mut sim = Sim::new(options, script, detail);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        sim.start();
        while sim.broken.is_none() && sim.now <= options.until && sim.step() {}
    }));
    if ran.is_err() {
        sim.fail("no panic", "it panicked; the message stands above".into());
    }
    Ended { broken: sim.broken, tally: sim.tally, hash: sim.trace.hash(), lines: sim.trace.lines() }
}

impl Sim {
    fn new(options: &Options, script: &[Event], detail: Detail) -> Self {
        let documents = documents::config(options);
        let mut sim = Self {
            world: World::new(options),
            journal: Journal::default(),
            daemon: None,
            old: None,
            last: Decision::default(),
            armed: None,
            removed: BTreeSet::new(),
            group_names: options.groups.iter().map(|group| name(&group.name)).collect(),
            priming_names: options.primings.iter().map(|priming| name(&priming.name)).collect(),
            seen: Watch::new(options),
            tally: Tally::default(),
            trace: Trace::new(detail),
            healed: false,
            documents,
            queue: BTreeMap::new(),
            planned: 0,
            broken: None,
            now: 0,
            script: script.to_vec(),
            options: options.clone(),
        };
        for (number, event) in script.iter().enumerate() {
            sim.plan(event.at, Next::Event(number));
        }
        let heal = options.heal_at * HOUR;
        sim.plan(heal, Next::Heal);
        sim.plan(heal + 10 * MINUTE, Next::Look);
        sim.plan(options.hours * HOUR, Next::End);
        sim
    }

    /// The first thing that is wrong ends the run.
    pub fn fail(&mut self, invariant: &str, message: String) {
        if self.broken.is_none() {
            self.note(|| format!("BROKEN {invariant}: {message}"));
            self.broken = Some(Broken { invariant: invariant.into(), message, at: self.now });
        }
    }

    /// A line for people.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.line(self.now, line);
    }

    pub fn plan(&mut self, at: i64, next: Next) {
        self.planned += 1;
        self.queue.insert((at.max(self.now), self.planned), next);
    }

    /// The daemon's clock: it may be wrong, and never shows one instant twice.
    pub fn clock(&self) -> Timestamp {
        let skew = self.world.skew();
        let millis = (self.now + skew).max(0).unsigned_abs();
        later(self.options.starts_at, Duration::from_millis(millis) + Duration::from_nanos(self.tally.decisions % 900_000))
    }

    /// The documents in force. What is gone stays in force as it last was while anything was done for its release, as the
    /// daemon's library keeps it; a document that even the library lost is simply not there.
    pub fn config(&self) -> Config {
        let mut config = self.documents.clone();
        for number in &self.removed {
            let gone = name(&self.options.releases[*number].name);
            let state = self.daemon.as_ref().and_then(|daemon| daemon.state().releases.get(&gone));
            let is_kept =
                config.releases.get(&gone).zip(state).is_some_and(|(release, state)| keeps(release, state, self.clock()));
            if is_kept {
                let missing = Missing { document: format!("Release/{gone}"), file: "world.yaml".into() };
                config.vanished.insert(gone, vec![missing]);
            } else {
                config.releases.remove(&gone);
            }
        }
        let lost = |what, keys: Vec<Name>| -> Vec<Name> {
            let of = keys.len();
            keys.into_iter().enumerate().filter(|(number, _)| self.world.has(what, *number, of)).map(|(_, key)| key).collect()
        };
        for key in lost(Trouble::GateGone, config.gates.keys().cloned().collect()) {
            config.gates.remove(&key);
        }
        for key in lost(Trouble::ChecklistGone, config.checklists.keys().cloned().collect()) {
            config.checklists.remove(&key);
        }
        for key in lost(Trouble::PrimingGone, config.primings.keys().cloned().collect()) {
            config.primings.remove(&key);
        }
        config
    }

    /// Documents were changed: they are read anew and in force from the next decision on.
    pub fn reload(&mut self) {
        self.documents = documents::config(&self.options);
        self.rewire();
    }

    fn rewire(&mut self) {
        let config = self.config();
        if let Some(daemon) = self.daemon.as_mut() {
            daemon.snapshot.config = config;
        }
    }

    /// One thing happens; `false` at the end.
    fn step(&mut self) -> bool {
        let event_at = self.queue.keys().next().map_or(i64::MAX, |key| key.0);
        let ticks = self.next_tick().unwrap_or(i64::MAX);
        let old = self.old.as_ref().map_or(i64::MAX, |old| old.ticked_at + 3 * MINUTE);
        self.now = event_at.min(ticks).min(old);
        let percents = self.percents();
        self.world.live(self.now, &percents);
        if old <= event_at && old <= ticks {
            self.tick_old();
            return true;
        }
        if ticks < event_at {
            self.tick();
            return true;
        }
        let Some((_, next)) = self.queue.pop_first() else { return false };
        self.take(next)
    }

    fn take(&mut self, next: Next) -> bool {
        match next {
            Next::Event(number) => self.happen(number),
            Next::TroubleEnds => {
                if self.world.pass(self.now) {
                    self.rewire();
                }
            }
            Next::Start => {
                if self.daemon.is_none() {
                    self.start();
                }
            }
            Next::Arrive { epoch, key, answers } => self.arrive(epoch, &key, answers),
            Next::Reply { epoch, key, result } => self.settle((epoch, &key), result.map(|()| None)),
            Next::Primed { epoch, key, policy } => self.primed((epoch, &key), &policy),
            Next::OldEnds => self.old = None,
            Next::Heal => self.heal(),
            Next::Help => {
                self.lead(self.now.unsigned_abs());
                self.plan(self.now + 5 * MINUTE, Next::Help);
            }
            Next::Look => self.look_healed(),
            Next::End => {
                self.look_at_the_end();
                return false;
            }
        }
        true
    }

    /// Something arrives in the world. Only what is in the journal may.
    fn arrive(&mut self, epoch: u64, key: &str, answers: bool) {
        let Some(effect) = self.journal.entry(key).map(|entry| entry.intent.effect.clone()) else {
            return self.fail("I1", format!("{key} arrives and was never committed"));
        };
        let groups = self.group_names.clone();
        match self.world.arrive(key, &effect, &groups) {
            Err(twice) => self.fail("I2", twice),
            Ok(result) => {
                self.note(|| format!("{key} arrives: {result:?}"));
                if answers {
                    self.plan(self.now + 50, Next::Reply { epoch, key: key.to_owned(), result });
                }
            }
        }
    }

    /// A run of the primer ends, if the daemon that began it still lives.
    fn primed(&mut self, (epoch, key): (u64, &str), policy: &Name) {
        let clock = self.clock();
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.snapshot.state.epoch == epoch) else { return };
        let of = self.priming_names.len();
        let number = self.priming_names.iter().position(|name| name == policy).unwrap_or_default();
        let nodes = daemon.snapshot.config.primings.get(policy).map(|policy| policy.nodes.clone());
        let result = nodes.ok_or_else(|| format!("there is no priming policy {policy}"));
        let result = result.and_then(|nodes| self.world.primed(number, (&nodes, of), clock));
        self.settle((epoch, key), result.map(|coverage| Some((policy.clone(), coverage))));
    }

    /// What of each release is in force, ppm: what clients are served.
    fn percents(&self) -> Vec<u64> {
        let percent = |option: &super::options::ReleaseOption| {
            let view = self.last.releases.get(&name(&option.name));
            view.map_or(0, |view| u64::from(view.percent.ppm()))
        };
        self.options.releases.iter().map(percent).collect()
    }

    /// From now on nothing fails.
    fn heal(&mut self) {
        self.healed = true;
        self.note(|| "everything is mended".into());
        self.world.heal();
        self.armed = None;
        self.old = None;
        self.removed.clear();
        self.hurry();
        if self.daemon.is_none() {
            self.start();
        }
        self.reload();
        self.plan(self.now + MINUTE, Next::Help);
    }

    /// Runs of the primer that are slow go on as usual: none takes longer than four minutes from now.
    fn hurry(&mut self) {
        let latest = self.now + 4 * MINUTE;
        let late = self.queue.iter().filter(|((at, _), next)| *at > latest && matches!(next, Next::Primed { .. }));
        let late: Vec<(i64, u64)> = late.map(|(key, _)| *key).collect();
        for key in late {
            if let Some(next) = self.queue.remove(&key) {
                self.plan(latest, next);
            }
        }
    }

    fn happen(&mut self, number: usize) {
        let event = self.script[number].clone();
        match event.what {
            Happening::Trouble { what, of, lasts } => {
                self.note(|| format!("{} (for {} s)", what.words(), lasts / 1_000));
                self.tally.hit(what.words());
                self.world.trouble((what, of, lasts), self.now);
                self.plan(self.now + lasts, Next::TroubleEnds);
                self.rewire();
            }
            Happening::Kill { at, down } => self.armed = self.daemon.as_ref().map(|_| (at, down)),
            Happening::Takeover { lasts } => self.take_over(lasts),
            Happening::HumanFloor { of, percent } => {
                let number = of as usize % self.world.groups.len();
                let floor = (u64::from(self.world.groups[number].ceiling) * percent / 100) as u32;
                self.note(|| format!("somebody sets the floor of g{number} to {floor} by hand"));
                self.tally.hit("a floor was changed by hand");
                self.world.groups[number].by_hand(floor);
            }
            Happening::HumanCeiling { of, percent } => {
                let number = of as usize % self.world.groups.len();
                let group = &mut self.world.groups[number];
                group.ceiling = ((u64::from(self.options.groups[number].ceiling) * percent / 100) as u32).max(group.floor);
                self.tally.hit("a ceiling was changed by hand");
            }
            Happening::InstancesLost { of, percent } => {
                let number = of as usize % self.world.groups.len();
                self.note(|| format!("g{number} loses {percent} % of its instances"));
                self.tally.hit("instances were lost");
                self.world.groups[number].lose(percent);
            }
            Happening::Edit { what, of, draw } => self.edit((what, of), draw),
            Happening::Lead { draw } => self.lead(draw),
            Happening::Anybody { draw } => self.anybody(draw),
        }
    }

    /// A second daemon starts while the first goes on.
    fn take_over(&mut self, lasts: i64) {
        if let Some(old) = self.daemon.take() {
            self.note(|| "a second daemon takes over".into());
            self.tally.hit("a second daemon took over");
            self.old = Some(old);
            self.plan(self.now + lasts, Next::OldEnds);
            self.start();
        }
    }

    /// The daemon that was taken over decides on what it knows; nothing of it may be kept or sent.
    fn tick_old(&mut self) {
        let clock = self.clock();
        let Some(old) = self.old.as_mut() else { return };
        old.ticked_at = self.now;
        old.snapshot.now = clock;
        old.snapshot.commands.clear();
        let decision = tminus::core::decide::decide(&old.snapshot);
        let broken = tminus::core::check::check(&decision, &old.snapshot);
        if let Some(first) = broken.first() {
            let (invariant, message) = (first.invariant, format!("of the older daemon: {}", first.message));
            return self.fail(invariant, message);
        }
        if decision.changed {
            match self.journal.commit(&decision, self.now) {
                Ok(_) => self.fail("I1", "an older epoch was committed".into()),
                Err(_) => self.tally.hit("an older epoch was fenced"),
            }
        }
    }
}
