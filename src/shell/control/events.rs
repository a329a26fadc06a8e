//! The timeline: pages of JSON, or a stream of server-sent events that resumes after `Last-Event-ID`.
//!
//! Invariant: a stream gives every event after its start once and in order; it ends when the daemon stops.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;

use super::call::{Call, ask};
use super::desk::{Ask, Desk, View};
use super::problem::Problem;
use crate::core::words::Name;
use crate::shell::data::EventRow;

/// Events on a page unless asked otherwise.
const USUAL_PAGE: i64 = 100;

/// Most events on a page: about 300 kB.
const LARGEST_PAGE: usize = 1_000;

/// An event may come without a new view, such as the result of an effect: look at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Comments that keep proxies and clients from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Serialize)]
struct Page {
    events: Vec<EventRow>,
    /// Where the next page begins.
    after: i64,
}

/// `GET /api/v1/events?after=&limit=`
pub async fn events(call: Call) -> Result<Response, Problem> {
    let after = call.query.get("after").map_or(Ok(0), |text| whole(text, "after"))?;
    let limit = call.query.get("limit").map_or(Ok(USUAL_PAGE), |text| whole(text, "limit"))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, LARGEST_PAGE);
    let wanted = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if wanted.to_ascii_lowercase().contains("text/event-stream") {
        return stream_from(&call, after);
    }
    let events = page(&call.counter.desk, after, limit).await?;
    let after = events.last().map_or(after, |event| event.id);
    Ok(Json(Page { events, after }).into_response())
}

fn whole(text: &str, key: &str) -> Result<i64, Problem> {
    let malformed = || Problem::malformed(format!("`{key}` is a whole number, not negative"));
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(malformed)
}

async fn page(desk: &Desk, after: i64, limit: usize) -> Result<Vec<EventRow>, Problem> {
    ask(desk, |reply| Ask::Events { after, limit, reply }).await
}

struct Tail {
    desk: Desk,
    view: watch::Receiver<Arc<View>>,
    stopped: watch::Receiver<bool>,
    after: i64,
    by: Option<Name>,
    ready: VecDeque<EventRow>,
    _place: OwnedSemaphorePermit,
}

fn stream_from(call: &Call, after: i64) -> Result<Response, Problem> {
    let crowded = || Problem::busy("busy", "too many event streams are open; close one, or read pages without Accept");
    let place = call.counter.streams.clone().try_acquire_owned().map_err(|_| crowded())?;
    let resumed = call.headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default());
    let after = resumed.map_or(Ok(after), |text| whole(text, "Last-Event-ID"))?;
    let (desk, stopped) = (call.counter.desk.clone(), call.counter.stopped.clone());
    let by = call.by.as_ref().map(|by| by.name.clone());
    let tail = Tail { view: desk.view.clone(), desk, stopped, after, by, ready: VecDeque::new(), _place: place };
    let events = stream::unfold(tail, |mut tail| async move {
        let event = tail.next().await?;
        Some((Ok::<Event, std::convert::Infallible>(event), tail))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

impl Tail {
    /// The next event; `None` when the listener stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            // Who was taken out of the settings reads no further.
            if *self.stopped.borrow() || !self.by.as_ref().is_none_or(|by| self.desk.people.load().admits(by)) {
                return None;
            }
            if let Some(row) = self.ready.pop_front() {
                self.after = row.id;
                let data = serde_json::to_string(&row).unwrap_or_default();
                return Some(Event::default().id(row.id.to_string()).data(data));
            }
            self.view.borrow_and_update();
            match page(&self.desk, self.after, LARGEST_PAGE).await {
                Ok(rows) if !rows.is_empty() => self.ready = rows.into(),
                Ok(_) => self.quiet().await,
                // Busy: the next look will do.
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Waits for a decision, for the next look, or for the end.
    async fn quiet(&mut self) {
        tokio::select! {
            changed = self.view.changed() => if changed.is_err() { sleep(LOOK_EVERY).await },
            _ = self.stopped.changed() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}
