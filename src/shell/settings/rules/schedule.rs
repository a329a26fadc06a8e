//! What a schedule must keep to: it fires.
//!
//! Not here: how its fields are written, which the scalar's reader has checked.

use crate::core::calendar::{InvalidLine, Line};
use crate::shell::settings::kinds::priming::Schedule;
use crate::shell::settings::node::Path;
use crate::shell::settings::notes::Notes;

pub fn check(schedule: &Schedule, at: &Path, notes: &mut Notes<'_>) {
    if let Err(never @ InvalidLine::Never(_)) = schedule.cron.0.parse::<Line>() {
        notes.value(at.then("cron")).error("TM0220", never.to_string(), never.fix());
    }
}
