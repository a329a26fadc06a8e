//! One object at one node, in all its variants: look, fill, and look again until every variant is proven or given up.
//!
//! Variants go one after the other, since nginx lets two that are filled at once overwrite each other, and a variant
//! that was proven before another was filled is looked at again. What a response proves is `core::priming::classify`'s
//! word. Invariant: a target is covered only by a response after the last fill, fresh, with the right bytes.

use std::sync::Arc;
use std::time::Duration;

use murmur3::murmur3_32;

use super::node::{Node, Reply, Trouble};
use super::origin::{Origin, Pass, Seen};
use crate::core::priming::{
    Class, Object, Proof, ResponseFacts, Variant, classify, forbids_storing, lifetime, retry_after, uncovered_vary,
};
use crate::shell::clock;

/// Most looks at one variant: a cache that keeps an object from its fourth use on (min_uses 4) is proven by the fifth,
/// and a last one tells slowness from refusal.
const MOST_LOOKS: u32 = 6;
/// Looks before a header that forbids storing is believed: Squid and ATS keep some of what it forbids.
const LOOKS_IF_FORBIDDEN: u32 = 2;
/// Looks at a node that only sends an Age: the third comes after more than a second, when a kept object has one.
const LOOKS_BY_AGE: u32 = 3;
const AGE_SHOWS_AFTER: Duration = Duration::from_millis(1_100);
/// First wait for a cache that stores behind its answer, doubled with each look.
const SETTLES_WITHIN: Duration = Duration::from_millis(50);
/// Most attempts at one response.
const MOST_ATTEMPTS: u32 = 4;
/// First wait before a retry; four times as long with each one, with jitter.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Longest pause that is waited for; who asks for more is asked again by the next run.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

/// What to do: one object at one node.
pub(super) struct Job {
    pub(super) node: Arc<Node>,
    pub(super) object: Arc<Object>,
    pub(super) variants: Arc<[Variant]>,
    pub(super) origin: Arc<Origin>,
    /// How long a hit must stay fresh.
    pub(super) margin: Duration,
}

/// What became of it, one entry per variant.
pub(super) struct Done {
    pub(super) node: Arc<Node>,
    pub(super) object: Arc<Object>,
    pub(super) targets: Vec<Target>,
    /// Messages, each once.
    pub(super) findings: Vec<String>,
}

pub(super) struct Target {
    pub(super) variant: Option<String>,
    pub(super) class: Class,
    pub(super) outcome: Outcome,
    /// When it goes stale, as an offset from the run's start, if any response told.
    pub(super) stale_at: Option<Duration>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Covered,
    Mismatch {
        expected: String,
        actual: String,
    },
    Failed(String),
    NotStored(String),
    /// Usable, with the right bytes, and yet not proven; the reason becomes a finding.
    Open(String),
}

/// A variant on its way.
struct Case<'a> {
    variant: &'a Variant,
    looks: u32,
    class: Class,
    reason: String,
    /// The look, counted over the object, that last stored or proved it.
    filled_at: Option<u64>,
    proven_at: Option<u64>,
    stale_at: Option<Duration>,
    end: Option<Outcome>,
}

/// Whether another look may change the answer, and after how long.
enum Next {
    Look(Duration),
    End(Outcome),
}

pub(super) async fn work(job: Job) -> Done {
    let mut cases: Vec<Case<'_>> = job.variants.iter().map(Case::new).collect();
    let (mut look, mut findings) = (0, Vec::new());
    while let last_fill = last_fill(&cases)
        && cases.iter().any(|case| case.needs_look(last_fill))
    {
        let mut wait = Duration::ZERO;
        for case in cases.iter_mut().filter(|case| case.needs_look(last_fill)) {
            look += 1;
            wait = wait.max(job.look(case, &mut findings).await);
            match case.class {
                Class::MissStored => case.filled_at = Some(look),
                Class::HitFresh => case.proven_at = Some(look),
                _ => {}
            }
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
    let last_fill = last_fill(&cases);
    let targets = cases.into_iter().map(|case| case.into_target(last_fill)).collect();
    Done { node: job.node, object: job.object, targets, findings }
}

/// The last look that stored something. What a cache never kept pushed nothing out of it.
fn last_fill(cases: &[Case<'_>]) -> u64 {
    let kept = cases.iter().filter(|case| !matches!(case.end, Some(Outcome::NotStored(_))));
    kept.filter_map(|case| case.filled_at).max().unwrap_or(0)
}

impl<'a> Case<'a> {
    fn new(variant: &'a Variant) -> Self {
        Self {
            variant,
            looks: 0,
            class: Class::Unknown,
            reason: String::new(),
            filled_at: None,
            proven_at: None,
            stale_at: None,
            end: None,
        }
    }

    fn is_proven(&self, last_fill: u64) -> bool {
        self.proven_at.is_some_and(|at| at > last_fill)
    }

    /// Not at its end, and not proven since the last fill of a variant beside it.
    fn needs_look(&self, last_fill: u64) -> bool {
        self.end.is_none() && self.looks < MOST_LOOKS && !self.is_proven(last_fill)
    }

    fn into_target(self, last_fill: u64) -> Target {
        let pushed_out = || Outcome::Open("the variants of this object push each other out of the cache".into());
        let is_proven = self.is_proven(last_fill);
        let outcome = self.end.unwrap_or_else(|| if is_proven { Outcome::Covered } else { pushed_out() });
        Target { variant: self.variant.label(), class: self.class, outcome, stale_at: self.stale_at }
    }

    /// What the class just seen means for the variant.
    fn next(&self, has_age: bool, forbidden: Option<String>) -> Next {
        let waits = SETTLES_WITHIN * 2_u32.pow(self.looks.saturating_sub(2).min(4));
        let is_last = self.looks >= MOST_LOOKS;
        match self.class {
            Class::HitFresh => Next::Look(Duration::ZERO),
            Class::HitExpiring => Next::End(Outcome::Open(format!("fresh, but not for long enough ({})", self.reason))),
            Class::HitStale if is_last => {
                Next::End(Outcome::Open(format!("stale {} times in a row ({})", self.looks, self.reason)))
            }
            Class::HitStale => Next::Look(waits),
            Class::Unknown if has_age && self.looks < LOOKS_BY_AGE => {
                Next::Look(if self.looks + 1 == LOOKS_BY_AGE { AGE_SHOWS_AFTER } else { Duration::ZERO })
            }
            Class::Unknown if self.looks < LOOKS_IF_FORBIDDEN => Next::Look(Duration::ZERO),
            Class::Unknown => Next::End(Outcome::Open(format!("cannot be proven: {}", self.reason))),
            Class::MissStored | Class::MissNotStored | Class::Bypass => {
                let believed = forbidden.is_some() || self.class == Class::Bypass;
                if is_last || (believed && self.looks >= LOOKS_IF_FORBIDDEN) {
                    return Next::End(Outcome::NotStored(self.not_stored(forbidden)));
                }
                Next::Look(if self.looks < 2 { Duration::ZERO } else { waits })
            }
        }
    }

    fn not_stored(&self, forbidden: Option<String>) -> String {
        forbidden.unwrap_or_else(|| match self.class {
            Class::Bypass => format!("passed through, though no header forbids storing ({})", self.reason),
            _ => format!("missed {} times in a row, though no header forbids storing ({})", self.looks, self.reason),
        })
    }
}

impl Job {
    /// One look; returns how long to wait before the next.
    async fn look(&self, case: &mut Case<'_>, findings: &mut Vec<String>) -> Duration {
        case.looks += 1;
        let (reply, proof) = match self.fetch(case.variant).await {
            Ok(answer) => answer,
            Err(reason) => {
                case.class = Class::Unknown;
                case.end = Some(Outcome::Failed(reason));
                return Duration::ZERO;
            }
        };
        for name in uncovered_vary(&reply.headers, &self.variants) {
            let message = format!("Vary names {name}, which no variant sets: clients that send another {name} may miss");
            if !findings.contains(&message) {
                findings.push(message);
            }
        }
        self.note_freshness(case, &reply, &proof);
        (case.class, case.reason) = (proof.class, proof.reason);
        if let Some((expected, actual)) = reply.mismatch(self.object.bytes()) {
            case.end = Some(Outcome::Mismatch { expected, actual });
            return Duration::ZERO;
        }
        match case.next(reply.headers.age().is_some(), forbids_storing(&reply.headers)) {
            Next::Look(wait) => wait,
            Next::End(outcome) => {
                // A cache that claims to store and never does is told by its final class as well.
                if matches!(outcome, Outcome::NotStored(_)) && case.class == Class::MissStored {
                    case.class = Class::MissNotStored;
                }
                case.end = Some(outcome);
                Duration::ZERO
            }
        }
    }

    /// A hit tells what is left, or a fill of ours when the lifetime began.
    fn note_freshness(&self, case: &mut Case<'_>, reply: &Reply, proof: &Proof) {
        let left = match proof.class {
            Class::MissStored => proof
                .remaining
                .or_else(|| Some(lifetime(&reply.headers)?.saturating_sub(reply.headers.age().unwrap_or_default()))),
            _ => proof.remaining,
        };
        if let Some(left) = left {
            case.stale_at = Some(self.origin.now() + left);
        }
    }

    /// A usable response, with retries inside the budget.
    async fn fetch(&self, variant: &Variant) -> Result<(Reply, Proof), String> {
        self.origin.earn_retry();
        let mut attempts = 0;
        loop {
            if let Some(reason) = self.node.lost(self.origin.now()) {
                return Err(reason);
            }
            let Some(pass) = self.origin.admit().await else {
                return Err("the origin has refused everything for a minute".into());
            };
            // A probe of an origin that is down is not the target's own attempt: an outage must not lose objects.
            let is_probe = pass.is_probe;
            attempts += u32::from(!is_probe);
            let (reason, pause) = match self.attempt(pass, variant).await? {
                Attempt::Usable(reply, proof) => return Ok((*reply, proof)),
                Attempt::Again { reason, pause } => (reason, pause),
            };
            if pause.is_some_and(|pause| pause > LONGEST_PAUSE) {
                return Err(format!("{reason}, and asks to come back much later"));
            }
            if attempts >= MOST_ATTEMPTS {
                return Err(format!("{reason}, {attempts} times"));
            }
            if !is_probe && !self.origin.may_retry() {
                return Err(format!("{reason}; not repeated, since the run's retries (a tenth of its requests) are spent"));
            }
            tokio::time::sleep(pause.unwrap_or_default().max(self.backoff(attempts))).await;
        }
    }

    async fn attempt(&self, pass: Pass<'_>, variant: &Variant) -> Result<Attempt, String> {
        let reply = match self.node.get(&self.object, variant).await {
            Ok(reply) => reply,
            Err(Trouble::Unsendable(reason)) => return Err(reason),
            Err(trouble @ (Trouble::Unreachable(_) | Trouble::Broken(_))) => {
                return Ok(Attempt::Again { reason: trouble.reason().to_owned(), pause: None });
            }
        };
        let proof = classify(&ResponseFacts { node: self.node.name.as_str(), headers: &reply.headers }, self.margin);
        let pause = retry_after(&reply.headers, clock::now());
        let seen = match reply.status {
            429 | 502..=504 => Seen::Shed(pause),
            _ if proof.class.spares_origin() => Seen::Hit,
            _ => Seen::Filled(reply.first_byte),
        };
        pass.settle(seen);
        let reason = || format!("status {}", reply.status);
        match reply.status {
            // A redirect is an object of its own: downloads often are one.
            200 | 203 | 300..=303 | 307 | 308 => Ok(Attempt::Usable(Box::new(reply), proof)),
            408 | 425 | 429 | 500 | 502..=504 => Ok(Attempt::Again { reason: reason(), pause }),
            _ => Err(reason()),
        }
    }

    /// Between half and all of 100 ms, 400 ms, 1.6 s: spread by the URL, so that those refused together do not come back together.
    fn backoff(&self, attempts: u32) -> Duration {
        let key = format!("{}{}{attempts}", self.object.url(), self.node.name);
        let draw = murmur3_32(&mut key.as_bytes(), 0).unwrap_or(0);
        let share = 0.5 + f64::from(draw) / f64::from(u32::MAX) / 2.0;
        (RETRY_AFTER * 4_u32.pow(attempts.saturating_sub(1).min(3))).mul_f64(share)
    }
}

enum Attempt {
    Usable(Box<Reply>, Proof),
    Again { reason: String, pause: Option<Duration> },
}
