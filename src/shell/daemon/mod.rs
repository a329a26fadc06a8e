//! The daemon: observe, decide, commit, act; one writer, level-triggered.
//!
//! [`start`] wires the rooms from documents, [`engine`] is the loop, [`look`] gathers what the world looks like,
//! [`act`] carries out what was committed, [`probing`] keeps the checklist's probes running, [`pushes`] the
//! pushed counts, [`board`] publishes,
//! [`chronicle`] remembers for the report, [`warmth`] what priming proved, [`upkeep`] rids the store of what is old.
//! [`owed`] journals what became of effects, [`durability`] knows whether anything can be kept, [`timekeeping`] whether the
//! clock jumped, [`apply`] takes into force what people bring, [`fault`] lets tests kill the process between two steps.
//! [`lanes`] keeps changes of a group one behind the other. [`sockets`] and [`service`] are the ends to a service manager. [`documents`] are those in force; [`reload`] watches the
//! files, [`reload_weigh`] reads them, [`reload_needed`] says what may not go with its file, [`reload_take`] takes a change
//! into force and [`reload_start`] finds what a start begins with.
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
mod hindsight;
mod lanes;
mod look;
mod owed;
mod probing;
mod pushes;
mod reload;
mod reload_needed;
mod reload_start;
mod reload_take;
mod reload_weigh;
mod service;
mod sockets;
mod start;
mod timekeeping;
mod upkeep;
mod warmth;

pub use fault::{DieAt, Step, die_at};
pub use sockets::HandOverError;
pub use start::{Options, Running, StartError, serve};
