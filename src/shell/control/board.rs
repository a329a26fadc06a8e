//! How things stand, read out of the last view. Nothing here asks the daemon.

use axum::Json;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::call::Call;
use super::etag;
use super::problem::Problem;
use super::reading::Reading;
use super::status::{ChecklistList, ChecklistStatus, HaltList, PrimingList, Status};
use crate::core::decide::plan_view;

/// `GET /api/v1/releases`
pub fn releases(call: &Call) -> Response {
    tagged(etag::releases(&call.view), reading(call).list())
}

/// `GET /api/v1/releases/{release}`
pub fn release(call: &Call) -> Result<Response, Problem> {
    let release = call.release()?;
    Ok(tagged(etag::release(&call.view, &release.name), reading(call).status(release)))
}

/// `GET /api/v1/checklists`
pub fn checklists(call: &Call) -> Response {
    let statuses = reading(call).list().releases;
    Json(ChecklistList { checklists: statuses.into_iter().map(items).collect() }).into_response()
}

/// `GET /api/v1/checklists/{release}`
pub fn checklist(call: &Call) -> Result<Response, Problem> {
    let release = call.release()?;
    Ok(tagged(etag::release(&call.view, &release.name), items(reading(call).status(release))))
}

/// `GET /api/v1/gates/{release}`
pub fn gate(call: &Call) -> Result<Response, Problem> {
    Ok(Json(reading(call).gate(call.release()?)).into_response())
}

/// `GET /api/v1/priming`
pub fn priming(call: &Call) -> Response {
    let policies = call.view.snapshot.config.primings.keys();
    let priming = policies.map(|policy| reading(call).coverage(policy)).collect();
    Json(PrimingList { priming }).into_response()
}

/// `GET /api/v1/halts`
pub fn halts(call: &Call) -> Response {
    tagged(etag::halts(&call.view), HaltList { halts: reading(call).halts(None) })
}

/// `GET /api/v1/plans/{release}`
pub fn plan(call: &Call) -> Result<Response, Problem> {
    let release = call.release()?;
    let plan = plan_view(&call.view.snapshot, &call.view.decision, release);
    Ok(tagged(etag::release(&call.view, &release.name), plan))
}

fn items(status: Status) -> ChecklistStatus {
    let readiness = status.readiness;
    ChecklistStatus { release: status.release, word: readiness.word, reasons: readiness.reasons, items: readiness.items }
}

fn reading(call: &Call) -> Reading<'_> {
    Reading { view: &call.view, now: call.now }
}

fn tagged(tag: String, body: impl Serialize) -> Response {
    ([(ETAG, tag)], Json(body)).into_response()
}
