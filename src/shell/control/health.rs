//! For monitors on this machine: alive, ready, metrics.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::call::Call;
use super::mirrors;
use super::problem::Problem;
use super::sentences;

/// The content type of Prometheus' text exposition.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /`
pub fn front(_: &Call) -> Response {
    "tminus: how things stand is at /api/v1/releases, or `tminus status`\n".into_response()
}

/// `GET /-/healthy`: the listener runs and somebody sits behind the desk.
pub fn healthy(call: &Call) -> Result<Response, Problem> {
    if call.counter.desk.asks.is_closed() {
        return Err(Problem::busy("stopping", "the daemon is stopping"));
    }
    Ok("healthy\n".into_response())
}

/// `GET /-/ready`: the first decision is made, documents are in force, and decisions can be made durable.
pub fn ready(call: &Call) -> Result<Response, Problem> {
    if let Some(trouble) = &call.view.not_durable {
        return Err(Problem::busy("not_durable", format!("decisions cannot be made durable: {trouble}")));
    }
    if call.view.ready {
        // Ready is about serving, and older documents serve as well; that they are old is said all the same.
        let lines: Vec<String> = ["ready".into()].into_iter().chain(sentences::papers(&call.view.papers)).collect();
        return Ok(format!("{}\n", lines.join("\n")).into_response());
    }
    Err(Problem::busy("not_ready", "the first decision is not made yet, or no documents are in force"))
}

/// `GET /metrics`
pub fn metrics(call: &Call) -> Response {
    let text = mirrors::exposition(&call.view, call.now);
    ([(CONTENT_TYPE, EXPOSITION)], text).into_response()
}
