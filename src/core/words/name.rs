//! A name of an app, channel, item, group, policy or person: compared ASCII-case-insensitively, shown as written.
//!
//! It does not say what it names. Invariant: equality, order and hash agree, all on the folded text.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name in bytes. Names come from files and requests; 200 holds every real one and bounds memory.
const LONGEST: usize = 200;

/// A folded name: `Firefox` equals `firefox`, and is displayed as it was written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was written.
    #[error("a name is at least one character")]
    Empty,
    /// Longer than 200 bytes.
    #[error("a name is at most {LONGEST} bytes, this one has {0}")]
    TooLong(usize),
    /// A control character, or white space at an end.
    #[error("a name has no control characters and no white space at its ends")]
    Unprintable,
}

impl Name {
    /// Checks and keeps the text as written.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.len() > LONGEST {
            return Err(InvalidName::TooLong(text.len()));
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(InvalidName::Unprintable);
        }
        Ok(Self(text.into()))
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in ASCII lower case, for salts and paths.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().for_each(|byte| state.write_u8(byte));
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_case_and_keep_their_spelling() {
        let (one, other) = (Name::new("Firefox").unwrap(), Name::new("fireFOX").unwrap());
        assert_eq!(one, other);
        assert_eq!(one.cmp(&other), Ordering::Equal);
        assert_eq!(one.to_string(), "Firefox");
        assert_eq!(one.folded(), "firefox");
    }

    #[test]
    fn unusable_names_are_refused() {
        for text in ["", " a", "a\n", "a\u{7}b", &"x".repeat(201)] {
            assert!(Name::new(text).is_err(), "{text:?}");
        }
    }
}
