//! The daemon: observe, decide, commit, act; one writer, level-triggered.
//!
//! [`start`] wires the rooms from documents, [`engine`] is the loop, [`look`] gathers what the world looks like,
//! [`act`] carries out what was committed, [`probing`] keeps the checklist's probes running, [`board`] publishes,
//! [`chronicle`] remembers for the report. [`sockets`] and [`service`] are the ends to a service manager.
//! Invariant: nothing is sent before its intent is durable (I1), and every listener reads snapshots, never the store.

mod act;
mod board;
mod chronicle;
mod counts;
mod documents;
mod engine;
mod look;
mod probing;
mod service;
mod sockets;
mod start;

pub use sockets::HandOverError;
pub use start::{Options, Running, StartError, serve};
