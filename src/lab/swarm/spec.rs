//! What a swarm is made of. The scene's numbers are the default; a test takes a smaller one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::lab::scene;

/// A swarm.
#[derive(Clone, Debug)]
pub struct SwarmSpec {
    /// The edges; each client asks one of them.
    pub edges: Vec<SocketAddr>,
    /// The group's targets file, for clients that leave the edges out.
    pub targets: PathBuf,
    /// Who decides; `None`: everybody may update from the first second, as without a throttle.
    pub decision: Option<SocketAddr>,
    /// How many clients.
    pub clients: u32,
    /// Files of each.
    pub library: u32,
    /// Of these, files that nobody else has.
    pub own: u32,
    /// Files that clients share.
    pub shared: u32,
    /// Requests of a client at once.
    pub slots: usize,
    /// What a client does with a file before the next.
    pub file_work: Duration,
    /// Half of the clients look for an update within so long.
    pub half_life: Duration,
    /// Background requests of all together, per second.
    pub normal_per_second: f64,
    /// Time between attempts.
    pub retry_every: Duration,
    /// Failures in a row until an app is restarted.
    pub restart_after: u32,
    /// Share of clients that then are, 0..=1.
    pub restart_share: f64,
    /// Share of its requests for content in which the new version trips over a mistake of its own, 0..=1.
    pub faulty_share: f64,
    /// The seed of every draw.
    pub seed: u64,
}

impl SwarmSpec {
    /// The scene's swarm.
    pub fn of_the_scene(edges: Vec<SocketAddr>, targets: PathBuf, decision: Option<SocketAddr>) -> Self {
        Self {
            edges,
            targets,
            decision,
            clients: scene::CLIENTS,
            library: scene::LIBRARY,
            own: scene::OWN,
            shared: scene::SHARED,
            slots: scene::SLOTS,
            file_work: scene::FILE_WORK,
            half_life: scene::HALF_LIFE,
            normal_per_second: scene::NORMAL_PER_SECOND,
            retry_every: scene::RETRY_EVERY,
            restart_after: scene::RESTART_AFTER,
            restart_share: scene::RESTART_SHARE,
            faulty_share: 0.0,
            seed: scene::SEED,
        }
    }

    /// Objects that the origins must have.
    pub fn objects(&self) -> u32 {
        self.shared + self.clients * self.own
    }
}
