//! A caching edge node and an origin behind it, on loopback.
//!
//! The nodes speak RFC 9211 or nothing at all, keep an object from its n-th use on, and key by `Vary`.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What the origin saw, and how much it takes.
pub struct Origin {
    pub slots: Semaphore,
    pub sheds_above: usize,
    pub service: Duration,
    pub seen: Mutex<Seen>,
}

#[derive(Default)]
pub struct Seen {
    pub in_flight: usize,
    pub peak: usize,
    pub fills: Vec<Instant>,
    pub shed: usize,
    pub by_path: BTreeMap<String, usize>,
}

impl Origin {
    pub fn new(slots: usize, sheds_above: usize, service: Duration) -> Arc<Self> {
        Arc::new(Self { slots: Semaphore::new(slots), sheds_above, service, seen: Mutex::default() })
    }

    pub fn quick() -> Arc<Self> {
        Self::new(64, 10_000, Duration::ZERO)
    }

    pub fn fills(&self) -> usize {
        self.seen.lock().unwrap().fills.len()
    }

    pub async fn answer(&self, path: &str, encoding: &str) -> Answer {
        let sheds = {
            let mut seen = self.seen.lock().unwrap();
            seen.in_flight += 1;
            seen.peak = seen.peak.max(seen.in_flight);
            seen.fills.push(now());
            *seen.by_path.entry(path.to_owned()).or_default() += 1;
            let sheds = seen.in_flight > self.sheds_above;
            seen.shed += usize::from(sheds);
            sheds
        };
        let answer = if sheds {
            Answer { status: 503, headers: vec![("retry-after", "1".into())], body: Bytes::new() }
        } else {
            let _slot = self.slots.acquire().await.unwrap();
            tokio::time::sleep(self.service).await;
            content(path, encoding)
        };
        self.seen.lock().unwrap().in_flight -= 1;
        answer
    }
}

#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

pub fn content(path: &str, encoding: &str) -> Answer {
    let kind = path.split('/').nth(1).unwrap_or("");
    let (status, extra): (u16, Vec<(&str, &str)>) = match kind {
        "no-store" => (200, vec![("cache-control", "no-store")]),
        "cookie" => (200, vec![("cache-control", "public, max-age=600"), ("set-cookie", "a=1")]),
        "vary" => (200, vec![("cache-control", "max-age=600"), ("vary", "Accept-Encoding, X-Device")]),
        "coded" => (200, vec![("cache-control", "max-age=600"), ("vary", "Accept-Encoding")]),
        "moved" => (302, vec![("cache-control", "max-age=600"), ("location", "https://mirror.example/x")]),
        "broken" => (500, vec![]),
        "gone" => (404, vec![("cache-control", "max-age=60")]),
        _ => (200, vec![("cache-control", "max-age=600")]),
    };
    let headers = extra.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    Answer { status, headers, body: body_of(path, encoding) }
}

pub fn body_of(path: &str, encoding: &str) -> Bytes {
    let varies = path.starts_with("/vary/") || path.starts_with("/coded/");
    let text = if varies { format!("{path} {encoding}\n") } else { format!("{path}\n") };
    text.repeat(40).into()
}

pub fn digest_of(body: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// How a node tells hits from misses.
#[derive(Clone, Copy, PartialEq)]
pub enum Tells {
    CacheStatus,
    AgeOnly,
    Nothing,
}

pub struct Edge {
    pub name: &'static str,
    pub origin: Arc<Origin>,
    pub tells: Tells,
    pub min_uses: u32,
    /// One slot per URL whatever the variant: the defect of a cache that ignores Vary when storing.
    pub one_slot: bool,
    pub corrupts: Option<&'static str>,
    pub kept: Mutex<HashMap<String, Kept>>,
    pub requests: Mutex<Vec<(String, HeaderMap)>>,
}

#[derive(Default)]
pub struct Kept {
    pub uses: u32,
    pub stored: Option<(Instant, String, Answer)>,
}

impl Edge {
    pub fn new(name: &'static str, origin: &Arc<Origin>) -> Self {
        Self {
            name,
            origin: Arc::clone(origin),
            tells: Tells::CacheStatus,
            min_uses: 1,
            one_slot: false,
            corrupts: None,
            kept: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    pub async fn serve(self: Arc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let edge = Arc::clone(&self);
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| Arc::clone(&edge).answer(request));
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        address
    }

    pub async fn answer(self: Arc<Self>, request: Request<hyper::body::Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let path = request.uri().path().to_owned();
        let encoding = request.headers().get("accept-encoding").map_or("none", |value| value.to_str().unwrap()).to_owned();
        self.requests.lock().unwrap().push((format!("{} {}", request.method(), request.uri()), request.headers().clone()));
        let varies = path.starts_with("/vary/") || path.starts_with("/coded/");
        let key = if varies && !self.one_slot { format!("{path} {encoding}") } else { path.clone() };
        let hit = self
            .kept
            .lock()
            .unwrap()
            .get(&key)
            .and_then(|kept| kept.stored.clone())
            .filter(|(_, of, _)| !varies || *of == encoding);
        if let Some((at, _, answer)) = hit {
            let age = at.elapsed().as_secs();
            return Ok(self.respond(&answer, &format!("hit; ttl={}", 600 - age), Some(age)));
        }
        let mut answer = self.origin.answer(&path, &encoding).await;
        if self.corrupts.is_some_and(|corrupted| corrupted == path) {
            answer.body = Bytes::from("x".repeat(answer.body.len()));
        }
        let forbidden = answer.headers.iter().any(|(name, value)| *name == "set-cookie" || value.contains("no-store"));
        let stored = {
            let mut kept = self.kept.lock().unwrap();
            let kept = kept.entry(key).or_default();
            kept.uses += 1;
            let stores = !forbidden && kept.uses >= self.min_uses && matches!(answer.status, 200 | 302);
            if stores {
                kept.stored = Some((now(), encoding, answer.clone()));
            }
            stores
        };
        Ok(self.respond(&answer, if stored { "fwd=uri-miss; stored" } else { "fwd=uri-miss" }, Some(0)))
    }

    pub fn respond(&self, answer: &Answer, status: &str, age: Option<u64>) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(answer.body.clone()));
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
        let mut add = |name: &str, value: &str| {
            response
                .headers_mut()
                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        };
        answer.headers.iter().for_each(|(name, value)| add(name, value));
        if self.tells == Tells::CacheStatus {
            add("cache-status", &format!("{}; {status}", self.name));
        }
        if self.tells != Tells::Nothing {
            add("age", &age.unwrap_or(0).to_string());
        }
        response
    }
}

pub fn now() -> Instant {
    tminus::shell::clock::monotonic()
}
