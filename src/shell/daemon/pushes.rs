//! The pushed counts that anybody asks about, in memory: read from the store once, then kept up with every push.
//!
//! The daemon is the only writer of counts, so that what it wrote is what the store has. Invariant: a sender that reported a
//! period without a series we ask for did report it; one that did not, did not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::counts::substitution;
use crate::core::decide::State;
use crate::core::words::{Name, later};
use crate::shell::data::PushedCounts;
use crate::shell::observe::{Book, Pushes, Substitution};
use crate::shell::spec::{Documents, QuerySpec, SourceSpec, SourceSystem};
use crate::shell::store::{PRUNE_COUNTS_AFTER, Store};

/// How far back pushed counts are looked at before a rollout: enough for the `gate` check and short `metric` checks.
const LOOK_BACK: Duration = Duration::from_mins(15);

/// Periods are dropped when so much more than is asked for is there, so that it is not done with every tick.
const SLACK: Duration = Duration::from_mins(5);

/// Nothing further ahead is kept: the store drops it too, and it would only fill memory.
const AHEAD: Duration = Duration::from_hours(24);

/// See the module.
#[derive(Default)]
pub(super) struct Pushed {
    pushes: Arc<Pushes>,
    wanted: BTreeMap<Name, BTreeSet<String>>,
    /// From when on everything is here; `None`: it has to be read.
    since: Option<Timestamp>,
}

impl Pushed {
    /// Documents changed: other series may be wanted.
    pub(super) fn rewire(&mut self) {
        self.since = None;
    }

    /// Everything that push sources hold for the time that anybody asks about.
    pub(super) fn current(&mut self, store: &Store, standing: (&Documents, &State), now: Timestamp) -> Arc<Pushes> {
        let since = asked_since(standing.1, now);
        match self.since {
            Some(kept) if kept <= since => {
                if later(kept, SLACK) < since {
                    self.forget_before(since);
                }
            }
            _ => self.read(store, standing.0, since),
        }
        self.pushes.clone()
    }

    fn read(&mut self, store: &Store, documents: &Documents, since: Timestamp) {
        let pushed = documents.sources.iter().filter(|(_, spec)| matches!(spec.system, SourceSystem::Push { .. }));
        self.wanted = pushed.map(|(name, spec)| (name.clone(), series(spec, documents))).collect();
        let mut pushes = Pushes::new();
        self.since = Some(since);
        for (source, series) in &self.wanted {
            match book(store, (source, series), since) {
                Ok(book) => drop(pushes.insert(source.clone(), Arc::new(book))),
                Err(error) => {
                    tracing::warn!(%source, %error, "pushed counts could not be read; they are missing until they can");
                    self.since = None;
                }
            }
        }
        self.pushes = Arc::new(pushes);
    }

    /// The store took a push.
    pub(super) fn put(&mut self, source: &Name, counts: &PushedCounts, now: Timestamp) {
        let Some(wanted) = self.wanted.get(source).filter(|_| counts.at <= later(now, AHEAD)) else { return };
        if self.since.is_none_or(|since| counts.at < since) {
            return;
        }
        let asked = counts.counts.iter().filter(|(series, _)| wanted.contains(*series));
        // A probe that still looks at the counts of before keeps them; this then makes a copy of its own.
        let book = Arc::make_mut(&mut self.pushes).entry(source.clone()).or_default();
        Arc::make_mut(book).put(counts.at, &counts.from, asked.map(|(series, count)| (series.as_str(), *count)));
    }

    fn forget_before(&mut self, since: Timestamp) {
        self.since = Some(since);
        for book in Arc::make_mut(&mut self.pushes).values_mut() {
            if book.begins().is_some_and(|begins| begins < since) {
                Arc::make_mut(book).forget_before(since);
            }
        }
    }
}

/// The beginning of the oldest rollout that goes on, or a little while ago; never before what the store keeps.
fn asked_since(state: &State, now: Timestamp) -> Timestamp {
    let before = |ago: Duration| now.checked_sub(ago).unwrap_or(Timestamp::MIN);
    let rollouts = state.releases.values().filter(|state| state.ended_at.is_none()).filter_map(|state| state.evidence_from);
    rollouts.min().map_or(before(LOOK_BACK), |oldest| oldest.min(before(LOOK_BACK))).max(before(PRUNE_COUNTS_AFTER))
}

/// The names of a source's series, filled for every release.
fn series(spec: &SourceSpec, documents: &Documents) -> BTreeSet<String> {
    let templates = spec.queries.values().filter_map(|query| match query {
        QuerySpec::Series(series) => Some(series),
        QuerySpec::PromQl(_) | QuerySpec::CloudWatch(_) => None,
    });
    let with: Vec<Substitution> = documents.config.releases.values().map(substitution).chain([Substitution::default()]).collect();
    // A template that cannot be filled for one release may be for another.
    templates.flat_map(|text| with.iter().filter_map(|with| with.fill_plain(text).ok())).collect()
}

fn book(store: &Store, (source, series): (&Name, &BTreeSet<String>), since: Timestamp) -> Result<Book, String> {
    let series: Vec<String> = series.iter().cloned().collect();
    let mut book = Book::default();
    for period in store.counts(source, &series, since).map_err(|error| error.to_string())? {
        for (sender, counts) in &period.senders {
            book.put(period.at, sender, counts.iter().map(|(series, count)| (series.as_str(), *count)));
        }
    }
    Ok(book)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::ReleaseState;
    use crate::shell::settings::load_texts;

    const SOURCE: &str = "
apiVersion: tminus/v1
kind: MetricsSource
name: edges
push: {}
queries: {errors: {series: errors}}
";

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn counts(minute: i64, errors: u64) -> PushedCounts {
        let counts = BTreeMap::from([("errors".to_owned(), errors), ("nobody asks".to_owned(), 1)]);
        PushedCounts { from: name("edge1"), at: at(minute), counts }
    }

    /// Whatever was pushed and whenever it was looked at: memory holds what the store would give.
    #[test]
    fn memory_is_what_the_store_has() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let documents = load_texts(&[("x".into(), SOURCE.into())]).documents;
        let (mut pushed, mut state) = (Pushed::default(), State::default());
        for minute in 0..90 {
            let now = at(minute);
            if minute == 40 {
                // A rollout: from now on nothing since may be forgotten.
                state.releases.insert(name("r"), ReleaseState { evidence_from: Some(now), ..ReleaseState::new(now, None) });
            }
            let _ = pushed.current(&store, (&documents, &state), now);
            for push in [counts(minute, 1), counts(minute, 2), counts(minute - 3, 7), counts(minute + 3_000, 1)] {
                store.put_counts(&name("Edges"), &push).unwrap();
                pushed.put(&name("Edges"), &push, now);
            }
            let known = pushed.current(&store, (&documents, &state), now);
            let mut anew = Pushed::default();
            let read = anew.current(&store, (&documents, &state), now);
            let kept = |pushes: &Pushes| {
                let mut book = (*pushes[&name("edges")]).clone();
                book.forget_before(asked_since(&state, now));
                book
            };
            // What lies days ahead is in the store until it is pruned, and nobody looks at it before its time.
            let (mut known, mut read) = (kept(&known), kept(&read));
            known.forget_after(now);
            read.forget_after(now);
            assert_eq!(known, read, "minute {minute}");
        }
    }

    #[test]
    fn other_documents_are_read_for_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let (nothing, documents) = (Documents::default(), load_texts(&[("x".into(), SOURCE.into())]).documents);
        let (mut pushed, state) = (Pushed::default(), State::default());
        store.put_counts(&name("edges"), &counts(0, 1)).unwrap();
        assert!(pushed.current(&store, (&nothing, &state), at(1)).is_empty());
        pushed.rewire();
        assert_eq!(pushed.current(&store, (&documents, &state), at(1)).len(), 1);
    }
}
