//! Chooses who hears of an announcement and reports on each of them.
//!
//! Targets are told side by side: a slow one holds up none of the others. It does not try again; the journal brings the
//! same announcement later, with the targets that have it `already`. Invariant: a secret URL is in no result, error or
//! log line: only the variable that holds it is named.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Client;
use tokio::sync::Semaphore;

use super::target::{Target, Way};
use super::{command, message, webhook};
use crate::core::decide::{Announcement, Topic};
use crate::shell::spec::NotifierSpec;

/// Targets told at the same time; commands are processes, and a launch machine has few to spare.
const AT_ONCE: usize = 8;

/// Tells people.
#[derive(Clone, Debug)]
pub struct Notifier {
    client: Client,
    rules: Vec<Rule>,
    at_once: Arc<Semaphore>,
}

/// Why there is no notifier.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The HTTP client could not be built.
    #[error("webhooks cannot be sent from this machine: {0}")]
    Client(String),
}

/// How one target fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryResult {
    /// Names the target across restarts; what `already` takes.
    pub target: String,
    /// The target for people; without secrets.
    pub label: String,
    /// Delivered with this answer, or why not.
    pub outcome: Result<String, DeliveryError>,
}

/// Why a target was not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DeliveryError {
    /// What happened, a fragment.
    pub message: String,
    /// The receiver asked not to be tried again before so many seconds.
    pub retry_after_secs: Option<u64>,
}

impl DeliveryError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry_after_secs: None }
    }
}

#[derive(Clone, Debug)]
struct Rule {
    on: Vec<Topic>,
    targets: Vec<Target>,
}

impl Notifier {
    /// From documents; variables of `url_env` are read once, here.
    pub fn new(specs: Vec<NotifierSpec>) -> Result<Self, NotifyError> {
        #[expect(clippy::disallowed_methods, reason = "this module owns the url_env key")]
        let environment = |name: &str| std::env::var(name).ok();
        Self::with_environment(specs, environment)
    }

    /// As [`Notifier::new`], with the variables from elsewhere.
    pub fn with_environment(specs: Vec<NotifierSpec>, environment: impl Fn(&str) -> Option<String>) -> Result<Self, NotifyError> {
        let client = webhook::client().map_err(|error| NotifyError::Client(error.to_string()))?;
        let rules = specs.into_iter().map(|spec| rule(spec, &environment)).collect();
        Ok(Self { client, rules, at_once: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Tells every target that listens to the topic and is not in `already`; one result for each, in the order of the
    /// documents. Takes at most the longest time limit times the number of batches of eight. An empty answer: nobody is
    /// left to tell.
    pub async fn deliver(&self, announcement: &Announcement, already: &[String]) -> Vec<DeliveryResult> {
        let body = message::json(announcement);
        let left = self.listening(announcement.topic).filter(|target| !already.contains(&target.id));
        join_all(left.map(|target| self.tell(target, &announcement.key, &body))).await
    }

    fn listening(&self, topic: Topic) -> impl Iterator<Item = &Target> {
        self.rules.iter().filter(move |rule| rule.listens(topic)).flat_map(|rule| &rule.targets)
    }

    async fn tell(&self, target: &Target, key: &str, body: &Result<Vec<u8>, serde_json::Error>) -> DeliveryResult {
        // The semaphore is never closed; were it, telling one too many at a time is better than telling nobody.
        let _turn = self.at_once.acquire().await.ok();
        let outcome = match (&target.way, body) {
            (Ok(Way::Webhook(url)), Ok(body)) => webhook::post(&self.client, url, (key, body)).await,
            (Ok(Way::Command(arguments)), Ok(body)) => command::run(arguments, body).await,
            (Err(problem), _) => Err(DeliveryError::new(problem.clone())),
            (_, Err(error)) => Err(DeliveryError::new(format!("the announcement has no JSON form: {error}"))),
        };
        DeliveryResult { target: target.id.clone(), label: target.label.clone(), outcome }
    }
}

impl Rule {
    fn listens(&self, topic: Topic) -> bool {
        if self.on.is_empty() { needs_a_person(topic) } else { self.on.contains(&topic) }
    }
}

/// The default subscription. A step that begins by itself is news; all else may ask somebody to act.
fn needs_a_person(topic: Topic) -> bool {
    match topic {
        Topic::Readiness
        | Topic::Hold
        | Topic::Abort
        | Topic::Halt
        | Topic::OverrideExpiring
        | Topic::CountsLate
        | Topic::Documents => true,
        Topic::Step => false,
    }
}

fn rule(spec: NotifierSpec, environment: &dyn Fn(&str) -> Option<String>) -> Rule {
    let mut targets: Vec<Target> = Vec::new();
    for to in &spec.to {
        let target = Target::of(&spec.name, to, environment);
        // Written twice is meant once: the same target has the same id.
        if targets.iter().all(|known| known.id != target.id) {
            targets.push(target);
        }
    }
    Rule { on: spec.on, targets }
}
