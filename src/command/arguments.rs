//! Readers of arguments that several verbs take; what they refuse is usage (64).
//!
//! Not here: what an argument means to its verb.

use jiff::{Timestamp, Zoned};

use crate::core::throttle::LONGEST_CLIENT;
use crate::core::words::{InvalidName, InvalidVersion, Name, Version};

/// A name of an app, channel, release or item.
pub(super) fn name(text: &str) -> Result<Name, InvalidName> {
    Name::new(text)
}

/// A version.
pub(super) fn version(text: &str) -> Result<Version, InvalidVersion> {
    Version::new(text)
}

/// A client id; an empty one counts as none later.
pub(super) fn client(text: &str) -> Result<String, String> {
    if text.len() > LONGEST_CLIENT { Err(format!("a client id is at most {LONGEST_CLIENT} bytes")) } else { Ok(text.into()) }
}

/// An instant, RFC 3339 or RFC 9557; with a zone in brackets, offset and zone must agree.
pub(super) fn instant(text: &str) -> Result<Timestamp, jiff::Error> {
    if text.contains('[') { text.parse().map(|zoned: Zoned| zoned.timestamp()) } else { text.parse() }
}
