//! Behaviour of the gate from the outside: through `judge` and `replay` alone.
//!
//! [`fixture`] makes policies and minutes, [`vectors`] are the figures of the reference, [`judging`] the verdicts, [`least`] what
//! SAFE takes at the least, [`properties`] what must hold for all inputs, [`bars`] error rates and delays by simulation with fixed seeds.

mod bars;
mod fixture;
mod judging;
mod least;
mod properties;
mod vectors;
