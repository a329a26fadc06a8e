//! Orders of people: phases, sign-offs, waivers, halts. Each becomes one command for the one writer.
//!
//! Nothing is decided here. Invariant: 200 is said only after the daemon's durable commit.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::call::{Call, reason};
use super::etag;
use super::problem::Problem;
use crate::core::decide::{Basis, Order, Told};
use crate::core::throttle::HaltTarget;
use crate::core::words::{Name, later, parse_duration};

/// The phases that can be ordered, as the path names them.
pub const PHASES: [&str; 8] = ["go", "hold", "resume", "advance", "promote", "abort", "clear", "scrub"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MaybeWhy {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverBody {
    reason: String,
    #[serde(rename = "for")]
    lasting: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HaltBody {
    channel: Option<Name>,
    version: Option<String>,
    reason: String,
}

/// `PUT /api/v1/releases/{release}/phases/{phase}`
pub async fn phase(call: Call) -> Result<Response, Problem> {
    let release = call.release()?.name.clone();
    let order = phase_order(call.parameters.get("phase").map(String::as_str).unwrap_or_default(), release.clone())?;
    call.expect_match(&etag::release(&call.view, &release))?;
    let why = reason(&call.json::<Why>()?.reason)?;
    call.order(order, why).await.map(said)
}

fn phase_order(word: &str, release: Name) -> Result<Order, Problem> {
    Ok(match word {
        "go" => Order::Go { release },
        "hold" => Order::Hold { release },
        "resume" => Order::Resume { release },
        "advance" => Order::Advance { release },
        "promote" => Order::Promote { release },
        "abort" => Order::Abort { release },
        "clear" => Order::Clear { release },
        "scrub" => Order::Scrub { release },
        _ => return Err(Problem::not_found()),
    })
}

/// A saved plan, as far as the daemon looks at it: what it was made from, and the digest of that.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanBody {
    digest: String,
    made_from: Basis,
    reason: Option<String>,
}

/// `PUT /api/v1/plans/{release}`
pub async fn plan(call: Call) -> Result<Response, Problem> {
    let release = call.release()?.name.clone();
    let PlanBody { digest, made_from, reason: why } = call.json()?;
    if made_from.digest() != digest {
        let detail = "the plan is not as it was saved: its digest is of something else; nothing was done, save it anew";
        return Err(Problem::malformed(detail));
    }
    let why = why.map(|text| reason(&text)).transpose()?.unwrap_or_default();
    call.order(Order::ApplyPlan { release, made_from }, why).await.map(said)
}

/// `PUT /api/v1/releases/{release}/sign-offs/{item}`
pub async fn sign_off(call: Call) -> Result<Response, Problem> {
    let (release, item) = release_and_item(&call)?;
    call.expect_match(&etag::release(&call.view, &release))?;
    let why = maybe_why(&call)?.unwrap_or_default();
    call.order(Order::SignOff { release, item }, why).await.map(said)
}

/// `PUT /api/v1/releases/{release}/waivers/{item}`
pub async fn waive(call: Call) -> Result<Response, Problem> {
    let (release, item) = release_and_item(&call)?;
    call.expect_match(&etag::release(&call.view, &release))?;
    let body: WaiverBody = call.json()?;
    let lasting = parse_duration(&body.lasting).map_err(|error| Problem::malformed(format!("`for`: {error}")))?;
    if lasting.is_zero() {
        return Err(Problem::malformed("`for` is how long the waiver lasts, such as 2d; 0 would waive nothing"));
    }
    let order = Order::Waive { release, item, expires_at: later(call.now, lasting) };
    call.order(order, reason(&body.reason)?).await.map(said)
}

fn release_and_item(call: &Call) -> Result<(Name, Name), Problem> {
    let (release, item) = (call.release()?, call.name("item")?);
    let checklists = release.checklists.iter().filter_map(|name| call.view.snapshot.config.checklists.get(name));
    let found = checklists.flat_map(|checklist| &checklist.items).find(|candidate| candidate.id == item);
    Ok((release.name.clone(), found.ok_or_else(Problem::not_found)?.id.clone()))
}

/// `PUT /api/v1/halts/{app}`
pub async fn halt(call: Call) -> Result<Response, Problem> {
    call.expect_match(&etag::halts(&call.view))?;
    let body: HaltBody = call.json()?;
    let target = target(call.name("app")?, body.channel, body.version)?;
    call.order(Order::Halt { target }, reason(&body.reason)?).await.map(said)
}

/// `DELETE /api/v1/halts/{app}?channel=&version=&break_glass=&reason=`
pub async fn lift(call: Call) -> Result<Response, Problem> {
    call.expect_match(&etag::halts(&call.view))?;
    let channel = call.query.get("channel").map(|text| Name::new(text)).transpose();
    let channel = channel.map_err(|error| Problem::malformed(format!("`channel`: {error}")))?;
    let target = target(call.name("app")?, channel, call.query.get("version").cloned())?;
    let break_glass = match call.query.get("break_glass").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::malformed("`break_glass` is true or false")),
    };
    let asked = call.query.get("reason").map(|text| reason(text)).transpose()?;
    let why = asked.map_or_else(|| maybe_why(&call), |why| Ok(Some(why)))?;
    if break_glass && why.is_none() {
        return Err(Problem::malformed("breaking the glass needs a reason; everybody will read it"));
    }
    call.order(Order::Lift { target, break_glass }, why.unwrap_or_default()).await.map(said)
}

fn target(app: Name, channel: Option<Name>, version: Option<String>) -> Result<HaltTarget, Problem> {
    match (channel, version) {
        (None, None) => Ok(HaltTarget::App { app }),
        (Some(channel), None) => Ok(HaltTarget::Channel { app, channel }),
        (None, Some(version)) if !version.is_empty() && version.len() <= 200 => Ok(HaltTarget::Version { app, version }),
        (None, Some(_)) => Err(Problem::malformed("`version` is 1 to 200 bytes")),
        (Some(_), Some(_)) => {
            Err(Problem::malformed("a halt is of an app, of one of its channels or of one of its versions; name one"))
        }
    }
}

pub fn maybe_why(call: &Call) -> Result<Option<String>, Problem> {
    if call.body.is_empty() {
        return Ok(None);
    }
    call.json::<MaybeWhy>()?.reason.map(|text| reason(&text)).transpose()
}

fn said(told: Told) -> Response {
    (StatusCode::OK, Json(told)).into_response()
}
