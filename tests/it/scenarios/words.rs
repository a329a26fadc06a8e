//! One command line: plain words, `key=value` words, and `by PERSON[: REASON]` at the end.
//!
//! Invariant: every word is used; [`Words::done`] names one that no command asked for.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use tminus::core::words::{Name, TRelative, parse_duration};

/// A command line while it is read.
pub(super) struct Words {
    plain: Vec<String>,
    keyed: BTreeMap<String, String>,
    /// Who gives it and why, if somebody does.
    pub(super) by: Option<(Name, String)>,
}

impl Words {
    pub(super) fn of(line: &str) -> Result<Self, String> {
        let (line, by) = match line.split_once(" by ") {
            None => (line, None),
            Some((line, who)) => {
                let (name, reason) = who.split_once(": ").unwrap_or((who, ""));
                (line, Some((name_of(name)?, reason.to_owned())))
            }
        };
        let (keyed, mut plain): (Vec<_>, Vec<_>) = line.split_whitespace().partition(|word| word.contains('='));
        plain.reverse();
        let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        Ok(Self {
            plain: plain.into_iter().map(str::to_owned).collect(),
            keyed: keyed.into_iter().filter_map(pair).collect(),
            by,
        })
    }

    /// The next plain word.
    pub(super) fn next(&mut self, what: &str) -> Result<String, String> {
        self.plain.pop().ok_or(format!("{what} is missing"))
    }

    /// The next plain word as a name.
    pub(super) fn name(&mut self, what: &str) -> Result<Name, String> {
        name_of(&self.next(what)?)
    }

    /// Whether this is the next plain word; it is taken then.
    pub(super) fn takes(&mut self, word: &str) -> bool {
        self.plain.pop_if(|next| next == word).is_some()
    }

    /// All plain words that are left.
    pub(super) fn rest(&mut self) -> Vec<String> {
        let mut rest = std::mem::take(&mut self.plain);
        rest.reverse();
        rest
    }

    /// The instant after a word such as `until`.
    pub(super) fn clock(&mut self, word: &str) -> Result<TRelative, String> {
        if !word.is_empty() && !self.takes(word) {
            return Err(format!("`{word}` is missing"));
        }
        let time = self.next("a time such as T-2h")?;
        let time = if time == "T-0" { "T-0s" } else { &time };
        time.parse().map_err(|error| format!("{error}"))
    }

    /// The duration after a word such as `every`; `None` without the word.
    pub(super) fn lasting(&mut self, word: &str) -> Result<Option<Duration>, String> {
        if !self.takes(word) {
            return Ok(None);
        }
        parse_duration(&self.next("a duration")?).map(Some).map_err(|error| error.to_string())
    }

    /// The value of a key, taken.
    pub(super) fn value(&mut self, key: &str) -> Option<String> {
        self.keyed.remove(key)
    }

    /// The value of a key as a number or a name.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, key: &str) -> Result<Option<T>, String> {
        let parsed = self.value(key).map(|value| value.parse::<T>().map_err(|error| format!("{key}={value}: {error}")));
        parsed.transpose()
    }

    /// The value of a key as a duration.
    pub(super) fn duration(&mut self, key: &str) -> Result<Option<Duration>, String> {
        self.value(key).map(|value| parse_duration(&value).map_err(|error| format!("{key}: {error}"))).transpose()
    }

    /// A share written as a percent, such as `0.1%`.
    pub(super) fn share(&mut self, key: &str) -> Result<Option<f64>, String> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let percent: f64 = value.trim_end_matches('%').parse().map_err(|error| format!("{key}={value}: {error}"))?;
        Ok(Some(percent / 100.0))
    }

    /// Refuses what nobody asked for.
    pub(super) fn done(self) -> Result<(), String> {
        match self.plain.last().or(self.keyed.keys().next()) {
            Some(word) => Err(format!("`{word}` means nothing here")),
            None => Ok(()),
        }
    }
}

pub(super) fn name_of(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| format!("{text:?}: {error}"))
}
