//! Health checks by real HTTP, and the memory of how many failed in a row.
//!
//! It does not act on them. Invariant: one check of an instance at a time, and none takes longer than [`WITHIN`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Empty;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::plan::{Health, Seen};
use super::process;
use super::registry::{Instance, InstanceState};
use crate::shell::clock;
use crate::shell::spec::LocalGroup;

/// Longest wait for an answer: on loopback an instance that needs longer is of no use to anybody.
const WITHIN: Duration = Duration::from_secs(2);

/// Failed checks in a row until an instance counts as unhealthy, as load balancers do: one lost answer is noise.
const THRESHOLD: u32 = 3;

/// How often an instance that boots is asked: boot times are measured to this grain.
const BOOTING_EVERY: Duration = Duration::from_millis(100);

/// Asks instances for their health.
pub(super) struct Checks {
    client: Client<HttpConnector, Empty<Bytes>>,
    last: BTreeMap<String, Last>,
}

#[derive(Clone, Copy)]
struct Last {
    at: Instant,
    failed_in_a_row: u32,
}

impl Checks {
    pub(super) fn new() -> Self {
        // A check proves that the instance takes new connections, so none is kept.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { client, last: BTreeMap::new() }
    }

    /// Looks at every process and asks those whose check is due, all at once.
    pub(super) async fn look(&mut self, instances: &[Instance], spec: &LocalGroup) -> BTreeMap<String, Seen> {
        let ids: BTreeSet<_> = instances.iter().map(|instance| &instance.id).collect();
        self.last.retain(|id, _| ids.contains(id));
        let due: Vec<_> = instances.iter().filter(|instance| self.is_due(instance, spec)).collect();
        let asked = join_all(due.iter().map(|instance| self.ask(instance.address, &spec.health_path))).await;
        let answers: Vec<_> = due.iter().zip(asked).map(|(instance, healthy)| (instance.id.clone(), healthy)).collect();
        let health: BTreeMap<_, _> = answers.into_iter().map(|(id, healthy)| (id.clone(), self.note(id, healthy))).collect();
        let seen = |instance: &Instance| {
            let alive = process::is_alive(instance.process.as_ref()?);
            let health = health.get(&instance.id).copied().unwrap_or(Health::Unknown);
            Some((instance.id.clone(), Seen { alive, health }))
        };
        instances.iter().filter_map(seen).collect()
    }

    fn is_due(&self, instance: &Instance, spec: &LocalGroup) -> bool {
        let every = match instance.state {
            InstanceState::Booting if instance.process.is_some() => BOOTING_EVERY.min(spec.health_every),
            InstanceState::InService => spec.health_every,
            _ => return false,
        };
        self.last.get(&instance.id).is_none_or(|last| clock::monotonic().duration_since(last.at) >= every)
    }

    async fn ask(&self, address: Option<SocketAddr>, path: &str) -> bool {
        let Some(address) = address else { return false };
        let Ok(request) = Request::get(format!("http://{address}{path}")).body(Empty::new()) else { return false };
        let answer = tokio::time::timeout(WITHIN, self.client.request(request)).await;
        matches!(answer, Ok(Ok(response)) if response.status() == StatusCode::OK)
    }

    fn note(&mut self, id: String, healthy: bool) -> Health {
        let last = self.last.entry(id).or_insert(Last { at: clock::monotonic(), failed_in_a_row: 0 });
        last.at = clock::monotonic();
        last.failed_in_a_row = if healthy { 0 } else { last.failed_in_a_row.saturating_add(1) };
        match last.failed_in_a_row {
            0 => Health::Passed,
            failed if failed >= THRESHOLD => Health::Failed,
            _ => Health::Unknown,
        }
    }
}
