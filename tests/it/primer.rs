//! The primer against real caching servers on loopback: three nodes before one origin that can shed, corrupt and refuse.

pub mod edge;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use edge::{Edge, Origin, Tells, body_of, digest_of};
use tminus::core::priming::Policy;
use tminus::core::words::Name;
use tminus::shell::primer::{PrimeReport, Progress, prime};
use tminus::shell::spec::{NodeSpec, PrimingSource, PrimingSpec};
use tokio::net::TcpListener;
use tokio::sync::watch;

struct Case {
    edges: Vec<Arc<Edge>>,
    spec: PrimingSpec,
    folder: tempfile::TempDir,
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
        Self { edges, spec, folder }
    }

    async fn prime(&self) -> PrimeReport {
        let policy = Policy {
            name: Name::new("content").unwrap(),
            coverage: 100.0,
            fresh_until: None,
            nodes: vec![],
            poll_every: Duration::from_mins(15),
            schedule: None,
            tighten: vec![],
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

/// Runs the real binary.
async fn tminus(arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.args(arguments).kill_on_drop(true);
    tokio::time::timeout(Duration::from_mins(1), command.output()).await.unwrap().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    // Shown by the test runner only if the answer is none.
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn policy_file(folder: &Path, nodes: &[(&str, String)]) -> String {
    let nodes: Vec<String> =
        nodes.iter().map(|(name, connect)| format!("  - {{name: {name}, connect: \"{connect}\"}}")).collect();
    let path = folder.join("policy.yaml");
    let text = format!(
        "apiVersion: tminus/v1\nkind: PrimingPolicy\nname: content\nsource: {{file: manifest.ndjson}}\nnodes:\n{}\nallow: [\"http://content.invalid\"]\norigin: {{requests_per_second: 400, in_flight: 8}}\ncoverage: 90\n",
        nodes.join("\n")
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verb_primes_by_flags_and_by_file() {
    let origin = Origin::quick();
    let mut edges = three(&origin);
    edges[1].corrupts = Some("/obj/7");
    let case = Case::new(edges, &lines(20)).await;
    let manifest = case.folder.path().join("manifest.ndjson");
    let nodes: Vec<(&str, String)> =
        ["edge1", "edge2", "edge3"].into_iter().zip(case.spec.nodes.iter().map(|node| node.connect.clone())).collect();
    let flags: Vec<String> = nodes.iter().map(|(name, connect)| format!("{name}={connect}")).collect();

    let one = tminus(&[
        "prime",
        "--manifest",
        manifest.to_str().unwrap(),
        "--node",
        &flags[0],
        &flags[2],
        "--rate",
        "500/s",
        "-o",
        "json",
    ])
    .await;
    assert_eq!(one.status.code(), Some(0), "{}", String::from_utf8_lossy(&one.stderr));
    let report = json(&one);
    assert_eq!(report["coverage"], serde_json::json!({"edge1": 1.0, "edge3": 1.0}));
    assert_eq!((&report["objects"], &report["requested"]), (&20.into(), &80.into()));
    assert_eq!(report["classes"], serde_json::json!({"hit-fresh": 40}));
    for list in ["mismatches", "failed", "not_stored", "findings"] {
        assert_eq!(report[list], serde_json::json!([]), "{list}");
    }
    assert!(report["seconds"].as_f64().unwrap() > 0.0);

    let file = policy_file(case.folder.path(), &nodes);
    let by_file = tminus(&["prime", "--policy", &file, "-o", "json"]).await;
    assert_eq!(
        by_file.status.code(),
        Some(0),
        "95 % of edge2 is more than the policy's 90: {}",
        String::from_utf8_lossy(&by_file.stderr)
    );
    assert_eq!(json(&by_file)["mismatches"][0]["node"], "edge2");

    let beaten = tminus(&["prime", "--policy", &file, "--allow", "http://elsewhere.invalid"]).await;
    assert_eq!(beaten.status.code(), Some(1), "flags beat the file");
    let text = String::from_utf8_lossy(&beaten.stdout).into_owned();
    assert!(text.contains("Failed (60)") && text.contains("and 50 more"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verb_refuses_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    std::fs::write(&broken, "apiVersion: tminus/v1\nkind: PrimingPolicy\nname: content\nsourc: {file: x}\n").unwrap();
    let broken = broken.to_str().unwrap().to_owned();
    for (arguments, exit, told) in [
        (vec!["prime"], 64, "--manifest FILE"),
        (vec!["prime", "content"], 64, "--policy FILE"),
        (vec!["prime", "--manifest", "x"], 64, "--node NAME=ADDR"),
        (vec!["prime", "--manifest", "x", "--node", "edge1"], 64, "NAME=ADDR"),
        (vec!["prime", "--manifest", "x", "--node", "a=b:1", "A=b:2"], 64, "once"),
        (vec!["prime", "--manifest", "x", "--node", "a=b:1", "--variant", "range: bytes=0-1"], 64, "full GET"),
        (vec!["prime", "--manifest", "x", "--node", "a=b:1", "--rate", "0/s"], 64, "above 0"),
        (vec!["prime", "--policy", &broken], 1, "sourc"),
    ] {
        let output = tminus(&arguments).await;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {text}");
        assert!(text.contains(told), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty());
    }
}
