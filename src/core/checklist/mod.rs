//! The checklist: items, the evidence for each with its age, sign-offs, and the readiness they add up to.
//!
//! [`item`] is what documents say, [`evidence`] what was measured or signed, [`mod@readiness`] GO, HOLD or NO-GO with
//! the first reason; [`mod@assess`] judges one by the other, [`mod@cadence`] says how often to measure. Not here:
//! running a check (the shell's probes), and what a release does with the answer.

mod assess;
mod cadence;
mod evidence;
mod item;
mod readiness;

pub use assess::{Assessment, assess, readiness, step_blocked};
pub use cadence::{cadence, is_due};
pub use evidence::{Evidence, Outcome, SignOff, Waiver};
pub use item::{Blocks, Check, Checklist, Demand, Item};
pub use readiness::{ItemState, ItemStatus, Readiness, Word};
