//! What a person meant who wrote a scalar in another form than documents take: `2 hours`, `11:00 PST`, `12,5`.
//!
//! One file per family. Each gives the likely fix as a help, or nothing where there is none. Invariant: what a help
//! proposes between backquotes alone as the fix is read by the format's own reader; a test tries each.

mod addresses;
mod durations;
mod instants;
mod numbers;
mod zones;

pub use addresses::{host_port, listen, name, sha256, url};
pub use durations::{duration, t_relative};
pub use instants::instant;
pub use numbers::{count, decimal, percent, rate};
pub use zones::zone;
