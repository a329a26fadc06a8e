//! The control listener: people and programs give orders and read how things stand.
//!
//! [`desk`] is the only way from here to the daemon: orders go in by a channel, views come out by a watch.

mod desk;

pub use desk::{Applied, Ask, Desk, GroupView, PushedCounts, View};
