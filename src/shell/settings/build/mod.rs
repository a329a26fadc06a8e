//! Validated documents -> what the core decides with and the shell acts by. Names are not resolved here.

mod checklist;
mod documents;
mod gate;
mod metrics;
mod release;
mod scaling;
mod shell;
mod throttle;

pub use documents::assemble;
pub use gate::policy as gate_policy;
pub use release::release;
pub use throttle::policy as throttle_policy;
