//! What `override` and `status` show of overrides. Nothing is decided here.

use std::time::Duration;

use super::terminal::{Colour, paint, plain};
use crate::shell::control::span;
use crate::shell::control::status::{OverrideStatus, Preview};

/// All overrides, one line each.
pub(super) fn list(overrides: &[OverrideStatus]) -> String {
    if overrides.is_empty() {
        return "no override is in force".into();
    }
    overrides.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One override: what, how long still, whose and why.
pub(super) fn line(one: &OverrideStatus) -> String {
    let number = one.instances.map_or(String::new(), |instances| format!(" of {instances}"));
    let left = span(Duration::from_secs(one.left_secs));
    let text = format!("{} {}{number}, {left} left, by {}: {}", one.group, one.kind, one.owner, one.reason);
    format!("override  {} {}", paint(Colour::Yellow, "⚑"), plain(&text))
}

/// What one would do.
pub(super) fn preview(shown: &Preview) -> String {
    plain(&shown.sentence)
}
