//! The swarm's way to edges, origins and the decision listener.
//!
//! It judges one request and never repeats one. Invariant: content counts as received only with the right bytes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;

use super::series::{Seen, Series, What};
use crate::lab::{http, objects, scene};
use crate::shell::clock;
use crate::shell::groups::Targets;

/// Largest answer read: objects and decisions are a few kilobytes.
const LARGEST: usize = 1 << 20;

/// How often the targets are looked at: a client that leaves the edges out asks a name service, which caches.
const TARGETS_EVERY: Duration = Duration::from_millis(500);

pub(super) struct Net {
    client: Client<HttpConnector, Empty<Bytes>>,
    origins: ArcSwap<Vec<SocketAddr>>,
    pub(super) series: Series,
}

/// An answer of the decision listener, as far as a client looks at it.
#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    serve: bool,
    version: Option<String>,
    #[serde(default)]
    pub(super) retry_after_secs: u64,
}

impl Decision {
    /// Whether the client may take this version now.
    pub(super) fn offers(&self, version: &str) -> bool {
        self.serve && self.version.as_deref() == Some(version)
    }
}

/// Where content is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whence {
    /// An edge.
    Edge(SocketAddr),
    /// Any origin, by this draw.
    Origin(u32),
}

/// How content is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As every version does.
    Plain,
    /// With credentials that only the new version has, and that no server can read.
    WithSyncToken,
}

impl Net {
    pub(super) fn new() -> Self {
        Self { client: http::client(), origins: ArcSwap::default(), series: Series::new() }
    }

    /// Follows the targets file for ever.
    pub(super) async fn follow(&self, file: PathBuf) {
        loop {
            if let Ok(targets) = Targets::read(&file) {
                self.origins.store(targets.targets.iter().map(|target| target.address).collect::<Vec<_>>().into());
            }
            tokio::time::sleep(TARGETS_EVERY).await;
        }
    }

    /// Asks for an object once and says whether it came whole.
    pub(super) async fn content(&self, from: Whence, object: u32, manner: Manner) -> bool {
        let path = objects::path(object, scene::NEW_VERSION);
        let origins = self.origins.load();
        let (address, what) = match from {
            Whence::Edge(address) => (Some(address), What::Edge { hit: false }),
            Whence::Origin(draw) => (origins.get(draw as usize % origins.len().max(1)).copied(), What::Origin),
        };
        let started = clock::monotonic();
        let answer = match address {
            Some(address) => self.get(manner.of(request(&format!("http://{address}{path}"), scene::NEW_VERSION))).await,
            None => None,
        };
        let whole = answer.as_ref().is_some_and(|answer| answer.body == objects::body(object, scene::NEW_VERSION));
        let what = match what {
            What::Edge { .. } => What::Edge { hit: answer.is_some_and(|answer| answer.hit) },
            other => other,
        };
        let within = whole.then(|| clock::monotonic().saturating_duration_since(started));
        self.series.record(Seen::Request { what, within });
        whole
    }

    /// A background request.
    pub(super) async fn poll(&self, edge: SocketAddr, client: &str, version: &str) {
        let started = clock::monotonic();
        let answer = self.get(request(&format!("http://{edge}/poll?client={client}"), version)).await;
        let within = answer.map(|_| clock::monotonic().saturating_duration_since(started));
        self.series.record(Seen::Request { what: What::Poll, within });
    }

    /// Asks whether the client may update; `None` when nobody answers, which means: keep what you have.
    pub(super) async fn decide(&self, decision: SocketAddr, client: &str) -> Option<Decision> {
        let (app, version, channel) = (scene::APP, scene::OLD_VERSION, scene::CHANNEL);
        let uri = format!("http://{decision}/v1/decision?app={app}&version={version}&channel={channel}&client={client}");
        let answer = self.get(request(&uri, version)).await;
        let decision = answer.and_then(|answer| serde_json::from_slice(&answer.body).ok());
        self.series.record(Seen::Asked { answered: decision.is_some() });
        decision
    }

    async fn get(&self, request: Builder) -> Option<Reply> {
        let request = request.body(Empty::new()).ok()?;
        let asking = async {
            let (head, body) = self.client.request(request).await.ok()?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.ok()?.to_bytes();
            let cache_status = head.headers.get("cache-status").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let hit = cache_status.split(';').any(|parameter| parameter.trim() == "hit");
            (head.status == StatusCode::OK).then_some(Reply { body, hit })
        };
        tokio::time::timeout(scene::REQUEST_WITHIN, asking).await.ok().flatten()
    }
}

fn request(uri: &str, version: &str) -> Builder {
    Request::get(uri).header("x-client-version", version)
}

impl Manner {
    fn of(self, request: Builder) -> Builder {
        match self {
            Self::Plain => request,
            Self::WithSyncToken => request.header(AUTHORIZATION, format!("{} 2.3", scene::SYNC_SCHEME)),
        }
    }
}

struct Reply {
    body: Bytes,
    hit: bool,
}
