//! What programs bring: documents by `apply`, counts by an edge.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::call::{Call, ask};
use super::desk::{Ask, NotApplied};
use super::problem::Problem;
use crate::shell::data::PushedCounts;

/// Most series in one report: a few codes for each version that is out.
const MOST_SERIES: usize = 1_000;

/// Longest name of a series in bytes.
const LONGEST_SERIES: usize = 200;

/// `PUT /api/v1/documents`
pub async fn documents(call: Call) -> Result<Response, Problem> {
    let text = String::from_utf8(call.body.to_vec()).map_err(|_| Problem::malformed("documents are UTF-8"))?;
    let by = call.by.clone().ok_or_else(Problem::unknown_person)?;
    let applied = ask(&call.counter.desk, |reply| Ask::Apply { by, text, reply }).await?;
    let applied = applied.map_err(|not| match not {
        NotApplied::Findings(findings) => Problem::invalid_documents(findings),
        NotApplied::NotCommitted(told) => Problem::refused(told),
    })?;
    Ok((StatusCode::OK, Json(applied)).into_response())
}

/// `POST /api/v1/gates/counts/{source}`
pub async fn counts(call: Call) -> Result<Response, Problem> {
    let source = call.name("source")?;
    let counts: PushedCounts = call.json()?;
    let fits = counts.counts.len() <= MOST_SERIES && counts.counts.keys().all(|series| series.len() <= LONGEST_SERIES);
    if !fits {
        return Err(Problem::malformed("a report has at most 1000 series with names of at most 200 bytes"));
    }
    ask(&call.counter.desk, |reply| Ask::Push { source, counts, reply }).await?.map_err(Problem::refused)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
