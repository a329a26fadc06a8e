//! Fetches from the origins: bounded in number, spread over the targets with the least outstanding.
//!
//! Not here: what is kept. Invariant: at most `fetches` requests are under way and `queue` wait; one more is refused
//! at once, as the overwhelmed caching layer of the story did.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, HOST, HeaderName, USER_AGENT};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::sync::Semaphore;

use crate::lab::http;
use crate::shell::groups::Targets;

/// Longest wait for an origin: longer than its longest queue, so that only a hung one is given up.
const FETCH_WITHIN: Duration = Duration::from_secs(10);

/// Largest body: a thousand times the largest object, and a bound on what a mistaken origin can make us hold.
const LARGEST_BODY: usize = 4 << 20;

/// How often the targets file is looked at; well inside every drain.
const TARGETS_EVERY: Duration = Duration::from_millis(100);

/// Request headers that origins see. A request with credentials is for its client alone and is never answered from the
/// store (RFC 9111, section 3.5), so the origin has to see them.
const PASSED_ON: [HeaderName; 4] = [HOST, ACCEPT_ENCODING, USER_AGENT, AUTHORIZATION];

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Too many fetches already.
    Overwhelmed,
    /// No origin is in service.
    NoTargets,
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// An answer beyond the limits.
    Unusable,
}

impl Failure {
    /// What the client gets, and the `detail` of Cache-Status.
    pub(super) fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::Overwhelmed => (StatusCode::SERVICE_UNAVAILABLE, "overwhelmed"),
            Self::NoTargets => (StatusCode::SERVICE_UNAVAILABLE, "no-targets"),
            Self::Unreachable => (StatusCode::BAD_GATEWAY, "unreachable"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed-out"),
            Self::Unusable => (StatusCode::BAD_GATEWAY, "unusable"),
        }
    }
}

/// An origin's response.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) struct Upstream {
    client: Client<HttpConnector, Empty<Bytes>>,
    peers: ArcSwap<Vec<Arc<Peer>>>,
    turn: AtomicUsize,
    under_way: Semaphore,
    admitted: AtomicUsize,
    most: usize,
    sent: AtomicU64,
}

struct Peer {
    base: String,
    outstanding: AtomicUsize,
}

impl Upstream {
    pub(super) fn new(fetches: usize, queue: usize) -> Self {
        let fetches = fetches.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            client: http::client(),
            peers: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            under_way: Semaphore::new(fetches),
            admitted: AtomicUsize::new(0),
            most: fetches.saturating_add(queue),
            sent: AtomicU64::new(0),
        }
    }

    /// Requests sent to origins so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn targets(&self) -> usize {
        self.peers.load().len()
    }

    /// Follows the targets file; while it cannot be read the last list stays in force.
    pub(super) async fn follow(self: Arc<Self>, file: PathBuf) {
        let mut known = None;
        loop {
            let read = Targets::read(&file).ok();
            if let Some(targets) = read.filter(|targets| known.as_ref() != Some(targets)) {
                self.take_over(&targets);
                known = Some(targets);
            }
            tokio::time::sleep(TARGETS_EVERY).await;
        }
    }

    fn take_over(&self, targets: &Targets) {
        let old = self.peers.load_full();
        let peer = |base: String| {
            let known = old.iter().find(|peer| peer.base == base).cloned();
            known.unwrap_or_else(|| Arc::new(Peer { base, outstanding: AtomicUsize::new(0) }))
        };
        self.peers.store(Arc::new(targets.targets.iter().map(|target| peer(format!("http://{}", target.address))).collect()));
    }

    /// Fetches a path and query; a connection that breaks is tried once more at another origin, since a GET is safe.
    pub(super) async fn get(&self, key: &str, request: &HeaderMap) -> Result<Reply, Failure> {
        let admit = |admitted| (admitted < self.most).then_some(admitted + 1);
        let admitted = self.admitted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit);
        let _place = Counted(admitted.map(|_| &self.admitted).map_err(|_| Failure::Overwhelmed)?);
        // The semaphore is never closed.
        let _slot = self.under_way.acquire().await;
        let first = self.pick(None).ok_or(Failure::NoTargets)?;
        match self.ask(&first, key, request).await {
            Err(Failure::Unreachable) => {
                let second = self.pick(Some(&first)).ok_or(Failure::Unreachable)?;
                self.ask(&second, key, request).await
            }
            answered => answered,
        }
    }

    fn pick(&self, not: Option<&Arc<Peer>>) -> Option<Arc<Peer>> {
        let peers = self.peers.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..peers.len()).map(|place| &peers[turn.wrapping_add(place) % peers.len()]);
        let others = in_turn.filter(|peer| not.is_none_or(|not| !Arc::ptr_eq(not, peer)));
        // The first of equals wins, so equals take turns.
        others.min_by_key(|peer| peer.outstanding.load(Ordering::Relaxed)).cloned()
    }

    async fn ask(&self, peer: &Arc<Peer>, key: &str, request: &HeaderMap) -> Result<Reply, Failure> {
        peer.outstanding.fetch_add(1, Ordering::Relaxed);
        let _outstanding = Counted(&peer.outstanding);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut asking = Request::get(format!("{}{key}", peer.base));
        for name in PASSED_ON {
            if let Some(value) = request.get(&name) {
                asking = asking.header(name, value);
            }
        }
        let asking = asking.body(Empty::new()).map_err(|_| Failure::Unusable)?;
        let fetching = async {
            let (head, body) = self.client.request(asking).await.map_err(|_| Failure::Unreachable)?.into_parts();
            let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| Failure::Unusable)?;
            Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
        };
        tokio::time::timeout(FETCH_WITHIN, fetching).await.unwrap_or(Err(Failure::TimedOut))
    }
}

/// One less when it is dropped, also when the fetch is.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
