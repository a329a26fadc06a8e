//! POSTs an announcement to a URL.
//!
//! One attempt with one time limit; no retry. Invariant: the message and its key go to the URL's own origin and to no
//! other, and no error repeats the URL or what the receiver answered: either may hold a secret.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode, Url};

use super::DeliveryError;
use super::message::{KEY_HEADER, header_key};

/// For the whole exchange: people should hear within seconds, and a receiver that needs longer gets it again.
const LIMIT: Duration = Duration::from_secs(5);

/// Redirects followed within the origin; a receiver that needs more is a loop.
const HOPS: usize = 3;

/// A receiver cannot put us off for longer than this many seconds.
const LONGEST_RETRY_AFTER: u64 = 3_600;

/// The client for all webhooks. Proxies of the environment are not used: a document says where a message goes.
pub(super) fn client() -> Result<Client, reqwest::Error> {
    // Already there in the program; a library user or a test may come here first, and without one the client panics.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("tminus/", env!("CARGO_PKG_VERSION")))
        .timeout(LIMIT)
        .redirect(Policy::custom(follow))
        .no_proxy()
        .build()
}

/// Only redirects that keep the method, within the origin: others would carry the message elsewhere or drop it.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_method = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let same_origin = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps_method && same_origin && attempt.previous().len() <= HOPS { attempt.follow() } else { attempt.stop() }
}

/// Sends a key and a body once.
pub(super) async fn post(client: &Client, url: &Url, (key, body): (&str, &[u8])) -> Result<String, DeliveryError> {
    let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").header(KEY_HEADER, header_key(key));
    match request.body(body.to_vec()).send().await {
        Ok(response) => answer(&response),
        Err(error) => Err(DeliveryError::new(reason(error))),
    }
}

fn answer(response: &Response) -> Result<String, DeliveryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(format!("answered {status}"));
    }
    let meaning = if status.is_redirection() { ", a redirect that would take the message elsewhere or drop it" } else { "" };
    let retry_after_secs = retry_after(response.headers());
    Err(DeliveryError { message: format!("it answered {status}{meaning}"), retry_after_secs })
}

/// Seconds only; the form with a date is rare, and trusting the receiver's clock gains nothing.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let secs: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(secs.min(LONGEST_RETRY_AFTER))
}

fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", LIMIT.as_secs());
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// Scheme, host and port: all of a webhook's URL that may be shown.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
