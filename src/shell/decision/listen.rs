//! Accepts connections, bounds them, and lets them finish when the daemon stops.
//!
//! Not here: what is answered. Invariant: no caller can hold more than its seat: connections, heads and time are
//! bounded, and what is over the limits is told to come back, not queued.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{self, Instant};

use super::answer::answer;
use super::meter::Meter;
use super::pulse::{Health, Pulse, Watched};
use crate::core::throttle::Table;
use crate::shell::clock;

/// Bounds on what callers can hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections. Each takes a file descriptor and about 10 KiB: 16,384 stay under 200 MiB.
    pub connections: usize,
    /// Time from a request's first byte to the end of its head; a slow mobile network needs two seconds.
    pub head: Duration,
    /// Quiet time between two requests; longer than the 60 s for which load balancers keep a connection by default,
    /// so that it is they who close.
    pub idle: Duration,
    /// How long requests in flight may take to finish when the daemon stops; each takes microseconds, reading the
    /// answer may take longer.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 16_384, head: Duration::from_secs(5), idle: Duration::from_secs(75), drain: Duration::from_secs(5) }
    }
}

/// Most bytes of a request's head, and of what is read ahead of it. A decision needs under 1 KiB; cookies and
/// forwarding headers of proxies some more.
const LARGEST_HEAD: usize = 16 * 1_024;
/// Most header fields of a request.
const MOST_HEADERS: usize = 64;
/// Pause after a failed accept, such as when file descriptors are used up: trying at once would only burn the core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections over the limit that are told so at one time; more are closed without a word.
const MOST_REFUSALS: usize = 256;
/// How long a caller over the limit may take to send its request, so that it reads the refusal.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// Least and spread of the `Retry-After` of a refusal, in seconds: those turned away must not return together.
const REFUSAL_RETRY_SECS: (u32, u32) = (5, 10);

/// What all connections share.
struct Room {
    table: Arc<ArcSwap<Table>>,
    meter: Meter,
    limits: Limits,
}

/// Serves decisions with the default limits until `shutdown` completes, then finishes the requests in flight.
pub async fn serve(listener: TcpListener, table: Arc<ArcSwap<Table>>, shutdown: impl Future) -> io::Result<()> {
    serve_within(listener, table, Limits::default(), shutdown).await
}

/// Serves decisions within limits. An error is the listener's own, which cannot be told from a broken one.
pub async fn serve_within(
    listener: TcpListener,
    table: Arc<ArcSwap<Table>>,
    limits: Limits,
    shutdown: impl Future,
) -> io::Result<()> {
    listener.local_addr()?;
    let room = Arc::new(Room { table, meter: Meter::new(), limits });
    let seats = Arc::new(Semaphore::new(limits.connections));
    let refusals = Arc::new(Semaphore::new(MOST_REFUSALS));
    let (closing, closed) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tracing::warn!(
                error = accepted.err().map(tracing::field::display),
                "the decision listener could not accept a connection"
            );
            time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        match Arc::clone(&seats).try_acquire_owned() {
            Ok(seat) => drop(tokio::spawn(connection(stream, Arc::clone(&room), closed.clone(), seat))),
            Err(_) => turn_away(stream, &room.meter, &refusals),
        }
    }
    drop((listener, closed));
    closing.send_replace(());
    // Whoever is still reading its answer after that is cut off with the process.
    let _ = time::timeout(limits.drain, closing.closed()).await;
    Ok(())
}

/// One connection, for as many requests as it likes.
async fn connection(stream: TcpStream, room: Arc<Room>, mut closing: watch::Receiver<()>, _seat: OwnedSemaphorePermit) {
    let _open = Open::new(&room.meter);
    // Answers are one small write; waiting to fill a packet would add 40 ms to each.
    let _ = stream.set_nodelay(true);
    let pulse = Arc::new(Pulse::new());
    let service = service_fn(|request| {
        pulse.arrived();
        let answer = answer(&request, &room.table.load(), &room.meter);
        async move { Ok::<_, Infallible>(answer) }
    });
    let io = TokioIo::new(Watched { stream, pulse: Arc::clone(&pulse) });
    let mut http = http1::Builder::new();
    http.header_read_timeout(None::<Duration>).max_headers(MOST_HEADERS).max_buf_size(LARGEST_HEAD);
    let mut served = pin!(http.serve_connection(io, service));
    let mut look = pin!(time::sleep(room.limits.head.min(room.limits.idle)));
    let mut leaving = false;
    loop {
        tokio::select! {
            biased;
            // The error is the caller's: a broken request or connection, answered by hyper where that is possible.
            _ = &mut served => return,
            _ = closing.changed(), if !leaving => {
                leaving = true;
                served.as_mut().graceful_shutdown();
            }
            () = &mut look => {
                match pulse.health(room.limits.head, room.limits.idle) {
                    Health::Fine(left) => look.as_mut().reset(Instant::now() + left),
                    Health::Slow => return room.meter.slow.increment(1),
                    Health::Idle if leaving => return,
                    Health::Idle => {
                        leaving = true;
                        served.as_mut().graceful_shutdown();
                        look.as_mut().reset(Instant::now() + room.limits.head);
                    }
                }
            }
        }
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

/// Over the limit: told to come back, if there is room even for that.
fn turn_away(stream: TcpStream, meter: &Meter, refusals: &Arc<Semaphore>) {
    meter.full.increment(1);
    if let Ok(place) = Arc::clone(refusals).try_acquire_owned() {
        tokio::spawn(async move {
            let _place = place;
            // A failure here is a caller that is gone already.
            let _ = time::timeout(REFUSAL_WAIT, refuse(stream)).await;
        });
    }
}

/// Reads before it writes: closing a socket with unread bytes would reset it, and the refusal with it.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    let mut request = [0; 2_048];
    let _ = stream.read(&mut request).await?;
    let (least, spread) = REFUSAL_RETRY_SECS;
    let refusal = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: {}\r\ncache-control: private, no-cache\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        least + clock::draw() % (spread + 1)
    );
    stream.write_all(refusal.as_bytes()).await?;
    stream.shutdown().await
}
