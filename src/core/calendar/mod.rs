//! When a line of crontab is due: five fields in a time zone become instants.
//!
//! [`mod@line`] reads the five fields ([`field`] one of them, [`invalid`] says what is wrong with it), [`civil`] finds the
//! dates and times of day that match, [`schedule`] puts them on the time line of a zone, [`describe`] and [`notes`] say
//! it in English. Not here: running anything, and what becomes of missed runs (priming decides that).
//! Invariant: fires are strictly increasing, and from whichever instant they are asked for they are the same.

mod civil;
mod describe;
mod field;
mod invalid;
mod line;
mod notes;
mod schedule;

pub use invalid::{InvalidLine, InvalidSchedule, Part};
pub use line::Line;
pub use schedule::{Fires, Schedule};
