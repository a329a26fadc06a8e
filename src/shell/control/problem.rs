//! What the counter answers when it cannot do what was asked: RFC 9457 problems with a stable `code`.
//!
//! Invariant: nothing of the request is echoed in a problem of somebody who is not known, and a thing that is hidden
//! and a thing that is absent read the same.

use axum::Json;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::core::decide::Told;
use crate::shell::data::Finding;

/// An error over HTTP. `detail` is a whole sentence, `code` a stable word for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do next.
    pub detail: String,
    /// A stable word, such as `not_ready`.
    pub code: String,
    /// What is wrong with documents that were refused.
    pub findings: Vec<Finding>,
    /// When asking again is useful, in seconds.
    pub retry_after_secs: Option<u32>,
}

/// A problem as RFC 9457 writes it; `type` and `title` follow from code and status.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    code: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_secs: Option<u32>,
}

impl From<Problem> for Wire {
    fn from(problem: Problem) -> Self {
        let title = problem.status().canonical_reason().unwrap_or("Error").into();
        let Problem { status, detail, code, findings, retry_after_secs } = problem;
        Self { kind: format!("urn:tminus:problem:{code}"), title, status, detail, code, findings, retry_after_secs }
    }
}

impl From<Wire> for Problem {
    fn from(wire: Wire) -> Self {
        let Wire { status, detail, code, findings, retry_after_secs, .. } = wire;
        Self { status, detail, code, findings, retry_after_secs }
    }
}

impl Problem {
    /// A problem with a code and a sentence.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let (status, code) = (status.as_u16(), code.into());
        Self { status, detail: detail.into(), code, findings: Vec::new(), retry_after_secs: None }
    }

    /// 400: the request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: nobody known asked.
    pub fn unknown_person() -> Self {
        let detail = "this needs a token of somebody in `people`; send it as `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::UNAUTHORIZED, "unknown_person", detail)
    }

    /// 403: somebody known, without the role.
    pub fn forbidden(role: &str) -> Self {
        let detail = format!("this needs the role {role}, which this token does not have; nothing was changed");
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404, the same for everything.
    pub fn not_found() -> Self {
        let detail = "there is nothing here; `tminus status` lists the releases and groups, docs/API.md the routes";
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 404: nothing is known that a forecast could be learned from.
    pub fn no_history() -> Self {
        let detail = "nothing is known of its load, so nothing can be forecast; give its policy a `load` and look at that source";
        Self::new(StatusCode::NOT_FOUND, "no_history", detail)
    }

    /// 412: it changed since it was read.
    pub fn changed_since() -> Self {
        let detail = "it changed since the ETag in If-Match was read; nothing was done, read it again and decide anew";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed_since", detail)
    }

    /// 503: come back soon.
    pub fn busy(code: &str, detail: impl Into<String>) -> Self {
        Self { retry_after_secs: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }

    /// 409, 422 where limits forbid it, or 404 where the daemon knows nothing of the kind.
    pub fn refused(told: Told) -> Self {
        if matches!(
            told.code.as_str(),
            "unknown_release" | "unknown_item" | "unknown_source" | "unknown_document" | "unknown_group"
        ) {
            return Self::not_found();
        }
        // Nothing was decided: the same request may be carried out later, under the same Idempotency-Key.
        if matches!(told.code.as_str(), "not_committed" | "not_stored") {
            return Self::busy(&told.code, told.message);
        }
        // What is asked for can never be, however things stand.
        if matches!(told.code.as_str(), "already_over" | "beyond_maximum" | "beyond_limits" | "beyond_cost") {
            return Self::new(StatusCode::UNPROCESSABLE_ENTITY, &told.code, told.message);
        }
        Self::new(StatusCode::CONFLICT, &told.code, told.message)
    }

    /// 422: documents with errors; what was in force stays in force.
    pub fn invalid_documents(findings: Vec<Finding>) -> Self {
        let count = if findings.len() == 1 { "1 finding".into() } else { format!("{} findings", findings.len()) };
        let detail = format!("{count}; nothing was applied, the documents in force stay in force");
        Self { findings, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_documents", detail) }
    }

    /// The status, for those who match on it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after_secs = self.retry_after_secs;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(secs) = retry_after_secs {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tminus\""));
        }
        response
    }
}

/// 405 with the methods that would do.
pub fn wrong_method(allowed: &str) -> Response {
    let detail = format!("this address answers {allowed} only");
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail).into_response();
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
