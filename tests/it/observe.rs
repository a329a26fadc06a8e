//! Metrics sources and probes against real sockets, files and processes.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tminus::core::checklist::{Check, Evidence, Outcome};
use tminus::core::gate::{Counts, Minute};
use tminus::core::words::Name;
use tminus::shell::clock;
use tminus::shell::observe::{Book, GateAsk, History, ObserveError, Probe, Probes, Pushes, Sources, Span, Substitution, Tick};
use tminus::shell::spec::{GateQueries, LoadQuery, QuerySpec, SourceSpec, SourceSystem};
use tokio::net::TcpListener;

const MINUTE: Duration = Duration::from_mins(1);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_020 + minute * 60).unwrap()
}

fn release() -> Substitution {
    Substitution { app: Some("reader".into()), version: Some("2.3.0".into()), channel: Some("release".into()) }
}

fn queries(baseline: bool) -> Vec<GateQueries> {
    let pair = |arm: &str| (name(&format!("errors_{arm}")), name(&format!("requests_{arm}")));
    vec![GateQueries { metric: name("http_5xx"), candidate: pair("new"), baseline: baseline.then(|| pair("old")) }]
}

fn source(system: SourceSystem, queries: &[(&str, QuerySpec)]) -> (Name, SourceSpec) {
    let queries = queries.iter().map(|(query, spec)| (name(query), spec.clone())).collect();
    (name("metrics"), SourceSpec { system, queries })
}

fn sources(spec: (Name, SourceSpec)) -> Sources {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Sources::new(BTreeMap::from([spec])).unwrap()
}

/// Serves on loopback with a function from path and body to status and text.
async fn serve(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> SocketAddr {
    let (listener, answer) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(answer));
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = Arc::clone(&answer);
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await?.to_bytes();
                    let (status, text) = answer(&path, &String::from_utf8_lossy(&body));
                    let mut response = Response::new(Full::new(Bytes::from(text)));
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, hyper::Error>(response)
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn matrix(points: &[(Timestamp, &str)]) -> String {
    let values: Vec<String> = points.iter().map(|(at, value)| format!("[{},\"{value}\"]", at.as_second())).collect();
    let result = if values.is_empty() { String::new() } else { format!("{{\"metric\":{{}},\"values\":[{}]}}", values.join(",")) };
    format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{result}]}}}}")
}

fn counts(errors: u64, requests: u64) -> Option<Counts> {
    let is_possible = errors <= requests;
    is_possible.then_some(Counts { errors, requests })
}

async fn history(sources: &Sources, query: &LoadQuery, (span, tick): (Span, Tick<'_>)) -> History {
    sources.load_histories(&[query], span, tick).await.pop().unwrap()
}

async fn minutes(sources: &Sources, pushed: &Pushes, baseline: bool) -> (Vec<Minute>, Vec<String>) {
    let queries = queries(baseline);
    let span = Span { from: at(0), to: at(4), step: MINUTE };
    let ask = GateAsk { queries: &queries, with: release(), span };
    let mut found = sources.gate_minutes(&[ask], Tick { pushed, now: at(10) }).await.pop().unwrap();
    (found.minutes.remove(&name("http_5xx")).unwrap(), found.reasons)
}

/// A prometheus that answers each expression from a table; what it was asked is kept.
async fn prometheus(table: Vec<(&'static str, String)>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(vec![]));
    let log = Arc::clone(&asked);
    let table: HashMap<&str, String> = table.into_iter().collect();
    let address = serve(move |path, body| {
        assert_eq!(path, "/api/v1/query_range");
        let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
        let query = url.query_pairs().find(|(key, _)| key == "query").unwrap().1.into_owned();
        log.lock().unwrap().push(query.clone());
        table.get(query.as_str()).map_or_else(
            || (400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error: unexpected end\"}".into()),
            |text| (200, text.clone()),
        )
    })
    .await;
    (address, asked)
}

fn promql() -> Vec<(&'static str, QuerySpec)> {
    let query = |text: &str| QuerySpec::PromQl(text.into());
    vec![
        ("errors_new", query("errors{v=\"${version}\"}")),
        ("requests_new", query("requests{v=\"${version}\"}")),
        ("errors_old", query("errors{v!=\"${version}\"}")),
        ("requests_old", query("requests{v!=\"${version}\"}")),
    ]
}

#[tokio::test]
async fn prometheus_counts_land_in_their_periods_and_gaps_stay_gaps() {
    // Evaluated at the end of each period.
    let table = vec![
        ("errors{v=\"2.3.0\"}", matrix(&[(at(1), "2.4"), (at(3), "NaN")])),
        ("requests{v=\"2.3.0\"}", matrix(&[(at(1), "100.2"), (at(2), "50"), (at(3), "60")])),
        ("errors{v!=\"2.3.0\"}", matrix(&[])),
        ("requests{v!=\"2.3.0\"}", matrix(&[(at(1), "900"), (at(4), "901")])),
    ];
    let (address, asked) = prometheus(table).await;
    let sources = sources(source(SourceSystem::Prometheus { url: format!("http://{address}/") }, &promql()));
    let (found, reasons) = minutes(&sources, &Pushes::new(), true).await;
    let expected = [
        Minute { at: at(0), candidate: counts(2, 100), baseline: counts(0, 900) },
        Minute { at: at(1), candidate: counts(0, 50), baseline: None },
        Minute { at: at(2), candidate: None, baseline: None },
        Minute { at: at(3), candidate: None, baseline: counts(0, 901) },
    ];
    assert_eq!(found, expected);
    assert!(reasons.iter().any(|reason| reason.contains("errors_new") && reason.contains("NaN")), "{reasons:?}");
    assert_eq!(asked.lock().unwrap().len(), 4, "each query once");
}

#[tokio::test]
async fn the_same_question_of_two_releases_is_asked_once() {
    let table = vec![("errors{v=\"2.3.0\"}", matrix(&[])), ("requests{v=\"2.3.0\"}", matrix(&[(at(1), "1")]))];
    let (address, asked) = prometheus(table).await;
    let sources = sources(source(SourceSystem::Prometheus { url: format!("http://{address}") }, &promql()));
    let (queries, span) = (queries(false), Span { from: at(0), to: at(4), step: MINUTE });
    let ask = || GateAsk { queries: &queries, with: release(), span };
    let found = sources.gate_minutes(&[ask(), ask()], Tick { pushed: &Pushes::new(), now: at(10) }).await;
    assert_eq!(found[0], found[1]);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_source_that_fails_gives_gaps_with_its_own_words() {
    let (address, _) = prometheus(vec![("requests{v=\"2.3.0\"}", matrix(&[(at(1), "5")]))]).await;
    let sources_up = sources(source(SourceSystem::Prometheus { url: format!("http://{address}") }, &promql()));
    let (found, reasons) = minutes(&sources_up, &Pushes::new(), false).await;
    assert!(found.iter().all(|minute| minute.candidate.is_none()), "errors that could not be asked for are not zero: {found:?}");
    assert!(reasons.iter().any(|reason| reason.contains("parse error")), "{reasons:?}");

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let (found, reasons) = minutes(&sources(source(SourceSystem::Prometheus { url }, &promql())), &Pushes::new(), false).await;
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|minute| minute.candidate.is_none()));
    assert!(reasons[0].contains("does not answer"), "{reasons:?}");
}

#[tokio::test]
async fn odd_answers_of_prometheus_are_errors() {
    let two =
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"values\":[]},{\"values\":[]}]}}".to_owned();
    let table = vec![("many", two), ("html", "<html>".into()), ("old", matrix(&[(at(0), "1"), (at(1), "3")]))];
    let (address, _) = prometheus(table).await;
    let query = |text: &str| QuerySpec::PromQl(text.into());
    let spec = [("many", query("many")), ("html", query("html")), ("old", query("old"))];
    let sources = sources(source(SourceSystem::Prometheus { url: format!("http://{address}") }, &spec));
    let (pushed, with) = (Pushes::new(), Substitution::default());
    let value =
        async |query: &str| sources.metric_value((&name(query), &with), MINUTE * 15, Tick { pushed: &pushed, now: at(10) }).await;
    assert_eq!(value("many").await, Err(ObserveError::ManySeries(2)));
    assert!(matches!(value("html").await, Err(ObserveError::Refused { .. })));
    assert!(matches!(value("old").await, Err(ObserveError::NoData(_))), "nine minutes old is not the last fifteen");
    assert!(matches!(value("none").await, Err(ObserveError::UnknownQuery(_))));
}

#[tokio::test]
async fn a_file_gives_counts_levels_and_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counts.csv");
    let rows = [
        format!("{},1,100,7.5", at(0)),
        format!("{},,90,8.5", at(1)),
        format!("{},oops,80,-3", at(2)),
        format!("{},3,,9.5", at(3)),
        "yesterday,1,1,1".to_owned(),
        format!("{},5,5,5", at(60)),
    ];
    std::fs::write(&path, format!("timestamp,errors.2.3.0,requests.2.3.0,load\n{}\n", rows.join("\n"))).unwrap();
    let series = |text: &str| QuerySpec::Series(text.into());
    let spec = [
        ("errors_new", series("errors.${version}")),
        ("requests_new", series("requests.${version}")),
        ("load", series("load")),
        ("absent", series("absent")),
    ];
    let sources = sources(source(SourceSystem::File { path }, &spec));
    let (found, reasons) = minutes(&sources, &Pushes::new(), false).await;
    let candidates: Vec<Option<Counts>> = found.iter().map(|minute| minute.candidate).collect();
    assert_eq!(candidates, [counts(1, 100), counts(0, 90), None, None]);
    for part in ["oops", "timestamp", "future"] {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
    let tick = Tick { pushed: &Pushes::new(), now: at(10) };
    let span = Span { from: at(0), to: at(10), step: MINUTE };
    let load = LoadQuery { source: name("metrics"), query: name("load") };
    assert_eq!(history(&sources, &load, (span, tick)).await.unwrap(), [(at(0), 7.5), (at(1), 8.5), (at(3), 9.5)]);
    let absent = LoadQuery { source: name("metrics"), query: name("absent") };
    assert!(matches!(history(&sources, &absent, (span, tick)).await, Err(ObserveError::NoSeries { .. })));
}

#[tokio::test]
async fn a_file_with_one_value_column_serves_every_series_and_a_missing_one_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.csv");
    let spec = [("load", QuerySpec::Series("anything".into()))];
    let sources = sources(source(SourceSystem::File { path: path.clone() }, &spec));
    let (tick, span) = (Tick { pushed: &Pushes::new(), now: at(10) }, Span { from: at(0), to: at(10), step: MINUTE });
    let load = LoadQuery { source: name("metrics"), query: name("load") };
    assert!(matches!(history(&sources, &load, (span, tick)).await, Err(ObserveError::File { .. })));
    std::fs::write(&path, format!("timestamp,value\n{},42\n", at(5))).unwrap();
    assert_eq!(history(&sources, &load, (span, tick)).await.unwrap(), [(at(5), 42.0)], "read anew each tick");
    std::fs::write(&path, "time;value\n").unwrap();
    assert!(matches!(history(&sources, &load, (span, tick)).await, Err(ObserveError::File { .. })));
}

#[tokio::test]
async fn pushed_counts_wait_for_every_listed_sender() {
    let mut book = Book::default();
    for (minute, sender, counts) in [
        (0, "edge1", &[("requests.2.3.0", 60), ("errors.2.3.0", 1)][..]),
        (0, "edge2", &[("requests.2.3.0", 40)]),
        (1, "edge1", &[("requests.2.3.0", 60)]),
        (2, "edge1", &[("requests.2.3.0", 10)]),
        (2, "edge2", &[("requests.2.2.0", 5)]),
    ] {
        book.put(at(minute), &name(sender), counts.iter().copied());
    }
    let series = |text: &str| QuerySpec::Series(text.into());
    let spec = [
        ("errors_new", series("errors.${version}")),
        ("requests_new", series("requests.${version}")),
        ("errors_old", series("errors.2.2.0")),
        ("requests_old", series("requests.2.2.0")),
    ];
    let pushed = Pushes::from([(name("metrics"), Arc::new(book))]);
    let sources = sources(source(SourceSystem::Push { senders: vec![name("edge1"), name("edge2")] }, &spec));
    let (found, _) = minutes(&sources, &pushed, true).await;
    let expected = [
        Minute { at: at(0), candidate: counts(1, 100), baseline: None },
        Minute { at: at(1), candidate: None, baseline: None },
        Minute { at: at(2), candidate: counts(0, 10), baseline: counts(0, 5) },
        Minute { at: at(3), candidate: None, baseline: None },
    ];
    assert_eq!(found, expected);
}

async fn probe(check: Check) -> Evidence {
    let sources = sources(source(SourceSystem::Push { senders: vec![] }, &[]));
    let (pushed, with) = (Pushes::new(), Substitution::default());
    let tick = Tick { pushed: &pushed, now: clock::now() };
    Probes::new().unwrap().probe(&check, Probe { sources: &sources, with: &with, tick }).await
}

fn http(url: String) -> Check {
    Check::Http { url, status: 200, within: Duration::from_millis(500) }
}

fn command(arguments: &[&str], within: Duration) -> Check {
    Check::Command { command: arguments.iter().map(|argument| (*argument).to_owned()).collect(), within }
}

#[tokio::test]
async fn http_is_green_red_or_unknown() {
    let address = serve(|path, _| match path {
        "/ok" => (200, "fine".into()),
        "/moved" => (302, String::new()),
        _ => (500, "no".into()),
    })
    .await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (silent_at, closed_at) = (silent.local_addr().unwrap(), closed.local_addr().unwrap());
    drop(closed);
    for (url, outcome, detail) in [
        (format!("http://{address}/ok"), Outcome::Green, "status 200 in"),
        (format!("http://{address}/bad"), Outcome::Red, "status 500 in"),
        (format!("http://{address}/moved"), Outcome::Red, "status 302 in"),
        (format!("http://{silent_at}/"), Outcome::Red, "within 0.5s"),
        (format!("http://{closed_at}/"), Outcome::Red, "refused"),
        ("http://name.that.does.not.exist.invalid/".into(), Outcome::Unknown, "does not resolve"),
        ("file:///etc/passwd".into(), Outcome::Unknown, "not an http"),
        ("nonsense".into(), Outcome::Unknown, "not an http"),
    ] {
        let evidence = probe(http(url.clone())).await;
        assert_eq!(evidence.outcome, outcome, "{url}: {}", evidence.detail);
        assert!(evidence.detail.contains(detail), "{url}: {}", evidence.detail);
    }
}

#[tokio::test]
async fn an_endless_body_does_not_hold_the_probe() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1_024]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8_192]).await.is_ok() {}
    });
    let check = Check::Http { url: format!("http://{address}/"), status: 200, within: Duration::from_secs(20) };
    assert_eq!(probe(check).await.outcome, Outcome::Green);
}

#[tokio::test]
async fn a_metric_is_held_against_its_bounds() {
    let now = clock::now();
    let mut book = Book::default();
    for minute in 0..30 {
        book.put(now.checked_sub(MINUTE * minute).unwrap(), &name("edge1"), [("requests", 120)]);
    }
    let pushed = Pushes::from([(name("metrics"), Arc::new(book))]);
    let sources = sources(source(SourceSystem::Push { senders: vec![] }, &[("rate", QuerySpec::Series("requests".into()))]));
    let (with, probes) = (Substitution::default(), Probes::new().unwrap());
    for (query, below, above, outcome) in [
        ("rate", Some(3.0), None, Outcome::Green),
        ("rate", Some(3.0), Some(1.0), Outcome::Green),
        ("rate", Some(2.0), None, Outcome::Red),
        ("rate", None, Some(2.5), Outcome::Red),
        ("rate", None, None, Outcome::Unknown),
        ("other", Some(3.0), None, Outcome::Unknown),
    ] {
        let check = Check::Metric { query: name(query), below, above, over: MINUTE * 15 };
        let tick = Tick { pushed: &pushed, now };
        let evidence = probes.probe(&check, Probe { sources: &sources, with: &with, tick }).await;
        assert_eq!(evidence.outcome, outcome, "{query} {below:?} {above:?}: {}", evidence.detail);
    }
}

#[tokio::test]
async fn a_command_is_green_red_or_unknown() {
    let limit = Duration::from_secs(10);
    for (arguments, outcome, detail) in [
        (&["true"][..], Outcome::Green, "exits 0"),
        (&["sh", "-c", "echo 'cache is cold' >&2; exit 3"], Outcome::Red, "exits 3: cache is cold"),
        (&["sh", "-c", "kill -9 $$"], Outcome::Unknown, "signal"),
        (&["/nonexistent/program"], Outcome::Unknown, "did not start"),
        (&[], Outcome::Unknown, "empty"),
        (&["sh", "-c", "head -c 50000000 /dev/zero | tr '\\0' x; exit 1"], Outcome::Red, "exits 1: xxx"),
        (&["sh", "-c", "sleep 60 & exit 0"], Outcome::Green, "exits 0"),
        (&["echo", "$HOME; ls"], Outcome::Green, "exits 0: $HOME; ls"),
    ] {
        let evidence = probe(command(arguments, limit)).await;
        assert_eq!(evidence.outcome, outcome, "{arguments:?}: {}", evidence.detail);
        assert!(evidence.detail.contains(detail), "{arguments:?}: {}", evidence.detail);
        assert!(evidence.detail.len() < 1_000);
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let evidence = probe(command(&["sh", "-c", &script], Duration::from_millis(700))).await;
    assert_eq!(evidence.outcome, Outcome::Unknown, "{}", evidence.detail);
    assert!(evidence.detail.contains("0.7s"), "{}", evidence.detail);
    let child: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let deadline = clock::monotonic() + Duration::from_secs(10);
    while is_running(child) {
        assert!(clock::monotonic() < deadline, "the grandchild {child} outlived the probe");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Neither gone nor a zombie that waits for its reaper.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[tokio::test]
async fn one_item_is_checked_once_at_a_time() {
    let sources = sources(source(SourceSystem::Push { senders: vec![] }, &[]));
    let (pushed, with, probes) = (Pushes::new(), Substitution::default(), Probes::new().unwrap());
    let look = Probe { sources: &sources, with: &with, tick: Tick { pushed: &pushed, now: clock::now() } };
    let slow = command(&["sleep", "0.5"], Duration::from_secs(10));
    let (first, second, other) =
        tokio::join!(probes.run("r/slow", &slow, look), probes.run("r/slow", &slow, look), probes.run("r/other", &slow, look));
    assert!(first.is_some() && second.is_none() && other.is_some());
    assert!(probes.run("r/slow", &slow, look).await.is_some(), "free again");
}
