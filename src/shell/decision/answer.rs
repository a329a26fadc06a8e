//! From a request to a response: routes, methods, decisions, conditional answers, problems (RFC 9457).
//!
//! Not here: sockets, and any waiting. Invariant: a decision is never stored by a cache in between; every answer says
//! `no-cache`, and an entity tag is compared with a decision made now.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::json;

use super::meter::Meter;
use super::query::{self, Problem};
use super::wire::{entity_tag, names_tag, to_json};
use crate::core::throttle::Table;
use crate::shell::clock;

/// Largest body that a caller may send along, in bytes. No answer depends on it; some clients send an empty object.
const LARGEST_BODY: u64 = 8 * 1_024;

/// Least and spread of `Retry-After` while no documents are in force, in seconds: a start takes moments, and clients
/// that met it must not return together.
const NOT_IN_FORCE_SECS: (u32, u32) = (5, 10);

const CLIENT: HeaderName = HeaderName::from_static("x-tminus-client");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A whole response.
pub(super) type Answer = Response<Full<Bytes>>;

/// Answers a request from a table.
pub(super) fn answer<B: Body>(request: &Request<B>, table: &Table, meter: &Meter) -> Answer {
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if request.body().size_hint().lower() > LARGEST_BODY {
        meter.invalid.increment(1);
        return too_large();
    }
    match request.uri().path() {
        "/v1/decision" if reads => decision(request, table, meter),
        "/-/healthy" if reads => healthy(),
        "/v1/decision" | "/-/healthy" => {
            meter.invalid.increment(1);
            let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, "ask with GET or HEAD", &[]);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            answer
        }
        _ => {
            meter.invalid.increment(1);
            problem(StatusCode::NOT_FOUND, "this listener answers GET /v1/decision and GET /-/healthy", &[])
        }
    }
}

fn decision<B>(request: &Request<B>, table: &Table, meter: &Meter) -> Answer {
    if !table.is_in_force() {
        meter.not_in_force.increment(1);
        return not_in_force();
    }
    let client = request.headers().get(CLIENT).map(HeaderValue::as_bytes);
    let asked = match query::read(request.uri().query().unwrap_or(""), client) {
        Ok(asked) => asked,
        Err(problems) => {
            meter.invalid.increment(1);
            return invalid(&problems);
        }
    };
    // With a client id nothing is left to chance, so none is drawn.
    let draw = if asked.client.is_some() { 0 } else { clock::draw() };
    let decision = table.decide(&asked, draw);
    meter.decided(decision.reason);
    let tag = entity_tag(&decision);
    if is_known(request.headers(), &tag) {
        return tagged(StatusCode::NOT_MODIFIED, &tag, Bytes::new());
    }
    let mut answer = tagged(StatusCode::OK, &tag, to_json(&decision).into());
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|header| header.to_str().ok()).any(|header| names_tag(header, tag))
}

fn tagged(status: StatusCode, tag: &str, body: Bytes) -> Answer {
    let mut answer = with_status(status, body);
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

fn with_status(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    answer
}

fn healthy() -> Answer {
    let mut answer = with_status(StatusCode::OK, Bytes::from_static(b"ok\n"));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

fn invalid(problems: &[Problem]) -> Answer {
    let sentences: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.parameter, problem.detail)).collect();
    let detail = format!("no decision without app, version and channel that can be read; {}", sentences.join("; "));
    problem(StatusCode::BAD_REQUEST, &detail, problems)
}

fn too_large() -> Answer {
    let mut answer = problem(StatusCode::PAYLOAD_TOO_LARGE, "a decision takes no body", &[]);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn not_in_force() -> Answer {
    let detail = "no documents are in force yet, so nobody is served; keep what you have and ask again";
    let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, detail, &[]);
    let (least, spread) = NOT_IN_FORCE_SECS;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(least + clock::draw() % (spread + 1)));
    answer
}

/// A problem; `errors` has one entry per parameter.
fn problem(status: StatusCode, detail: &str, errors: &[Problem]) -> Answer {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail, "errors": errors});
    let mut answer = with_status(status, body.to_string().into());
    answer.headers_mut().insert(CONTENT_TYPE, PROBLEM);
    answer
}
