//! Findings in the forms that people and CI systems read.

mod annotations;
mod human;
mod reports;

pub use annotations::github;
pub use human::{counted, human};
pub use reports::{junit, sarif};
