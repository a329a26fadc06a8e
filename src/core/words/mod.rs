//! The vocabulary that all rooms share: validated values with private fields and one fallible constructor.
//!
//! Not here: anything that one room alone uses.

mod duration;
mod instant;
mod name;
mod percent;
mod quantity;
pub mod real;
mod version;

pub use duration::{InvalidDuration, format_duration, parse_duration};
pub use instant::{InvalidTRelative, TRelative, later, local, since};
pub use name::{InvalidName, Name};
pub use percent::{InvalidPercent, Percent};
pub use quantity::{Capacity, InvalidQuantity, Rate, parse_count};
pub use version::{Bound, InvalidVersion, InvalidVersionRule, Version, VersionRule};
