//! How much of a decision was made, so that the audit can have the very same made again.
//!
//! Invariant: a word of the store stands for one function for ever; a new way to decide takes a new word.

use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::run::{decide, decide_orders};
use super::snapshot::Snapshot;

/// How much was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    #[default]
    Whole,
    /// Orders and the halt file alone, because a whole decision would have broken an invariant.
    Orders,
}

impl Scope {
    /// The word in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Orders => "orders",
        }
    }

    /// The way back; `None`: a word of a later version.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Whole, Self::Orders].into_iter().find(|scope| scope.word() == word)
    }
}

/// Decides as much as the scope says.
pub fn decide_within(scope: Scope, snapshot: &Snapshot) -> Decision {
    match scope {
        Scope::Whole => decide(snapshot),
        Scope::Orders => decide_orders(snapshot),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_others_are_unknown() {
        for scope in [Scope::Whole, Scope::Orders] {
            assert_eq!(Scope::of_word(scope.word()), Some(scope));
        }
        assert_eq!(Scope::of_word("half"), None);
    }
}
