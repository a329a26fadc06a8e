//! The lab's HTTP client: plain HTTP/1.1 on loopback with kept connections.

use std::time::Duration;

use hyper::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Idle connections kept per address: what one edge fetches at once, or what clients have under way, in a calm scene.
const KEPT_PER_HOST: usize = 128;

/// Loopback connects in microseconds; a full backlog is what takes longer.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long an idle connection is kept: below what any listener here allows between two requests.
const IDLE_WITHIN: Duration = Duration::from_secs(4);

/// A client with its own pool.
pub(super) fn client<B>() -> Client<HttpConnector, B>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_WITHIN).pool_max_idle_per_host(KEPT_PER_HOST);
    builder.build(connector)
}
