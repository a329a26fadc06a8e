//! What people asked for, and what they were promised.
//!
//! Every order carries a mark in its reason that is found again in the timeline.

use std::collections::BTreeMap;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A phase of a release.
    Phase { release: String, word: &'static str },
    /// A signature.
    SignOff { release: String },
    /// A halt of the other app.
    Halt,
    /// Its lift.
    Lift,
    /// A halted version is let go.
    LiftVersion,
    /// A release was applied.
    Release { release: String },
    /// A throttle policy with this mark was applied.
    Policy,
}

/// One order.
#[derive(Clone, Debug)]
pub struct Entry {
    pub deed: Deed,
    /// Whether the daemon said that it is done.
    pub promised: bool,
    /// Whether the daemon said that it is not done.
    pub refused: bool,
}

/// See the module.
#[derive(Default)]
pub struct Ledger {
    entries: BTreeMap<u32, Entry>,
}

impl Ledger {
    /// Notes an order before it is given; its mark.
    pub fn begin(&mut self, deed: Deed) -> u32 {
        let number = self.entries.len() as u32 + 1;
        self.entries.insert(number, Entry { deed, promised: false, refused: false });
        number
    }

    pub fn promised(&mut self, number: u32) {
        self.entries.get_mut(&number).unwrap().promised = true;
    }

    pub fn refused(&mut self, number: u32) {
        self.entries.get_mut(&number).unwrap().refused = true;
    }

    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        self.entries.iter().map(|(number, entry)| (*number, entry))
    }

    pub fn get(&self, number: u32) -> Option<&Entry> {
        self.entries.get(&number)
    }
}

/// The mark of an order as it stands in reasons.
pub fn mark(number: u32) -> String {
    format!("mark-{number}-")
}

/// The order that a text carries the mark of.
pub fn marked(text: &str) -> Option<u32> {
    let rest = &text[text.find("mark-")? + 5..];
    rest[..rest.find('-')?].parse().ok()
}
