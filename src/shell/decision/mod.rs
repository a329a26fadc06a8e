//! The decision listener: the hot path between a client or load balancer and the throttle. Memory only.
//!
//! [`listen`] accepts and bounds connections, [`mod@connection`] is one of them, timed by [`pulse`], [`answer`] routes, [`query`] reads what was asked,
//! [`wire`] writes what was decided, [`meter`] counts. Not here: any decision, store or outside call; the daemon
//! publishes tables, the throttle decides.
//! Invariant: each request is answered from the table that is published when it is read, whole, so that a halt holds
//! from the next request on, on every connection.

mod answer;
mod connection;
mod listen;
mod meter;
mod pulse;
mod query;
mod wire;

pub use listen::{Farewell, Limits, serve, serve_within};
pub use wire::DecisionWire;
