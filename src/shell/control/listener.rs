//! The accept loop of the control listener, with the limits that a router alone does not have.
//!
//! A connection has 5 s for each request's head, the wait for its first byte included; there is no limit on requests
//! a connection. Invariant: whatever clients send, memory stays under connections x (buffer + largest body).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::counter::Counter;
use super::desk::Desk;
use super::routes::router;

/// Time for the head of a request; a slow or silent client costs a place no longer than this.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// Most headers of a request; browsers send about twenty.
const MOST_HEADERS: usize = 100;

/// Largest head of a request in bytes, and the read buffer of a connection.
const LARGEST_HEAD: usize = 16 * 1_024;

/// Most connections at once: people, their pages, monitors and programs of one installation.
const MOST_CONNECTIONS: usize = 256;

/// How long requests in hand may take after the stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Pause after a failed accept, so that being out of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection beyond the limit is told.
const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The address can be reached by others, who could give orders and read along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the control listener does not listen on {0}: others could reach it, and without TLS they could read tokens and give orders; \
     listen on 127.0.0.1 or [::1], and reach it from elsewhere through ssh or a proxy on this machine"
)]
pub struct BeyondLoopback(pub SocketAddr);

/// Whether the control listener may listen there.
pub fn may_listen(address: SocketAddr) -> Result<(), BeyondLoopback> {
    if address.ip().is_loopback() { Ok(()) } else { Err(BeyondLoopback(address)) }
}

/// Serves until `shutdown`, then lets requests in hand finish for up to 5 s.
///
/// Fails at once with [`BeyondLoopback`] when the listener's address is not on loopback.
pub async fn serve(listener: TcpListener, desk: Desk, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    may_listen(listener.local_addr()?).map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))?;
    let (stop, stopped) = watch::channel(false);
    let service = TowerToHyperService::new(router(Arc::new(Counter::new(desk, stopped.clone()))));
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Err(error) => {
                    tracing::warn!(error = %error, "the control listener could not accept a connection; it tries again");
                    sleep(ACCEPT_PAUSE).await;
                }
                Ok((stream, _)) => match places.clone().try_acquire_owned() {
                    Err(_) => drop(connections.spawn(turn_away(stream))),
                    Ok(place) => {
                        let talk = converse(stream, service.clone(), stopped.clone());
                        connections.spawn(async move { talk.await; drop(place) });
                    }
                },
            },
        }
    }
    drop(listener);
    stop.send_replace(true);
    let _ = timeout(STOP_TIME, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
    Ok(())
}

/// Says 503 and closes; a second is enough, since nothing but this is sent.
async fn turn_away(mut stream: TcpStream) {
    let _ = timeout(Duration::from_secs(1), stream.write_all(CROWDED)).await;
}

async fn converse(stream: TcpStream, service: TowerToHyperService<Router>, mut stopped: watch::Receiver<bool>) {
    // Small answers must not wait for a full segment; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_headers(MOST_HEADERS).max_buf_size(LARGEST_HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        // An error means that the listener is gone, which is a stop too.
        () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a control connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on() {
        for (address, allowed) in [
            ("127.0.0.1:0", true),
            ("127.1.2.3:80", true),
            ("[::1]:0", true),
            ("0.0.0.0:8017", false),
            ("[::]:8017", false),
            ("192.168.0.1:80", false),
            ("[::ffff:127.0.0.1]:80", false),
        ] {
            assert_eq!(may_listen(address.parse().unwrap()).is_ok(), allowed, "{address}");
        }
    }
}
