//! An HTTP/1 listener for the lab: accepts and answers. What it answers is the caller's.
//!
//! Limits: headers within [`HEADERS_WITHIN`], no request bodies are read.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// A response of the lab.
pub(super) type Answer = Response<Full<Bytes>>;

/// A client that sends its headers slower holds a connection for nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);

/// After a failed accept (no file descriptors left) the loop waits, so that it does not spin until some are free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Listens, and says where on stdout: port 0 picks one.
pub(super) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    anstream::println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// Accepts until it is dropped; every connection has its own task and ends with the runtime.
pub(super) async fn serve<F, Fut>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Small answers: waiting to fill a packet would only add to the measured times.
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
            // A connection that breaks is its client's business.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// An answer with a short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Answer {
    with(status, "text/plain", Bytes::from_static(text.as_bytes()))
}

/// An answer with JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Answer {
    with(StatusCode::OK, "application/json", serde_json::to_vec(value).unwrap_or_default().into())
}

/// An answer with a body.
pub(super) fn with(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// The value of a query parameter, as written (the lab's own values need no decoding).
pub(super) fn query<'a>(request_query: Option<&'a str>, key: &str) -> Option<&'a str> {
    request_query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}
