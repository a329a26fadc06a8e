//! Overrides: what a person on call imposes on a group for a while, above everything that automation plans.
//!
//! Of one kind there is at most one on a group: the newest replaces, since two numbers of one kind in force would leave
//! nobody knowing which. Between kinds the order is freeze > pin > ceiling > floor > release plan > forecast; one that
//! is outranked stays and counts again when the other ends. Not here: what comes of it ([`super::layer`]), and giving
//! orders. Invariant (I6): each has an owner, a reason and an end, and at its end it is over without anybody's help.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::{Capacity, Name, since};

/// People hear so long before an override ends, ...
const WARNED: Duration = Duration::from_mins(15);
/// ... but not before this share of its length is left, 1/4: a short one would be announced as it begins.
const SHARE_LEFT: u32 = 4;

/// Every override in force, of all groups. Durable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overrides {
    /// In the order in which they were given.
    pub list: Vec<Override>,
    /// The number of the newest that ever was, from 1.
    pub last_id: u64,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// Its number, never given twice.
    pub id: u64,
    /// The scaling policy.
    pub group: Name,
    /// What it imposes.
    pub to: OverrideTo,
    /// Whose it is: who gave it.
    pub owner: Name,
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
    /// From here on it is over.
    pub expires_at: Timestamp,
    /// Whether people have heard that this end is near.
    pub warned: bool,
}

/// What an override imposes on a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideTo {
    /// The floor is at least this.
    Floor(Capacity),
    /// Automation raises the floor to at most this.
    Ceiling(Capacity),
    /// The floor is this.
    Pin(Capacity),
    /// Automation changes nothing of the group.
    Freeze,
}

/// The kinds, by which people name overrides of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideKind {
    /// At least.
    Floor,
    /// At most.
    Ceiling,
    /// Exactly.
    Pin,
    /// As it is.
    Freeze,
}

impl OverrideKind {
    /// All of them, the weakest first.
    pub const ALL: [Self; 4] = [Self::Floor, Self::Ceiling, Self::Pin, Self::Freeze];

    /// The kind in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
            Self::Pin => "pin",
            Self::Freeze => "freeze",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl OverrideTo {
    /// Its kind.
    pub fn kind(self) -> OverrideKind {
        match self {
            Self::Floor(_) => OverrideKind::Floor,
            Self::Ceiling(_) => OverrideKind::Ceiling,
            Self::Pin(_) => OverrideKind::Pin,
            Self::Freeze => OverrideKind::Freeze,
        }
    }

    /// Its number; a freeze has none.
    pub fn instances(self) -> Option<Capacity> {
        match self {
            Self::Floor(instances) | Self::Ceiling(instances) | Self::Pin(instances) => Some(instances),
            Self::Freeze => None,
        }
    }

    /// In words that follow `the`: `floor of 12`, `freeze`.
    pub fn words(self) -> String {
        let word = self.kind().word();
        self.instances().map_or_else(|| word.to_owned(), |instances| format!("{word} of {instances}"))
    }
}

impl Override {
    /// Whether it counts at an instant.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        at < self.expires_at
    }

    /// When people should hear that it ends.
    pub fn warns_at(&self) -> Timestamp {
        let lead = WARNED.min(since(self.expires_at, self.created_at) / SHARE_LEFT);
        self.expires_at.checked_sub(lead).unwrap_or(self.expires_at)
    }

    /// When something of it is known to change next.
    pub fn next_at(&self) -> Timestamp {
        if self.warned { self.expires_at } else { self.warns_at() }
    }
}

impl Overrides {
    /// Those of one group that count at an instant.
    pub fn of<'a>(&'a self, group: &'a Name, at: Timestamp) -> impl Iterator<Item = &'a Override> {
        self.list.iter().filter(move |one| one.group == *group && one.is_in_force(at))
    }

    /// The one of a kind on a group.
    pub fn find(&self, group: &Name, kind: OverrideKind) -> Option<&Override> {
        self.list.iter().find(|one| one.group == *group && one.to.kind() == kind)
    }

    /// Puts one in force, in place of one of its kind on its group; its number is given here.
    pub fn put(&mut self, one: Override) {
        self.last_id += 1;
        self.list.retain(|other| other.group != one.group || other.to.kind() != one.to.kind());
        self.list.push(Override { id: self.last_id, ..one });
    }

    /// Takes out what is over, and says what that was.
    pub fn take_over(&mut self, now: Timestamp) -> Vec<Override> {
        let (left, over) = std::mem::take(&mut self.list).into_iter().partition(|one| one.is_in_force(now));
        self.list = left;
        over
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{minute, name};
    use super::*;

    fn one(to: OverrideTo, from: i64, until: i64) -> Override {
        Override {
            id: 0,
            group: name("reader-api"),
            to,
            owner: name("ann"),
            reason: "a storm".into(),
            created_at: minute(from),
            expires_at: minute(until),
            warned: false,
        }
    }

    #[test]
    fn the_newest_of_a_kind_replaces_and_other_kinds_stay() {
        let mut book = Overrides::default();
        for to in [OverrideTo::Floor(Capacity(8)), OverrideTo::Freeze, OverrideTo::Floor(Capacity(12))] {
            book.put(one(to, 0, 60));
        }
        let shown: Vec<_> = book.list.iter().map(|one| (one.id, one.to)).collect();
        assert_eq!(shown, [(2, OverrideTo::Freeze), (3, OverrideTo::Floor(Capacity(12)))]);
        assert_eq!(book.of(&name("reader-api"), minute(59)).count(), 2);
        assert_eq!(book.of(&name("other"), minute(59)).count(), 0);
        assert_eq!(book.of(&name("reader-api"), minute(60)).count(), 0, "at its end it is over");
    }

    #[test]
    fn what_is_over_is_taken_out_once() {
        let mut book = Overrides::default();
        book.put(one(OverrideTo::Freeze, 0, 60));
        assert_eq!(book.take_over(minute(59)), []);
        assert_eq!(book.take_over(minute(60)).len(), 1);
        assert_eq!((book.take_over(minute(61)), book.last_id), (vec![], 1));
    }

    #[test]
    fn an_end_is_announced_in_time_and_not_at_the_beginning() {
        for (length, expected) in [(120, 105), (1_440, 1_425), (20, 15), (4, 3)] {
            assert_eq!(one(OverrideTo::Freeze, 0, length).warns_at(), minute(expected), "{length} min");
        }
    }
}
