//! The primer against real caching servers on loopback: three nodes before one origin that can shed, corrupt and refuse.
//!
//! The nodes speak RFC 9211 or nothing at all, keep an object from its n-th use on, and key by `Vary`.
#![expect(clippy::unwrap_used, reason = "a test server that cannot go on must fail its test")]

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
use tminus::core::priming::Policy;
use tminus::core::words::Name;
use tminus::shell::primer::{PrimeReport, Progress, prime};
use tminus::shell::spec::{NodeSpec, PrimingSource, PrimingSpec};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// What the origin saw, and how much it takes.
struct Origin {
    slots: Semaphore,
    sheds_above: usize,
    service: Duration,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    in_flight: usize,
    peak: usize,
    fills: Vec<Instant>,
    shed: usize,
    by_path: BTreeMap<String, usize>,
}

impl Origin {
    fn new(slots: usize, sheds_above: usize, service: Duration) -> Arc<Self> {
        Arc::new(Self { slots: Semaphore::new(slots), sheds_above, service, seen: Mutex::default() })
    }

    fn quick() -> Arc<Self> {
        Self::new(64, 10_000, Duration::ZERO)
    }

    fn fills(&self) -> usize {
        self.seen.lock().unwrap().fills.len()
    }

    async fn answer(&self, path: &str, encoding: &str) -> Answer {
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
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

fn content(path: &str, encoding: &str) -> Answer {
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

fn body_of(path: &str, encoding: &str) -> Bytes {
    let varies = path.starts_with("/vary/") || path.starts_with("/coded/");
    let text = if varies { format!("{path} {encoding}\n") } else { format!("{path}\n") };
    text.repeat(40).into()
}

fn digest_of(body: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// How a node tells hits from misses.
#[derive(Clone, Copy, PartialEq)]
enum Tells {
    CacheStatus,
    AgeOnly,
    Nothing,
}

struct Edge {
    name: &'static str,
    origin: Arc<Origin>,
    tells: Tells,
    min_uses: u32,
    /// One slot per URL whatever the variant: the defect of a cache that ignores Vary when storing.
    one_slot: bool,
    corrupts: Option<&'static str>,
    kept: Mutex<HashMap<String, Kept>>,
    requests: Mutex<Vec<(String, HeaderMap)>>,
}

#[derive(Default)]
struct Kept {
    uses: u32,
    stored: Option<(Instant, String, Answer)>,
}

impl Edge {
    fn new(name: &'static str, origin: &Arc<Origin>) -> Self {
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

    async fn serve(self: Arc<Self>) -> SocketAddr {
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

    async fn answer(self: Arc<Self>, request: Request<hyper::body::Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
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

    fn respond(&self, answer: &Answer, status: &str, age: Option<u64>) -> Response<Full<Bytes>> {
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

fn now() -> Instant {
    tminus::shell::clock::monotonic()
}

struct Case {
    edges: Vec<Arc<Edge>>,
    spec: PrimingSpec,
    _folder: tempfile::TempDir,
}

impl Case {
    async fn new(edges: Vec<Edge>, lines: &[String]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.ndjson");
        std::fs::write(&path, lines.join("\n")).unwrap();
        let edges: Vec<Arc<Edge>> = edges.into_iter().map(Arc::new).collect();
        let mut nodes = Vec::new();
        for edge in &edges {
            nodes.push(NodeSpec { name: Name::new(edge.name).unwrap(), connect: Arc::clone(edge).serve().await.to_string() });
        }
        let spec = PrimingSpec {
            source: PrimingSource::File(path),
            poll_every: Duration::from_mins(1),
            nodes,
            variants: vec![],
            allow: vec![],
            requests_per_second: None,
            in_flight: 16,
        };
        Self { edges, spec, _folder: folder }
    }

    async fn prime(&self) -> PrimeReport {
        let policy = Policy {
            name: Name::new("content").unwrap(),
            coverage: 100.0,
            fresh_until: None,
            nodes: vec![],
            poll_every: Duration::from_secs(900),
        };
        let (progress, seen) = watch::channel(Progress::default());
        let report = prime(&self.spec, &policy, &progress).await;
        assert_eq!(seen.borrow().done, seen.borrow().targets, "every target came to its end");
        report
    }

    fn requests(&self) -> usize {
        self.edges.iter().map(|edge| edge.requests.lock().unwrap().len()).sum()
    }
}

fn three(origin: &Arc<Origin>) -> Vec<Edge> {
    ["edge1", "edge2", "edge3"].map(|name| Edge::new(name, origin)).into()
}

fn url(path: &str) -> String {
    format!("http://content.invalid{path}")
}

fn line(path: &str) -> String {
    let body = body_of(path, "none");
    format!("{{\"url\":\"{}\",\"size\":{},\"digest\":\"{}\"}}", url(path), body.len(), digest_of(&body))
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|number| line(&format!("/obj/{number}"))).collect()
}

fn ratios(report: &PrimeReport) -> Vec<f64> {
    report.coverage.values().copied().collect()
}

fn seen(at: &Origin, path: &str) -> usize {
    at.seen.lock().unwrap().by_path.get(path).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_fleet_is_filled_proven_and_only_looked_at_the_second_time() {
    let origin = Origin::quick();
    let case = Case::new(three(&origin), &lines(100)).await;
    let first = case.prime().await;
    assert_eq!(ratios(&first), [1.0; 3], "{first:?}");
    assert!(first.reached && first.failed.is_empty() && first.mismatches.is_empty() && first.findings.is_empty());
    assert_eq!((first.objects, first.requested, origin.fills()), (100, 600, 300), "one fill and one proof per target");
    assert_eq!(first.classes, BTreeMap::from([("hit-fresh", 300)]));
    assert!(first.fresh_until.is_some_and(|at| at > tminus::shell::clock::now()));

    let second = case.prime().await;
    assert_eq!((second.requested, origin.fills()), (300, 300), "gaps only: one look per target and no fill");
    assert!(second.reached);

    for (request, headers) in case.edges.iter().flat_map(|edge| edge.requests.lock().unwrap().clone()) {
        assert!(request.starts_with("GET /obj/"), "{request}");
        assert_eq!(headers["host"], "content.invalid");
        assert!(headers["user-agent"].to_str().unwrap().starts_with("tminus/"));
        assert!(headers.contains_key("x-tminus-prime"));
        assert!(!headers.contains_key("range") && !headers.contains_key("accept-encoding"), "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_keeps_from_the_second_use_on_takes_three_looks() {
    let origin = Origin::quick();
    let edges = three(&origin).into_iter().map(|edge| Edge { min_uses: 2, ..edge }).collect();
    let case = Case::new(edges, &lines(20)).await;
    let report = case.prime().await;
    assert_eq!(ratios(&report), [1.0; 3], "{report:?}");
    assert_eq!((report.requested, origin.fills()), (180, 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_corrupted_object_at_one_node_is_found_and_named() {
    let origin = Origin::quick();
    let mut edges = three(&origin);
    edges[1].corrupts = Some("/obj/7");
    let case = Case::new(edges, &lines(50)).await;
    let report = case.prime().await;
    assert_eq!(ratios(&report), [1.0, 0.98, 1.0]);
    assert!(!report.reached);
    let [mismatch] = report.mismatches.as_slice() else { panic!("{:?}", report.mismatches) };
    assert_eq!((mismatch.url.as_str(), mismatch.node.as_str()), (url("/obj/7").as_str(), "edge2"));
    assert_eq!(mismatch.expected, digest_of(&body_of("/obj/7", "none")));
    assert_eq!(mismatch.actual, digest_of("x".repeat(body_of("/obj/7", "none").len()).as_bytes()));
    let coverage = report.coverage(tminus::shell::clock::now());
    assert_eq!(coverage.problems, 1);
    assert!(coverage.first_problem.unwrap().contains("edge2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_covered_says_why_and_is_in_one_list() {
    let origin = Origin::quick();
    let paths = ["/no-store/a", "/cookie/a", "/gone/a", "/moved/a", "/vary/a", "/obj/a"];
    let mut text: Vec<String> = paths.iter().map(|path| format!("{{\"url\":\"{}\"}}", url(path))).collect();
    text.push("{\"url\": oops".into());
    let case = Case::new(vec![Edge::new("edge1", &origin)], &text).await;
    let report = case.prime().await;
    let not_stored: Vec<(&str, &str)> =
        report.not_stored.iter().map(|entry| (entry.url.as_str(), entry.reason.as_str())).collect();
    assert!(not_stored.contains(&(&url("/no-store/a"), "Cache-Control: no-store")), "{not_stored:?}");
    assert!(not_stored.contains(&(&url("/cookie/a"), "Set-Cookie")), "{not_stored:?}");
    assert_eq!(not_stored.len(), 2);
    assert_eq!(report.failed.len(), 2, "{:?}", report.failed);
    assert!(report.failed.iter().any(|entry| entry.url == url("/gone/a") && entry.reason.contains("404")));
    assert!(report.failed.iter().any(|entry| entry.url.contains("line 7") && entry.reason.contains("JSON")));
    for name in ["Accept-Encoding", "X-Device"] {
        assert!(report.findings.iter().any(|entry| entry.url == url("/vary/a") && entry.message.contains(name)), "{name}");
    }
    // The redirect, the varying and the plain object are covered; of seven entries three.
    assert_eq!(ratios(&report), [3.0 / 7.0]);
    assert_eq!((seen(&origin, "/no-store/a"), seen(&origin, "/gone/a")), (2, 1), "no more than it takes to know");
    let sum: u64 = report.classes.values().sum();
    assert_eq!((sum, report.classes["miss-not-stored"], report.classes["unknown"]), (6, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_are_targets_of_their_own_and_cover_vary() {
    let origin = Origin::quick();
    let text: Vec<String> = (0..10).map(|number| format!("{{\"url\":\"{}\"}}", url(&format!("/coded/{number}")))).collect();
    let mut case = Case::new(three(&origin), &text).await;
    case.spec.variants =
        ["gzip", "identity"].map(|coding| BTreeMap::from([("accept-encoding".to_owned(), coding.to_owned())])).into();
    let report = case.prime().await;
    assert_eq!(ratios(&report), [1.0; 3], "{report:?}");
    assert_eq!((report.classes["hit-fresh"], report.requested, origin.fills()), (60, 120, 60));
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_that_push_each_other_out_are_not_covered() {
    let origin = Origin::quick();
    let edge = Edge { one_slot: true, ..Edge::new("edge1", &origin) };
    let mut case = Case::new(vec![edge], &[format!("{{\"url\":\"{}\"}}", url("/coded/a"))]).await;
    case.spec.variants =
        ["gzip", "identity"].map(|coding| BTreeMap::from([("accept-encoding".to_owned(), coding.to_owned())])).into();
    let report = case.prime().await;
    assert!(!report.reached && report.coverage["edge1"] < 1.0, "{report:?}");
    assert!(case.requests() <= 12, "bounded: {}", case.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_only_sends_an_age_is_proven_and_a_silent_one_is_not() {
    let origin = Origin::quick();
    let mut edges = three(&origin);
    (edges[1].tells, edges[2].tells) = (Tells::AgeOnly, Tells::Nothing);
    let case = Case::new(edges, &lines(5)).await;
    let report = case.prime().await;
    assert_eq!(ratios(&report), [1.0, 1.0, 0.0], "{report:?}");
    assert_eq!(report.classes["unknown"], 5);
    assert!(report.findings.iter().any(|entry| entry.node == "edge3" && entry.message.contains("cannot be proven")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shedding_origin_is_neither_stormed_nor_left_idle() {
    let origin = Origin::new(16, 32, Duration::from_millis(20));
    let mut case = Case::new(three(&origin), &lines(700)).await;
    case.spec.in_flight = 256;
    let report = case.prime().await;
    assert_eq!(ratios(&report), [1.0; 3], "{:?}", report.first_problem());
    let seen = origin.seen.lock().unwrap();
    let (fills, shed) = (seen.fills.len(), seen.shed);
    assert!(shed * 20 < fills, "{shed} of {fills} refused");
    assert!(seen.peak <= 64, "{} in flight at the origin", seen.peak);
    // 2,100 fills at 800/s take 2.6 s; a busy machine gets several times that.
    assert!(report.seconds < 15.0, "{} s", report.seconds);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_bounds_what_the_origin_sees_over_all_nodes() {
    let origin = Origin::new(64, 10_000, Duration::from_millis(30));
    let mut case = Case::new(three(&origin), &lines(40)).await;
    (case.spec.in_flight, case.spec.requests_per_second) = (3, Some(60.0));
    let report = case.prime().await;
    assert!(report.reached);
    let seen = origin.seen.lock().unwrap();
    assert!(seen.peak <= 3, "{} in flight", seen.peak);
    for (first, at) in seen.fills.iter().enumerate() {
        let within = seen.fills[first..].iter().take_while(|other| other.duration_since(*at) < Duration::from_secs(1)).count();
        assert!(within <= 120, "{within} requests in one second at 60/s");
    }
    assert!(report.seconds >= 1.0, "120 fills at 60/s in {} s", report.seconds);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_down_fails_alone_and_fast() {
    let origin = Origin::quick();
    let mut case = Case::new(three(&origin), &lines(200)).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    case.spec.nodes[2].connect = closed.local_addr().unwrap().to_string();
    drop(closed);
    let report = case.prime().await;
    assert_eq!(ratios(&report), [1.0, 1.0, 0.0]);
    assert_eq!(report.failed.len(), 200);
    assert!(report.failed.iter().all(|entry| entry.node == "edge3"));
    assert!(report.seconds < 30.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_stay_within_a_tenth_when_everything_fails() {
    let origin = Origin::quick();
    let text: Vec<String> = (0..100).map(|number| format!("{{\"url\":\"{}\"}}", url(&format!("/broken/{number}")))).collect();
    let case = Case::new(vec![Edge::new("edge1", &origin)], &text).await;
    let report = case.prime().await;
    assert_eq!(report.failed.len(), 100);
    assert!(report.failed.iter().all(|entry| entry.reason.contains("500")), "{:?}", report.failed[0]);
    assert!((10..=13).contains(&report.retried), "{} retries of 100", report.retried);
    assert_eq!(report.requested, 100 + report.retried);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_missing_torn_or_empty_proves_nothing() {
    let origin = Origin::quick();
    let mut case = Case::new(three(&origin), &[]).await;
    let empty = case.prime().await;
    assert!(!empty.reached && ratios(&empty) == [0.0; 3]);
    case.spec.source = PrimingSource::File("/nonexistent/manifest.ndjson".into());
    let missing = case.prime().await;
    assert!(missing.source_error.as_ref().unwrap().contains("/nonexistent/manifest.ndjson"));
    assert!(!missing.reached);
    // A server that promises more than it sends.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let manifest = format!("http://{}/manifest.ndjson", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4_096]).await;
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}\n", line("/obj/1"));
        let _ = stream.write_all(text.as_bytes()).await;
    });
    case.spec.source = PrimingSource::Manifest(manifest);
    case.spec.allow = vec!["http://content.invalid".into()];
    let torn = case.prime().await;
    assert!(torn.source_error.is_some() && !torn.reached, "{torn:?}");
    assert_eq!((torn.objects, ratios(&torn)), (1, vec![0.0; 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_outside_the_allow_list_are_not_fetched() {
    let origin = Origin::quick();
    let mut case = Case::new(three(&origin), &lines(3)).await;
    case.spec.allow = vec!["http://other.invalid".into()];
    let report = case.prime().await;
    assert_eq!((case.requests(), report.failed.len()), (0, 9));
    assert!(report.failed[0].reason.contains("allow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_not_published_yet_are_left_for_later() {
    let origin = Origin::quick();
    let mut text = lines(2);
    text.push(format!("{{\"url\":\"{}\",\"not_before\":\"2999-01-01T00:00:00Z\"}}", url("/obj/future")));
    let case = Case::new(three(&origin), &text).await;
    let report = case.prime().await;
    assert_eq!((report.objects, report.deferred, seen(&origin, "/obj/future")), (3, 1, 0));
    assert!(report.reached);
}
