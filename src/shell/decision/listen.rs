//! Accepts connections, bounds them, and parts from them when the daemon stops.
//!
//! Not here: what is answered, and one connection's life. A stop loses nobody: first every answer says that its
//! connection ends, while new connections are still accepted; then nobody is accepted any more, and who is left gets
//! its answer. What waits in a socket that a service manager holds is the next process's. Invariant: no caller can
//! hold more than its seat: connections, heads and time are bounded, and what is over the limits is told to come back,
//! not queued.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time;

use super::connection::connection;
use super::meter::Meter;
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
    /// How long a stop waits for connections to ask once more, so that their next answer can say that it is the last.
    /// New connections are answered meanwhile, so this delays nobody; clients that reuse a connection do so within it.
    pub grace: Duration,
    /// How long requests under way may take once nobody is accepted any more. New connections wait for the next process
    /// through this time, so it is short: a decision takes microseconds, and a request is on its way for a round trip.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            head: Duration::from_secs(5),
            idle: Duration::from_secs(75),
            grace: Duration::from_secs(3),
            drain: Duration::from_secs(1),
        }
    }
}

/// Pause after a failed accept, such as when file descriptors are used up: trying at once would only burn the core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections over the limit that are told so at one time; more are closed without a word.
const MOST_REFUSALS: usize = 256;
/// How long a caller over the limit may take to send its request, so that it reads the refusal.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// Least and spread of the `Retry-After` of a refusal, in seconds: those turned away must not return together.
const REFUSAL_RETRY_SECS: (u32, u32) = (5, 10);

/// Connections that are taken out of the queue after the last one was accepted; more would be a flood, and a stop may
/// not wait for one.
const MOST_LATE: usize = 4_096;

/// What all connections share.
pub(super) struct Room {
    pub(super) table: Arc<ArcSwap<Table>>,
    pub(super) meter: Meter,
    pub(super) limits: Limits,
    /// From now on every answer is the last on its connection.
    pub(super) leaving: AtomicBool,
}

/// How daemon and listener part.
pub struct Farewell<Leaving, Over> {
    /// Completes when every answer shall end its connection; new ones are still accepted.
    pub leaving: Leaving,
    /// Told when the connections that were open then have ended, or the grace for them is over.
    pub told: oneshot::Sender<()>,
    /// Completes when nobody shall be accepted any more.
    pub over: Over,
}

/// Serves decisions with the default limits until the farewell is over.
pub async fn serve<L: Future, O: Future>(
    listener: TcpListener,
    table: Arc<ArcSwap<Table>>,
    farewell: Farewell<L, O>,
) -> io::Result<()> {
    serve_within(listener, table, Limits::default(), farewell).await
}

/// Serves decisions within limits. An error is the listener's own, which cannot be told from a broken one.
pub async fn serve_within<L: Future, O: Future>(
    listener: TcpListener,
    table: Arc<ArcSwap<Table>>,
    limits: Limits,
    farewell: Farewell<L, O>,
) -> io::Result<()> {
    listener.local_addr()?;
    let room = Arc::new(Room { table, meter: Meter::new(), limits, leaving: AtomicBool::new(false) });
    let (seats, refusals) = (Arc::new(Semaphore::new(limits.connections)), Arc::new(Semaphore::new(MOST_REFUSALS)));
    let door = Door { listener, room, seats, refusals };
    // Who came before the farewell began is not told yet; who comes later learns it with the first answer.
    let (earlier, later) = (watch::Sender::new(()), watch::Sender::new(()));
    door.open_until(farewell.leaving, &earlier).await;
    door.room.leaving.store(true, Ordering::Relaxed);
    // Running out of grace is an end as well.
    drop(door.open_until(time::timeout(limits.grace, earlier.closed()), &later).await);
    // The daemon may be gone already.
    let _ = farewell.told.send(());
    door.open_until(farewell.over, &later).await;
    door.close(&later);
    earlier.send_replace(());
    later.send_replace(());
    // Whoever is still reading its answer after that is cut off with the process.
    let _ = time::timeout(limits.drain, async { tokio::join!(earlier.closed(), later.closed()) }).await;
    Ok(())
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    room: Arc<Room>,
    seats: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Door {
    /// Accepts until then. Who comes in belongs to this crowd, and is told with it to end.
    async fn open_until<T>(&self, until: impl Future<Output = T>, crowd: &watch::Sender<()>) -> T {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                biased;
                done = &mut until => return done,
                accepted = self.listener.accept() => if let Err(error) = self.admit(accepted, crowd) {
                    tracing::warn!(%error, "the decision listener could not accept a connection");
                    time::sleep(ACCEPT_PAUSE).await;
                },
            }
        }
    }

    fn admit(&self, accepted: io::Result<(TcpStream, SocketAddr)>, crowd: &watch::Sender<()>) -> io::Result<()> {
        let (stream, _) = accepted?;
        match Arc::clone(&self.seats).try_acquire_owned() {
            Ok(seat) => drop(tokio::spawn(connection(stream, Arc::clone(&self.room), crowd.subscribe(), seat))),
            Err(_) => turn_away(stream, &self.room.meter, &self.refusals),
        }
        Ok(())
    }

    /// Takes in who connected already, since a socket that is ours alone resets them when it closes.
    fn close(self, crowd: &watch::Sender<()>) {
        let waiting = std::iter::from_fn(|| self.listener.accept().now_or_never());
        for accepted in waiting.take(MOST_LATE) {
            if self.admit(accepted, crowd).is_err() {
                return;
            }
        }
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
