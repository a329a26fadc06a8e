//! Pushes closed periods to the daemon, in order, until each is accepted.
//!
//! Invariant: what waits is bounded; when the daemon is away for longer the oldest periods are lost, and said to be.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;

use super::counts::Ledger;
use crate::lab::http;
use crate::shell::clock;
use crate::shell::data::PushedCounts;

/// Periods that may wait: ten minutes of one-second periods, as long as any restart of the daemon in a demo.
const MOST_WAITING: usize = 600;

/// How often closed periods are looked for; a fraction of the shortest period.
const EVERY: Duration = Duration::from_millis(100);

/// Wait after a refusal.
const PAUSE: Duration = Duration::from_millis(500);

/// Longest wait for an answer, which comes after a durable commit.
const WITHIN: Duration = Duration::from_secs(5);

/// Where to push.
#[derive(Clone, Debug)]
pub(super) struct Push {
    pub(super) uri: Uri,
    pub(super) token: Option<String>,
}

/// What became of one push.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    Accepted,
    /// It can never be accepted: repeating it would only hold up the later ones.
    Refused(StatusCode),
    NotNow,
}

impl Push {
    /// Pushes for ever.
    pub(super) async fn run(self, ledger: Arc<Ledger>) {
        let client = http::client();
        let mut waiting = VecDeque::new();
        loop {
            waiting.extend(ledger.close(clock::now()));
            let lost = waiting.len().saturating_sub(MOST_WAITING);
            waiting.drain(..lost);
            if lost > 0 {
                tracing::warn!(periods = lost, "the daemon took no counts for too long; the oldest are lost");
            }
            let pause = self.drain(&client, &mut waiting).await;
            tokio::time::sleep(pause).await;
        }
    }

    async fn drain(&self, client: &Client<HttpConnector, Full<Bytes>>, waiting: &mut VecDeque<PushedCounts>) -> Duration {
        while let Some(counts) = waiting.front() {
            match self.send(client, counts).await {
                Answered::NotNow => return PAUSE,
                Answered::Refused(status) => tracing::warn!(at = %counts.at, %status, "the daemon refused counts for good"),
                Answered::Accepted => {}
            }
            waiting.pop_front();
        }
        EVERY
    }

    async fn send(&self, client: &Client<HttpConnector, Full<Bytes>>, counts: &PushedCounts) -> Answered {
        let body = serde_json::to_vec(counts).unwrap_or_default();
        let mut request = Request::post(self.uri.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let Ok(request) = request.body(Full::from(body)) else { return Answered::NotNow };
        let sending = async {
            let response = client.request(request).await.ok()?;
            let status = response.status();
            // Read to the end, so that the connection can be used again.
            let _ = response.into_body().collect().await;
            Some(status)
        };
        match tokio::time::timeout(WITHIN, sending).await.ok().flatten() {
            Some(status) if status.is_success() => Answered::Accepted,
            Some(status @ (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)) => {
                Answered::Refused(status)
            }
            // Not there yet, not allowed yet, or overloaded: the daemon starts, or its documents come later.
            _ => Answered::NotNow,
        }
    }
}
