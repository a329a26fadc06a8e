//! The simulator of the core: seeded worlds that go wrong in every way, and what they prove.
//!
//! [`rig`] is the simulator, shared with `benches/simulator.rs`; [`gate`] runs the seeds of the suite; [`bugs`] keeps the bugs that
//! are planted to prove it.

mod bugs;
mod gate;
pub mod rig;
