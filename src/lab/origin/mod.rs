//! The content and API origin: an honest little application server with bounded slots and a real service time.
//!
//! `slots` bound what it can do, `answers` say what it serves, `serve` starts and ends it. It knows nothing of caches or releases.

mod answers;
mod serve;
mod slots;

pub use serve::{Options, run};
