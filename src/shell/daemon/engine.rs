//! The loop: the only writer of state and store.
//!
//! It takes asks, results and the clock at its own pace, one at a time. Invariant: a reply to a person goes out after
//! the commit, and after the throttle's table was replaced, so that a halt acknowledged is a halt in force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::act::{Actuators, Order as Sending, Outcome};
use super::board::Board;
use super::chronicle::{Chronicle, Past};
use super::counts;
use super::documents::Library;
use super::durability::Durability;
use super::fault::{self, Step};
use super::look::Observers;
use super::owed::Owed;
use super::probing::{Look, Probes};
use super::timekeeping::Timekeeping;
use crate::core::check::check;
use crate::core::decide::{Command, Decision, Effect, Intent, Observations, Snapshot, State, Told, decide, decide_orders};
use crate::core::release::Phase;
use crate::core::words::{Name, since};
use crate::shell::clock;
use crate::shell::control::Ask;
use crate::shell::store::{AppliedDocument, Commit, EVENTS_PAGE, EventRow, NewEvent, Store};
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
}

type Reply = oneshot::Sender<Result<Told, Told>>;

impl Engine {
    /// Makes the first decision and takes up what an earlier run left open: effects are absolute and keyed, so sending
    /// one again that was done changes nothing.
    pub(super) async fn begin(mut self, open: Vec<Intent>) -> Self {
        if let Err(error) = self.store.prune_counts(clock::now()) {
            tracing::warn!(%error, "old counts could not be pruned");
        }
        self.tick("start", Vec::new()).await;
        // What the first decision replaced is not wanted any more.
        let still_open = self.open_keys();
        open.into_iter().filter(|intent| still_open.contains(&intent.key)).for_each(|intent| self.send(intent));
        self
    }

    /// Runs until shut down.
    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        // Made once: a future made anew in each round would never end while asks come faster than it waits.
        let mut halt_file = tokio::time::interval(HALT_FILE_EVERY);
        halt_file.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
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
                () = tokio::time::sleep(pause) => self.tick("tick", Vec::new()).await,
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
        self.ticked_at = clock::monotonic();
        telemetry::tick(started.elapsed());
    }

    fn mind_the_clock(&mut self) {
        let at = clock::now();
        let Some(message) = self.timekeeping.look(at, clock::monotonic()) else { return };
        tracing::warn!("{message}");
        let event = NewEvent { at, release: None, kind: "clock".into(), message, by: None };
        if let Err(error) = self.store.add_events(&[event]) {
            tracing::warn!(%error, "an event could not be kept");
        }
    }

    async fn look(&mut self) {
        let now = clock::now();
        let standing = (self.library.documents(), &self.state);
        let pushed = Arc::new(tokio::task::block_in_place(|| counts::pushes(&self.store, standing, now)));
        let mut observed = self.observers.look(&pushed, standing, now).await;
        observed.evidence = self.probes.answers();
        observed.priming = self.actuators.runs();
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
        // Also where the world was seen a while ago: what was asked for since then is not asked for again.
        self.observed.open = self.open_keys();
        self.observed.uptime = clock::uptime();
        let snapshot = Snapshot {
            config: self.library.documents().config.clone(),
            state: self.state.clone(),
            observed: self.observed.clone(),
            commands,
            now: clock::now(),
        };
        let whole = decide(&snapshot);
        let decision = match check(&whole, &snapshot).first() {
            None => whole,
            Some(broken) => {
                // A fault of ours, or a state that should not be: everything stays as it is, but people keep the brake.
                tracing::error!(invariant = broken.invariant, "{}; only orders are carried out", broken.message);
                decide_orders(&snapshot)
            }
        };
        match self.commit((cause, Vec::new()), &snapshot, &decision) {
            Ok(()) => self.accept(snapshot, decision, replies),
            Err(sentence) => self.reject(&sentence, snapshot, replies),
        }
    }

    /// Durable before anything else. A decision that breaks an invariant is not committed at all.
    pub(super) fn commit(
        &mut self,
        (cause, documents): (&'static str, Vec<AppliedDocument>),
        snapshot: &Snapshot,
        decision: &Decision,
    ) -> Result<(), String> {
        let broken = check(decision, snapshot);
        if let Some(first) = broken.first() {
            return Err(format!("the decision breaks {}: {}; nothing was changed", first.invariant, first.message));
        }
        if !decision.changed {
            // A count that cannot be written is written with the next one.
            let _ = self.store.count_quiet_tick(snapshot.now);
            return Ok(());
        }
        let commit = Commit {
            at: snapshot.now,
            cause,
            by: snapshot.commands.first().map(|command| command.by.name.clone()),
            snapshot,
            decision,
            events: events(snapshot, decision),
            documents,
            core_version: env!("CARGO_PKG_VERSION"),
        };
        fault::passes(Step::BeforeCommit);
        let committed = tokio::task::block_in_place(|| self.store.commit(&commit)).map_err(|error| {
            self.durability.failed(&error);
            error.to_string()
        })?;
        self.durability.written();
        fault::passes(Step::AfterCommit);
        if let Some(key) = committed.conflicting.first() {
            tracing::error!(effect.key = key, "two different effects have one key; the first stays in force");
        }
        tracing::info!(audit.id = committed.audit_id, audit.head = committed.head, cause, "decided");
        for event in &commit.events {
            tracing::info!(release.name = event.release.as_ref().map(Name::as_str), event.kind, "{}", event.message);
        }
        Ok(())
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
        for intent in decision.intents.clone() {
            self.send(intent);
        }
        self.chronicle.record(&snapshot, &decision);
        let open = self.store.open_intents().map_or(0, |open| open.len());
        self.board.publish_view(snapshot, decision, (self.library.findings(), open));
    }

    /// Nothing could be kept: state and world stay as they are. The throttle still follows the halt file, which needs no
    /// disk, and who gave an order is told so.
    fn reject(&self, sentence: &str, snapshot: Snapshot, replies: Vec<Reply>) {
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

    /// Marks an intent sent and hands it to its actuator.
    fn send(&mut self, intent: Intent) {
        self.retry_at.remove(&intent.key);
        fault::passes(Step::BeforeSent);
        if let Err(error) = self.store.sent(&intent.key, clock::now()) {
            // Not marked is not sent: it stays open and is taken up by a later tick.
            tracing::error!(effect.key = intent.key, %error, "an effect could not be journaled and is not sent");
            self.durability.failed(&error);
            self.retry_at.insert(intent.key.clone(), (clock::monotonic() + self.tick, intent));
            return;
        }
        fault::passes(Step::AfterSent);
        let delivered = self.delivered(&intent.key);
        let past = self.past(&intent.effect);
        self.actuators.start(Sending { intent, delivered, documents: self.library.documents(), past });
    }

    /// Parts of an effect that an earlier attempt did.
    fn delivered(&self, key: &str) -> Vec<String> {
        let open = self.store.open_intents().unwrap_or_default();
        open.into_iter().find(|open| open.intent.key == key).map(|open| open.delivered).unwrap_or_default()
    }

    /// What a report is made of; nothing for other effects.
    fn past(&self, effect: &Effect) -> Past {
        let Effect::Report { release } = effect else { return Past::default() };
        let phase = self.state.releases.get(release).map(|state| state.phase.clone());
        let reason = match &phase {
            Some(Phase::Aborted { reason, .. } | Phase::Scrubbed { reason }) => Some(reason.clone()),
            _ => None,
        };
        Past {
            release: self.library.documents().config.releases.get(release).cloned(),
            phase: phase.map(|phase| phase.word().to_owned()).unwrap_or_default(),
            reason,
            events: self.every_event(),
            chronicle: self.chronicle.clone(),
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
        let still_open = self.open_keys();
        for key in due {
            if let Some((_, intent)) = self.retry_at.remove(&key)
                && still_open.contains(&key)
            {
                self.send(intent);
            }
        }
    }

    /// Journals what became of an effect.
    async fn settle(&mut self, outcome: Outcome) {
        fault::passes(Step::BeforeDone);
        self.close(&outcome);
        fault::passes(Step::AfterDone);
        telemetry::effect(outcome.kind(), if outcome.result.is_ok() { "done" } else { "failed" });
        self.note(&outcome, clock::now());
        if let Some(coverage) = outcome.coverage {
            self.observers.proven(coverage);
        }
        self.tick("effect", Vec::new()).await;
    }

    /// Puts the outcome into the timeline.
    fn note(&mut self, outcome: &Outcome, at: Timestamp) {
        // What people were told stands there already, as the announcement itself.
        if matches!((&outcome.intent.effect, &outcome.result), (Effect::Notify(_), Ok(_))) {
            return;
        }
        let (kind, message) = match &outcome.result {
            Ok(detail) => ("effect", detail.clone()),
            Err(failure) => ("effect_failed", format!("{}: {failure}; it is tried again", outcome.intent.key)),
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
            Ask::Push { source, counts, reply } => {
                let stored = tokio::task::block_in_place(|| self.store.put_counts(&source, &counts));
                let stored = stored.inspect_err(|error| self.durability.failed(error));
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
        _ => None,
    });
    orders.chain(announced).collect()
}
