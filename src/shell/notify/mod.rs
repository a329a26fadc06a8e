//! The notifier: tells people, by webhook or command, what happened, what it means and what to do next.
//!
//! [`notifier`] chooses targets and reports on each, [`webhook`] and [`command`] deliver, [`mod@backoff`] says how long to
//! wait before another attempt. Not here: the attempts themselves, which the journal drives, and the wording, which the
//! core brings.

mod backoff;
mod command;
mod message;
mod notifier;
mod target;
mod webhook;

pub use backoff::{BACKOFF_BASE, BACKOFF_CAP, backoff};
pub use notifier::{DeliveryError, DeliveryResult, Notifier, NotifyError};
