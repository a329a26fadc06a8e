//! Time limits of a connection: how long a request may take to arrive, how long it may be quiet between two, and how it
//! is closed.
//!
//! hyper's own timer has one limit for both, so it would close a load balancer's idle connection after seconds, and it
//! sets a timer per request. Here a connection notes when its first byte came, and one lazy timer per connection looks
//! at that. Invariant: a request whose head is not whole within `Limits::head` ends its connection, however its bytes
//! trickle. A close says so first and then waits a moment for the other side's: a socket that is closed with unread
//! bytes resets the connection, and the last answer may be lost with it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::shell::clock;

/// Set while a head is arriving; the rest is the instant, in milliseconds since the connection's start.
const ARRIVING: u64 = 1 << 63;

/// How long a closing connection waits for the other side to close; a round trip is all it takes.
const LINGER: Duration = Duration::from_millis(500);

/// Most bytes read from a connection that is closing: who goes on sending does not want an answer.
const MOST_LINGERING: usize = 64 * 1_024;

/// What a connection is doing since when. Shared by its stream and its service, which run in one task.
pub(super) struct Pulse {
    start: Instant,
    state: AtomicU64,
    crossed: AtomicBool,
}

/// What the limits say of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing before this much time has passed.
    Fine(Duration),
    /// Its request did not arrive in time.
    Slow,
    /// Nothing came since its last request.
    Idle,
}

impl Pulse {
    /// A connection that was just accepted owes a request, so its head is arriving.
    pub(super) fn new() -> Self {
        Self { start: clock::monotonic(), state: AtomicU64::new(ARRIVING), crossed: AtomicBool::new(false) }
    }

    /// A head is whole.
    pub(super) fn arrived(&self) {
        self.state.store(self.elapsed_millis(), Ordering::Relaxed);
    }

    fn received(&self) {
        if self.state.load(Ordering::Relaxed) & ARRIVING == 0 {
            self.state.store(self.elapsed_millis() | ARRIVING, Ordering::Relaxed);
        }
    }

    /// Whether bytes came after our close.
    pub(super) fn crossed(&self) -> bool {
        self.crossed.load(Ordering::Relaxed)
    }

    /// Compares with the limits for a head and for quiet.
    pub(super) fn health(&self, head: Duration, idle: Duration) -> Health {
        let state = self.state.load(Ordering::Relaxed);
        let (limit, verdict) = if state & ARRIVING == 0 { (idle, Health::Idle) } else { (head, Health::Slow) };
        let since = Duration::from_millis(state & !ARRIVING);
        let left = (since + limit).saturating_sub(self.start.elapsed());
        // A quiet connection is looked at as often as a head may take: its next request can begin at any time.
        if left.is_zero() { verdict } else { Health::Fine(left.min(head)) }
    }

    fn elapsed_millis(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// A stream that notes when bytes come, and lingers when it is closed.
pub(super) struct Watched {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    closing: Option<Closing>,
}

/// Our side is closed; theirs not yet.
struct Closing {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl Watched {
    /// Notes in this pulse.
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, closing: None }
    }

    /// Reads what still comes, until the other side closes, the time is over, or it was too much.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(closing) = &mut self.closing else { return Poll::Ready(()) };
        let mut scratch = [0; 2_048];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && closing.left > 0 => {
                    self.pulse.crossed.store(true, Ordering::Relaxed);
                    closing.left = closing.left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return closing.until.as_mut().poll(cx),
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.received();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.closing = Some(Closing { until: Box::pin(sleep(LINGER)), left: MOST_LINGERING });
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_connection_owes_a_request_and_a_served_one_may_be_quiet() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        let pulse = Pulse::new();
        assert_eq!(pulse.health(Duration::ZERO, minute), Health::Slow);
        assert!(matches!(pulse.health(minute, second), Health::Fine(left) if left > second));
        pulse.arrived();
        assert_eq!(pulse.health(minute, Duration::ZERO), Health::Idle);
        assert!(matches!(pulse.health(second, minute), Health::Fine(left) if left <= second));
        pulse.received();
        assert_eq!(pulse.health(Duration::ZERO, minute), Health::Slow);
    }
}
