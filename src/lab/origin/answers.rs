//! What the origin serves: content, its manifest, background polls, health.
//!
//! Everything but health and statistics takes a slot. Content may be cached, the rest may not. One thing it cannot do:
//! read a sync token, which is what a bad release trips over.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HOST, HeaderName, HeaderValue, RETRY_AFTER, VARY,
};
use hyper::{Method, Request, StatusCode};

use super::Options;
use super::slots::Slots;
use crate::core::words::Version;
use crate::lab::objects;
use crate::lab::scene;
use crate::lab::server::{self, Answer};

/// Manifests kept, one per version; each is a few hundred kilobytes, and versions come from requests.
const MANIFESTS_KEPT: usize = 4;

/// The version served when none is asked for.
const NO_VERSION: &str = "0";

/// Object, size in bytes and SHA-256.
type Digests = Arc<Vec<(u32, usize, String)>>;

pub(super) struct Origin {
    pub(super) slots: Slots,
    options: Options,
    manifests: Mutex<BTreeMap<String, Digests>>,
}

impl Origin {
    pub(super) fn new(slots: Slots, options: Options) -> Self {
        Self { slots, options, manifests: Mutex::default() }
    }

    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        match request.uri().path() {
            _ if request.method() != Method::GET => server::text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n"),
            "/health" => server::text(StatusCode::OK, "in service\n"),
            "/-/stats" => server::json(&self.slots.tally()),
            _ => match self.slots.work().await {
                Ok(()) => self.served(&request),
                Err(_) => overloaded(),
            },
        }
    }

    fn served(&self, request: &Request<Incoming>) -> Answer {
        let query = request.uri().query();
        let version = server::query(query, "v").filter(|text| Version::new(text).is_ok()).unwrap_or(NO_VERSION);
        match request.uri().path() {
            "/poll" => uncached(server::with(StatusCode::OK, "application/json", Bytes::from_static(b"{\"updates\":[]}\n"))),
            "/manifest.ndjson" => self.manifest(version, &base(request)),
            path => match objects::object_of(path, self.options.objects) {
                Some(_) if has_sync_token(request) => broken(),
                Some(object) => self.content(objects::body(object, version), wants_gzip(request)),
                None => uncached(server::text(StatusCode::NOT_FOUND, "no such object\n")),
            },
        }
    }

    fn content(&self, body: Bytes, wants_gzip: bool) -> Answer {
        let etag = format!("\"{}\"", &objects::sha256(&body)[..16]);
        let zipped = if self.options.gzip && wants_gzip { gzip(&body) } else { None };
        let encoded = zipped.is_some();
        let mut answer = server::with(StatusCode::OK, "application/octet-stream", zipped.map_or(body, Bytes::from));
        let max_age = format!("public, max-age={}", self.options.max_age.as_secs());
        set(&mut answer, CACHE_CONTROL, &max_age);
        // Another encoding is another representation, so its tag is weak: the bytes differ, the content does not.
        set(&mut answer, ETAG, &if encoded { format!("W/{etag}") } else { etag });
        if self.options.gzip {
            set(&mut answer, VARY, "accept-encoding");
        }
        if encoded {
            set(&mut answer, CONTENT_ENCODING, "gzip");
        }
        answer
    }

    /// One line per object, most wanted first: clients draw low numbers more often.
    fn manifest(&self, version: &str, base: &str) -> Answer {
        let mut text = String::new();
        for (object, size, digest) in self.digests(version).iter() {
            let url = format!("{base}{}", objects::path(*object, version));
            // Writing to a string does not fail.
            let _ = writeln!(text, r#"{{"url":"{url}","size":{size},"digest":"sha256:{digest}"}}"#);
        }
        uncached(server::with(StatusCode::OK, "application/x-ndjson", text.into()))
    }

    fn digests(&self, version: &str) -> Digests {
        let mut kept = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(version) {
            return known.clone();
        }
        let line = |object| {
            let body = objects::body(object, version);
            (object, body.len(), objects::sha256(&body))
        };
        let fresh = Arc::new((0..self.options.objects).map(line).collect::<Vec<_>>());
        if kept.len() >= MANIFESTS_KEPT {
            kept.pop_first();
        }
        kept.insert(version.into(), fresh.clone());
        fresh
    }
}

/// Where the manifest's URLs point: the `base` parameter, else where the client asked.
fn base(request: &Request<Incoming>) -> String {
    let host = || request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let printable = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    let given = server::query(request.uri().query(), "base").filter(printable);
    given.map_or_else(|| format!("http://{}", host()), |base| base.trim_end_matches('/').to_owned())
}

/// Credentials of the new sync engine, which the servers were never taught to read.
fn has_sync_token(request: &Request<Incoming>) -> bool {
    let credentials = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    credentials.and_then(|text| text.split(' ').next()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(scene::SYNC_SCHEME))
}

fn wants_gzip(request: &Request<Incoming>) -> bool {
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| coding.split(';').next().is_some_and(|name| name.trim() == "gzip"))
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn uncached(mut answer: Answer) -> Answer {
    set(&mut answer, CACHE_CONTROL, "no-store");
    answer
}

fn broken() -> Answer {
    uncached(server::text(StatusCode::INTERNAL_SERVER_ERROR, "the sync token cannot be read\n"))
}

fn overloaded() -> Answer {
    let mut answer = uncached(server::text(StatusCode::SERVICE_UNAVAILABLE, "every slot and the queue are full\n"));
    set(&mut answer, RETRY_AFTER, "1");
    answer
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
