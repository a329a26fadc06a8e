//! One connection of the decision listener, for as many requests as it likes.
//!
//! Not here: who is accepted, and what is answered. Invariant: a connection is closed by us only between requests, or
//! when a request did not arrive in time; while a head is arriving, its answer is still owed.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{self, Instant};

use super::answer::answer;
use super::listen::Room;
use super::meter::Meter;
use super::pulse::{Health, Pulse, Watched};

/// Most bytes of a request's head, and of what is read ahead of it. A decision needs under 1 KiB; cookies and
/// forwarding headers of proxies some more.
const LARGEST_HEAD: usize = 16 * 1_024;
/// Most header fields of a request.
const MOST_HEADERS: usize = 64;

/// Serves until either side ends it, a limit does, or `closing` changes: then nobody waits for its next request.
pub(super) async fn connection(
    stream: TcpStream,
    room: Arc<Room>,
    mut closing: watch::Receiver<()>,
    _seat: OwnedSemaphorePermit,
) {
    let _open = Open::new(&room.meter);
    // Answers are one small write; waiting to fill a packet would add 40 ms to each.
    let _ = stream.set_nodelay(true);
    let pulse = Arc::new(Pulse::new());
    let service = service_fn(|request| {
        pulse.arrived();
        let mut answer = answer(&request, &room.table.load(), &room.meter);
        if room.leaving.load(Ordering::Relaxed) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        ready(Ok::<_, Infallible>(answer))
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
    let mut http = http1::Builder::new();
    http.header_read_timeout(None::<Duration>).max_headers(MOST_HEADERS).max_buf_size(LARGEST_HEAD);
    let mut served = pin!(http.serve_connection(io, service));
    let (mut head, mut idle) = (room.limits.head, room.limits.idle);
    let mut look = pin!(time::sleep(head.min(idle)));
    let (mut closes, mut ending) = (false, false);
    loop {
        tokio::select! {
            biased;
            // The error is the caller's: a broken request or connection, answered by hyper where that is possible.
            _ = &mut served => break,
            // An error means that the listener is gone, which ends it as well.
            _ = closing.changed(), if !closes => {
                closes = true;
                (head, idle) = (room.limits.drain, Duration::ZERO);
                look.as_mut().reset(Instant::now());
            }
            () = &mut look => {
                match pulse.health(head, idle) {
                    Health::Fine(left) => look.as_mut().reset(Instant::now() + left),
                    Health::Slow => return room.meter.slow.increment(1),
                    Health::Idle if ending => return,
                    Health::Idle => {
                        ending = true;
                        served.as_mut().graceful_shutdown();
                        look.as_mut().reset(Instant::now() + head);
                    }
                }
            }
        }
    }
    if pulse.crossed() {
        room.meter.crossed.increment(1);
    }
}

/// Counts an open connection for as long as it lives, however it ends.
struct Open<'a>(&'a Meter);

impl<'a> Open<'a> {
    fn new(meter: &'a Meter) -> Self {
        meter.connections.increment(1);
        Self(meter)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections.decrement(1);
    }
}
