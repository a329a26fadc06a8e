//! The `http` check: one GET, its status, in time.
//!
//! Green: the status that is demanded, in time. Red: the API does not answer so (another status, too late, refused,
//! reset, a certificate or an answer that is broken): clients would see the same. Unknown: we could not ask (the name
//! does not resolve here, no network, no sockets, not a URL). Redirects are answers and are not followed.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, Url};

use super::prometheus::causes;
use crate::core::checklist::Outcome;
use crate::core::words::format_duration;
use crate::shell::clock;

/// Most of a body that is read: the answer has begun, the rest proves nothing.
const MOST_BODY: usize = 1 << 20;

/// What the check demands.
pub(super) struct Demand<'a> {
    pub(super) url: &'a str,
    pub(super) status: u16,
    pub(super) within: Duration,
}

pub(super) async fn run(client: &Client, demand: &Demand<'_>) -> (Outcome, String) {
    let url = match Url::parse(demand.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => return (Outcome::Unknown, format!("{} is not an http:// or https:// URL", demand.url)),
    };
    if let Err(reason) = resolves(&url).await {
        return (Outcome::Unknown, reason);
    }
    let began_at = clock::monotonic();
    let answer = tokio::time::timeout(demand.within, answer(client, url)).await;
    let took = began_at.elapsed().as_millis();
    match answer {
        Err(_) => (Outcome::Red, format!("no whole answer within {}", format_duration(demand.within))),
        Ok(Ok(status)) if status == demand.status => (Outcome::Green, format!("status {status} in {took} ms")),
        Ok(Ok(status)) => (Outcome::Red, format!("status {status} in {took} ms, {} is demanded", demand.status)),
        Ok(Err(error)) => (blame(&error), causes(&error)),
    }
}

/// Reads the body too, bounded: a status line before a broken body is no answer.
async fn answer(client: &Client, url: Url) -> Result<u16, reqwest::Error> {
    let response = client.get(url).send().await?;
    let (status, mut read) = (response.status().as_u16(), 0);
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        read += chunk?.len();
        if read > MOST_BODY {
            break;
        }
    }
    Ok(status)
}

async fn resolves(url: &Url) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let found = tokio::net::lookup_host((host, port)).await;
    found.map(drop).map_err(|error| format!("the name {host} does not resolve here: {error}"))
}

/// Red where the other side did something wrong, Unknown where our own side could not ask.
fn blame(error: &reqwest::Error) -> Outcome {
    let mut next: Option<&(dyn Error + 'static)> = Error::source(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            let is_ours = matches!(
                io.kind(),
                ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::AddrNotAvailable | ErrorKind::OutOfMemory
            );
            // EMFILE and ENFILE: no sockets left here.
            if is_ours || matches!(io.raw_os_error(), Some(23 | 24)) {
                return Outcome::Unknown;
            }
        }
        next = cause.source();
    }
    if error.is_builder() || error.is_request() && Error::source(error).is_none() { Outcome::Unknown } else { Outcome::Red }
}
