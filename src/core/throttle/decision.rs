//! A request, and the answer to it.
//!
//! Not here: how one leads to the other; that is `layers`. Invariant: whatever a request carries is bounded.

use crate::core::words::{Name, Percent, Version};

/// Longest client id in bytes. Real ones are UUIDs, hashes or serial numbers; requests bring hostile ones.
pub const LONGEST_CLIENT: usize = 256;

/// What a client or load balancer asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The app.
    pub app: Name,
    /// The version the client has.
    pub version: Version,
    /// Its channel.
    pub channel: Name,
    /// Its id, if it sent one: not empty, at most [`LONGEST_CLIENT`] bytes.
    pub client: Option<String>,
    /// Whether a person asked, or a test wants the held-back side.
    pub force: Force,
}

/// The `force` parameter. Anything but exactly `1` and `-1` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// A background check.
    #[default]
    None,
    /// `1`: a person asked.
    Serve,
    /// `-1`: the held-back side, at any percent.
    HoldBack,
}

impl Force {
    /// Reads the parameter. `true`, `0`, ` 1` and `1?avast=1` are none: only what is meant for sure is forced.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("1") => Self::Serve,
            Some("-1") => Self::HoldBack,
            _ => Self::None,
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the client may take `version`.
    pub serve: bool,
    /// What it may take; held back, what it falls back to.
    pub version: Option<Version>,
    /// Which layer decided.
    pub reason: Reason,
    /// The rule that matched, if any.
    pub rule: Option<String>,
    /// The percent that was compared with.
    pub percent: Percent,
    /// Where the client stands, when that was asked.
    pub bucket: Option<u32>,
    /// When asking again is useful, spread over clients; seconds.
    pub retry_after_secs: u32,
    /// The revision of the table.
    pub revision: String,
}

/// The layer that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Halted; beats force.
    Halt,
    /// The app has releases, none fits.
    NoOffer,
    /// `force`.
    Force,
    /// An excepted channel, or an early entry.
    Exception,
    /// A specific rule's percent.
    Rule,
    /// The running step's percent.
    Rollout,
    /// The global percent.
    Global,
    /// Nothing bound.
    Default,
    /// A client id was needed and missing.
    NoClientId,
}

impl Reason {
    /// All of them, in the order of their declaration, so that `reason as usize` is its place here.
    pub const ALL: [Self; 9] = [
        Self::Halt,
        Self::NoOffer,
        Self::Force,
        Self::Exception,
        Self::Rule,
        Self::Rollout,
        Self::Global,
        Self::Default,
        Self::NoClientId,
    ];

    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Halt => "halt",
            Self::NoOffer => "no_offer",
            Self::Force => "force",
            Self::Exception => "exception",
            Self::Rule => "rule",
            Self::Rollout => "rollout",
            Self::Global => "global",
            Self::Default => "default",
            Self::NoClientId => "no_client_id",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_words_force() {
        for (text, expected) in [(Some("1"), Force::Serve), (Some("-1"), Force::HoldBack)] {
            assert_eq!(Force::parse(text), expected, "{text:?}");
        }
        for text in [None, Some(""), Some("0"), Some("true"), Some("01"), Some(" 1"), Some("1.0"), Some("+1"), Some("1?avast=1")]
        {
            assert_eq!(Force::parse(text), Force::None, "{text:?}");
        }
    }

    #[test]
    fn every_reason_stands_at_its_place() {
        assert!(Reason::ALL.iter().enumerate().all(|(place, reason)| *reason as usize == place));
    }
}
