//! `tminus demo`: the AgileMD story on one machine, nothing mocked.
//!
//! [`script`] says what is played. [`stage`] starts the parts, each a process on loopback; [`papers`] writes the documents
//! they run by; [`director`] is the person who signs, rehearses and says go, [`room`] the people who are told,
//! [`interruptions`] kills the daemon. [`watch`] looks on with [`recorder`] and [`screen`], [`scenario`] leads through.
//! Afterwards [`ledger`] counts what was done twice, [`verdict`] reads why it was aborted, [`outcome`] adds up, and
//! [`book`] makes the report of [`mod@figures`] and [`charts`]. Not here: the daemon itself, which is the real one.
//! Invariant: nothing outlives the demo, its SIGKILL included (the leash).

mod book;
mod charts;
mod director;
mod figures;
mod instances;
mod interruptions;
mod ledger;
mod outcome;
mod papers;
mod recorder;
mod room;
mod scenario;
mod screen;
mod script;
mod stage;
mod verdict;
mod watch;

pub use figures::figures;
pub use outcome::{AbortSummary, Summary};
pub use scenario::{Playing, Shown, play};
pub use script::{Extent, Scenario};
