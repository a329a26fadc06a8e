//! The caching edge: one node in front of the origins, and the counts it gives to the gate.
//!
//! `serve` joins the parts, `node` answers, `store` keeps, `fresh` knows for how long, `upstream` fetches, `told` says how it went;
//! `counts` and `push` feed the gate. It knows nothing of releases.

mod counts;
mod fresh;
mod node;
mod push;
mod serve;
mod stats;
mod store;
mod told;
mod upstream;

pub use serve::{Options, run};
pub use stats::EdgeStats;
