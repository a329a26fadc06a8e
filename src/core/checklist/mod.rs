//! The checklist: items, the evidence for each with its age, sign-offs, and the readiness they add up to.
//!
//! [`item`] is what documents say, [`evidence`] what was measured or signed, [`readiness`] GO, HOLD or NO-GO with
//! the first reason. Not here: running a check (the shell's probes), and what a release does with the answer.

mod evidence;
mod item;
mod readiness;

pub use evidence::{Evidence, Outcome, SignOff, Waiver};
pub use item::{Blocks, Check, Checklist, Demand, Item};
pub use readiness::{ItemState, ItemStatus, Readiness, Word};
