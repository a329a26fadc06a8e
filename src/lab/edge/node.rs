//! One caching node: answers from its store, or fetches once for everybody who waits.
//!
//! It caches for one site: the key is path and query, whatever the host is called. Invariant: for one path, query
//! and accepted encoding at most one fetch is under way whose response may be shared.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, AGE, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::sync::watch;

use super::counts::Ledger;
use super::fresh::{self, Allowance};
use super::stats::{Counters, EdgeStats, count, count_if};
use super::store::{Found, Store, Stored};
use super::told::{How, Why};
use super::upstream::{Failure, Reply, Upstream};
use crate::core::words::Version;
use crate::lab::server::{self, Answer};
use crate::shell::clock;

/// Requests of primers carry it; they say nothing about clients.
const PRIME_HEADER: &str = "x-tminus-prime";

/// What version the client runs.
const VERSION_HEADER: &str = "x-client-version";

/// Paths remembered as not to be stored, so that nobody waits for a response that cannot be shared.
const MOST_UNSHARED: usize = 1_024;

pub(super) struct Node {
    pub(super) name: String,
    pub(super) upstream: Arc<Upstream>,
    pub(super) ledger: Arc<Ledger>,
    counters: Counters,
    store: Mutex<Store>,
    flights: Mutex<HashMap<Flight, watch::Receiver<Option<Fetched>>>>,
    unshared: Mutex<HashSet<String>>,
}

type Flight = (String, Option<HeaderValue>);

/// The end of a fetch.
#[derive(Clone)]
struct Fetched {
    reply: Result<Arc<Stored>, Failure>,
    stored: bool,
}

/// A request as far as the node looks at it.
struct Visit {
    key: String,
    path: String,
    headers: HeaderMap,
}

impl Node {
    pub(super) fn new(name: String, store: Store, upstream: Arc<Upstream>, ledger: Arc<Ledger>) -> Self {
        let (flights, unshared) = (Mutex::default(), Mutex::default());
        Self { name, upstream, ledger, counters: Counters::default(), store: Mutex::new(store), flights, unshared }
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        match request.uri().path() {
            _ if ![Method::GET, Method::HEAD].contains(request.method()) => {
                server::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n")
            }
            "/-/stats" => server::json(&self.stats()),
            "/-/health" => server::text(StatusCode::OK, "in service\n"),
            path => {
                let key = request.uri().path_and_query().map_or(path, |whole| whole.as_str());
                let visit = Visit { key: key.into(), path: path.into(), headers: request.headers().clone() };
                let (answer, how) = self.serve(&visit).await;
                self.count(&visit, answer.status(), &how);
                self.told(answer, &how)
            }
        }
    }

    fn stats(&self) -> EdgeStats {
        let (stored, stored_bytes) = guard(&self.store).size();
        let (origin_requests, targets) = (self.upstream.sent(), self.upstream.targets());
        EdgeStats { origin_requests, stored, stored_bytes, targets, ..self.counters.read(&self.name) }
    }

    async fn serve(self: &Arc<Self>, visit: &Visit) -> (Answer, How) {
        // Looked up in a block of its own, so that no lock is held while others are awaited.
        let found = { guard(&self.store).find(&visit.key, &visit.headers, clock::monotonic()) };
        let why = match found {
            _ if visit.headers.contains_key(AUTHORIZATION) => Why::Bypass,
            Found::Fresh(stored) => {
                let ttl_secs = stored.ttl_secs(clock::monotonic());
                return (copy(&stored), How::Hit { ttl_secs });
            }
            Found::Stale => Why::Stale,
            Found::OtherVariant => Why::VaryMiss,
            Found::Nothing => Why::UriMiss,
        };
        let (fetched, collapsed) = self.fetch(visit, why).await;
        let stored = fetched.stored;
        match fetched.reply {
            Ok(reply) => (copy(&reply), How::Forwarded { why, status: Some(reply.status), stored, collapsed, detail: None }),
            Err(failure) => {
                let (status, detail) = failure.told();
                (failed(status), How::Forwarded { why, status: None, stored, collapsed, detail: Some(detail) })
            }
        }
    }

    /// Fetches, or waits for a fetch that is under way; tells which.
    async fn fetch(self: &Arc<Self>, visit: &Visit, why: Why) -> (Fetched, bool) {
        if why == Why::Bypass || guard(&self.unshared).contains(&visit.path) {
            return (self.fly(visit, why).await, false);
        }
        let flight = (visit.key.clone(), visit.headers.get(ACCEPT_ENCODING).cloned());
        let (mut landing, leads) = self.board(visit, &flight, why);
        // The sender sends before it is dropped, so waiting ends with a value.
        let landed = landing.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
        match landed {
            Some(fetched) if leads || fetched.stored || fetched.reply.is_err() => (fetched, !leads),
            // What may not be stored was meant for the other client alone.
            _ => (self.fly(visit, why).await, false),
        }
    }

    fn board(self: &Arc<Self>, visit: &Visit, flight: &Flight, why: Why) -> (watch::Receiver<Option<Fetched>>, bool) {
        let mut flights = guard(&self.flights);
        if let Some(landing) = flights.get(flight) {
            return (landing.clone(), false);
        }
        let (lands, landing) = watch::channel(None);
        flights.insert(flight.clone(), landing.clone());
        let (node, flight) = (self.clone(), flight.clone());
        let visit = Visit { key: visit.key.clone(), path: visit.path.clone(), headers: visit.headers.clone() };
        // A task of its own: the fill is finished even when every client has gone away.
        tokio::spawn(async move {
            let fetched = node.fly(&visit, why).await;
            guard(&node.flights).remove(&flight);
            lands.send_replace(Some(fetched));
        });
        (landing, true)
    }

    async fn fly(&self, visit: &Visit, why: Why) -> Fetched {
        match self.upstream.get(&visit.key, &visit.headers).await {
            Ok(reply) => self.keep(visit, why, reply),
            Err(failure) => Fetched { reply: Err(failure), stored: false },
        }
    }

    fn keep(&self, visit: &Visit, why: Why, reply: Reply) -> Fetched {
        let allowance = match reply.status {
            StatusCode::OK if why != Why::Bypass => fresh::allowance(&reply.headers),
            _ => Allowance::No,
        };
        let (status, initial_age, received) = (reply.status, fresh::initial_age(&reply.headers), clock::monotonic());
        let mut headers = reply.headers;
        // These belong to the origin's connection, not to the response.
        for name in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH, AGE] {
            headers.remove(name);
        }
        let entry = |lifetime| Arc::new(Stored { status, headers, body: reply.body, received, initial_age, lifetime });
        match allowance {
            Allowance::Store { lifetime, vary } => {
                let stored = entry(lifetime);
                guard(&self.store).insert(&visit.key, &visit.headers, (vary, stored.clone()));
                Fetched { reply: Ok(stored), stored: true }
            }
            Allowance::No => {
                let mut unshared = guard(&self.unshared);
                if status == StatusCode::OK && why != Why::Bypass && unshared.len() < MOST_UNSHARED {
                    unshared.insert(visit.path.clone());
                }
                Fetched { reply: Ok(entry(Duration::ZERO)), stored: false }
            }
        }
    }

    fn count(&self, visit: &Visit, status: StatusCode, how: &How) {
        if visit.headers.contains_key(PRIME_HEADER) {
            return count(&self.counters.primed);
        }
        let (counters, content) = (&self.counters, visit.path.starts_with("/content/"));
        let failed = status.is_server_error();
        count(&counters.requests);
        count_if(&counters.content, content);
        count_if(&counters.hits, content && matches!(how, How::Hit { .. }));
        count_if(&counters.stale, content && matches!(how, How::Forwarded { why: Why::Stale, .. }));
        count_if(&counters.collapsed, content && matches!(how, How::Forwarded { collapsed: true, .. }));
        count_if(&counters.errors, failed);
        count_if(&counters.refused, matches!(how, How::Forwarded { detail: Some("overwhelmed"), .. }));
        if let Some(version) = version(visit) {
            self.ledger.record(&version, failed);
        }
    }

    fn told(&self, mut answer: Answer, how: &How) -> Answer {
        if let Ok(value) = HeaderValue::from_str(&how.cache_status(&self.name)) {
            answer.headers_mut().append("cache-status", value);
        }
        answer
    }
}

fn version(visit: &Visit) -> Option<Version> {
    let header = visit.headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok());
    let query = visit.key.split_once('?').map(|(_, query)| query);
    Version::new(header.or_else(|| server::query(query, "v"))?).ok()
}

fn copy(stored: &Stored) -> Answer {
    let mut answer = Response::new(Full::new(stored.body.clone()));
    *answer.status_mut() = stored.status;
    answer.headers_mut().clone_from(&stored.headers);
    answer.headers_mut().insert(AGE, HeaderValue::from(stored.age(clock::monotonic()).as_secs()));
    answer
}

fn failed(status: StatusCode) -> Answer {
    let mut answer = server::text(status, "no response from an origin\n");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks hold is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
