//! Entries read ahead from the source and put in order of priority.
//!
//! A whole source cannot be sorted in bounded memory; sources that are sorted already come out right, others nearly.
//! Invariant: at most [`WINDOW`] entries are held.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use tokio::sync::mpsc;

use super::source::Entry;

/// Entries held, and as many in the channel behind: about a second of work, some hundred kilobytes.
pub(super) const WINDOW: usize = 1_024;

/// Entries read ahead, the highest priority first, then in the order of the source.
pub(super) struct Window {
    entries: mpsc::Receiver<Entry>,
    held: BinaryHeap<Held>,
    read: u64,
}

struct Held {
    priority: f64,
    ordinal: u64,
    entry: Entry,
}

impl Window {
    pub(super) fn new(entries: mpsc::Receiver<Entry>) -> Self {
        Self { entries, held: BinaryHeap::new(), read: 0 }
    }

    pub(super) async fn next(&mut self) -> Option<Entry> {
        while self.held.len() < WINDOW {
            let Ok(entry) = self.entries.try_recv() else { break };
            self.hold(entry);
        }
        if self.held.is_empty() {
            let entry = self.entries.recv().await?;
            self.hold(entry);
        }
        self.held.pop().map(|held| held.entry)
    }

    fn hold(&mut self, entry: Entry) {
        let priority = if let Entry::Object(object) = &entry { object.priority() } else { 0.0 };
        self.read += 1;
        self.held.push(Held { priority, ordinal: self.read, entry });
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then_with(|| other.ordinal.cmp(&self.ordinal))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::priming::{Fields, Object};

    #[tokio::test]
    async fn the_highest_priority_comes_first_and_equals_in_order() {
        let (to, entries) = mpsc::channel(8);
        for (url, priority) in [("http://a/1", None), ("http://a/2", Some(5.0)), ("http://a/3", None), ("http://a/4", Some(-1.0))]
        {
            let object = Object::new(Fields { url: url.into(), priority, ..Fields::default() }).unwrap();
            to.send(Entry::Object(object)).await.unwrap();
        }
        drop(to);
        let (mut window, mut order) = (Window::new(entries), String::new());
        while let Some(Entry::Object(object)) = window.next().await {
            order.push_str(&object.url()["http://a/".len()..]);
        }
        assert_eq!(order, "2134");
    }
}
