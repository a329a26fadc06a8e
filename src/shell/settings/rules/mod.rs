//! Rules within one document that a schema cannot say: one file per kind, each puts its findings into the notes.

mod checklist;
mod gate;
mod metrics;
mod notifier;
mod priming;
mod release;
mod scaling;
mod schedule;
mod settings;
mod within;

pub use release::read_curve;
pub use within::check;
