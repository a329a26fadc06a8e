//! A request that may be answered: the person, what they brought, and the view it is answered from.
//!
//! Invariant: whatever a call asks of the daemon is answered, or refused in a bounded time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::counter::Counter;
use super::desk::{Ask, Desk, View};
use super::problem::Problem;
use crate::core::decide::{Command, Order, Person, Told};
use crate::core::release::Release;
use crate::core::words::Name;

/// The daemon answers after its commit, which takes milliseconds; beyond this it is stuck.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// Longest reason in characters: a sentence or three for the audit, not a file.
const LONGEST_REASON: usize = 1_000;

/// A request on its way to its answer.
pub struct Call {
    /// What all requests share.
    pub counter: Arc<Counter>,
    /// How things stood when it came.
    pub view: Arc<View>,
    /// Who; `None` on routes for anybody.
    pub by: Option<Person>,
    /// Its method.
    pub method: Method,
    /// Its path as sent.
    pub path: String,
    /// Parameters of the path, decoded.
    pub parameters: HashMap<String, String>,
    /// The query, each key once.
    pub query: HashMap<String, String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, within the limit.
    pub body: Bytes,
    /// When it came.
    pub now: Timestamp,
}

impl Call {
    /// A path parameter that is a name; what cannot be a name is not here.
    pub fn name(&self, parameter: &str) -> Result<Name, Problem> {
        let text = self.parameters.get(parameter).map(String::as_str).unwrap_or_default();
        Name::new(text).map_err(|_| Problem::not_found())
    }

    /// The release in the path.
    pub fn release(&self) -> Result<&Release, Problem> {
        let name = self.name("release")?;
        self.view.snapshot.config.releases.get(&name).ok_or_else(Problem::not_found)
    }

    /// The body as JSON; unknown keys are refused by the types.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| Problem::malformed(format!("the body is not as expected: {error}")))
    }

    /// Refuses with 412 when `If-Match` is sent and does not name `etag`. Weak tags never match (RFC 9110, 13.1.1).
    ///
    /// The check is against the view of the last decision. An order that comes in between is not seen here; then the
    /// core's own table refuses what no longer fits.
    pub fn expect_match(&self, etag: &str) -> Result<(), Problem> {
        let mut wanted = self.headers.get_all(IF_MATCH).iter().peekable();
        if wanted.peek().is_none() {
            return Ok(());
        }
        let lists = wanted.filter_map(|value| value.to_str().ok());
        let matches = lists.flat_map(|list| list.split(',')).any(|tag| matches!(tag.trim(), "*") || tag.trim() == etag);
        if matches { Ok(()) } else { Err(Problem::changed_since()) }
    }

    /// Gives an order and waits for the daemon's word on it.
    pub async fn order(&self, order: Order, reason: String) -> Result<Told, Problem> {
        let by = self.by.clone().ok_or_else(Problem::unknown_person)?;
        let command = Command { by, order, reason };
        ask(&self.counter.desk, |reply| Ask::Order { command, reply }).await?.map_err(Problem::refused)
    }
}

/// Puts something on the desk and waits for the reply.
pub async fn ask<T>(desk: &Desk, make: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    desk.asks.try_send(make(reply)).map_err(|error| match error {
        TrySendError::Full(_) => Problem::busy("busy", "the daemon has too many orders in hand; nothing was done, ask again"),
        TrySendError::Closed(_) => Problem::busy("stopping", "the daemon is stopping; nothing was done, ask again"),
    })?;
    let late = || {
        let detail = "the daemon did not answer in 20 s; the order may still take effect, read how it stands first";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "no_answer", detail)
    };
    let broke =
        || Problem::busy("broke_off", "the daemon dropped the order, it may be stopping; read how it stands, then ask again");
    timeout(ANSWER_TIME, answer).await.map_err(|_| late())?.map_err(|_| broke())
}

/// A reason as the audit keeps it: something is said, on one line, in at most a thousand characters.
pub fn reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= LONGEST_REASON && !text.chars().any(char::is_control);
    let detail = "a reason is 1 to 1000 characters on one line; it goes into the audit, so that others know why";
    if fits { Ok(text.into()) } else { Err(Problem::malformed(detail)) }
}
