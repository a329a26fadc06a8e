//! `tminus demo`: the AgileMD story on one machine, nothing mocked.
//!
//! [`stage`] starts the parts, each a process on loopback; [`papers`] writes the documents they run by; [`director`] is
//! the person who signs, rehearses and says go; [`recorder`] watches, [`screen`] shows it live, [`scenario`] leads
//! through, [`outcome`] adds up and [`book`] makes the report. Not here: the daemon itself, which is the real one.
//! Invariant: nothing outlives the demo, its SIGKILL included (the leash).

mod book;
mod director;
mod outcome;
mod papers;
mod recorder;
mod room;
mod scenario;
mod screen;
mod stage;

pub use book::figures;
pub use outcome::Summary;
pub use scenario::{Scenario, Shown, play};
