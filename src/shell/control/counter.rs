//! What happens to every request before its route answers: where from, who, may they, what did they bring.
//!
//! Invariant: no body is read before it is known that the person may use the route. An order that was taken in is
//! carried to its end even when the one who gave it hangs up, so that its reply can be kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::access::{Least, from_here, person};
use super::call::Call;
use super::desk::Desk;
use super::problem::Problem;
use super::replies::{LONGEST_KEY, Replies, RequestKey};
use super::routes::{Route, Takes};
use crate::core::decide::Person;
use crate::shell::clock;

/// Largest body: a folder of three hundred documents is a few hundred kilobytes.
pub const LARGEST_BODY: usize = 1_024 * 1_024;

/// A body must have arrived after this long; 1 MiB in it is one megabit a second.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Most event streams at once: each asks the daemon every two seconds.
const MOST_STREAMS: usize = 64;

/// What all requests share.
pub struct Counter {
    /// The way to the daemon.
    pub desk: Desk,
    /// Turns true when the listener stops; event streams end then.
    pub stopped: watch::Receiver<bool>,
    /// Places for event streams.
    pub streams: Arc<Semaphore>,
    replies: Replies,
}

impl Counter {
    /// A counter before the desk.
    pub fn new(desk: Desk, stopped: watch::Receiver<bool>) -> Self {
        Self { desk, stopped, streams: Arc::new(Semaphore::new(MOST_STREAMS)), replies: Replies::default() }
    }
}

/// Answers a request that found its route.
pub async fn attend(route: &'static Route, counter: Arc<Counter>, request: Request) -> Response {
    match take(route, &counter, request).await {
        Err(problem) => problem.into_response(),
        Ok(call) if route.method == Method::GET => respond(route, call).await,
        Ok(call) => carry_out(route, counter, call).await,
    }
}

/// A request that found no route: nobody unknown learns which routes there are.
pub fn attend_unknown(counter: &Counter, request: &Request) -> Result<(), Problem> {
    from_here(request.method(), request.uri(), request.headers())?;
    let view = counter.desk.view.borrow().clone();
    person(&counter.desk, &view, request.headers()).map(|_| ())
}

async fn respond(route: &'static Route, call: Call) -> Response {
    route.act(call).await.unwrap_or_else(Problem::into_response)
}

/// In a task of its own: hanging up does not leave an order half given.
async fn carry_out(route: &'static Route, counter: Arc<Counter>, call: Call) -> Response {
    let key = match request_key(&call) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let task = tokio::spawn(async move {
        match key {
            None => respond(route, call).await,
            Some((key, fingerprint)) => counter.replies.once(key, fingerprint, respond(route, call)).await,
        }
    });
    task.await.unwrap_or_else(|error| {
        let detail = format!("the order broke off ({error}); read how it stands before you give it again");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "broke_off", detail).into_response()
    })
}

async fn take(route: &'static Route, counter: &Arc<Counter>, request: Request) -> Result<Call, Problem> {
    let (mut parts, body) = request.into_parts();
    from_here(&parts.method, &parts.uri, &parts.headers)?;
    let view = counter.desk.view.borrow().clone();
    let by = match route.least {
        Least::Anybody => None,
        _ => Some(person(&counter.desk, &view, &parts.headers)?),
    };
    by.as_ref().map_or(Ok(()), |by: &Person| route.least.admits(by))?;
    let parameters = parameters(&mut parts).await?;
    let query = query(route, &parts)?;
    let body = read(route.takes, &parts.headers, body).await?;
    Ok(Call {
        counter: counter.clone(),
        view,
        by,
        method: parts.method,
        path: parts.uri.path().into(),
        parameters,
        query,
        headers: parts.headers,
        body,
        now: clock::now(),
    })
}

async fn parameters(parts: &mut Parts) -> Result<HashMap<String, String>, Problem> {
    let Path(parameters) = Path::<HashMap<String, String>>::from_request_parts(parts, &())
        .await
        .map_err(|_| Problem::malformed("the path is not percent-encoded UTF-8"))?;
    Ok(parameters)
}

fn query(route: &Route, parts: &Parts) -> Result<HashMap<String, String>, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_err(|_| Problem::malformed("the query is not percent-encoded UTF-8"))?;
    let mut query = HashMap::new();
    for (key, value) in pairs {
        let known = route.query.contains(&key.as_str());
        if !known || query.insert(key, value).is_some() {
            let detail =
                format!("this address takes each of these query parameters once, and no others: [{}]", route.query.join(", "));
            return Err(Problem::malformed(detail));
        }
    }
    Ok(query)
}

/// Reads the body as the route takes it, bounded in size and time.
async fn read(takes: Takes, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if takes == Takes::Nothing {
        return Ok(Bytes::new());
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LARGEST_BODY as u64) {
        return Err(too_large());
    }
    let collected = timeout(BODY_TIME, Limited::new(body, LARGEST_BODY).collect()).await;
    let late = || Problem::new(StatusCode::REQUEST_TIMEOUT, "body_late", "the body did not arrive in 10 s; nothing was done");
    let body = match collected.map_err(|_| late())? {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(Problem::malformed("the body broke off; nothing was done")),
    };
    let optional = takes == Takes::OptionalJson && body.is_empty();
    if optional || is_type(takes, headers) { Ok(body) } else { Err(wrong_type(takes)) }
}

fn is_type(takes: Takes, headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match takes {
        Takes::Nothing => true,
        Takes::Json | Takes::OptionalJson => essence == "application/json",
        Takes::Yaml => matches!(essence.as_str(), "text/yaml" | "text/x-yaml" | "application/yaml" | "application/x-yaml"),
    }
}

fn wrong_type(takes: Takes) -> Problem {
    let wanted = if takes == Takes::Yaml { "text/yaml" } else { "application/json" };
    let detail = format!("the body must come with `Content-Type: {wanted}`; nothing was done");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_type", detail)
}

fn too_large() -> Problem {
    let detail = "the body is larger than 1 MiB; nothing was done, apply fewer documents at once";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

/// The Idempotency-Key with the fingerprint of the request, if one was sent.
fn request_key(call: &Call) -> Result<Option<(RequestKey, [u8; 32])>, Problem> {
    let Some(value) = call.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
    let key = key.ok_or_else(|| Problem::malformed("an Idempotency-Key is 1 to 200 visible characters"))?;
    let person = call.by.as_ref().map(|by| by.name.folded()).unwrap_or_default();
    let mut query: Vec<_> = call.query.iter().collect();
    query.sort();
    let mut digest = Sha256::new();
    for part in [call.method.as_str(), &call.path, &format!("{query:?}")] {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.update(&call.body);
    Ok(Some((RequestKey { person, key: key.into() }, digest.finalize().into())))
}
