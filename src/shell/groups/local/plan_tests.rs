//! Cases of the group's plan: what it does next, given what it has seen.

use super::*;
use crate::shell::groups::local::Process;

fn spec() -> LocalGroup {
    LocalGroup {
        command: vec!["program".into()],
        zones: vec!["a".into(), "b".into(), "c".into()],
        floor: 0,
        ceiling: 9,
        boot: Duration::from_secs(2),
        health_path: "/health".into(),
        health_every: Duration::from_secs(1),
        drain: Duration::from_secs(3),
        targets_file: None,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_000_000_000_000 + millis).unwrap()
}

/// A group run by hand: every start succeeds at once, and health is what the test says.
struct World {
    registry: Registry,
    spec: LocalGroup,
    health: Health,
    dead: Vec<String>,
    now_ms: i64,
}

impl World {
    fn new(desired: u32) -> Self {
        let registry = Registry { desired, ..Registry::new("b".into(), desired.min(9), 9) };
        Self { registry, spec: spec(), health: Health::Passed, dead: Vec::new(), now_ms: 0 }
    }

    fn step(&mut self, millis: i64) -> Vec<Action> {
        self.now_ms += millis;
        let running = self.registry.instances.iter().filter(|instance| instance.process.is_some());
        let seen = running
            .map(|instance| (instance.id.clone(), Seen { alive: !self.dead.contains(&instance.id), health: self.health }))
            .collect();
        let actions = advance(&mut self.registry, &self.spec, &seen, at(self.now_ms));
        for action in &actions {
            if let Action::Start(id) = action {
                self.registry.instance(id).unwrap().process = Some(Process { pid: 1, started_ticks: 1 });
            }
        }
        actions
    }

    fn steps(&mut self, millis: &[i64]) {
        for millis in millis {
            self.step(*millis);
        }
    }

    fn states(&self) -> String {
        let letter = |instance: &Instance| match instance.state {
            InstanceState::Pending => 'P',
            InstanceState::Booting => 'B',
            InstanceState::InService => 'S',
            InstanceState::Unhealthy => 'U',
            InstanceState::Draining => 'D',
            InstanceState::Terminated => 'T',
        };
        let zone = |instance: &Instance| format!("{}{}", letter(instance), instance.zone);
        self.registry.instances.iter().map(zone).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn instances_boot_then_serve_and_fill_zones_evenly() {
    let mut world = World::new(4);
    assert_eq!((world.step(0), world.states()), (vec![], "Pa Pb Pc Pa".into()));
    assert_eq!((world.step(1_900), world.states()), (vec![], "Pa Pb Pc Pa".into()));
    assert_eq!((world.step(100).len(), world.states()), (4, "Ba Bb Bc Ba".into()));
    assert_eq!((world.step(50), world.states()), (vec![], "Sa Sb Sc Sa".into()));
    assert_eq!(world.registry.boot_p95_ms(), Some(2_050));
    assert_eq!((world.step(60_000), world.states()), (vec![], "Sa Sb Sc Sa".into()), "nothing is left to do");
}

#[test]
fn scaling_in_drains_the_fullest_zone_first_and_its_oldest() {
    let mut world = World::new(4);
    world.steps(&[0, 2_000, 0]);
    world.registry.desired = 2;
    world.step(0);
    assert_eq!(world.states(), "Da Db Sc Sa", "zone a had two; then all are even and the oldest goes");
    assert_eq!(world.step(2_900), vec![]);
    let asked = [Action::Stop("i-1".into(), Stop::Ask), Action::Stop("i-2".into(), Stop::Ask)];
    assert_eq!(world.step(100), asked);
    assert_eq!(world.step(4_900), vec![], "asked once");
    assert_eq!(world.step(100).len(), 2, "then forced");
    world.dead = vec!["i-1".into(), "i-2".into()];
    world.step(0);
    assert_eq!(world.states(), "Sc Sa");
}

#[test]
fn what_carries_nothing_is_scaled_in_first() {
    let mut world = World::new(2);
    world.steps(&[0, 2_000, 0]);
    world.registry.desired = 4;
    world.step(0);
    world.registry.desired = 2;
    world.steps(&[0, 0]);
    assert_eq!(world.states(), "Sa Sb");
}

#[test]
fn never_beyond_the_ceiling() {
    let mut world = World::new(50);
    world.step(0);
    assert_eq!(world.registry.active().count(), 9);
}

#[test]
fn a_dead_instance_is_replaced_after_a_pause() {
    let mut world = World::new(1);
    world.steps(&[0, 2_000, 0]);
    world.dead = vec!["i-1".into()];
    world.step(100);
    assert_eq!(world.states(), "");
    world.step(250);
    assert_eq!(world.states(), "Pa");
    assert_eq!(world.registry.ended.back().unwrap().reason.as_deref(), Some("its process ended"));
}

#[test]
fn an_unhealthy_instance_is_stopped_and_replaced() {
    let mut world = World::new(1);
    world.steps(&[0, 2_000, 0]);
    world.health = Health::Failed;
    assert_eq!(world.step(0), [Action::Stop("i-1".into(), Stop::Ask)]);
    world.health = Health::Passed;
    world.step(250);
    assert_eq!(world.states(), "Ua Pa");
}

#[test]
fn a_process_that_ends_at_once_is_started_three_times_then_launches_slow_down() {
    let mut world = World::new(1);
    let mut starts = 0;
    for _ in 0..600 {
        world.dead = world.registry.instances.iter().map(|instance| instance.id.clone()).collect();
        starts += world.step(100).iter().filter(|action| matches!(action, Action::Start(_))).count();
    }
    assert!((9..=24).contains(&starts), "{starts} starts in a minute");
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_an_instance_pending() {
    let mut world = World::new(1);
    world.step(3_600_000);
    world.step(-3_600_000);
    assert_eq!(world.step(2_000).len(), 1);
}
