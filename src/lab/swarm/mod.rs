//! The client swarm: some hundred clients that update and download everything again, as in the story.
//!
//! `crowd` starts and ends it, `client` is one life, `net` one request, `library` who has what, `series` and `report`
//! what was seen; `run` is the verb. The demo uses it as a library; it knows nothing of releases beyond the answers of
//! the decision listener.

mod client;
mod crowd;
mod library;
mod net;
mod report;
mod run;
mod series;
mod spec;

pub use crowd::Swarm;
pub use report::{SwarmReport, SwarmSummary};
pub use run::{Options, run};
pub use series::Second;
pub use spec::SwarmSpec;
