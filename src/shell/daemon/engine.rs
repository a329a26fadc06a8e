//! The loop: the only writer of state and store.
//!
//! It takes asks, results and the clock at its own pace, one at a time. Invariant: a reply to a person goes out after
//! the commit, and after the throttle's table was replaced, so that a halt acknowledged is a halt in force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::act::{Actuators, Order as Sending, Outcome};
use super::board::Board;
use super::chronicle::{Chronicle, Past};
use super::documents::Library;
use super::durability::Durability;
use super::fault::{self, Step};
use super::hindsight::Hindsight;
use super::look::Observers;
use super::owed::Owed;
use super::probing::{Look, Probes};
use super::pushes::Pushed;
use super::reload::Reloader;
use super::service::Service;
use super::start::Options;
use super::timekeeping::Timekeeping;
use super::upkeep::Upkeep;
use crate::core;
use crate::core::check::check;
use crate::core::decide::{
    Command, Decision, Effect, Intent, Memory, Observations, Scope, Snapshot, State, Told, decide_orders, recorded_uptake,
};
use crate::core::release::{Phase, Release};
use crate::core::words::{Name, since};
use crate::shell::clock;
use crate::shell::control::{Ask, People};
use crate::shell::groups::Guard;
use crate::shell::store::{AppliedDocument, Commit, DocumentInForce, EVENTS_PAGE, EventRow, NewEvent, Store};
use crate::shell::telemetry;

/// The halt file is looked at this often, whatever the tick is: a halt may not wait for a tick.
const HALT_FILE_EVERY: Duration = Duration::from_millis(500);

/// Ticks that nobody asked for are never closer: a clock that jumps, or an instant that stays due, must not spin the loop.
const LEAST_PAUSE: Duration = Duration::from_millis(20);

/// Most lines of a report's timeline.
const MOST_EVENTS: usize = 20_000;

/// The one writer.
pub(super) struct Engine {
    pub(super) store: Store,
    pub(super) library: Library,
    pub(super) state: State,
    pub(super) observers: Observers,
    pub(super) probes: Probes,
    pub(super) actuators: Actuators,
    pub(super) board: Board,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) outcomes: mpsc::Receiver<Outcome>,
    pub(super) tick: Duration,
    pub(super) ticked_at: Instant,
    pub(super) observed: Observations,
    pub(super) wake_at: Option<Timestamp>,
    /// By the monotonic clock: a wall clock that is set back must not put an effect off for as long.
    pub(super) retry_at: BTreeMap<String, (Instant, Intent)>,
    pub(super) owed: Vec<Owed>,
    pub(super) durability: Durability,
    pub(super) timekeeping: Timekeeping,
    pub(super) chronicle: Chronicle,
    pub(super) upkeep: Upkeep,
    pub(super) pushed: Pushed,
    pub(super) memory: Memory,
    pub(super) service: Service,
    pub(super) options: Options,
    pub(super) reloader: Reloader,
    pub(super) people: Arc<ArcSwap<People>>,
    /// Lines of the timeline that go with the next decision.
    pub(super) news: Vec<NewEvent>,
}

type Reply = oneshot::Sender<Result<Told, Told>>;

/// Documents that a decision takes into force: what is kept of them, and everything that is in force then.
type Papers = (Vec<AppliedDocument>, Vec<DocumentInForce>);

impl Engine {
    /// Puts the table of the kept state in force, so that clients are answered while the world is looked at for the
    /// first time: as the run before left it, under the documents of now and the halt file.
    pub(super) fn stand(&self) {
        let observed = Observations { halt_file: self.observers.halt_file(), ..Observations::default() };
        let config = self.library.documents().config.clone();
        let standing = Snapshot { config, state: self.state.clone(), observed, commands: Vec::new(), now: clock::now() };
        self.board.publish_table(&standing, &decide_orders(&standing));
    }

    /// Makes the first decision and takes up what an earlier run left open: effects are absolute and keyed, so sending
    /// one again that was done changes nothing.
    pub(super) async fn begin(mut self, open: Vec<Intent>) -> Self {
        self.tick("start", Vec::new()).await;
        // What the first decision replaced is not wanted any more.
        let still_open = self.open_keys();
        self.send(open.into_iter().filter(|intent| still_open.contains(&intent.key)).collect());
        self
    }

    /// Runs until shut down.
    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        // Made once: a future made anew in each round would never end while asks come faster than it waits.
        let mut halt_file = tokio::time::interval(HALT_FILE_EVERY);
        halt_file.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.service.alive();
            let pause = self.pause(clock::now());
            tokio::select! {
                () = &mut shutdown => break,
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.answer(ask).await,
                    None => break,
                },
                Some(outcome) = self.outcomes.recv() => self.settle(outcome).await,
                _ = halt_file.tick() => if self.observers.halt_file() != self.observed.halt_file {
                    self.tick("halt_file", Vec::new()).await;
                },
                news = self.reloader.next() => self.reload(news).await,
                () = tokio::time::sleep(pause) => self.tick("tick", Vec::new()).await,
                () = tokio::time::sleep(self.service.due()) => {}
            }
        }
        self.actuators.stop().await;
    }

    /// Until the next tick: the tick's length after the last one, whatever came in between, or sooner when something is
    /// known to change or a retry is due.
    fn pause(&self, now: Timestamp) -> Duration {
        let retries = self.retry_at.values().map(|(at, _)| at.saturating_duration_since(clock::monotonic()));
        let known = self.wake_at.map(|at| since(at, now)).into_iter().chain(retries).min();
        let passed = self.ticked_at.elapsed();
        let regular = self.tick.saturating_sub(passed);
        known.map_or(regular, |known| known.min(regular)).max(LEAST_PAUSE.saturating_sub(passed))
    }

    /// Looks at the world, decides, commits, acts.
    pub(super) async fn tick(&mut self, cause: &'static str, orders: Vec<(Command, Reply)>) {
        let started = clock::monotonic();
        self.write_owed();
        self.mind_the_clock();
        self.look().await;
        self.resend();
        self.decide(cause, orders);
        self.board.publish_trouble(self.durability.look());
        self.keep_documents();
        self.ticked_at = clock::monotonic();
        telemetry::tick(started.elapsed());
        // Whatever caused the tick: people who order faster than ticks come do not hold it up.
        self.upkeep.turn(&mut self.store);
    }

    fn mind_the_clock(&mut self) {
        let at = clock::now();
        let Some(message) = self.timekeeping.look(at, clock::monotonic()) else { return };
        tracing::warn!("{message}");
        self.news.push(NewEvent { at, release: None, kind: "clock".into(), message, by: None });
    }

    async fn look(&mut self) {
        let now = clock::now();
        let standing = (self.library.documents(), &self.state);
        let pushed = tokio::task::block_in_place(|| self.pushed.current(&self.store, standing, now));
        let mut observed = self.service.accompany(self.observers.look(&pushed, standing, now)).await;
        observed.open.clone_from(&self.observed.open);
        observed.evidence = self.probes.answers();
        observed.priming = self.actuators.runs();
        observed.rejected = self.library.rejected().cloned();
        self.probes.start_due(&Look { sources: self.observers.sources(), pushed }, standing, now);
        self.observed = observed;
    }

    pub(super) fn open_keys(&self) -> BTreeSet<String> {
        match self.store.open_intents() {
            Ok(open) => open.into_iter().map(|open| open.intent.key).collect(),
            // Unknown is treated as open: nothing is asked twice because the journal could not be read.
            Err(_) => self.observed.open.clone(),
        }
    }

    fn decide(&mut self, cause: &'static str, orders: Vec<(Command, Reply)>) {
        let (commands, replies): (Vec<Command>, Vec<Reply>) = orders.into_iter().unzip();
        // Always anew: an order is decided on what was seen last, and what was asked since must not be asked again.
        self.observed.open = self.open_keys();
        self.observed.uptime = clock::uptime();
        let snapshot = Snapshot {
            config: self.library.documents().config.clone(),
            state: self.state.clone(),
            observed: self.observed.clone(),
            commands,
            now: clock::now(),
        };
        let whole = self.memory.decide(Scope::Whole, &snapshot);
        let (scope, decision) = match check(&whole, &snapshot).first() {
            None => (Scope::Whole, whole),
            Some(broken) => {
                // A fault of ours, or a state that should not be: everything stays as it is, but people keep the brake.
                tracing::error!(invariant = broken.invariant, "{}; only orders are carried out", broken.message);
                (Scope::Orders, self.memory.decide(Scope::Orders, &snapshot))
            }
        };
        match self.commit((cause, None), &snapshot, (scope, &decision)) {
            Ok(()) => self.accept(snapshot, decision, replies),
            Err(sentence) => self.reject(&sentence, snapshot, replies),
        }
    }

    /// Durable before anything else. A decision that breaks an invariant is not committed at all.
    pub(super) fn commit(
        &mut self,
        (cause, change): (&'static str, Option<Papers>),
        snapshot: &Snapshot,
        (scope, decision): (Scope, &Decision),
    ) -> Result<(), String> {
        let broken = check(decision, snapshot);
        if let Some(first) = broken.first() {
            return Err(format!("the decision breaks {}: {}; nothing was changed", first.invariant, first.message));
        }
        if !decision.changed {
            // A count that cannot be written is written with the next one.
            let _ = self.store.count_quiet_tick(snapshot.now);
            self.tell_news();
            return Ok(());
        }
        let (documents, in_force) = change.unwrap_or_default();
        let commit = Commit {
            at: snapshot.now,
            cause,
            by: snapshot.commands.first().map(|command| command.by.name.clone()),
            snapshot,
            decision,
            events: self.news.iter().cloned().chain(events(snapshot, decision)).collect(),
            documents,
            in_force,
            core_version: core::VERSION,
        };
        fault::passes(Step::BeforeCommit);
        let committed = tokio::task::block_in_place(|| self.store.commit_within(scope, &commit)).map_err(|error| {
            self.durability.failed(&error);
            error.to_string()
        })?;
        self.durability.written();
        fault::passes(Step::AfterCommit);
        self.news.clear();
        if let Some(key) = committed.conflicting.first() {
            tracing::error!(effect.key = key, "two different effects have one key; the first stays in force");
        }
        tracing::info!(audit.id = committed.audit_id, audit.head = committed.head, cause, "decided");
        for event in &commit.events {
            tracing::info!(release.name = event.release.as_ref().map(Name::as_str), event.kind, "{}", event.message);
        }
        Ok(())
    }

    /// Lines of the timeline that no decision took along.
    fn tell_news(&mut self) {
        match self.store.add_events(&self.news) {
            Ok(_) => self.news.clear(),
            Err(error) => tracing::warn!(%error, "an event could not be kept; it is tried again"),
        }
    }

    pub(super) fn accept(&mut self, snapshot: Snapshot, decision: Decision, replies: Vec<Reply>) {
        self.state = decision.state.clone();
        self.wake_at = decision.wake_at;
        self.board.publish_table(&snapshot, &decision);
        for (reply, told) in replies.into_iter().zip(decision.replies.iter().cloned()) {
            fault::passes(Step::BeforeReply);
            // The person may have gone; the order stands.
            let _ = reply.send(told);
            fault::passes(Step::AfterReply);
        }
        // First, so that the report of a release that just ended has its end.
        self.chronicle.record(&snapshot, &decision);
        self.send(decision.intents.clone());
        let open = self.store.open_intents().map_or(0, |open| open.len());
        self.board.publish_view(snapshot, decision, (self.library.papers(), open));
        self.service.status(&self.board.view());
    }

    /// Nothing could be kept: state and world stay as they are. The throttle still follows the halt file, which needs no
    /// disk, and who gave an order is told so.
    fn reject(&self, sentence: &str, snapshot: Snapshot, replies: Vec<Reply>) {
        telemetry::commit_failed();
        tracing::error!(error = sentence, "the decision was not committed; state and world stay as they are");
        let standing = Snapshot { commands: Vec::new(), ..snapshot };
        self.board.publish_table(&standing, &decide_orders(&standing));
        let message =
            format!("{sentence}. Until this is mended only the halt file of the settings halts: create it to stop every update.");
        for reply in replies {
            // The person may have gone.
            let _ = reply.send(Err(Told { code: "not_committed".into(), message: message.clone() }));
        }
    }

    /// Marks intents sent, in one write, and hands them to their actuators.
    fn send(&mut self, intents: Vec<Intent>) {
        if intents.is_empty() {
            return;
        }
        fault::passes(Step::BeforeSent);
        let keys: Vec<&str> = intents.iter().map(|intent| intent.key.as_str()).collect();
        let marked = tokio::task::block_in_place(|| self.store.sent_all(&keys, clock::now()));
        if let Err(error) = &marked {
            self.durability.failed(error);
        }
        for intent in intents {
            self.retry_at.remove(&intent.key);
            match &marked {
                Ok(marked) if marked.contains(&intent.key) => self.hand_over(intent),
                Ok(_) => {
                    tracing::warn!(effect.key = intent.key, "an effect was asked for that is done already; it is not sent again");
                }
                Err(error) => {
                    // Not marked is not sent: it stays open and is taken up by a later tick.
                    tracing::error!(effect.key = intent.key, %error, "an effect could not be journaled and is not sent");
                    self.retry_at.insert(intent.key.clone(), (clock::monotonic() + self.tick, intent));
                }
            }
        }
    }

    fn hand_over(&mut self, intent: Intent) {
        fault::passes(Step::AfterSent);
        // Unknown counts as none: telling somebody twice is better than not at all.
        let delivered = self.store.delivered(&intent.key).unwrap_or_default();
        let (past, guard) = (self.past(&intent.effect), self.guard(&intent.effect));
        self.actuators.start(Sending { intent, delivered, documents: self.library.documents(), guard, past });
    }

    /// What a group may be set to by now; nothing for other effects.
    fn guard(&self, effect: &Effect) -> Option<Guard> {
        let (Effect::SetFloor { group, restore, .. } | Effect::ScheduleFloors { group, restore, .. }) = effect else {
            return None;
        };
        let policy = self.library.documents().config.scalings.get(group)?;
        Some(Guard::of(policy, &self.state, *restore))
    }

    /// What a report is made of; nothing for other effects.
    fn past(&self, effect: &Effect) -> Past {
        let Effect::Report { release } = effect else { return Past::default() };
        let phase = self.state.releases.get(release).map(|state| state.phase.clone());
        let reason = match &phase {
            Some(Phase::Aborted { reason, .. } | Phase::Scrubbed { reason }) => Some(reason.clone()),
            _ => None,
        };
        let document = self.library.documents().config.releases.get(release);
        Past {
            offered: phase.as_ref().zip(document).and_then(|(phase, document)| document.offered_at(phase)),
            release: document.cloned(),
            phase: phase.map(|phase| phase.word().to_owned()).unwrap_or_default(),
            reason,
            events: self.every_event(),
            overrides: self.state.overrides.list.clone(),
            chronicle: self.chronicle.clone(),
            hindsight: document.map(|document| self.hindsight(document)).unwrap_or_default(),
        }
    }

    /// What a release is compared with its forecast by.
    fn hindsight(&self, release: &Release) -> Hindsight {
        let state = self.state.releases.get(&release.name);
        let gate = release.gate.as_ref().and_then(|gate| self.library.documents().config.gates.get(gate));
        let minutes = gate.and_then(|gate| self.observed.minutes.get(&release.name)?.get(&gate.metrics.first()?.name));
        let counted = minutes.into_iter().flatten().filter_map(|minute| Some((minute.at, minute.candidate?.requests)));
        let records = self.state.uptakes.get(&release.app);
        Hindsight {
            admitted: state.map(|state| state.admitted.clone()).unwrap_or_default(),
            counted: counted.collect(),
            period: gate.map_or(Duration::ZERO, |gate| gate.period),
            before: recorded_uptake(&self.state, release).cloned(),
            learned: records.and_then(|records| records.iter().rev().find(|record| record.release == release.name)).cloned(),
        }
    }

    fn every_event(&self) -> Vec<EventRow> {
        let mut all: Vec<EventRow> = Vec::new();
        while let Ok(page) = self.store.events(all.last().map_or(0, |last| last.id), EVENTS_PAGE.into()) {
            let full = page.len() == usize::from(EVENTS_PAGE);
            all.extend(page);
            if !full || all.len() >= MOST_EVENTS {
                break;
            }
        }
        all
    }

    /// Sends failed effects again when their pause is over.
    fn resend(&mut self) {
        let now = clock::monotonic();
        let due: Vec<String> = self.retry_at.iter().filter(|(_, (at, _))| *at <= now).map(|(key, _)| key.clone()).collect();
        if due.is_empty() {
            return;
        }
        let still_open = self.open_keys();
        let intents: Vec<Intent> = due.iter().filter_map(|key| self.retry_at.remove(key)).map(|(_, intent)| intent).collect();
        self.send(intents.into_iter().filter(|intent| still_open.contains(&intent.key)).collect());
    }

    /// Takes what became of effects, all that is known by now, and ticks once for them.
    async fn settle(&mut self, first: Outcome) {
        self.journal(first);
        while let Ok(next) = self.outcomes.try_recv() {
            self.journal(next);
        }
        self.tick("effect", Vec::new()).await;
    }

    /// Journals what became of an effect.
    fn journal(&mut self, outcome: Outcome) {
        fault::passes(Step::BeforeDone);
        self.close(&outcome);
        fault::passes(Step::AfterDone);
        telemetry::effect(outcome.kind(), if outcome.result.is_ok() { "done" } else { "failed" });
        self.note(&outcome, clock::now());
        if let Some(proven) = outcome.proven {
            self.observers.proven(proven);
        }
    }

    /// Puts the outcome into the timeline.
    fn note(&mut self, outcome: &Outcome, at: Timestamp) {
        // What people were told stands there already, as the announcement itself.
        if matches!((&outcome.intent.effect, &outcome.result), (Effect::Notify(_), Ok(_))) {
            return;
        }
        let (kind, message) = match &outcome.result {
            Ok(detail) => ("effect", detail.clone()),
            Err(failure) => {
                tracing::warn!(effect.key = outcome.intent.key, failure, "an effect failed; it is tried again");
                ("effect_failed", format!("{}: {failure}; it is tried again", outcome.intent.key))
            }
        };
        let event = NewEvent { at, release: outcome.release(), kind: kind.into(), message, by: None };
        if let Err(error) = self.store.add_events(&[event]) {
            tracing::warn!(%error, "an event could not be kept");
        }
    }

    async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Order { command, reply } => self.orders(command, reply).await,
            Ask::Apply { by, text, reply } => {
                let answer = self.apply(by, &text).await;
                let _ = reply.send(answer);
            }
            Ask::Reload { by, reply } => self.reloader.ask((by, reply)),
            Ask::Remove { by, kind, name, reason, reply } => {
                let _ = reply.send(self.remove(by, (&kind, name), reason).await);
            }
            Ask::Push { source, counts, reply } => {
                let stored = tokio::task::block_in_place(|| self.store.put_counts(&source, &counts));
                let stored = stored.inspect_err(|error| self.durability.failed(error));
                if stored.is_ok() {
                    self.pushed.put(&source, &counts, clock::now());
                }
                let _ = reply.send(stored.map_err(|error| Told { code: "not_stored".into(), message: error.to_string() }));
            }
            Ask::Events { after, limit, reply } => {
                let _ = reply.send(self.store.events(after, limit).unwrap_or_default());
            }
        }
    }

    /// Decides at once on what was seen last, so that a halt or a hold does not wait for the world to be looked at; the
    /// tick that follows looks.
    async fn orders(&mut self, command: Command, reply: Reply) {
        self.decide("order", vec![(command, reply)]);
        self.tick("order", Vec::new()).await;
    }
}

/// The lines of the timeline that a decision writes: orders and their answers, and what people were told.
fn events(snapshot: &Snapshot, decision: &Decision) -> Vec<NewEvent> {
    let orders = snapshot.commands.iter().zip(&decision.replies).map(|(command, reply)| {
        let (kind, told) = match reply {
            Ok(told) => ("order", told),
            Err(told) => ("refused", told),
        };
        let because = if command.reason.is_empty() { String::new() } else { format!(" ({})", command.reason) };
        let message = format!("{}: {}{because}", command.by.name, told.message);
        NewEvent {
            at: snapshot.now,
            release: command.order.release().cloned(),
            kind: kind.into(),
            message,
            by: Some(command.by.name.clone()),
        }
    });
    let announced = decision.intents.iter().filter_map(|intent| match &intent.effect {
        Effect::Notify(said) => Some(NewEvent {
            at: snapshot.now,
            release: said.release.clone(),
            kind: "announcement".into(),
            message: said.what.clone(),
            by: None,
        }),
        Effect::SetFloor { group, floor, why, .. } => Some(NewEvent {
            at: snapshot.now,
            release: None,
            kind: "floor".into(),
            message: format!("{group}: floor {floor}: {why}"),
            by: None,
        }),
        Effect::ScheduleFloors { group, why, .. } => Some(NewEvent {
            at: snapshot.now,
            release: None,
            kind: "schedule".into(),
            message: format!("{group}: {why}"),
            by: None,
        }),
        _ => None,
    });
    let forgotten = snapshot.state.releases.keys().filter(|name| !decision.state.releases.contains_key(*name));
    let forgotten = forgotten.map(|name| NewEvent {
        at: snapshot.now,
        release: Some(name.clone()),
        kind: "forgotten".into(),
        message: format!("{name} is forgotten: its document is gone."),
        by: None,
    });
    orders.chain(announced).chain(forgotten).collect()
}
