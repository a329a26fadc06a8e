//! A bench to make decisions on: documents as YAML, people, observations, and a clock that the test turns.
//!
//! Invariant: every decision passes the checker and is made twice with the same bytes.

use std::time::Duration;

use jiff::Timestamp;
use tminus::core::check::check;
use tminus::core::checklist::{Evidence, Outcome};
use tminus::core::decide::{
    Announcement, Command, Config, Decision, Effect, Observations, Order, Person, Snapshot, State, Told, decide,
};
use tminus::core::words::{Name, later};
use tminus::shell::settings::load_texts;

/// T-0 of the releases of these tests.
pub const LAUNCH_AT: &str = "2026-12-01T11:00:00Z";

/// See the module.
pub struct Bench {
    pub config: Config,
    pub state: State,
    pub observed: Observations,
    pub now: Timestamp,
    pub last: Decision,
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `ann operator sre` is ann with two roles.
pub fn person(text: &str) -> Person {
    let mut words = text.split(' ').map(name);
    Person { name: words.next().unwrap(), roles: words.collect() }
}

/// Documents that must be valid.
pub fn config(yaml: &str) -> Config {
    let loaded = load_texts(&[("test.yaml".into(), yaml.into())]);
    assert!(!loaded.has_errors(), "{:#?}", loaded.findings);
    loaded.documents.config
}

/// Decides, and insists on what every decision must keep.
pub fn decided(snapshot: &Snapshot) -> Decision {
    let decision = decide(snapshot);
    assert_eq!(check(&decision, snapshot), [], "at {}", snapshot.now);
    let bytes = |decision: &Decision| serde_json::to_string(decision).unwrap();
    assert_eq!(bytes(&decision), bytes(&decide(snapshot)), "decided twice at {}", snapshot.now);
    decision
}

impl Bench {
    /// An hour before T-0, after the first decisions.
    pub fn new(yaml: &str) -> Self {
        let now = LAUNCH_AT.parse::<Timestamp>().unwrap() - Duration::from_hours(1);
        let mut bench = Self {
            config: config(yaml),
            state: State::default(),
            observed: Observations::default(),
            now,
            last: Decision::default(),
        };
        bench.settle();
        bench
    }

    /// Decides once, with orders.
    pub fn decide(&mut self, commands: Vec<Command>) -> &Decision {
        let snapshot = Snapshot {
            config: self.config.clone(),
            state: self.state.clone(),
            observed: self.observed.clone(),
            commands,
            now: self.now,
        };
        self.last = decided(&snapshot);
        self.state = self.last.state.clone();
        // A run of the primer goes on for as long as the test does; a floor is not obeyed where there is no group.
        let primes = self.last.intents.iter().filter(|intent| matches!(intent.effect, Effect::Prime { .. }));
        self.observed.open.extend(primes.map(|intent| intent.key.clone()));
        &self.last
    }

    /// Decides until nothing changes.
    pub fn settle(&mut self) {
        let rests = (0..6).any(|_| !self.decide(Vec::new()).changed);
        assert!(rests, "it does not come to rest at {}", self.now);
    }

    /// Turns the clock and lets everything happen on the way.
    pub fn pass(&mut self, minutes: u64) {
        for _ in 0..minutes {
            self.now = later(self.now, Duration::from_mins(1));
            self.settle();
        }
    }

    /// Gives one order; the reply.
    pub fn order(&mut self, by: &str, order: Order) -> Result<Told, Told> {
        let command = Command { by: person(by), order, reason: "a reason".into() };
        self.decide(vec![command]).replies[0].clone()
    }

    /// The code of the reply, `!` before a refusal.
    pub fn code(&mut self, by: &str, order: Order) -> String {
        self.order(by, order).map_or_else(|told| format!("!{}", told.code), |told| told.code)
    }

    pub fn phase(&self, release: &str) -> &str {
        self.state.releases[&name(release)].phase.word()
    }

    /// What a probe answered for an item of a release, now.
    pub fn answer(&mut self, (release, item): (&str, &str), outcome: Outcome) {
        let evidence = Evidence { outcome, detail: "as the test says".into(), measured_at: self.now };
        self.observed.evidence.entry(name(release)).or_default().insert(name(item), evidence);
    }

    /// What the last decision tells people.
    pub fn told(&self) -> Vec<&Announcement> {
        let mut told = Vec::new();
        for intent in &self.last.intents {
            if let Effect::Notify(announcement) = &intent.effect {
                told.push(announcement);
            }
        }
        told
    }
}
