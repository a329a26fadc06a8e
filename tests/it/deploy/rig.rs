//! Clients of the decision listener that notice everything: each request sent must be answered.
//!
//! A keeper reuses its connection until an answer says that it was the last; a caller makes a connection for each
//! request. Nobody retries: a request without its answer is a failure, with the one exception that HTTP makes, a
//! connection that was found closed before anything was sent on it. Invariant: sent = answered + failed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tminus::shell::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::manager::ASK;

/// Callers are told to give up after a second; ten would hide that nobody is there.
const GIVES_UP: Duration = Duration::from_secs(10);

/// How a client asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    Keeper,
    Caller,
}

/// What became of the requests of one client, or of all.
#[derive(Clone, Default)]
pub(super) struct Tally {
    pub(super) answered: usize,
    pub(super) failures: Vec<String>,
    /// Connections that ended between two requests without a word before.
    pub(super) closed_idle: usize,
    /// Answers that said that they were the last.
    pub(super) parted: usize,
    pub(super) waits: Vec<Duration>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.failures.extend(other.failures);
        self.closed_idle += other.closed_idle;
        self.parted += other.parted;
        self.waits.extend(other.waits);
    }

    /// The wait that this share of the answers did not exceed.
    pub(super) fn wait(&self, share: f64) -> Duration {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        waits.get(((waits.len() as f64 * share) as usize).min(waits.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Clients at work.
pub(super) struct Crowd {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Tally>,
    since: Instant,
}

impl Crowd {
    pub(super) fn new() -> Self {
        Self { stop: Arc::default(), clients: JoinSet::new(), since: clock::monotonic() }
    }

    /// So many more clients, each asking once in `every`, spread evenly over it.
    pub(super) fn ask(&mut self, address: SocketAddr, (habit, count, every): (Habit, u32, Duration)) {
        for index in 0..count {
            let stop = Arc::clone(&self.stop);
            let first = tokio::time::Instant::now() + every * index / count;
            self.clients.spawn(async move { client((address, habit), (first, every), &stop).await });
        }
    }

    /// Ends it, and sums up with the seconds that it took.
    pub(super) async fn end(mut self) -> (Tally, f64) {
        self.stop.store(true, Ordering::Relaxed);
        let secs = self.since.elapsed().as_secs_f64();
        let mut all = Tally::default();
        while let Some(one) = self.clients.join_next().await {
            all.add(one.unwrap());
        }
        (all, secs)
    }
}

async fn client(
    (address, habit): (SocketAddr, Habit),
    (first, every): (tokio::time::Instant, Duration),
    stop: &AtomicBool,
) -> Tally {
    let mut tally = Tally::default();
    let mut open: Option<TcpStream> = None;
    tokio::time::sleep_until(first).await;
    let mut pace = interval(every);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        if open.as_ref().is_some_and(is_closed) {
            tally.closed_idle += 1;
            open = None;
        }
        let since = clock::monotonic();
        match timeout(GIVES_UP, ask(address, open.take(), habit)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok((stream, last)) => {
                tally.answered += 1;
                tally.waits.push(since.elapsed());
                tally.parted += usize::from(last && habit == Habit::Keeper);
                open = (!last).then_some(stream);
            }
            Err(error) => tally.failures.push(format!("{} {error}", clock::now())),
        }
    }
    tally
}

/// Whether the other side closed while nothing was under way.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// One request and its whole answer, and whether the connection ends with it.
async fn ask(address: SocketAddr, open: Option<TcpStream>, habit: Habit) -> io::Result<(TcpStream, bool)> {
    let mut stream = match open {
        Some(stream) => stream,
        None => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    let close = if habit == Habit::Caller { "connection: close\r\n" } else { "" };
    stream.write_all(format!("GET {ASK} HTTP/1.1\r\nhost: tminus\r\n{close}\r\n").as_bytes()).await?;
    let head = answer(&mut stream).await?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(head.lines().next().unwrap_or_default().to_owned()));
    }
    Ok((stream, head.to_ascii_lowercase().contains("connection: close")))
}

/// Reads one answer and gives its head.
pub(super) async fn answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(1_024);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .to_ascii_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| rest.lines().next().and_then(|number| number.trim().parse().ok()).unwrap_or(0));
            if bytes.len() >= end + length {
                return Ok(head);
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("closed after {} bytes of an answer", bytes.len())));
        }
    }
}
