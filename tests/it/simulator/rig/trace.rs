//! What a run leaves: a hash of its decisions, or lines for people.
//!
//! Invariant: two runs with equal hashes made equal decisions.

use std::hash::{DefaultHasher, Hash, Hasher};

use tminus::core::decide::Decision;

use super::options::{HOUR, MINUTE};
use super::run::Detail;

/// See the module.
pub struct Trace {
    detail: Detail,
    hasher: DefaultHasher,
    lines: Vec<String>,
}

impl Trace {
    pub fn new(detail: Detail) -> Self {
        Self { detail, hasher: DefaultHasher::new(), lines: Vec::new() }
    }

    pub fn decision(&mut self, decision: &Decision) {
        if self.detail == Detail::Everything {
            serde_json::to_string(decision).unwrap().hash(&mut self.hasher);
        } else if decision.changed {
            serde_json::to_string(&(&decision.state, &decision.intents, &decision.replies)).unwrap().hash(&mut self.hasher);
        }
    }

    pub fn line(&mut self, at: i64, line: impl FnOnce() -> String) {
        if self.detail == Detail::Lines {
            self.lines.push(format!("{} {}", clock(at), line()));
        }
    }

    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub fn lines(self) -> Vec<String> {
        self.lines
    }
}

/// Hours, minutes and seconds since the start.
pub fn clock(at: i64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", at / HOUR, at / MINUTE % 60, at / 1_000 % 60, at % 1_000)
}
