//! Replies kept by Idempotency-Key, so that a client that heard nothing can ask again without giving an order twice.
//!
//! Kept in memory and bounded: after a restart the core's own refusals (409) are what stops a repeat.
//! Invariant: for one person and key, at most one order is carried out; while it is, a repeat waits for its reply.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::problem::Problem;

/// Most replies kept; the oldest goes first. With the limit on a reply this is 16 MiB at the very most, and it is
/// far more than the orders of a launch day.
const MOST_REPLIES: usize = 1_024;

/// Longest reply kept, in bytes; orders answer with a few hundred. A longer one is passed on and not kept.
const LONGEST_REPLY: usize = 16 * 1_024;

/// Longest key in bytes: a UUID has 36.
pub const LONGEST_KEY: usize = 200;

/// What makes two requests the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// Who asked, folded.
    pub person: String,
    /// Their key.
    pub key: String,
}

/// The replies.
#[derive(Default)]
pub struct Replies {
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    order: VecDeque<RequestKey>,
    places: HashMap<RequestKey, Place>,
}

#[derive(Clone)]
struct Place {
    /// SHA-256 of method, path and body: the same key over something else is a mistake of the client.
    fingerprint: [u8; 32],
    reply: Arc<OnceCell<Kept>>,
}

#[derive(Clone)]
struct Kept {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Replies {
    /// Carries `act` out once per key; a repeat gets the reply of the first.
    pub async fn once<F>(&self, key: RequestKey, fingerprint: [u8; 32], act: F) -> Response
    where
        F: Future<Output = Response>,
    {
        let place = self.place(key, fingerprint);
        if place.fingerprint != fingerprint {
            let detail = "this Idempotency-Key was used for another request; nothing was done, take a new key";
            return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", detail).into_response();
        }
        match place.reply.get_or_try_init(|| async { keep(act.await).await }).await {
            Ok(kept) => (kept.status, kept.headers.clone(), Body::from(kept.body.clone())).into_response(),
            Err(passing) => passing,
        }
    }

    fn place(&self, key: RequestKey, fingerprint: [u8; 32]) -> Place {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = shelf.places.get(&key) {
            return place.clone();
        }
        if shelf.order.len() >= MOST_REPLIES
            && let Some(oldest) = shelf.order.pop_front()
        {
            shelf.places.remove(&oldest);
        }
        let place = Place { fingerprint, reply: Arc::default() };
        shelf.order.push_back(key.clone());
        shelf.places.insert(key, place.clone());
        place
    }
}

/// Keeps what was decided. "Busy" and "broken" decided nothing: the next try is carried out.
async fn keep(response: Response) -> Result<Kept, Response> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(response);
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) if body.len() <= LONGEST_REPLY => Ok(Kept { status, headers: parts.headers, body }),
        Ok(body) => Err(Response::from_parts(parts, Body::from(body))),
        Err(error) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "reply_lost", error.to_string()).into_response()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn ask(
        replies: &Replies,
        key: &str,
        fingerprint: u8,
        (status, done): (StatusCode, &AtomicU32),
    ) -> (StatusCode, String) {
        let key = RequestKey { person: "ann".into(), key: key.into() };
        let act = async { (status, format!("reply {}", done.fetch_add(1, Ordering::SeqCst))).into_response() };
        let response = replies.once(key, [fingerprint; 32], act).await;
        let status = response.status();
        (status, String::from_utf8(to_bytes(response.into_body(), 9_999).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_repeat_gets_the_reply_of_the_first() {
        let (replies, done) = (Replies::default(), AtomicU32::new(0));
        let first = ask(&replies, "k", 1, (StatusCode::CONFLICT, &done)).await;
        assert_eq!(first, ask(&replies, "k", 1, (StatusCode::CONFLICT, &done)).await);
        assert_eq!(ask(&replies, "other", 1, (StatusCode::OK, &done)).await.1, "reply 1");
        assert_eq!(ask(&replies, "k", 2, (StatusCode::OK, &done)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(done.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_decided_nothing_is_tried_again() {
        let (replies, done) = (Replies::default(), AtomicU32::new(0));
        assert_eq!(ask(&replies, "k", 1, (StatusCode::SERVICE_UNAVAILABLE, &done)).await.1, "reply 0");
        assert_eq!(ask(&replies, "k", 1, (StatusCode::OK, &done)).await.1, "reply 1");
        assert_eq!(ask(&replies, "k", 1, (StatusCode::OK, &done)).await.1, "reply 1");
    }

    #[tokio::test]
    async fn the_oldest_reply_goes_first() {
        let (replies, done) = (Replies::default(), AtomicU32::new(0));
        for number in 0..=MOST_REPLIES {
            ask(&replies, &number.to_string(), 1, (StatusCode::OK, &done)).await;
        }
        assert_eq!(replies.shelf.lock().unwrap().places.len(), MOST_REPLIES);
        assert_eq!(ask(&replies, "1", 1, (StatusCode::OK, &done)).await.1, "reply 1");
        assert_eq!(ask(&replies, "0", 1, (StatusCode::OK, &done)).await.1, format!("reply {}", MOST_REPLIES + 1));
    }
}
