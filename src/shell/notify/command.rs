//! Runs a command with an announcement as JSON on its standard input.
//!
//! One attempt. Not here: the running itself, and trying again. Invariant: only exit code 0 counts as delivered.

use std::time::Duration;

use super::DeliveryError;
use crate::shell::child::{self, Run};

/// For the whole run: long enough for a page to be sent over a slow line.
const LIMIT: Duration = Duration::from_secs(10);

/// Bytes kept of what it prints.
const KEPT: usize = 4 << 10;

/// Runs it once.
pub(super) async fn run(arguments: &[String], input: &[u8]) -> Result<String, DeliveryError> {
    let asked = Run { command: arguments, input, within: LIMIT, kept: KEPT };
    let ended = child::run(asked).await.map_err(|error| DeliveryError::new(error.to_string()))?;
    if ended.status.success() {
        return Ok("exited with 0".into());
    }
    let said = ended.line().map_or_else(String::new, |line| format!(": {line}"));
    Err(DeliveryError::new(format!("it ended with {}{said}", ended.status)))
}
