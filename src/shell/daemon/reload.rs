//! Watches the documents: tells when files changed and have come to rest, and has them read beside the loop.
//!
//! It polls. A look costs a few system calls a file and opens none, sees network folders and the turned links of a mounted
//! volume as well as local files, and cannot lose an event or run out of watches, so there is nothing that a library for
//! notices from the kernel would make better; it would still take the poll behind it to be sure. A change is taken once two
//! looks saw the same: an editor that is still writing is left alone for a moment, and longer where something is missing,
//! since many editors take a file away before they put the new one there. Not here: what a change means.
//! Invariant: three looks a tick, so that a change is in force within one; nothing here blocks the loop.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::reload_weigh::{Material, Weighed, weigh};
use crate::core::decide::Person;
use crate::shell::clock;
use crate::shell::control::Reloaded;
use crate::shell::settings::{Finding, Prints};

/// Files that were written this long ago are taken as written; a shorter tick waits shorter.
const RESTS: Duration = Duration::from_millis(300);

/// A file that is missing is given longer to come back.
const MISSING_RESTS: Duration = Duration::from_secs(1);

/// Looks are never closer than this, and at a long tick not rarer than the other: an edit should be seen soon.
const CLOSEST: Duration = Duration::from_millis(50);
const RAREST: Duration = Duration::from_secs(3);

/// People who wait for a reading: who, and where the answer goes.
pub(super) type Waiting = (Option<Person>, oneshot::Sender<Result<Reloaded, Vec<Finding>>>);

/// What the watch has to say.
pub(super) enum News {
    /// Files changed, or somebody asks: they should be read.
    Changed,
    /// They were read.
    Weighed(Box<Weighed>),
}

/// See the module.
pub(super) struct Reloader {
    tick: Duration,
    roots: Vec<PathBuf>,
    beside: BTreeSet<PathBuf>,
    /// What was seen when they were read the last time.
    taken: Prints,
    /// What was seen since, and when first.
    changed: Option<(Prints, Instant)>,
    look_at: Instant,
    looking: Option<JoinHandle<Prints>>,
    weighing: Option<JoinHandle<Weighed>>,
    is_wanted: bool,
    /// Who asked since the reading under way began, and who waits for it.
    waiting: Vec<Waiting>,
    answering: Vec<Waiting>,
}

impl Reloader {
    /// A watch over what was just read.
    pub(super) fn new(read: &Weighed, tick: Duration) -> Self {
        Self {
            tick,
            roots: read.roots.clone(),
            beside: read.beside.clone(),
            taken: read.prints.clone(),
            changed: None,
            look_at: clock::monotonic(),
            looking: None,
            weighing: None,
            // What changed while it was read is read again.
            is_wanted: !read.settled,
            waiting: Vec::new(),
            answering: Vec::new(),
        }
    }

    /// Files that documents were read with.
    pub(super) fn beside(&self) -> BTreeSet<PathBuf> {
        self.beside.clone()
    }

    /// The pace follows the settings.
    pub(super) fn keep_pace(&mut self, tick: Duration) {
        self.tick = tick;
    }

    /// Reads the files at the next turn, changed or not.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Reads them again as if they had changed, once they have rested.
    pub(super) fn want_later(&mut self) {
        self.taken = Prints::default();
    }

    /// The same, for somebody who waits for the answer.
    pub(super) fn ask(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
        self.want();
    }

    /// Who waits for the reading that has just ended.
    pub(super) fn answering(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.answering)
    }

    /// Who waits goes on waiting: it has to be read once more.
    pub(super) fn again(&mut self, waiting: Vec<Waiting>) {
        self.waiting.extend(waiting);
        self.want();
    }

    /// Has the files read.
    pub(super) fn weigh(&mut self, material: Material) {
        self.is_wanted = false;
        self.answering.append(&mut self.waiting);
        self.weighing = Some(spawn_blocking(move || weigh(&material)));
    }

    /// What was read is what is known of the files from now on.
    pub(super) fn settle(&mut self, read: &Weighed) {
        self.roots.clone_from(&read.roots);
        self.beside.clone_from(&read.beside);
        self.changed = None;
        if read.settled {
            self.taken.clone_from(&read.prints);
        }
        // A look that began before it is of no use.
        self.looking = None;
    }

    /// Waits for news. Dropped and called again it goes on where it was.
    pub(super) async fn next(&mut self) -> News {
        loop {
            if let Some(weighing) = &mut self.weighing {
                let read = weighing.await;
                self.weighing = None;
                match read {
                    Ok(read) => return News::Weighed(Box::new(read)),
                    Err(error) => self.failed(&error),
                }
            } else if self.is_wanted {
                return News::Changed;
            } else if let Some(looking) = &mut self.looking {
                let seen = looking.await;
                self.looking = None;
                if seen.is_ok_and(|seen| self.has_changed(seen)) {
                    return News::Changed;
                }
            } else {
                tokio::time::sleep(self.look_at.saturating_duration_since(clock::monotonic())).await;
                self.look_at = clock::monotonic() + self.every();
                let (roots, beside) = (self.roots.clone(), self.beside.clone());
                self.looking = Some(spawn_blocking(move || Prints::of(&roots, &beside)));
            }
        }
    }

    /// A reading that broke off has no answer: who waits hears that it did, and the files are looked at again.
    fn failed(&mut self, error: &tokio::task::JoinError) {
        tracing::error!(%error, "the documents could not be read; those in force stay in force");
        self.answering.clear();
    }

    /// Whether files differ from what was read, and have come to rest so.
    fn has_changed(&mut self, seen: Prints) -> bool {
        let now = clock::monotonic();
        if seen == self.taken {
            self.changed = None;
            return false;
        }
        let rests = if seen.lacks(&self.taken) { MISSING_RESTS } else { RESTS }.min(self.tick / 3);
        if let Some((known, since)) = &self.changed
            && *known == seen
            && now.saturating_duration_since(*since) >= rests
        {
            return true;
        }
        let since = self.changed.take().filter(|(known, _)| *known == seen).map_or(now, |(_, since)| since);
        self.look_at = self.look_at.min((since + rests).max(now));
        self.changed = Some((seen, since));
        false
    }

    fn every(&self) -> Duration {
        (self.tick / 3).clamp(CLOSEST, RAREST)
    }
}
