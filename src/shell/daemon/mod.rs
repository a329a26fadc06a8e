//! The daemon: observe, decide, commit, act; one writer, level-triggered.
//!
//! [`start`] wires the rooms from documents, [`engine`] is the loop, [`look`] gathers what the world looks like,
//! [`act`] carries out what was committed, [`owed`] journals what became of it, [`apply`] takes documents into force,
//! [`durability`] knows whether anything can be kept, [`timekeeping`] whether the clock jumped, [`probing`] keeps the checklist's probes running, [`board`] publishes,
//! [`chronicle`] remembers for the report, [`fault`] lets tests kill the process between two steps.
//! Invariant: nothing is sent before its intent is durable (I1), and every listener reads snapshots, never the store.

mod act;
mod apply;
mod board;
mod chronicle;
mod counts;
mod documents;
mod durability;
mod engine;
mod fault;
mod look;
mod owed;
mod probing;
mod start;
mod timekeeping;

pub use fault::{DieAt, Step, die_at};
pub use start::{Options, Running, StartError, serve};
