//! Overrides of groups: what is in force, what one would do, and orders to impose, extend and clear.
//!
//! Nothing is decided here: a preview asks the same function as the order. Invariant: an order goes to the daemon with
//! absolute numbers, whatever the request says, so that a repeat under its Idempotency-Key means the same.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::call::{Call, reason};
use super::etag;
use super::orders::maybe_why;
use super::problem::Problem;
use super::reading::Reading;
use super::status::{OverrideList, Preview};
use crate::core::decide::{Command, Order, Snapshot, Told, override_quote};
use crate::core::load::{OverrideKind, OverrideTo, more};
use crate::core::words::{Capacity, Name, later, parse_duration};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Imposed {
    /// Instances; not for a freeze.
    instances: Option<u32>,
    /// Instead of instances, for a floor: so many percent more than there are now.
    more_percent: Option<f64>,
    #[serde(rename = "for")]
    lasting: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Longer {
    #[serde(rename = "for")]
    lasting: String,
    reason: Option<String>,
}

/// `GET /api/v1/overrides`
pub fn list(call: &Call) -> Response {
    let overrides = Reading { view: &call.view, now: call.now }.overrides(None);
    ([(ETAG, etag::overrides(&call.view))], Json(OverrideList { overrides })).into_response()
}

/// `PUT /api/v1/overrides/{group}/{kind}?dry_run=`
pub async fn add(call: Call) -> Result<Response, Problem> {
    call.expect_match(&etag::overrides(&call.view))?;
    let body: Imposed = call.json()?;
    let (group, kind) = group_and_kind(&call)?;
    let to = imposed(&call, (&group, kind), &body)?;
    let (expires_at, why) = (lasts(&call, &body.lasting)?, reason(&body.reason)?);
    let order = Order::Override { group, to, expires_at };
    match call.query.get("dry_run").map(String::as_str) {
        None | Some("false") => call.order(order, why).await.map(said),
        Some("true") => preview(&call, order, why),
        Some(_) => Err(Problem::malformed("`dry_run` is true or false")),
    }
}

/// `PUT /api/v1/overrides/{group}/{kind}/end`
pub async fn extend(call: Call) -> Result<Response, Problem> {
    call.expect_match(&etag::overrides(&call.view))?;
    let body: Longer = call.json()?;
    let (group, kind) = group_and_kind(&call)?;
    let by = duration(&body.lasting)?;
    let why = body.reason.map(|text| reason(&text)).transpose()?.unwrap_or_default();
    call.order(Order::ExtendOverride { group, kind, by }, why).await.map(said)
}

/// `DELETE /api/v1/overrides/{group}/{kind}?reason=`
pub async fn clear(call: Call) -> Result<Response, Problem> {
    call.expect_match(&etag::overrides(&call.view))?;
    let (group, kind) = group_and_kind(&call)?;
    let asked = call.query.get("reason").map(|text| reason(text)).transpose()?;
    let why = asked.map_or_else(|| maybe_why(&call), |why| Ok(Some(why)))?;
    call.order(Order::ClearOverride { group, kind }, why.unwrap_or_default()).await.map(said)
}

/// What it would do, and the request that would do just that: with absolute numbers.
fn preview(call: &Call, order: Order, why: String) -> Result<Response, Problem> {
    let by = call.by.clone().ok_or_else(Problem::unknown_person)?;
    let (view, now) = (&call.view, call.now);
    let command = Command { by, order, reason: why };
    let state = view.decision.state.clone();
    let snapshot = Snapshot { state, commands: Vec::new(), now, ..view.snapshot.clone() };
    let quote = override_quote(&snapshot, &command).map_err(Problem::refused)?;
    let preview = Preview {
        sentence: quote.sentence(),
        group: quote.group.to_string(),
        kind: quote.to.kind().word().into(),
        instances: quote.to.instances().map(|instances| instances.0),
        expires_at: quote.expires_at,
        floor_now: quote.floor_now.map(|floor| floor.0),
        floor_then: quote.floor_then.map(|floor| floor.0),
        set_at: quote.set_at,
        cost: quote.cost,
        currency: quote.currency,
        notes: quote.notes,
    };
    Ok(Json(preview).into_response())
}

fn group_and_kind(call: &Call) -> Result<(Name, OverrideKind), Problem> {
    let kind = call.parameters.get("kind").and_then(|word| OverrideKind::of(word));
    Ok((call.name("group")?, kind.ok_or_else(Problem::not_found)?))
}

fn imposed(call: &Call, (group, kind): (&Name, OverrideKind), body: &Imposed) -> Result<OverrideTo, Problem> {
    if kind == OverrideKind::Freeze {
        let bare = body.instances.is_none() && body.more_percent.is_none();
        let detail = "a freeze keeps a group as it is and takes no number; a pin holds it at one";
        return if bare { Ok(OverrideTo::Freeze) } else { Err(Problem::malformed(detail)) };
    }
    let instances = match (body.instances, body.more_percent) {
        (Some(instances), None) => Capacity(instances),
        (None, Some(percent)) if kind == OverrideKind::Floor => more_of(call, group, percent)?,
        _ => {
            let detail = "name `instances`, a whole number, or for a floor `more_percent`, how much more than there is now";
            return Err(Problem::malformed(detail));
        }
    };
    Ok(match kind {
        OverrideKind::Ceiling => OverrideTo::Ceiling(instances),
        OverrideKind::Pin => OverrideTo::Pin(instances),
        OverrideKind::Floor | OverrideKind::Freeze => OverrideTo::Floor(instances),
    })
}

fn more_of(call: &Call, group: &Name, percent: f64) -> Result<Capacity, Problem> {
    if !(percent > 0.0 && percent <= 1_000.0) {
        return Err(Problem::malformed("`more_percent` is above 0 and at most 1000"));
    }
    if !call.view.snapshot.config.scalings.contains_key(group) {
        return Err(Problem::not_found());
    }
    let detail = format!("{group} is not seen now, so nobody knows what {percent} % more of it is; name the instances");
    let seen = call.view.snapshot.observed.groups.get(group);
    let seen = seen.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "not_observed", detail))?;
    Ok(more(seen, percent))
}

fn duration(text: &str) -> Result<std::time::Duration, Problem> {
    let lasting = parse_duration(text).map_err(|error| Problem::malformed(format!("`for`: {error}")))?;
    let detail = "`for` is how long, such as 2h; an override without a length would impose nothing";
    if lasting.is_zero() { Err(Problem::malformed(detail)) } else { Ok(lasting) }
}

fn lasts(call: &Call, text: &str) -> Result<Timestamp, Problem> {
    Ok(later(call.now, duration(text)?))
}

fn said(told: Told) -> Response {
    (StatusCode::OK, Json(told)).into_response()
}
