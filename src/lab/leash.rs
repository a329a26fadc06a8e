//! The leash: nothing of the demo outlives the demo, not even when it is killed.
//!
//! The demo listens on loopback and accepts; every lab process connects and ends as soon as the connection does. The
//! kernel closes the demo's sockets however it ends, so no clean-up has to run. It does not end the daemon's own
//! bookkeeping: instances outlive the daemon, which is the point.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::task::AbortHandle;

/// Longest wait for the leash at the start; it listens before any child is started.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Most processes on one leash: far more than a demo has, and a bound on its open files.
const MOST_HELD: usize = 512;

/// The demo's end. Dropping it lets everything go, which ends it.
pub struct Leash {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Leash {
    /// Listens, and holds every connection until it is dropped. Needs a tokio runtime.
    pub fn hold() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let accepting = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                if held.len() < MOST_HELD {
                    held.push(stream);
                }
            }
        });
        Ok(Self { address, accepting: accepting.abort_handle() })
    }

    /// What children are given as `--leash`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Ties this process to a leash: it exits with 0 when the leash ends. An error when there is no leash to tie to; the
/// caller then exits with 1.
///
/// A thread of its own waits, so that a busy runtime cannot delay the end.
pub fn follow(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
    let wait = move || {
        // Nothing is ever sent; an end and an error mean the same.
        while matches!(stream.read(&mut [0; 16]), Ok(received) if received > 0) {}
        std::process::exit(0);
    };
    std::thread::Builder::new().name("leash".into()).spawn(wait).map(drop)
}
