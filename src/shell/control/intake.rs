//! What programs bring: documents by `apply`, counts by an edge.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::call::{Call, ask, reason};
use super::desk::{Ask, NotApplied, NotRemoved};
use super::orders::maybe_why;
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

/// `POST /-/reload`
pub async fn reload(call: Call) -> Result<Response, Problem> {
    let by = call.by.clone();
    let reloaded = ask(&call.counter.desk, |reply| Ask::Reload { by, reply }).await?;
    Ok((StatusCode::OK, Json(reloaded.map_err(Problem::invalid_documents)?)).into_response())
}

/// `DELETE /api/v1/documents/{kind}/{name}`
pub async fn remove(call: Call) -> Result<Response, Problem> {
    let (name, by) = (call.name("name")?, call.by.clone().ok_or_else(Problem::unknown_person)?);
    let kind = call.parameters.get("kind").cloned().unwrap_or_default();
    let asked = call.query.get("reason").map(|text| reason(text)).transpose()?;
    let why = asked.map_or_else(|| maybe_why(&call), |why| Ok(Some(why)))?;
    let reason = why.ok_or_else(|| Problem::malformed("removing a document needs a reason; everybody will read it"))?;
    let removed = ask(&call.counter.desk, |reply| Ask::Remove { by, kind, name, reason, reply }).await?;
    let told = removed.map_err(|not| match not {
        NotRemoved::Refused(told) => Problem::refused(told),
        NotRemoved::Findings(findings) => Problem::invalid_documents(findings),
    })?;
    Ok((StatusCode::OK, Json(told)).into_response())
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
