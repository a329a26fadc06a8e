//! The world outside of tminus: groups, clients and their counts, caches, people's rooms, and what is out of order in it.
//!
//! Not here: the daemon. Invariants: I1 and I2 as the world sees them: whatever arrives was committed, and one key never
//! brings two different changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::checklist::Outcome;
use tminus::core::decide::{Effect, GroupObservation};
use tminus::core::priming::Coverage;
use tminus::core::words::{Name, later};

use super::counts::{Conditions, Counts};
use super::draw::Draw;
use super::group::Group;
use super::options::{HOUR, MINUTE, Options};
use super::script::Trouble;

/// See the module.
pub struct World {
    seed: u64,
    pub starts_at: Timestamp,
    pub groups: Vec<Group>,
    pub counts: Vec<Counts>,
    troubles: Vec<Active>,
    stale: BTreeMap<usize, GroupObservation>,
    /// What was carried out, by key.
    changes: BTreeMap<String, String>,
    pub told: BTreeSet<String>,
    pub reports: BTreeSet<String>,
    loads: Vec<f64>,
}

/// A trouble while it lasts.
#[derive(Clone, Copy, Debug)]
struct Active {
    what: Trouble,
    of: u64,
    from: i64,
    until: i64,
}

/// How much more a bad version fails, ppm: half of them a little, which takes evidence, the others so that nobody needs any.
fn failing(of: u64) -> u64 {
    match of / 6 % 4 {
        0 | 1 => 120_000,
        2 => 400_000 + of % 40 * 10_000,
        _ => 1_000_000,
    }
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

impl World {
    pub fn new(options: &Options) -> Self {
        let counts = |(number, release): (usize, &super::options::ReleaseOption)| {
            let kind = release.gate.map_or((0, false), |gate| (options.gates[gate].metrics, options.gates[gate].has_baseline));
            Counts::new(options.seed, number as u64, kind, release.traffic)
        };
        Self {
            seed: options.seed,
            starts_at: options.starts_at,
            groups: options.groups.iter().map(Group::new).collect(),
            counts: options.releases.iter().enumerate().map(counts).collect(),
            troubles: Vec::new(),
            stale: BTreeMap::new(),
            changes: BTreeMap::new(),
            told: BTreeSet::new(),
            reports: BTreeSet::new(),
            loads: options.groups.iter().map(|group| group.load).collect(),
        }
    }

    /// Something is out of order from now on, for a while.
    pub fn trouble(&mut self, (what, of, lasts): (Trouble, u64, i64), now: i64) {
        self.troubles.retain(|active| active.until > now);
        self.troubles.push(Active { what, of, from: now, until: now + lasts });
        let alters = [Trouble::CountsHoles, Trouble::CountsOneArm, Trouble::CountsAbsurd, Trouble::CountsDoubled];
        if alters.contains(&what) && !self.counts.is_empty() {
            let of = of as usize % self.counts.len();
            self.counts[of].alter(what, now / MINUTE, (now + lasts) / MINUTE);
        }
    }

    /// Nothing is out of order any more, and clients come in numbers that tell.
    pub fn heal(&mut self) {
        self.troubles.clear();
        self.groups.iter_mut().for_each(|group| group.ceiling = group.ceiling.max(1_000));
        self.counts.iter_mut().for_each(|counts| counts.traffic = (400_000, counts.traffic.1.clamp(300, 500)));
    }

    /// Since when something is out of order, if it is: of the thing with this number, of so many.
    pub fn since(&self, what: Trouble, number: usize, of: usize) -> Option<i64> {
        self.active(what, number, of).map(|active| active.from)
    }

    fn active(&self, what: Trouble, number: usize, of: usize) -> Option<&Active> {
        let hits = |active: &&Active| active.what == what && active.of as usize % of.max(1) == number;
        self.troubles.iter().find(hits)
    }

    pub fn has(&self, what: Trouble, number: usize, of: usize) -> bool {
        self.since(what, number, of).is_some()
    }

    /// Whether it is so for everything.
    pub fn is(&self, what: Trouble) -> bool {
        self.troubles.iter().any(|active| active.what == what)
    }

    /// How far the daemon's clock is off, in milliseconds.
    pub fn skew(&self) -> i64 {
        let off = |active: &Active| match active.what {
            Trouble::ClockAhead => (active.of % 90 + 1) as i64 * MINUTE,
            Trouble::ClockBehind => -((active.of % 90 + 1) as i64) * MINUTE,
            _ => 0,
        };
        self.troubles.iter().map(off).sum()
    }

    /// Ends what is over; whether anything ended that documents or clocks depend on.
    pub fn pass(&mut self, now: i64) -> bool {
        let before = self.troubles.len();
        self.troubles.retain(|active| active.until > now);
        before != self.troubles.len()
    }

    /// Groups boot and stop, minutes are lived.
    pub fn live(&mut self, now: i64, percents: &[u64]) {
        for number in 0..self.groups.len() {
            let of = self.groups.len();
            let slow = if self.has(Trouble::GroupSlow, number, of) { 6 } else { 1 };
            let boots = (!self.has(Trouble::GroupDead, number, of)).then_some(slow);
            self.groups[number].advance(now, boots);
        }
        for (number, percent_ppm) in percents.iter().enumerate() {
            let conditions = Conditions {
                percent_ppm: *percent_ppm,
                bad: self.active(Trouble::BadVersion, number, percents.len()).map(|active| failing(active.of)),
                incident: self.is(Trouble::Incident),
            };
            let starts_at = self.starts_at;
            while self.counts[number].lived() < now / MINUTE {
                self.counts[number].live(starts_at, conditions);
            }
        }
    }

    /// How a group answers; `None`: it does not.
    pub fn describe(&mut self, number: usize, (now, observed_at): (i64, Timestamp)) -> Option<GroupObservation> {
        let of = self.groups.len();
        if self.has(Trouble::GroupUnseen, number, of) {
            return None;
        }
        if self.has(Trouble::GroupStale, number, of) {
            let fresh = self.groups[number].describe(now, observed_at);
            return Some(self.stale.entry(number).or_insert(fresh).clone());
        }
        self.stale.remove(&number);
        Some(self.groups[number].describe(now, observed_at))
    }

    /// Requests per second of a group's ordinary days in the hour that begins so many hours after the start.
    pub fn load(&self, number: usize, hour: i64) -> f64 {
        let mut draw = Draw::of(self.seed, "load", (number as u64) << 32 | (hour + 10_000) as u64);
        let of_day = (self.starts_at.as_second() / 3_600 + hour).rem_euclid(24);
        let season = 0.55 + 0.45 * (std::f64::consts::TAU * (of_day - 6) as f64 / 24.0).sin();
        self.loads[number] * (season + 0.1 * draw.share())
    }

    /// 28 days of load by the hour, as a source tells it.
    pub fn history(&self, number: usize, now: i64) -> Vec<(Timestamp, f64)> {
        let this = now.div_euclid(HOUR);
        let of = self.groups.len();
        if self.has(Trouble::HistoryMissing, number, of) {
            return Vec::new();
        }
        let absurd = self.has(Trouble::HistoryAbsurd, number, of);
        let point = |hour: i64| {
            let at = self.starts_at + jiff::SignedDuration::from_hours(hour);
            let lies = [f64::MAX, -3.0, 1e12, 0.0];
            let value = if absurd && hour % 5 == 0 { lies[hour.rem_euclid(4) as usize] } else { self.load(number, hour) };
            (at, value)
        };
        (this - 28 * 24..=this).map(point).collect()
    }

    /// What a run of the primer proves, or why it fails.
    pub fn primed(&self, number: usize, (nodes, of): (&[Name], usize), now: Timestamp) -> Result<Coverage, String> {
        if self.has(Trouble::PrimerFails, number, of) {
            return Err("the source does not answer".into());
        }
        let half = self.has(Trouble::PrimerHalf, number, of);
        let lost = self.has(Trouble::PrimerNode, number, of);
        let short = self.has(Trouble::PrimerShort, number, of);
        let ratio = |place: usize| if half && place == 0 { 0.5 } else { 1.0 };
        let reached = nodes.iter().enumerate().filter(|(place, _)| !lost || *place + 1 < nodes.len());
        let stale_after = if short { Duration::from_mins(25) } else { Duration::from_hours(40 * 24) };
        Ok(Coverage {
            nodes: reached.map(|(place, node)| (node.clone(), ratio(place))).collect(),
            objects: 1_000,
            problems: if half { 7 } else { 0 },
            first_problem: half.then(|| "an object could not be stored".into()),
            fresh_until: Some(later(now, stale_after)),
            measured_at: now,
        })
    }

    /// How a probe answers; `None`: it does not.
    pub fn probe(&self, (release, of): (usize, usize), now: i64) -> Option<Outcome> {
        if self.has(Trouble::ProbeSilent, release, of) {
            return None;
        }
        if self.has(Trouble::ProbeRed, release, of) {
            return Some(Outcome::Red);
        }
        let flaps = self.has(Trouble::ProbeFlaps, release, of);
        let mut draw = Draw::of(self.seed, "probe", now.unsigned_abs());
        Some(if flaps { *draw.pick(&[Outcome::Green, Outcome::Red, Outcome::Unknown]) } else { Outcome::Green })
    }

    /// Carries out what arrives. The outer error is a broken invariant, the inner one the world's refusal.
    pub fn arrive(&mut self, key: &str, effect: &Effect, groups: &[Name]) -> Result<Result<(), String>, String> {
        let change = match effect {
            Effect::SetFloor { group, floor, .. } => format!("{group} {floor}"),
            Effect::Notify(said) => said.what.clone(),
            Effect::Report { release } => release.to_string(),
            other => format!("{other:?}"),
        };
        if self.changes.get(key).is_some_and(|known| *known != change) {
            return Err(format!("{key} brought {}, and now {change}", self.changes[key]));
        }
        self.changes.insert(key.to_owned(), change);
        Ok(match effect {
            Effect::SetFloor { group, floor, .. } => match groups.iter().position(|name| name == group) {
                Some(number) if self.has(Trouble::GroupRefuses, number, groups.len()) => Err("it refuses".into()),
                Some(number) => self.groups[number].set_floor(key, floor.0),
                None => Err(format!("there is no group {group}")),
            },
            Effect::Notify(_) if self.is(Trouble::PeopleUnreachable) => Err("nobody answers".into()),
            Effect::Notify(said) => {
                self.told.insert(said.key.clone());
                Ok(())
            }
            Effect::Report { release } => {
                self.reports.insert(release.to_string());
                Ok(())
            }
            _ => Ok(()),
        })
    }
}
