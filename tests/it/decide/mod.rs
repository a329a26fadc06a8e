//! Decisions where the scenarios do not reach: refusals, sign-offs, halts, poisoned documents, and random sequences.
//!
//! [`bench`] makes decisions from YAML and passes every one of them to the checker.

pub mod bench;
mod checker;
mod edited;
mod goldens;
mod halts;
mod orders;
mod overrides;
mod plans;
mod poisoned;
mod properties;
mod schedules;
mod signatures;
mod vanished;
