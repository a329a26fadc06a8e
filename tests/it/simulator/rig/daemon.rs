//! The daemon of a world: looks, decides, commits, sends, and dies at bad moments, step by step as the real one does.
//!
//! What it holds is lost by a kill, but for what the journal keeps. Not here: time passing ([`super::run`]).
//! Invariant: it has no rule of its own; every decision is the core's, and every one is checked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tminus::core::check::check;
use tminus::core::checklist::{Check, Demand, Evidence, is_due};
use tminus::core::decide::{
    Command, Config, Decision, Effect, Intent, Memory, Observations, Scope, Snapshot, State, Uptime, decide,
};
use tminus::core::priming::Coverage;
use tminus::core::release::Phase;
use tminus::core::words::Name;

use super::draw::Draw;
use super::journal::Refused;
use super::options::{HOUR, MINUTE, Ticks};
use super::run::{Next, Sim};
use super::script::{KillPoint, Trouble};
use super::world::name;

/// See the module.
pub struct Daemon {
    pub snapshot: Snapshot,
    memory: Memory,
    pub ticked_at: i64,
    pub wake_at: Option<Timestamp>,
    pub retry_at: BTreeMap<String, i64>,
    /// Effects that are done, and could not be journaled yet.
    owed: Vec<(String, Option<(Name, Coverage)>)>,
    /// The hour and the troubles for which histories were read last, by group.
    histories: BTreeMap<usize, (i64, bool, bool)>,
}

/// Decisions between two that are replayed from their serialised snapshot.
const REPLAY_EVERY: u64 = 701;

impl Daemon {
    fn new(config: Config, state: State, now: i64) -> Self {
        let snapshot =
            Snapshot { config, state, observed: Observations::default(), commands: Vec::new(), now: Timestamp::UNIX_EPOCH };
        let memory = Memory::default();
        Self {
            snapshot,
            memory,
            ticked_at: now,
            wake_at: None,
            retry_at: BTreeMap::new(),
            owed: Vec::new(),
            histories: BTreeMap::new(),
        }
    }

    pub fn state(&self) -> &State {
        &self.snapshot.state
    }

    /// How long until the next tick if nothing wakes it sooner.
    fn pause(&self, (ticks, now): (Ticks, Timestamp)) -> i64 {
        let is_near = |(name, state): (&Name, &tminus::core::release::ReleaseState)| {
            let launch = self.snapshot.config.releases.get(name).map(|release| release.launch_at);
            let near = launch.is_some_and(|at| at.duration_since(now).abs() < jiff::SignedDuration::from_mins(40));
            state.ended_at.is_none() && (near || state.evidence_from.is_some())
        };
        match ticks {
            Ticks::EveryTenSeconds => 10_000,
            Ticks::Adaptive if self.state().releases.iter().any(is_near) => MINUTE,
            Ticks::Adaptive => 5 * MINUTE,
        }
    }
}

impl Sim {
    /// Starts a daemon on what the journal holds.
    pub fn start(&mut self) {
        let state = self.journal.take_epoch();
        let open: Vec<String> = self.journal.open().iter().cloned().collect();
        let mut daemon = Daemon::new(self.config(), state, self.now);
        daemon.snapshot.observed.coverage.clone_from(&self.journal.proven);
        self.daemon = Some(daemon);
        self.note(|| "the daemon starts".into());
        self.tick();
        for key in open {
            self.send(&key);
        }
    }

    /// The process ends; what is on its way goes on.
    pub fn kill(&mut self, down: i64) {
        self.daemon = None;
        self.armed = None;
        self.note(|| "the daemon is killed".into());
        self.plan(self.now + down, Next::Start);
    }

    /// When the daemon ticks next.
    pub fn next_tick(&self) -> Option<i64> {
        let daemon = self.daemon.as_ref()?;
        let clock = self.clock();
        let wakes =
            daemon.wake_at.map(|at| self.now.saturating_add((at.duration_since(clock).as_millis() as i64).saturating_add(1)));
        let regular = daemon.ticked_at + daemon.pause((self.options.ticks, clock));
        let known = wakes.into_iter().chain(daemon.retry_at.values().copied()).min().map_or(regular, |known| known.min(regular));
        Some(known.max(daemon.ticked_at + 1_000))
    }

    /// Looks at the world, writes what could not be written, sends again what is due, decides.
    pub fn tick(&mut self) {
        self.look();
        let Some(daemon) = self.daemon.as_mut() else { return };
        daemon.ticked_at = self.now;
        if !self.world.is(Trouble::DiskFull) {
            for (key, proven) in std::mem::take(&mut daemon.owed) {
                self.journal.done((&key, daemon.snapshot.state.epoch), proven);
            }
        }
        let now = self.now;
        let due: Vec<String> = daemon.retry_at.iter().filter(|(_, at)| **at <= now).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.daemon.as_mut().map(|daemon| daemon.retry_at.remove(&key));
            self.send(&key);
        }
        self.decide(Vec::new());
    }

    /// An order is decided at once on what was seen last; the tick that follows looks.
    pub fn order(&mut self, command: Command) {
        // What was seen last is never older than a default tick.
        if self.daemon.as_ref().is_some_and(|daemon| self.now - daemon.ticked_at > 10_000) {
            self.tick();
        }
        self.decide(vec![command]);
        self.tick();
    }

    fn look(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        let (now, clock) = (self.now, self.clock());
        let observed = &mut daemon.snapshot.observed;
        for (number, group) in self.group_names.iter().enumerate() {
            if let Some(seen) = self.world.describe(number, (now, clock)) {
                observed.groups.insert(group.clone(), seen);
                observed.unseen.remove(group);
            } else {
                observed.groups.remove(group);
                observed.unseen.insert(group.clone(), "was not described within 5 s".into());
            }
            let of = self.group_names.len();
            let flags = (
                now.div_euclid(HOUR),
                self.world.has(Trouble::HistoryMissing, number, of),
                self.world.has(Trouble::HistoryAbsurd, number, of),
            );
            if self.options.groups[number].has_history && daemon.histories.insert(number, flags) != Some(flags) {
                let history = self.world.history(number, now);
                if history.is_empty() {
                    observed.history.remove(group)
                } else {
                    observed.history.insert(group.clone(), history)
                };
            }
        }
        observed.halt_file = self.world.is(Trouble::HaltFile);
        // It goes on while the daemon is down: nobody reboots the machine.
        observed.uptime = Some(Uptime { boot: "boot".into(), ms: now.unsigned_abs() });
        self.look_at_counts(&mut daemon);
        self.probe(&mut daemon);
        self.daemon = Some(daemon);
    }

    fn look_at_counts(&mut self, daemon: &mut Daemon) {
        let Snapshot { config, state, observed, .. } = &mut daemon.snapshot;
        let minute = |at: Timestamp| at.duration_since(self.options.starts_at).as_millis().div_euclid(i128::from(MINUTE)) as i64;
        for (number, option) in self.options.releases.iter().enumerate() {
            let release = name(&option.name);
            let known = config.releases.get(&release).and_then(|document| {
                let policy = config.gates.get(document.gate.as_ref()?)?;
                let standing = state.releases.get(&release).filter(|state| state.ended_at.is_none())?;
                Some((policy, standing)).filter(|_| !document.released)
            });
            let (of, world) = (self.options.releases.len(), &self.world);
            let Some((policy, standing)) = known.filter(|_| !world.has(Trouble::CountsMissing, number, of)) else {
                observed.minutes.remove(&release);
                continue;
            };
            let late = if world.has(Trouble::CountsLate, number, of) { 7 } else { 0 };
            let lag = self.now - policy.lag.as_millis() as i64;
            let frozen = world.since(Trouble::CountsFrozen, number, of).unwrap_or(i64::MAX);
            let until = lag.min(frozen).div_euclid(MINUTE) - late;
            let from = standing.evidence_from.map_or(until - 10, |from| minute(from).min(until - 8));
            let told = observed.minutes.entry(release).or_default();
            self.world.counts[number].tell(told, from.max(0), until);
        }
    }

    fn probe(&mut self, daemon: &mut Daemon) {
        let clock = self.clock();
        let Snapshot { config, state, observed, .. } = &mut daemon.snapshot;
        for (number, option) in self.options.releases.iter().enumerate() {
            let named = name(&option.name);
            let Some(release) = config.releases.get(&named).filter(|release| !release.released) else { continue };
            let phase = state.releases.get(&named).map(|state| &state.phase);
            if !matches!(phase, Some(Phase::Active(_) | Phase::Held { .. })) {
                continue;
            }
            let items = release.checklists.iter().filter_map(|list| config.checklists.get(list)).flat_map(|list| &list.items);
            for item in items.filter(|item| matches!(item.demand, Demand::Check(Check::Http { .. }))) {
                let answers = observed.evidence.entry(named.clone()).or_default();
                let last = answers.get(&item.id).map(|evidence| evidence.measured_at);
                if !is_due(item, last, (release.launch_at, clock)) {
                    continue;
                }
                if let Some(outcome) = self.world.probe((number, self.options.releases.len()), self.now) {
                    let evidence = Evidence { outcome, detail: "status 200".into(), measured_at: clock };
                    answers.insert(item.id.clone(), evidence);
                }
            }
        }
    }

    /// One decision, checked, made durable and published, or none of it.
    fn decide(&mut self, commands: Vec<Command>) {
        let Some(mut daemon) = self.daemon.take() else { return };
        daemon.snapshot.now = self.clock();
        daemon.snapshot.commands = commands;
        daemon.snapshot.observed.open.clone_from(self.journal.open());
        let decision = daemon.memory.decide(Scope::Whole, &daemon.snapshot);
        self.tally.decisions += 1;
        if let Some(first) = check(&decision, &daemon.snapshot).first() {
            self.fail(first.invariant, first.message.clone());
        }
        self.replay(&daemon.snapshot, &decision);
        self.trace.decision(&decision);
        let survives = self.keep(&mut daemon, &decision);
        let down = self.armed.map_or(0, |armed| armed.1);
        self.daemon = Some(daemon);
        match survives {
            Kept::Dropped => {}
            Kept::Forgotten => self.kill(down),
            Kept::Unsent => {
                self.last = decision;
                self.kill(down);
            }
            Kept::Whole => {
                let intents = decision.intents.clone();
                self.last = decision;
                self.carry_out(&intents);
            }
        }
    }

    /// Now and then a snapshot goes through its written form, and the decision must come out to the byte.
    fn replay(&mut self, snapshot: &Snapshot, decision: &Decision) {
        if !self.tally.decisions.is_multiple_of(REPLAY_EVERY) {
            return;
        }
        let read: Snapshot = serde_json::from_str(&serde_json::to_string(snapshot).unwrap()).unwrap();
        let bytes = |decision: &Decision| serde_json::to_string(decision).unwrap();
        if bytes(&decide(&read)) != bytes(decision) {
            self.fail("I12", "a decision replayed from its written snapshot differs".into());
        }
        self.tally.hit("a decision was replayed from its snapshot");
    }

    fn keep(&mut self, daemon: &mut Daemon, decision: &Decision) -> Kept {
        let point = self.armed.filter(|_| decision.changed && !decision.intents.is_empty()).map(|armed| armed.0);
        if point == Some(KillPoint::BeforeCommit) {
            self.tally.hit("killed before the commit");
            return Kept::Forgotten;
        }
        if decision.changed {
            if self.world.is(Trouble::DiskFull) {
                self.tally.hit("a commit failed");
                self.note(|| "nothing can be written: the decision is dropped".into());
                return Kept::Dropped;
            }
            self.asked_while_open(&daemon.snapshot.state, &decision.intents);
            match self.journal.commit(decision, self.now) {
                Ok(replaced) => replaced.iter().for_each(|_| self.tally.hit("an effect was replaced by a newer one")),
                Err(Refused::Fenced) => self.fail("I1", "the daemon in force was fenced".into()),
                Err(Refused::Known(key)) => self.fail("I2", format!("{key} is asked again: its key is used up")),
            }
            if self.journal.rows != decision.state.decisions {
                let (rows, decisions) = (self.journal.rows, decision.state.decisions);
                self.fail("I10", format!("{rows} audit rows and {decisions} decisions"));
            }
        }
        self.tell(&daemon.snapshot, decision);
        self.watch(&daemon.snapshot, decision);
        daemon.wake_at = decision.wake_at;
        daemon.snapshot.state.clone_from(&decision.state);
        if point == Some(KillPoint::AfterCommit) {
            self.tally.hit("killed after the commit");
            return Kept::Unsent;
        }
        Kept::Whole
    }

    /// A run of the primer that goes on must not be asked for again, nor a floor that is on its way.
    fn asked_while_open(&mut self, before: &State, intents: &[Intent]) {
        for intent in intents {
            if let Effect::SetFloor { group, floor, .. } = &intent.effect
                && before.floors.get(group).is_some_and(|held| held.floor == *floor)
                && self.journal.is_open_for(&format!("group/{}", group.folded()))
            {
                self.fail("I2", format!("{} is asked while floor {floor} of {group} is on its way", intent.key));
            }
            if let Effect::Prime { policy, .. } = &intent.effect
                && self.journal.is_open_for(&format!("priming/{}", policy.folded()))
            {
                self.fail("I2", format!("{} is asked while a run of {policy} is open", intent.key));
            }
        }
    }

    fn carry_out(&mut self, intents: &[Intent]) {
        for intent in intents {
            self.send(&intent.key);
            if let Some((KillPoint::AfterSend, down)) = self.armed {
                self.tally.hit("killed after the first effect was sent");
                return self.kill(down);
            }
        }
    }

    /// Marks an intent sent and lets it go into the world.
    pub fn send(&mut self, key: &str) {
        let Some(daemon) = self.daemon.as_mut() else { return };
        daemon.retry_at.remove(key);
        let epoch = daemon.snapshot.state.epoch;
        if self.world.is(Trouble::DiskFull) {
            daemon.retry_at.insert(key.to_owned(), self.now + 10_000);
            return;
        }
        let Some(attempt) = self.journal.sent(key, epoch) else { return };
        if attempt > 1 {
            self.tally.hit("an effect was sent again");
        }
        let Some(intent) = self.journal.entry(key).map(|entry| entry.intent.clone()) else { return };
        let mut draw = Draw::of(self.options.seed, key, attempt);
        match &intent.effect {
            Effect::Prime { policy, .. } => {
                let number = self.priming_names.iter().position(|name| name == policy).unwrap_or_default();
                let slow = self.world.has(Trouble::PrimerSlow, number, self.priming_names.len());
                let lasts = draw.between(20_000, 4 * MINUTE) * if slow { 12 } else { 1 };
                self.plan(self.now + lasts, Next::Primed { epoch, key: key.to_owned(), policy: policy.clone() });
            }
            _ => self.call(&intent, &mut draw),
        }
    }

    /// A call goes out, and may be lost, late, doubled or unanswered on its way.
    fn call(&mut self, intent: &Intent, draw: &mut Draw) {
        let (now, epoch, key) = (self.now, intent.epoch, intent.key.clone());
        let way = draw.between(50, 1_500);
        let lost = self.world.is(Trouble::CallsLost) && draw.chance(70);
        let silent = self.world.is(Trouble::RepliesLost) && draw.chance(70);
        let late = self.world.is(Trouble::CallsLate) && draw.chance(50);
        let doubled = self.world.is(Trouble::CallsDoubled) && draw.chance(60);
        let on_the_way = if late { draw.between(10_000, 12 * MINUTE) } else { way };
        if !lost {
            let answers = !silent && !late;
            self.plan(now + on_the_way, Next::Arrive { epoch, key: key.clone(), answers });
        }
        if doubled {
            self.plan(now + on_the_way + draw.between(500, 3 * MINUTE), Next::Arrive { epoch, key: key.clone(), answers: false });
        }
        if lost || silent || late {
            self.plan(now + 10_000, Next::Reply { epoch, key, result: Err("no answer within 10 s".into()) });
        }
    }

    /// Journals what became of an effect, and ticks.
    pub fn settle(&mut self, (epoch, key): (u64, &str), result: Result<Option<(Name, Coverage)>, String>) {
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.snapshot.state.epoch == epoch) else { return };
        if let Ok(proven) = result {
            daemon.snapshot.observed.coverage.extend(proven.clone());
            daemon.owed.push((key.to_owned(), proven));
        } else {
            let attempts = self.journal.entry(key).map_or(1, |entry| entry.attempts);
            let bound = (1_000_u64 << attempts.min(5)).min(30_000);
            let pause = Draw::of(self.options.seed, key, attempts + 1_000_000).between(100, bound as i64);
            daemon.retry_at.insert(key.to_owned(), self.now + pause);
            self.tally.hit("an effect failed");
        }
        self.tick();
    }
}

/// What became of a decision.
enum Kept {
    /// It is durable and in force.
    Whole,
    /// It could not be written.
    Dropped,
    /// The process died before it was durable.
    Forgotten,
    /// The process died when it was durable and nothing was sent.
    Unsent,
}
