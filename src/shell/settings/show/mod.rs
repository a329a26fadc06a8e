//! Findings in the forms that people and CI systems read.

mod annotations;
mod excerpt;
mod human;
mod junit;
mod sarif;

pub use super::hidden::escaped;
pub use annotations::github;
pub use human::{counted, human};
pub use junit::junit;
pub use sarif::sarif;
