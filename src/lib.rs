//! tminus takes a release from T-minus days to 100 % of its users without a launch-day outage.
//!
//! Reading order: [`core`] decides and is pure, [`shell`] acts, [`command`] is the command line,
//! [`lab`] is what `tminus demo` needs. `docs/ARCHITECTURE.md` has the map and the walk-throughs.
//! Direction: main -> command -> shell -> core; lab stands beside command.

pub mod command;
pub mod core;
pub mod lab;
pub mod shell;
