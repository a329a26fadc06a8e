//! The people of a world: a release lead who does what is needed next, and anybody who orders anything.
//!
//! Invariant: whether an order is right is the core's to say; people only ask.

use std::time::Duration;

use jiff::SignedDuration;
use tminus::core::checklist::{Demand, Item, ItemState};
use tminus::core::decide::{Command, Config, Order, Person};
use tminus::core::gate::Verdict;
use tminus::core::release::{Active, Phase, Release, ReleaseState};
use tminus::core::throttle::HaltTarget;
use tminus::core::words::Name;

use super::draw::Draw;
use super::options::MINUTE;
use super::run::Sim;
use super::world::name;

/// Everybody, each with roles.
const PEOPLE: [&str; 5] =
    ["ann operator sre", "bob operator releng", "cy operator releng sre", "dee operator qa", "eve operator"];

/// Orders that the lead gives at one time once everything is mended.
const AT_A_TIME: usize = 6;

/// `ann operator sre` is ann with two roles.
pub fn person(text: &str) -> Person {
    let mut words = text.split(' ').map(name);
    Person { name: words.next().unwrap(), roles: words.collect() }
}

impl Sim {
    /// The release lead gives one of the orders that help, if any does; all of them once everything is mended.
    pub fn lead(&mut self, draw: u64) {
        let mut draw = Draw::of(self.options.seed, "lead", draw);
        for _ in 0..if self.healed { AT_A_TIME } else { 1 } {
            let helpful = self.helpful(&mut draw);
            if helpful.is_empty() {
                return;
            }
            let (by, order) = draw.pick(&helpful).clone();
            self.give(by, order);
        }
    }

    /// Somebody orders something.
    pub fn anybody(&mut self, draw: u64) {
        let mut draw = Draw::of(self.options.seed, "anybody", draw);
        let by = draw.word(&PEOPLE);
        let order = self.any_order(&mut draw);
        self.give(by, order);
    }

    /// Gives an order, and says what came of it.
    pub fn give(&mut self, by: &str, order: Order) {
        if self.daemon.is_none() {
            return;
        }
        self.tally.hit(word(&order));
        let command = Command { by: person(by), order, reason: "a reason".into() };
        self.note(|| format!("{by}: {:?}", command.order));
        self.order(command);
    }

    fn helpful(&self, draw: &mut Draw) -> Vec<(&'static str, Order)> {
        let Some(daemon) = self.daemon.as_ref() else { return Vec::new() };
        let (config, state) = (&daemon.snapshot.config, daemon.state());
        let mut orders = Vec::new();
        for (release, standing) in
            config.releases.values().filter_map(|release| Some((release, state.releases.get(&release.name)?)))
        {
            orders.extend(self.help_release((release, standing), config, draw));
        }
        let lifts = state.halts.iter().filter(|_| self.healed || draw.chance(40));
        for halt in lifts {
            let new = |by: &&&str| !halt.lifts.contains(&person(by).name);
            let by = ["bob operator releng", "cy operator releng sre"].iter().find(new).copied();
            orders.extend(by.map(|by| (by, Order::Lift { target: halt.target.clone(), break_glass: false })));
        }
        orders
    }

    fn help_release(
        &self,
        (release, state): (&Release, &ReleaseState),
        config: &Config,
        draw: &mut Draw,
    ) -> Vec<(&'static str, Order)> {
        let (mut orders, now) = (Vec::new(), self.clock());
        let named = || release.name.clone();
        match &state.phase {
            Phase::Active(Active::Preparing | Active::Ready) => {
                orders.extend(self.settle_items((release, state), config, draw));
                let go = self
                    .last
                    .releases
                    .get(&release.name)
                    .is_some_and(|view| view.readiness.word == tminus::core::checklist::Word::Go);
                let lapsed = now > release.launches_by_itself_until();
                if go && (lapsed || state.armed.is_none() && !release.goes_by_itself()) {
                    orders.push(("ann operator sre", Order::Go { release: named() }));
                }
            }
            Phase::Held { .. } if self.healed || draw.chance(30) => {
                orders.push(("ann operator sre", Order::Resume { release: named() }));
            }
            Phase::Aborted { .. } if self.healed || draw.chance(25) => {
                orders.push(("cy operator releng sre", Order::Clear { release: named() }));
            }
            Phase::Active(Active::Rolling { step }) => {
                let dwell = release.rollout.steps.get(*step).map(|step| step.dwell).unwrap_or_default();
                let (over, long_over) =
                    (state.dwelled_at(now) >= dwell, state.dwelled_at(now) >= dwell + Duration::from_hours(1));
                let gate = self.last.releases.get(&release.name).and_then(|view| view.gate.as_ref()).map(|gate| &gate.verdict);
                // What is SAFE and still blocked lacks what nobody can give it, such as a ceiling.
                let blocked = self.healed && long_over && gate == Some(&Verdict::Safe);
                if over && (release.gate.is_none() || release.shadow) || blocked {
                    orders.push(("ann operator sre", Order::Advance { release: named() }));
                }
            }
            _ => {}
        }
        orders
    }

    /// Sign-offs that are open, and waivers for what does not get green in time.
    fn settle_items(
        &self,
        (release, state): (&Release, &ReleaseState),
        config: &Config,
        draw: &mut Draw,
    ) -> Vec<(&'static str, Order)> {
        let until_launch = release.launch_at.duration_since(self.clock());
        if until_launch > SignedDuration::from_hours(3) {
            return Vec::new();
        }
        let Some(view) = self.last.releases.get(&release.name) else { return Vec::new() };
        let open = view.readiness.items.iter().filter(|item| !matches!(item.state, ItemState::Green | ItemState::Waived));
        let mut orders = Vec::new();
        for status in open {
            let find = |item: &&Item| item.id == status.id;
            let items = release.checklists.iter().filter_map(|list| config.checklists.get(list)).flat_map(|list| &list.items);
            let Some(item) = items.into_iter().find(find) else { continue };
            if let Some(by) = self.signer(release, state, item) {
                orders.push((by, sign(release, item)));
            } else if item.waivable && until_launch < SignedDuration::from_mins(10) && (self.healed || draw.chance(35)) {
                let expires_at = self.clock() + SignedDuration::from_mins(draw.between(20, 240));
                orders.push((
                    "ann operator sre",
                    Order::Waive { release: release.name.clone(), item: item.id.clone(), expires_at },
                ));
            }
        }
        orders
    }

    /// Who may sign, and has not signed what is there now.
    fn signer(&self, release: &Release, state: &ReleaseState, item: &Item) -> Option<&'static str> {
        let Demand::SignOff { roles, .. } = &item.demand else { return None };
        let content = self.daemon.as_ref()?.snapshot.config.contents.get(&key(&release.name, &item.id))?;
        let may = |by: &&&str| {
            let person = person(by);
            let signed =
                state.sign_offs.iter().any(|old| old.item == item.id && old.by == person.name && old.content == *content);
            person.roles.iter().any(|role| roles.contains(role)) && state.applied_by.as_ref() != Some(&person.name) && !signed
        };
        PEOPLE.iter().find(may).copied()
    }

    fn any_order(&self, draw: &mut Draw) -> Order {
        let release = name(&draw.pick(&self.options.releases).name.clone());
        let item = name(draw.word(&super::options::ITEMS));
        let app = name(draw.word(&["Reader", "Writer"]));
        let target = match draw.below(4) {
            0 => HaltTarget::App { app },
            1 => HaltTarget::Channel { app, channel: name(draw.word(&["release", "beta"])) },
            _ => HaltTarget::Version { app, version: draw.pick(&self.options.releases).version.clone() },
        };
        let expires_at = self.clock() + SignedDuration::from_millis(draw.between(-5, 90) * MINUTE);
        match draw.below(16) {
            0..2 => Order::Go { release },
            2 => Order::Hold { release },
            3 => Order::Resume { release },
            4 => Order::Advance { release },
            5 => Order::Promote { release },
            6 => Order::Abort { release },
            7 => Order::Clear { release },
            8 if draw.chance(30) => Order::Scrub { release },
            8..10 => Order::Hold { release },
            10 => Order::SignOff { release, item },
            11 => Order::Waive { release, item, expires_at },
            12..14 => Order::Halt { target },
            _ => {
                let halted = self.daemon.as_ref().and_then(|daemon| daemon.state().halts.first().map(|halt| halt.target.clone()));
                Order::Lift { target: halted.unwrap_or(target), break_glass: draw.chance(20) }
            }
        }
    }
}

fn sign(release: &Release, item: &Item) -> Order {
    Order::SignOff { release: release.name.clone(), item: item.id.clone() }
}

/// How contents are named: release and item in lower case.
pub fn key(release: &Name, item: &Name) -> String {
    format!("{}/{}", release.folded(), item.folded())
}

fn word(order: &Order) -> &'static str {
    match order {
        Order::Go { .. } => "ordered: go",
        Order::Hold { .. } => "ordered: hold",
        Order::Resume { .. } => "ordered: resume",
        Order::Advance { .. } => "ordered: advance",
        Order::Promote { .. } => "ordered: promote",
        Order::Abort { .. } => "ordered: abort",
        Order::Clear { .. } => "ordered: clear",
        Order::Scrub { .. } => "ordered: scrub",
        Order::SignOff { .. } => "ordered: sign-off",
        Order::Waive { .. } => "ordered: waive",
        Order::Halt { .. } => "ordered: halt",
        Order::Lift { .. } => "ordered: lift",
        Order::Applied { .. } => "ordered: apply",
        Order::Override { .. } | Order::ExtendOverride { .. } | Order::ClearOverride { .. } => "ordered: override",
        Order::ApplyPlan { .. } => "ordered: apply plan",
        Order::Removed { .. } => "ordered: remove",
    }
}
