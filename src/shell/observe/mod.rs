//! Looks at the world: metrics sources, and the probes of the checklist.
//!
//! [`sources`] asks every source once per tick for all that is wanted of it, over [`prometheus`], [`mod@cloudwatch`],
//! [`mod@file`] and [`push`]; [`gate`] and [`level`] turn series into what the core decides from; [`probe`] runs one check.
//! Invariant: what could not be measured is missing with a reason, never a zero.

mod cloudwatch;
mod command_probe;
mod error;
mod file;
mod gate;
mod http_probe;
mod level;
mod probe;
mod prometheus;
mod push;
mod series;
mod sources;
mod substitution;

pub use cloudwatch::Clouds;
pub use error::ObserveError;
pub use gate::{GateAsk, GateMinutes};
pub use level::History;
pub use probe::{Probe, Probes};
pub use push::{Book, Pushes};
pub use series::{Ask, Point, Purpose, Series, Span, Tick};
pub use sources::Sources;
pub use substitution::Substitution;
