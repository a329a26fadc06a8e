//! Findings in the forms that people and CI systems read.

mod annotations;
mod excerpt;
mod human;
mod junit;
mod sarif;

pub use super::hidden::{json as plain_json, yaml as plain_yaml};
pub use annotations::github;
pub use human::{counted, human};
pub use junit::junit;
pub use sarif::sarif;
