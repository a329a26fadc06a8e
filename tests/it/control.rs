//! The control listener over real sockets: every route with every role, refusals, limits, the stream of events.

mod fake;
mod limits;
mod overrides;
mod verbs;

use std::collections::BTreeSet;

use tminus::shell::control::{Least, ROUTES, Route, Takes};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use fake::{Reply, open, person, put, send};

const REASON: &str = r#"{"reason": "because"}"#;

/// A saved plan that was made from nothing, with the digest of that.
const EMPTY_PLAN: &str = r#"{"made_from": {"documents": {}, "state": {}, "world": {}, "floors": {}}, "digest": "01c1480b426dfa6a7eef6d32a729b6f9a078aa61d9bec2808dd27ae17ba82b86"}"#;

/// A request that this route would carry out: its path, and a body of the right shape.
fn example(route: &Route) -> (String, &'static str, &'static str) {
    let path = route.path.replace("{release}", "plain").replace("{phase}", "hold").replace("{item}", "nothing");
    let path = path.replace("{app}", "reader").replace("{source}", "edge").replace("{name}", "x");
    let kind = if route.path.contains("overrides") { "floor" } else { "Release" };
    let path = path.replace("{group}", "reader-api").replace("{kind}", kind);
    let (kind, body) = match route.takes {
        Takes::Nothing => ("X-Nothing: 1", ""),
        Takes::Yaml => ("Content-Type: text/yaml", "kind: Release\n"),
        Takes::Json if route.path.contains("counts") => {
            ("Content-Type: application/json", r#"{"from": "e1", "at": "2026-12-01T12:00:00Z", "counts": {"errors.2.3.0": 1}}"#)
        }
        Takes::Json if route.path.ends_with("/end") => ("Content-Type: application/json", r#"{"for": "1h"}"#),
        Takes::Json if route.path.contains("overrides") => {
            ("Content-Type: application/json", r#"{"instances": 12, "for": "2h", "reason": "because"}"#)
        }
        Takes::Json if route.path.contains("waivers") => ("Content-Type: application/json", r#"{"reason": "late", "for": "2d"}"#),
        Takes::Json if route.path.contains("plans") => ("Content-Type: application/json", EMPTY_PLAN),
        Takes::Json | Takes::OptionalJson => ("Content-Type: application/json", REASON),
    };
    (path, kind, body)
}

#[tokio::test]
async fn every_route_asks_for_its_role() {
    let roles = [("viewer", 1), ("sre", 0), ("operator", 2), ("admin", 3)];
    let people = roles.iter().map(|(role, _)| person(role, &[role])).collect();
    let room = open(people).await;
    let needed =
        |least| [Least::Known, Least::Viewer, Least::Operator, Least::Admin].iter().position(|one| *one == least).unwrap_or(0);
    for route in ROUTES {
        let (path, kind, body) = example(route);
        let line = format!("{} {path}", route.method);
        let nobody = send(room.address, &line, &[kind], body).await;
        let stranger = send(room.address, &line, &[kind, "Authorization: Bearer stranger"], body).await;
        let open = route.least == Least::Anybody;
        assert_eq!((nobody.status == 401, stranger.status == 401), (!open, !open), "{line}: {nobody:?}");
        for (role, rank) in roles {
            let reply = send(room.address, &line, &[kind, &format!("Authorization: Bearer {role}")], body).await;
            assert_eq!(reply.status == 403, rank < needed(route.least), "{line} by {role}: {reply:?}");
            assert!(![400, 401, 405, 415, 500].contains(&reply.status), "{line} by {role}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn every_answer_is_hardened_and_every_error_is_a_problem() {
    let room = open(Vec::new()).await;
    for route in ROUTES {
        let (path, kind, body) = example(route);
        for (line, body) in
            [(format!("{} {path}", route.method), body), (format!("PATCH {path}"), ""), (format!("GET {path}/nowhere"), "")]
        {
            let reply = send(room.address, &line, &[kind], body).await;
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{line}: {reply:?}");
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{line}");
            assert!(!reply.header("content-type").unwrap_or_default().contains("html"), "{line}: {reply:?}");
            assert_eq!(reply.header("access-control-allow-origin"), None, "{line}");
            if reply.status >= 400 {
                problem(&reply);
            }
        }
    }
}

fn problem(reply: &Reply) {
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
    let json = reply.json();
    assert_eq!(json["status"], reply.status, "{reply:?}");
    for key in ["type", "title", "detail", "code"] {
        assert!(json[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {reply:?}");
    }
}

#[tokio::test]
async fn absent_and_unknown_read_the_same() {
    let room = open(vec![person("vera", &["viewer", "operator"])]).await;
    let vera = "Authorization: Bearer vera";
    let bodies: BTreeSet<String> = [
        send(room.address, "GET /api/v1/releases/nothing", &[vera], "").await,
        send(room.address, "GET /api/v1/nothing", &[vera], "").await,
        send(room.address, "GET /%3Cscript%3E", &[vera], "").await,
        send(room.address, "GET /api/v1/releases/%00", &[vera], "").await,
        put(room.address, "/api/v1/releases/plain/phases/explode", &[vera], REASON).await,
        put(room.address, "/api/v1/releases/nothing/phases/go", &[vera], REASON).await,
        put(room.address, "/api/v1/releases/plain/sign-offs/nothing", &[vera], "").await,
    ]
    .into_iter()
    .map(|reply| format!("{} {}", reply.status, reply.body))
    .collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies.first().unwrap().starts_with("404"), "{bodies:?}");
    // Somebody unknown learns nothing of what is there.
    let paths =
        ["/api/v1/releases/plain", "/api/v1/releases/nothing", "/api/v1/nothing", "//api/v1/releases", "/api/v1/releases/%2e%2e"];
    for path in paths {
        assert_eq!(send(room.address, &format!("GET {path}"), &[], "").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_repeat_is_refused() {
    let room = open(Vec::new()).await;
    let hold = "/api/v1/releases/plain/phases/hold";
    assert_eq!(put(room.address, hold, &[], REASON).await.status, 200);
    let again = put(room.address, hold, &[], REASON).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (409, Some("already")), "{again:?}");
    let sign = "/api/v1/releases/reader-2.3/sign-offs/LOAD-TEST";
    let signed = put(room.address, sign, &[], "").await;
    assert_eq!(signed.status, 200, "{signed:?}");
    assert_eq!(put(room.address, sign, &[], "").await.json()["code"], "already_signed");
    let go = put(room.address, "/api/v1/releases/reader-2.3/phases/go", &[], REASON).await;
    assert_eq!((go.status, go.json()["code"].as_str()), (409, Some("not_ready")), "{go:?}");
    assert!(go.json()["detail"].as_str().unwrap().contains("kill-switch"), "what to waive is named: {go:?}");
}

#[tokio::test]
async fn an_order_may_depend_on_what_was_read() {
    let room = open(Vec::new()).await;
    let release = "/api/v1/releases/plain";
    let read = send(room.address, &format!("GET {release}"), &[], "").await;
    let tag = format!("If-Match: {}", read.header("etag").unwrap());
    let weak = format!("If-Match: W/{}", read.header("etag").unwrap());
    let order = |phase: &str| format!("{release}/phases/{phase}");
    assert_eq!(put(room.address, &order("hold"), &["If-Match: \"other\""], REASON).await.status, 412);
    assert_eq!(put(room.address, &order("hold"), &[&weak], REASON).await.status, 412);
    assert_eq!(put(room.address, &order("hold"), &[&tag], REASON).await.status, 200);
    assert_eq!(put(room.address, &order("resume"), &[&tag], REASON).await.status, 412);
    let any = put(room.address, &order("resume"), &["If-Match: *"], REASON).await;
    assert_eq!(any.status, 200, "{any:?}");
    let halts = send(room.address, "GET /api/v1/halts", &[], "").await;
    let tag = format!("If-Match: {}", halts.header("etag").unwrap());
    assert_eq!(put(room.address, "/api/v1/halts/reader", &[&tag], REASON).await.status, 200);
    assert_eq!(put(room.address, "/api/v1/halts/other", &[&tag], REASON).await.status, 412);
}

#[tokio::test]
async fn a_key_makes_a_repeat_the_same() {
    let room = open(vec![person("olga", &["operator"]), person("otto", &["operator"])]).await;
    let hold = "/api/v1/releases/plain/phases/hold";
    let (olga, otto, key) = ("Authorization: Bearer olga", "Authorization: Bearer otto", "Idempotency-Key: k1");
    let first = put(room.address, hold, &[olga, key], REASON).await;
    let again = put(room.address, hold, &[olga, key], REASON).await;
    assert_eq!((first.status, &first.body), (200, &again.body), "{again:?}");
    assert_eq!(put(room.address, hold, &[otto, key], REASON).await.status, 409, "the key is each person's own");
    let other = put(room.address, hold, &[olga, key], r#"{"reason": "other"}"#).await;
    assert_eq!((other.status, other.json()["code"].as_str()), (422, Some("key_reused")));
    assert_eq!(put(room.address, hold, &[olga, "Idempotency-Key: "], REASON).await.status, 400);
}

#[tokio::test]
async fn malformed_orders_do_nothing() {
    let room = open(Vec::new()).await;
    let hold = "/api/v1/releases/plain/phases/hold";
    for body in
        ["", "{", "[]", r#"{"reason": ""}"#, r#"{"reason": "a\nb"}"#, r#"{"reason": "a", "role": "admin"}"#, r#"{"reason": 1}"#]
    {
        let reply = put(room.address, hold, &[], body).await;
        assert_eq!(reply.status, 400, "{body}: {reply:?}");
    }
    let plain = send(room.address, &format!("PUT {hold}"), &["Content-Type: text/plain"], REASON).await;
    assert_eq!(plain.status, 415, "a form of another page cannot give orders");
    let halts = "/api/v1/halts/reader";
    assert_eq!(put(room.address, halts, &[], r#"{"reason": "x", "channel": "a", "version": "1"}"#).await.status, 400);
    assert_eq!(put(room.address, halts, &[], REASON).await.status, 200);
    for query in ["chanel=beta", "break_glass=yes", "break_glass=true", "channel=a&channel=b", "reason="] {
        let reply = send(room.address, &format!("DELETE {halts}?{query}"), &[], "").await;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
    }
    assert_eq!(send(room.address, "GET /api/v1/halts", &[], "").await.json()["halts"].as_array().unwrap().len(), 1);
    let waiver = "/api/v1/releases/reader-2.3/waivers/load-test";
    for body in [r#"{"reason": "x"}"#, r#"{"reason": "x", "for": "soon"}"#, r#"{"reason": "x", "for": "0s"}"#] {
        assert_eq!(put(room.address, waiver, &[], body).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn documents_with_findings_are_refused_whole() {
    let room = open(Vec::new()).await;
    let apply =
        async |body: &str| send(room.address, "PUT /api/v1/documents", &["Content-Type: text/yaml; charset=utf-8"], body).await;
    assert_eq!(apply("kind: Release\n").await.json()["created"][0], "Release/x");
    let refused = apply("kind: Release\nrules:\n  - percnt: 1\n").await;
    problem(&refused);
    assert_eq!((refused.status, &refused.json()["findings"][0]["line"]), (422, &3.into()));
}

#[tokio::test]
async fn hostile_texts_stay_text() {
    let room = open(Vec::new()).await;
    for path in ["/api/v1/releases/reader-2.3", "/api/v1/checklists", "/api/v1/priming", "/api/v1/events?limit=5"] {
        put(room.address, "/api/v1/releases/plain/phases/hold", &[], REASON).await;
        let reply = send(room.address, &format!("GET {path}"), &[], "").await;
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        assert!(reply.body.contains("<script>"), "{path}: it is not altered either");
        assert!(!reply.body.contains('\u{1b}'), "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left() {
    let room = open(Vec::new()).await;
    for phase in ["hold", "resume", "hold"] {
        let path = format!("/api/v1/releases/plain/phases/{phase}");
        assert_eq!(put(room.address, &path, &[], REASON).await.status, 200);
    }
    let page = send(room.address, "GET /api/v1/events?after=1&limit=2", &[], "").await.json();
    assert_eq!((&page["events"][0]["id"], &page["after"]), (&2.into(), &3.into()));
    let mut stream = TcpStream::connect(room.address).await.unwrap();
    let request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nLast-Event-ID: 2\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut ids = async |count: usize| {
        let mut ids = Vec::new();
        while ids.len() < count {
            let line = tokio::time::timeout(std::time::Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap();
            ids.extend(line.unwrap().strip_prefix("id: ").map(|id| id.parse::<i64>().unwrap()));
        }
        ids
    };
    assert_eq!(ids(2).await, [3, 4]);
    put(room.address, "/api/v1/releases/plain/phases/resume", &[], REASON).await;
    assert_eq!(ids(1).await, [5], "a new event comes by itself");
    assert_eq!(send(room.address, "GET /api/v1/events?after=-1", &[], "").await.status, 400);
    // The stream ends with the listener, which does not wait for it.
    tokio::time::timeout(std::time::Duration::from_secs(4), room.stop()).await.unwrap().unwrap();
}

#[tokio::test]
async fn status_says_how_old_everything_is() {
    let room = open(Vec::new()).await;
    let json = send(room.address, "GET /api/v1/releases/reader-2.3", &[], "").await.json();
    assert_eq!(json["readiness"]["word"], "HOLD");
    assert_eq!(json["readiness"]["items"][0]["state"], "pending");
    assert_eq!(json["groups"][0]["in_service"], 5);
    assert_eq!(json["coverage"][0]["nodes"]["edge1"], 1.0);
    assert!(json["coverage"][0]["nodes"]["edge2"].is_null(), "not proven is not zero: {json}");
    for path in [&json["data_age_secs"], &json["groups"][0]["age_secs"], &json["coverage"][0]["age_secs"]] {
        assert!(path.as_u64().is_some_and(|age| age < 60), "{json}");
    }
    assert!(["T-29m5", "T-30m0"].iter().any(|clock| json["clock"].as_str().unwrap().starts_with(clock)), "{json}");
    let plan = send(room.address, "GET /api/v1/plans/plain", &[], "").await.json();
    let kinds: Vec<&str> = plan["actions"].as_array().unwrap().iter().map(|action| action["kind"].as_str().unwrap()).collect();
    let launch: Vec<&&str> = kinds.iter().filter(|kind| ["step", "complete"].contains(*kind)).collect();
    assert_eq!(launch, [&"step", &"step", &"step", &"complete"], "{kinds:?}");
}
