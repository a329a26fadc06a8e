//! The control listener: people and programs give orders and read how things stand.
//!
//! [`desk`] is the only way from here to the daemon: orders go in by a channel, views come out by a watch.
//! [`listener`] accepts, [`routes`] is the one table, [`counter`] looks at every request first ([`access`], limits,
//! [`replies`] by Idempotency-Key), then [`orders`], [`intake`], [`board`], [`events`] or [`health`] answers.
//! [`status`] has the shapes of the JSON, [`reading`] fills them from a view, and [`mirrors`] the metrics.

mod access;
mod board;
mod call;
mod counter;
mod desk;
mod etag;
mod events;
mod forecasts;
mod health;
mod intake;
mod listener;
mod mirrors;
mod orders;
mod overrides;
mod problem;
mod reading;
mod replies;
mod routes;
mod sentences;
pub mod status;
mod upcoming;

pub use access::Least;
pub use desk::{Applied, Ask, Desk, GroupView, NotApplied, NotRemoved, Papers, People, Reloaded, View};
pub use listener::{BeyondLoopback, may_listen, serve};
pub use orders::PHASES;
pub use problem::Problem;
pub use reading::{Reading, phase_word};
pub use routes::{ROUTES, Route, Takes};
pub use sentences::{clock, span};
