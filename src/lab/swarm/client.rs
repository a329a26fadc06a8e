//! One client's life: background requests, looking for the update, downloading everything again.
//!
//! It does what the story's version 2.3 did: every failed file is asked for again after 2 to 3 seconds, without end
//! and whatever `Retry-After` says; somebody who restarts the app leaves the caches out from then on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::net::{Manner, Net, Whence};
use super::series::Seen;
use super::spec::SwarmSpec;
use crate::lab::dice::Dice;
use crate::lab::scene;

/// Streams of draws apart from the one that fills the library, so that a change of one does not move the others.
const LIFE_STREAM: u64 = 1 << 32;

pub(super) struct Client {
    name: String,
    edge: SocketAddr,
    number: u32,
    spec: Arc<SwarmSpec>,
    net: Arc<Net>,
    updated: AtomicBool,
    bypassing: AtomicBool,
    failed_in_a_row: AtomicU32,
    restarts: bool,
}

impl Client {
    /// `None` when the swarm has no edges to ask.
    pub(super) fn new(number: u32, spec: Arc<SwarmSpec>, net: Arc<Net>) -> Option<Self> {
        let edge = *spec.edges.get(number as usize % spec.edges.len().max(1))?;
        let restarts = Dice::seeded(spec.seed, 2 * LIFE_STREAM + u64::from(number)).unit() < spec.restart_share;
        Some(Self {
            name: format!("client-{number:04}"),
            edge,
            number,
            spec,
            net,
            updated: AtomicBool::new(false),
            bypassing: AtomicBool::new(false),
            failed_in_a_row: AtomicU32::new(0),
            restarts,
        })
    }

    /// Lives until it is dropped.
    pub(super) async fn live(self, library: Vec<u32>) {
        tokio::join!(self.poll(self.dice(1)), self.update(self.dice(2), &library));
    }

    fn dice(&self, part: u64) -> Dice {
        Dice::seeded(self.spec.seed, LIFE_STREAM + 4 * u64::from(self.number) + part)
    }

    async fn poll(&self, mut dice: Dice) {
        if self.spec.normal_per_second <= 0.0 {
            return;
        }
        let every = Duration::from_secs_f64(f64::from(self.spec.clients) / self.spec.normal_per_second);
        tokio::time::sleep(every.mul_f64(dice.unit())).await;
        loop {
            let updated = self.updated.load(Ordering::Relaxed);
            self.net.poll(self.edge, &self.name, if updated { scene::NEW_VERSION } else { scene::OLD_VERSION }).await;
            tokio::time::sleep(dice.around(every, 0.1)).await;
        }
    }

    async fn update(&self, mut dice: Dice, library: &[u32]) {
        tokio::time::sleep(dice.exponential(self.spec.half_life)).await;
        if let Some(decision) = self.spec.decision {
            while let Some(wait) = self.held_back(decision, &mut dice).await {
                tokio::time::sleep(wait).await;
            }
        }
        self.net.series.expose(&self.name);
        let next = AtomicUsize::new(0);
        join_all((0..self.spec.slots).map(|slot| self.download(self.dice(8 + slot as u64), library, &next))).await;
        self.updated.store(true, Ordering::Relaxed);
        self.net.series.record(Seen::Updated);
    }

    /// Asks; `None` when it may update, else how long to wait: as it is told, within bounds, and not before its user
    /// would look again.
    async fn held_back(&self, decision: SocketAddr, dice: &mut Dice) -> Option<Duration> {
        let answer = self.net.decide(decision, &self.name).await;
        if answer.as_ref().is_some_and(|answer| answer.offers(scene::NEW_VERSION)) {
            return None;
        }
        let (least, most) = scene::ASK_AGAIN;
        let told = Duration::from_secs(answer.map_or(0, |answer| answer.retry_after_secs)).clamp(least, most);
        Some(told.max(dice.exponential(self.spec.half_life)))
    }

    /// One slot: takes the next file and asks for it until it has it.
    async fn download(&self, mut dice: Dice, library: &[u32], next: &AtomicUsize) {
        while let Some(object) = library.get(next.fetch_add(1, Ordering::Relaxed)) {
            while !self.net.content(self.whence(&mut dice), *object, self.manner(&mut dice)).await {
                self.failed();
                tokio::time::sleep(dice.around(self.spec.retry_every, scene::RETRY_SPREAD)).await;
            }
            self.failed_in_a_row.store(0, Ordering::Relaxed);
            tokio::time::sleep(dice.around(self.spec.file_work, 0.5)).await;
        }
    }

    fn whence(&self, dice: &mut Dice) -> Whence {
        if self.bypassing.load(Ordering::Relaxed) { Whence::Origin(dice.below(u32::MAX)) } else { Whence::Edge(self.edge) }
    }

    /// A release without a mistake draws nothing, so that one with a mistake changes no other draw of the story.
    fn manner(&self, dice: &mut Dice) -> Manner {
        let faulty = self.spec.faulty_share > 0.0 && dice.unit() < self.spec.faulty_share;
        if faulty { Manner::WithSyncToken } else { Manner::Plain }
    }

    fn failed(&self) {
        let failed = self.failed_in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let leaves = self.restarts && failed >= self.spec.restart_after;
        if leaves && !self.bypassing.swap(true, Ordering::Relaxed) {
            self.net.series.record(Seen::Bypassing);
        }
    }
}
