//! One world: drawn from its seed, played turn by turn, every decision and every change of the group looked at.
//!
//! What must hold is derived here from what people said and the world shows, without the planner's code.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::check::check;
use tminus::core::decide::{
    Command, Config, Decision, Effect, GroupObservation, Intent, Memory, Observations, Order, Person, Scope, Snapshot, State,
};
use tminus::core::load::{Limits, OverrideKind, OverrideTo};
use tminus::core::release::{Active, Phase};
use tminus::core::words::{Capacity, Rate, later};
use tminus::shell::groups::Guard;

use crate::decide::bench::{LAUNCH_AT, name, person};
use crate::simulator::rig::draw::Draw;

/// Two launches on one group; figures are drawn anew for each world.
pub const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: first
app: App
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
scaling: [group]
rollout: {steps: [{percent: 10, dwell: 5m}, {percent: 100, bake: 10m}]}
audience: {clients: 40k, adoption: {half_life: 1h}, requests_per_client: 20, cache_hit_ratio: {cold: 0.1, primed: 0.9}}
---
apiVersion: tminus/v1
kind: Release
name: second
app: App
version: 2.1.0
channels: [release]
launch_at: 2026-12-01T15:00:00Z
scaling: [group]
rollout: {steps: [{percent: 50, dwell: 5m}, {percent: 100}]}
audience: {clients: 10k, adoption: {half_life: 2h}, requests_per_client: 10}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: group
group: {aws: {name: group, region: us-west-2}}
capacity_per_instance: 20/s
limits: {floor: 3, ceiling: 60, step: 10}
";

/// Turns of one world.
const TURNS: u64 = 10;
/// An observation that is older says nothing: the core's two minutes.
const FRESH: Duration = Duration::from_mins(2);

/// What happened, over all worlds.
#[derive(Debug, Default)]
pub struct Tally {
    decisions: u64,
    imposed: u64,
    refused: u64,
    ended: u64,
    raised: u64,
    lowered: u64,
    stopped: u64,
    drifts: u64,
    held_against: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.imposed += other.imposed;
        self.refused += other.refused;
        self.ended += other.ended;
        self.raised += other.raised;
        self.lowered += other.lowered;
        self.stopped += other.stopped;
        self.drifts += other.drifts;
        self.held_against += other.held_against;
    }

    pub fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("an override", self.imposed),
            ("a refusal", self.refused),
            ("an end", self.ended),
            ("a raise", self.raised),
            ("a lowering", self.lowered),
            ("an order that the actuator stopped", self.stopped),
            ("a drift", self.drifts),
            ("a surge above its forecast", self.held_against),
        ]
    }
}

/// What the observer says of the group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Clear,
    /// As it was some minutes ago.
    Stale,
    Gone,
}

pub struct World {
    draw: Draw,
    config: Config,
    state: State,
    memory: Memory,
    observed: Observations,
    now: Timestamp,
    /// The group as it is.
    floor: u32,
    own_ceiling: u32,
    sight: Sight,
    /// Orders that were sent and are not done.
    open: Vec<Intent>,
    asked: BTreeSet<String>,
    /// How many overrides people heard the end of, by number.
    ended: BTreeSet<String>,
    tally: Tally,
}

impl World {
    pub fn new(base: &Config, seed: u64) -> Self {
        let mut draw = Draw::of(seed, "guardrails", 0);
        let mut config = base.clone();
        let floor = draw.between(1, 6) as u32;
        let own_ceiling = draw.between(floor.into(), 70) as u32;
        let policy = config.scalings.get_mut(&name("group")).unwrap();
        policy.limits = limits(&mut draw, floor);
        policy.capacity_per_instance = Rate::per_second(1.0 + draw.share() * 60.0).unwrap();
        policy.headroom_percent = draw.share() * 60.0;
        policy.lead = Duration::from_mins(draw.below(40));
        policy.hold_after = Duration::from_mins(draw.below(240));
        policy.ramp_down.percent = 1.0 + draw.share() * 99.0;
        policy.ramp_down.every = Duration::from_mins(1 + draw.below(30));
        for release in config.releases.values_mut() {
            release.launch_at += jiff::SignedDuration::from_mins(draw.between(-120, 120));
        }
        let now = LAUNCH_AT.parse::<Timestamp>().unwrap() - Duration::from_mins(draw.below(300));
        let standing = draw.between(floor.saturating_sub(1).into(), i64::from(own_ceiling.min(floor + 3))) as u32;
        let (memory, observed) = (Memory::default(), Observations::default());
        let state = State { epoch: 1, ..State::default() };
        let (open, asked, ended, tally) = (Vec::new(), BTreeSet::new(), BTreeSet::new(), Tally::default());
        let mut world = Self {
            draw,
            config,
            state,
            memory,
            observed,
            now,
            floor: standing,
            own_ceiling,
            sight: Sight::Clear,
            open,
            asked,
            ended,
            tally,
        };
        if world.draw.chance(50) {
            world.history();
        }
        world
    }

    pub fn play(mut self) -> Tally {
        self.decide(Vec::new());
        for _ in 0..TURNS {
            let commands = self.turn();
            self.decide(commands);
            self.act();
        }
        if self.draw.chance(4) {
            self.comes_to_what_was_imposed();
        }
        self.tally
    }

    /// Two days of load, so that the baseline is learned.
    fn history(&mut self) {
        let load = self.draw.share() * 200.0;
        let hour = |ago: i64| Timestamp::from_second(self.now.as_second() / 3_600 * 3_600 - ago * 3_600).unwrap();
        self.observed.history.insert(name("group"), (0..50).rev().map(|ago| (hour(ago), load)).collect());
    }

    /// Something happens; what people ask with it.
    fn turn(&mut self) -> Vec<Command> {
        let secs = if self.draw.chance(20) { self.draw.below(4 * 3_600) } else { self.draw.below(20 * 60) };
        self.now = later(self.now, Duration::from_secs(1 + secs));
        match self.draw.below(100) {
            0..45 => return vec![self.imposing()],
            45..60 => return vec![self.ordering()],
            60..70 => self.drift(),
            70..80 => self.sight = *self.draw.pick(&[Sight::Clear, Sight::Clear, Sight::Stale, Sight::Gone]),
            80..88 => self.surge(),
            88..92 => self.edit(),
            92..96 => self.restart(),
            _ => {}
        }
        Vec::new()
    }

    fn imposing(&mut self) -> Command {
        let (group, kind) = (name("group"), *self.draw.pick(&OverrideKind::ALL));
        let instances = Capacity(self.draw.below(40) as u32);
        let to = match kind {
            OverrideKind::Floor => OverrideTo::Floor(instances),
            OverrideKind::Ceiling => OverrideTo::Ceiling(instances),
            OverrideKind::Pin => OverrideTo::Pin(instances),
            OverrideKind::Freeze => OverrideTo::Freeze,
        };
        let lasts = Duration::from_mins(self.draw.below(400));
        let order = match self.draw.below(10) {
            0..7 => Order::Override { group, to, expires_at: later(self.now, lasts) },
            7 => Order::ExtendOverride { group, kind, by: lasts },
            _ => Order::ClearOverride { group, kind },
        };
        Command { by: ann(), order, reason: "a reason".into() }
    }

    fn ordering(&mut self) -> Command {
        let release = name(self.draw.word(&["first", "second"]));
        let order = match self.draw.below(10) {
            0..5 => Order::Go { release },
            5..7 => Order::Promote { release },
            7 => Order::Abort { release },
            8 => Order::Hold { release },
            _ => Order::Scrub { release },
        };
        Command { by: ann(), order, reason: "a reason".into() }
    }

    /// Somebody changes the group by other means.
    fn drift(&mut self) {
        self.tally.drifts += 1;
        if self.draw.chance(30) {
            self.own_ceiling = self.draw.between(self.floor.into(), 80) as u32;
        } else {
            self.floor = self.draw.below(u64::from(self.own_ceiling) + 1) as u32;
        }
    }

    /// Load of the last minutes, a point each, some of them nonsense.
    fn surge(&mut self) {
        let (level, nonsense) = (self.draw.share() * 4_000.0, self.draw.chance(5));
        let minute = |ago: i64| Timestamp::from_second(self.now.as_second() - ago * 60).unwrap();
        let points = (0..6).rev().map(|ago| (minute(ago), if ago == 3 && nonsense { f64::NAN } else { level })).collect();
        self.observed.recent.insert(name("group"), points);
    }

    /// The policy's limits change under what is held and imposed.
    fn edit(&mut self) {
        let floor = self.draw.between(1, 6) as u32;
        let limits = limits(&mut self.draw, floor);
        self.config.scalings.get_mut(&name("group")).unwrap().limits = limits;
    }

    fn restart(&mut self) {
        self.state = serde_json::from_str(&serde_json::to_string(&self.state).unwrap()).unwrap();
        self.state.epoch += 1;
        self.memory = Memory::default();
    }

    fn look(&mut self) {
        let (floor, ceiling) = (Capacity(self.floor), Capacity(self.own_ceiling));
        let seen = GroupObservation::at_floor(floor, ceiling, self.now);
        match self.sight {
            Sight::Clear => drop(self.observed.groups.insert(name("group"), seen)),
            Sight::Stale => {}
            Sight::Gone => drop(self.observed.groups.remove(&name("group"))),
        }
        self.observed.open = self.open.iter().map(|intent| intent.key.clone()).collect();
    }

    fn decide(&mut self, commands: Vec<Command>) {
        self.look();
        let (config, state, observed) = (self.config.clone(), self.state.clone(), self.observed.clone());
        let snapshot = Snapshot { config, state, observed, commands, now: self.now };
        let decision = self.memory.decide(Scope::Whole, &snapshot);
        assert_eq!(check(&decision, &snapshot), [], "at {}", self.now);
        self.looked_at(&decision, &snapshot);
        for intent in &decision.intents {
            assert!(self.asked.insert(intent.key.clone()), "asked twice: {}", intent.key);
            if matches!(intent.effect, Effect::SetFloor { .. }) {
                // A newer order supersedes an older one.
                self.open = vec![intent.clone()];
            }
        }
        self.state = decision.state;
    }

    /// What must hold of any decision, from what it was made of.
    fn looked_at(&mut self, decision: &Decision, snapshot: &Snapshot) {
        self.tally.decisions += 1;
        for (command, reply) in snapshot.commands.iter().zip(&decision.replies) {
            if matches!(command.order, Order::Override { .. } | Order::ExtendOverride { .. }) {
                *(if reply.is_ok() { &mut self.tally.imposed } else { &mut self.tally.refused }) += 1;
            }
        }
        let outran =
            decision.plans.values().any(|plan| plan.problems.iter().any(|problem| format!("{problem:?}").starts_with("Outrun")));
        self.tally.held_against += u64::from(outran);
        let seen = snapshot.observed.groups.get(&name("group"));
        let fresh = seen.is_some_and(|seen| seen.observed_at >= self.now - FRESH);
        for intent in &decision.intents {
            match &intent.effect {
                Effect::SetFloor { floor, .. } => {
                    let held = snapshot.state.floors.get(&name("group")).map(|held| held.floor);
                    let held = held.map(|held| held.min(Capacity(self.floor)));
                    assert!(
                        fresh,
                        "{floor} is asked for on what was seen at {:?}, at {}",
                        seen.map(|seen| seen.observed_at),
                        self.now
                    );
                    let lowers = held.is_some_and(|held| *floor < held);
                    assert!(!lowers || !is_live(&decision.state), "scaled in during a launch");
                }
                Effect::Notify(said) if said.key.ends_with(":ended") => {
                    assert!(self.ended.insert(said.key.clone()), "ended twice: {}", said.key);
                    self.tally.ended += 1;
                }
                _ => {}
            }
        }
    }

    /// The actuator sends what is open; some of it fails, comes late, or twice.
    fn act(&mut self) {
        let fate = self.draw.below(100);
        if fate < 15 {
            return;
        }
        let Some(intent) = self.open.pop() else { return };
        let times = if fate < 25 { 2 } else { 1 };
        for _ in 0..times {
            self.send(&intent);
        }
        // The reply is lost: it stays open and is sent again.
        if (25..30).contains(&fate) {
            self.open.push(intent);
        }
    }

    fn send(&mut self, intent: &Intent) {
        let Effect::SetFloor { group, floor, restore, .. } = &intent.effect else { return };
        let policy = &self.config.scalings[group];
        let (floor_now, ceiling) = (Capacity(self.floor), Capacity(self.own_ceiling));
        let seen = GroupObservation::at_floor(floor_now, ceiling, self.now);
        if Guard::of(policy, &self.state, *restore).admit(*floor, &seen, self.now).is_err() {
            self.tally.stopped += 1;
            if self.draw.chance(50) {
                self.open.push(intent.clone());
            }
            return;
        }
        self.changed_rightly(*floor, *restore);
        match floor.0.cmp(&self.floor) {
            std::cmp::Ordering::Greater => self.tally.raised += 1,
            std::cmp::Ordering::Less => self.tally.lowered += 1,
            std::cmp::Ordering::Equal => {}
        }
        self.floor = floor.0;
    }

    /// What must hold of any change of the group, whoever let it through.
    fn changed_rightly(&self, floor: Capacity, restore: Capacity) {
        let limits = self.config.scalings[&name("group")].limits;
        let number = |kind| {
            let of_kind = self.state.overrides.find(&name("group"), kind).filter(|one| self.now < one.expires_at);
            of_kind.map(|one| one.to.instances().unwrap_or(Capacity(0)))
        };
        assert_eq!(number(OverrideKind::Freeze), None, "a frozen group is changed");
        assert!(floor.0 <= self.own_ceiling || floor.0 <= self.floor, "above the group's own ceiling");
        let imposed = number(OverrideKind::Pin).or_else(|| number(OverrideKind::Ceiling));
        if floor.0 > self.floor {
            assert!(floor <= limits.ceiling && limits.quota.is_none_or(|quota| floor <= quota), "raised beyond its limits");
            assert!(imposed.is_none_or(|most| floor <= most.max(restore)), "raised above what somebody imposed");
        }
        assert!(self.floor.saturating_sub(floor.0) <= limits.step.0.max(1), "more than a step down at once");
    }

    /// After faults stop: within some hours the group has what is imposed, as far as limits allow.
    fn comes_to_what_was_imposed(&mut self) {
        let kind = OverrideKind::Floor;
        self.observed.recent.clear();
        self.sight = Sight::Clear;
        let group = name("group");
        self.state.overrides.list.clear();
        let wanted = Capacity(self.draw.between(1, 40) as u32);
        let order = Order::Override {
            group: group.clone(),
            to: OverrideTo::Floor(wanted),
            expires_at: later(self.now, Duration::from_hours(24)),
        };
        let limits = &mut self.config.scalings.get_mut(&group).unwrap().limits;
        limits.override_for = Duration::from_hours(24);
        // In steps of one it would take longer than an override may last.
        limits.step = limits.step.max(Capacity(4));
        self.own_ceiling = self.own_ceiling.max(limits.ceiling.0);
        self.now = later(self.now, Duration::from_secs(1));
        self.decide(vec![Command { by: ann(), order, reason: "a reason".into() }]);
        let Some(one) = self.state.overrides.find(&group, kind).cloned() else { return };
        let limits = self.config.scalings[&group].limits;
        let most = limits.quota.into_iter().fold(limits.ceiling, Capacity::min).min(Capacity(self.own_ceiling));
        for _ in 0..60 {
            if self.floor >= wanted.min(most).0 {
                break;
            }
            self.now = later(self.now, Duration::from_mins(20));
            self.decide(Vec::new());
            self.open.pop().iter().for_each(|intent| self.send(intent));
        }
        assert!(self.now < one.expires_at && self.floor >= wanted.min(most).0, "{wanted} is not there: {} of {most}", self.floor);
        // And when it is over, nobody has to give it back by hand.
        self.now = one.expires_at;
        for _ in 0..400 {
            self.now = later(self.now, Duration::from_mins(31));
            self.decide(Vec::new());
            self.open.pop().iter().for_each(|intent| self.send(intent));
            if self.state.floors.is_empty() || self.kept() {
                break;
            }
        }
        assert!(self.state.floors.is_empty() || self.kept(), "it is not given back: {:?}", self.state.floors);
        assert!(self.state.overrides.list.is_empty());
    }

    /// Whether a launch may still need what is held.
    fn kept(&self) -> bool {
        self.state.releases.values().any(|state| !matches!(state.phase, Phase::Complete | Phase::Scrubbed { .. }))
    }
}

fn limits(draw: &mut Draw, floor: u32) -> Limits {
    let ceiling = draw.between(floor.into(), 60) as u32;
    Limits {
        floor: Capacity(floor),
        ceiling: Capacity(ceiling),
        step: Capacity(draw.between(1, 30) as u32),
        quota: draw.chance(30).then(|| Capacity(draw.between(ceiling.into(), 80) as u32)),
        cost: None,
        override_for: Duration::from_mins(30 + draw.below(600)),
    }
}

/// Whether a rollout is under way.
fn is_live(state: &State) -> bool {
    state.releases.values().any(|state| matches!(state.phase.active(), Some(Active::Rolling { .. } | Active::Baking)))
}

fn ann() -> Person {
    person("ann operator")
}
