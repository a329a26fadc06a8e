//! The daemon killed at every step of its journal and at random, with torn, full and read-only disks under it.
//!
//! [`life`] is one data folder with a world around it; [`operator`] gives orders to it; [`promises`] checks after every
//! start what must hold (I1, I2, I9, I10); [`points`] kills at each step, [`random`] anywhere.

pub mod daemon;
mod disk;
mod documents;
mod durable;
mod ledger;
mod life;
mod operator;
mod points;
mod promises;
mod random;
mod room;
mod torn;
