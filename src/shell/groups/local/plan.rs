//! What a group does next: launches, starts, drains, stops. Plain data in, actions out; it touches nothing.
//!
//! Order of launching: into the zone with the fewest active instances, the first listed of equals.
//! Order of scaling in: what has no process yet, then what is still booting (both youngest first: they carry
//! nothing), then, from the zone with the most in service, the oldest; so the youngest in service goes last.
//! Invariant: active instances never exceed the ceiling, whatever is desired (I3).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::process::Stop;
use super::registry::{Instance, InstanceState, Registry};
use crate::core::words::{later, since};
use crate::shell::spec::LocalGroup;

/// Most starts of one instance: another port was taken twice in a row only when something else is wrong.
const STARTS: u32 = 3;

/// From start to first passed health check; far beyond any local process, so that only a hung one is hit.
const BOOT_LIMIT: Duration = Duration::from_mins(1);

/// From SIGTERM to SIGKILL: the drain has passed, so what still runs then is stuck.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Pause after the first lost instance; doubles with each further loss, up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

/// A program that always ends at once costs a start in 30 s, not a spin.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An instance that stays in service so long shows that starting works; losses are forgotten.
const PROVEN_AFTER: Duration = Duration::from_secs(10);

/// What was seen of an instance's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) alive: bool,
    pub(super) health: Health,
}

/// What health checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// Not asked in this round, or not failing for long enough.
    Unknown,
    /// Passed.
    Passed,
    /// Failed so many in a row that it counts.
    Failed,
}

/// What to do to the world, after the registry is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Pick a port and start the process of this instance.
    Start(String),
    /// Signal the process of this instance.
    Stop(String, Stop),
}

/// Moves every instance on and launches or scales in; returns what to do to the world.
pub(super) fn advance(registry: &mut Registry, spec: &LocalGroup, seen: &BTreeMap<String, Seen>, now: Timestamp) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut instances = std::mem::take(&mut registry.instances);
    for instance in &mut instances {
        let seen = seen.get(&instance.id).copied();
        let moved = Moving { registry, spec, now }.step(instance, seen);
        actions.extend(moved.map(|action| action.of(instance)));
    }
    registry.instances = instances;
    registry.bury();
    forget_losses(registry, now);
    scale_in(registry, now);
    launch(registry, spec, now);
    actions
}

enum Move {
    Start,
    Stop(Stop),
}

impl Move {
    fn of(self, instance: &Instance) -> Action {
        match self {
            Self::Start => Action::Start(instance.id.clone()),
            Self::Stop(stop) => Action::Stop(instance.id.clone(), stop),
        }
    }
}

struct Moving<'a> {
    registry: &'a mut Registry,
    spec: &'a LocalGroup,
    now: Timestamp,
}

impl Moving<'_> {
    /// `seen` is absent while there is no process, or it was started since the last look.
    fn step(mut self, instance: &mut Instance, seen: Option<Seen>) -> Option<Move> {
        let ended = instance.process.is_some() && seen.is_some_and(|seen| !seen.alive);
        match instance.state {
            InstanceState::Pending => self.boot(instance),
            InstanceState::Booting if instance.process.is_none() => self.start_again(instance),
            InstanceState::Booting if ended => self.start_again(instance),
            InstanceState::Booting => self.enter_service(instance, seen),
            InstanceState::InService if ended => self.lose(instance, "its process ended"),
            InstanceState::InService if failed(seen) => self.stop_unhealthy(instance, "it failed its health checks"),
            InstanceState::InService | InstanceState::Terminated => None,
            InstanceState::Unhealthy | InstanceState::Draining if ended || instance.process.is_none() => {
                instance.enter(InstanceState::Terminated, self.now);
                None
            }
            InstanceState::Unhealthy => self.stop(instance, Duration::ZERO),
            InstanceState::Draining => self.stop(instance, self.spec.drain),
        }
    }

    fn boot(&self, instance: &mut Instance) -> Option<Move> {
        // A clock that was set back must not make the boot delay longer than it is.
        instance.launched_at = instance.launched_at.min(self.now);
        if since(self.now, instance.launched_at) < self.spec.boot {
            return None;
        }
        instance.enter(InstanceState::Booting, self.now);
        instance.starts = 1;
        Some(Move::Start)
    }

    fn start_again(&mut self, instance: &mut Instance) -> Option<Move> {
        instance.process = None;
        if instance.starts >= STARTS {
            return self.lose(instance, "its process ended before it passed a health check; see its log");
        }
        instance.starts += 1;
        Some(Move::Start)
    }

    fn enter_service(&mut self, instance: &mut Instance, seen: Option<Seen>) -> Option<Move> {
        if seen.is_some_and(|seen| seen.health == Health::Passed) {
            self.registry.record_boot(since(self.now, instance.launched_at).as_millis() as u64);
            instance.enter(InstanceState::InService, self.now);
            return None;
        }
        let late = since(self.now, instance.since) >= BOOT_LIMIT;
        if late { self.stop_unhealthy(instance, "it never passed a health check") } else { None }
    }

    fn stop_unhealthy(&mut self, instance: &mut Instance, reason: &str) -> Option<Move> {
        self.count_loss(instance, reason);
        instance.enter(InstanceState::Unhealthy, self.now);
        self.stop(instance, Duration::ZERO)
    }

    fn lose(&mut self, instance: &mut Instance, reason: &str) -> Option<Move> {
        self.count_loss(instance, reason);
        instance.enter(InstanceState::Terminated, self.now);
        None
    }

    fn count_loss(&mut self, instance: &mut Instance, reason: &str) {
        tracing::warn!(instance.id, instance.zone, reason, "an instance is lost and will be replaced");
        instance.reason = Some(reason.into());
        self.registry.losses = self.registry.losses.saturating_add(1);
        self.registry.lost_at = Some(self.now);
    }

    fn stop(&self, instance: &mut Instance, after: Duration) -> Option<Move> {
        match instance.stop_at {
            None if since(self.now, instance.since) >= after => {
                instance.stop_at = Some(self.now);
                Some(Move::Stop(Stop::Ask))
            }
            None => None,
            Some(asked_at) => (since(self.now, asked_at) >= STOP_LIMIT).then_some(Move::Stop(Stop::Force)),
        }
    }
}

fn failed(seen: Option<Seen>) -> bool {
    seen.is_some_and(|seen| seen.health == Health::Failed)
}

fn forget_losses(registry: &mut Registry, now: Timestamp) {
    let Some(lost_at) = registry.lost_at else { return };
    let proven = |instance: &Instance| instance.since >= lost_at && since(now, instance.since) >= PROVEN_AFTER;
    if registry.in_service().any(proven) {
        registry.losses = 0;
        registry.lost_at = None;
    }
}

fn scale_in(registry: &mut Registry, now: Timestamp) {
    let wanted = registry.desired.min(registry.ceiling) as usize;
    let surplus = registry.active().count().saturating_sub(wanted);
    for _ in 0..surplus {
        let Some(victim) = victim(registry) else { return };
        let instance = &mut registry.instances[victim];
        instance.reason = Some("scaled in".into());
        instance.enter(InstanceState::Draining, now);
    }
}

/// The place of the next instance to scale in.
fn victim(registry: &Registry) -> Option<usize> {
    let youngest_in = |state| {
        let of_state = registry.instances.iter().enumerate().filter(move |(_, instance)| instance.state == state);
        of_state.max_by_key(|(place, instance)| (instance.launched_at, *place)).map(|(place, _)| place)
    };
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    registry.in_service().for_each(|instance| *zones.entry(&instance.zone).or_default() += 1);
    let serving = registry.instances.iter().enumerate().filter(|(_, instance)| instance.state == InstanceState::InService);
    let oldest_of_fullest = serving
        .min_by_key(|(place, instance)| (Reverse(zones.get(&*instance.zone)), instance.launched_at, *place))
        .map(|(place, _)| place);
    youngest_in(InstanceState::Pending).or_else(|| youngest_in(InstanceState::Booting)).or(oldest_of_fullest)
}

fn launch(registry: &mut Registry, spec: &LocalGroup, now: Timestamp) {
    if registry.lost_at.is_some_and(|lost_at| now < later(lost_at, pause(registry.losses))) {
        return;
    }
    let wanted = registry.desired.min(registry.ceiling) as usize;
    while registry.active().count() < wanted {
        let instance = Instance {
            id: format!("i-{}", registry.next),
            zone: emptiest_zone(registry, spec),
            state: InstanceState::Pending,
            process: None,
            address: None,
            launched_at: now,
            since: now,
            stop_at: None,
            starts: 0,
            reason: None,
        };
        registry.next += 1;
        registry.instances.push(instance);
    }
}

fn pause(losses: u32) -> Duration {
    // The exponent stays small, so that the doubling cannot overflow.
    LONGEST_PAUSE.min(SHORTEST_PAUSE * 2_u32.pow(losses.saturating_sub(1).min(10)))
}

fn emptiest_zone(registry: &Registry, spec: &LocalGroup) -> String {
    let active = |zone: &&String| registry.active().filter(|instance| instance.zone == **zone).count();
    spec.zones.iter().min_by_key(active).cloned().unwrap_or_else(|| "local".into())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
