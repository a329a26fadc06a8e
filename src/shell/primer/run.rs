//! One run over a source: every object, in every variant, at every node, at most so many at a time.
//!
//! Not here: when to run, and what the coverage means for the launch. Invariant: what is in memory is bounded by the
//! policy's `in_flight` and the window, whatever the source lists.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::books::{Books, Closing};
use super::node::Node;
use super::origin::Origin;
use super::report::PrimeReport;
use super::source::{self, Entry, SourceError};
use super::target::{self, Done, Job, Outcome};
use super::window::{WINDOW, Window};
use crate::core::priming::{Object, Policy, Variant, is_allowed, origin_of};
use crate::core::words::since;
use crate::shell::clock;
use crate::shell::spec::{PrimingSource, PrimingSpec};

/// Jobs at a time, as a multiple of what may be in flight: some wait for a pause that the origin asked for.
const JOBS_PER_PLACE: usize = 4;

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Objects read from the source so far.
    pub objects: u64,
    /// Whether the source is read to its end, so that `targets` is all of them.
    pub is_read: bool,
    /// Targets known so far.
    pub targets: u64,
    /// Targets at their end.
    pub done: u64,
    /// Of those, proven.
    pub covered: u64,
    /// Requests sent.
    pub requests: u64,
}

/// Primes and verifies; whatever is fresh already counts without a fill.
pub async fn prime(spec: &PrimingSpec, policy: &Policy, progress: &watch::Sender<Progress>) -> PrimeReport {
    prime_until(spec, policy, None, progress).await
}

/// As [`prime`], with the instant until which a hit must stay fresh to count.
pub async fn prime_until(
    spec: &PrimingSpec,
    policy: &Policy,
    fresh_until: Option<Timestamp>,
    progress: &watch::Sender<Progress>,
) -> PrimeReport {
    let started_at = clock::now();
    let mut run = match Run::new(spec, fresh_until.map_or(Duration::ZERO, |until| since(until, started_at))) {
        Ok(run) => run,
        Err(reason) => {
            return Books::new(spec).close(&Closing { policy, started_at, read: Err(reason), requests: (0, 0), seconds: 0.0 });
        }
    };
    let (to, entries) = mpsc::channel(WINDOW);
    // In a set of its own: dropped with this future, so that nothing goes on when the run is called off.
    let mut reader = JoinSet::new();
    reader.spawn(source::read(spec.source.clone(), to));
    run.all(Window::new(entries), progress).await;
    let read = match reader.join_next().await {
        Some(Ok(read)) => read.map_err(|error: SourceError| error.to_string()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the source was not read".into()),
    };
    let (requests, seconds) = (run.origin.requests(), run.origin.now().as_secs_f64());
    run.books.close(&Closing { policy, started_at, read, requests, seconds })
}

struct Run {
    nodes: Vec<Arc<Node>>,
    variants: Arc<[Variant]>,
    /// `None`: whatever the source lists.
    allow: Option<Vec<String>>,
    origin: Arc<Origin>,
    margin: Duration,
    most_jobs: usize,
    books: Books,
    seen: Progress,
}

impl Run {
    fn new(spec: &PrimingSpec, margin: Duration) -> Result<Self, String> {
        let in_flight = spec.in_flight.max(1);
        let nodes: Result<Vec<Arc<Node>>, String> = spec
            .nodes
            .iter()
            .map(|node| Node::new(node, in_flight).map(Arc::new).map_err(|reason| format!("{}: {reason}", node.name)))
            .collect();
        let mut variants = Vec::new();
        for set in &spec.variants {
            variants.push(Variant::new(set.clone()).map_err(|error| error.to_string())?);
        }
        if variants.is_empty() {
            variants.push(Variant::default());
        }
        Ok(Self {
            nodes: nodes?,
            variants: variants.into(),
            allow: allowed(spec),
            origin: Arc::new(Origin::new(in_flight, spec.requests_per_second)),
            margin,
            most_jobs: in_flight as usize * JOBS_PER_PLACE + spec.nodes.len(),
            books: Books::new(spec),
            seen: Progress::default(),
        })
    }

    async fn all(&mut self, mut window: Window, progress: &watch::Sender<Progress>) {
        let mut jobs = JoinSet::new();
        while let Some(entry) = window.next().await {
            match entry {
                Entry::Unreadable { line, reason } => self.books.unreadable(line, &reason),
                Entry::Object(object) => self.begin(object, &mut jobs),
            }
            self.seen.objects += 1;
            while jobs.len() >= self.most_jobs {
                self.end_one(&mut jobs, progress).await;
            }
        }
        self.seen.is_read = true;
        while !jobs.is_empty() {
            self.end_one(&mut jobs, progress).await;
        }
        progress.send_replace(self.seen);
    }

    fn begin(&mut self, object: Object, jobs: &mut JoinSet<Done>) {
        self.books.objects += 1;
        if object.is_early(clock::now()) {
            return self.books.defer(&object);
        }
        let own: Arc<[Variant]> =
            if object.variants().is_empty() { Arc::clone(&self.variants) } else { object.variants().into() };
        if self.allow.as_ref().is_some_and(|allow| !is_allowed(object.url(), allow)) {
            return self.books.refuse(&object, own.len());
        }
        self.seen.targets += (own.len() * self.nodes.len()) as u64;
        let object = Arc::new(object);
        for node in &self.nodes {
            jobs.spawn(target::work(Job {
                node: Arc::clone(node),
                object: Arc::clone(&object),
                variants: Arc::clone(&own),
                origin: Arc::clone(&self.origin),
                margin: self.margin,
            }));
        }
    }

    async fn end_one(&mut self, jobs: &mut JoinSet<Done>, progress: &watch::Sender<Progress>) {
        match jobs.join_next().await {
            Some(Ok(done)) => {
                self.seen.done += done.targets.len() as u64;
                self.seen.covered +=
                    done.targets.iter().filter(|target| matches!(target.outcome, Outcome::Covered)).count() as u64;
                self.books.enter(done);
            }
            // A job does not panic; if one did, its targets are open and the ratio must not hide them.
            Some(Err(error)) => self.books.unreadable(0, &format!("a job broke: {error}")),
            None => {}
        }
        self.seen.requests = self.origin.requests().0;
        progress.send_replace(self.seen);
    }
}

/// An empty list allows the manifest's own origin; a file or document that the operator wrote allows what it lists.
fn allowed(spec: &PrimingSpec) -> Option<Vec<String>> {
    match &spec.source {
        _ if !spec.allow.is_empty() => Some(spec.allow.clone()),
        PrimingSource::Manifest(url) => Some(origin_of(url).into_iter().collect()),
        PrimingSource::File(_) | PrimingSource::Urls(_) => None,
    }
}
