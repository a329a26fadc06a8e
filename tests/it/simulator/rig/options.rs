//! What a world is made of, drawn from its seed: releases, groups, gates, caches, and how rough it gets.
//!
//! Not here: what happens in it ([`super::script`]), nor how documents are written ([`super::documents`]).
//! Invariant: everything that a run depends on is in here or in its script.

use jiff::Timestamp;

use super::draw::Draw;

/// Milliseconds in a minute.
pub const MINUTE: i64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;

/// How often the daemon ticks when nothing else wakes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ticks {
    /// Every minute around launches, every five minutes otherwise: decisions are level-triggered.
    Adaptive,
    /// As the daemon does by default.
    EveryTenSeconds,
}

/// A world.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it was drawn from.
    pub seed: u64,
    /// When it begins.
    pub starts_at: Timestamp,
    /// How long it runs, in virtual hours.
    pub hours: i64,
    /// From this hour on nothing fails any more, and people only help.
    pub heal_at: i64,
    /// After this instant, in milliseconds after the start, nobody looks any more.
    pub until: i64,
    /// How the daemon ticks.
    pub ticks: Ticks,
    /// Troubles in the time before, about.
    pub troubles: u64,
    /// Releases.
    pub releases: Vec<ReleaseOption>,
    /// Groups with their scaling policies.
    pub groups: Vec<GroupOption>,
    /// Gate policies.
    pub gates: Vec<GateOption>,
    /// Priming policies.
    pub primings: Vec<PrimingOption>,
    /// People that it takes to lift a halt.
    pub lift_count: u32,
    /// Percent of the throttle's rule about the oldest version, and of its layer under all rules.
    pub throttle: (u32, Option<u32>),
}

/// One release.
#[derive(Clone, Debug)]
pub struct ReleaseOption {
    pub name: String,
    pub app: &'static str,
    pub version: String,
    /// Minutes before T-0 from which channel `beta` is served whole.
    pub early: Option<i64>,
    /// T-0 in minutes after the start.
    pub launch_min: i64,
    pub zone: &'static str,
    pub auto: bool,
    pub released: bool,
    pub shadow: bool,
    /// Items of its checklist, by id.
    pub items: Vec<&'static str>,
    /// Distinct people that its sign-off takes.
    pub signers: u32,
    pub groups: Vec<usize>,
    pub priming: Option<usize>,
    pub gate: Option<usize>,
    /// Percents with their dwells in minutes; the last is 100 and its dwell is the bake.
    pub steps: Vec<(u32, i64)>,
    pub previous_safe: bool,
    pub clients: u32,
    pub half_life_mins: i64,
    /// Requests a minute of its app, and their share that fails, in parts per million.
    pub traffic: (u64, u64),
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupOption {
    pub name: String,
    pub floor: u32,
    pub ceiling: u32,
    pub step: u32,
    pub quota: Option<u32>,
    pub priced: bool,
    pub lead_mins: i64,
    pub hold_after_mins: i64,
    pub ramp: (u32, i64),
    /// Load in requests per second at its daily peak.
    pub load: f64,
    pub has_history: bool,
}

/// One gate policy.
#[derive(Clone, Debug)]
pub struct GateOption {
    pub name: String,
    pub has_baseline: bool,
    pub has_slo: bool,
    pub metrics: usize,
    pub lag_secs: i64,
    pub max_gap_mins: i64,
    pub aborts_blind: bool,
    pub calibrates: bool,
}

/// One priming policy.
#[derive(Clone, Debug)]
pub struct PrimingOption {
    pub name: String,
    pub nodes: usize,
    pub coverage: u32,
    pub every_mins: i64,
    pub fresh: bool,
    /// A schedule besides the polls, and polls that tighten an hour before T-0.
    pub scheduled: bool,
    pub tightens: bool,
}

/// Starts that matter to calendars: an ordinary week, clock changes, a leap day, the end of a year.
const STARTS: [&str; 6] = [
    "2026-11-30T00:00:00Z",
    "2026-10-31T12:00:00Z",
    "2027-03-13T20:00:00Z",
    "2028-02-28T06:00:00Z",
    "2026-12-31T04:00:00Z",
    "2027-03-27T18:00:00Z",
];
const ZONES: [&str; 4] = ["America/Los_Angeles", "UTC", "Europe/Berlin", "Asia/Kolkata"];
const APPS: [&str; 2] = ["Reader", "Writer"];

impl Options {
    /// The world of a seed.
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw::of(seed, "options", 0);
        let groups = (0..draw.between(1, 2)).map(|number| GroupOption::of(seed, number)).collect::<Vec<_>>();
        let gates = (0..draw.between(1, 2)).map(|number| GateOption::of(seed, number)).collect::<Vec<_>>();
        let primings = (0..draw.between(0, 2)).map(|number| PrimingOption::of(seed, number)).collect::<Vec<_>>();
        let counts = (groups.len(), gates.len(), primings.len());
        let releases = (0..draw.between(1, 3)).map(|number| ReleaseOption::of(seed, number, counts)).collect();
        Self {
            seed,
            starts_at: draw.word(&STARTS).parse().unwrap(),
            hours: 48,
            heal_at: 36,
            until: i64::MAX,
            ticks: Ticks::Adaptive,
            troubles: *draw.pick(&[6, 20, 40, 70]),
            releases,
            groups,
            gates,
            primings,
            lift_count: draw.between(1, 2) as u32,
            throttle: (*draw.pick(&[0, 5, 50]), draw.chance(30).then_some(*draw.pick(&[10, 60, 100]))),
        }
    }

    /// One release on one group with everything that a launch may lean on, and no trouble: what speed is measured with.
    pub fn single() -> Self {
        let mut one = Self::of(1);
        one.ticks = Ticks::EveryTenSeconds;
        one.troubles = 0;
        one.starts_at = STARTS[0].parse().unwrap();
        one.groups = vec![GroupOption { has_history: true, ..GroupOption::of(1, 0) }];
        one.gates = vec![GateOption { has_baseline: true, has_slo: true, calibrates: false, ..GateOption::of(1, 0) }];
        one.primings = vec![PrimingOption::of(1, 0)];
        one.releases = vec![ReleaseOption {
            launch_min: 12 * 60,
            auto: false,
            released: false,
            shadow: false,
            groups: vec![0],
            priming: Some(0),
            gate: Some(0),
            items: ITEMS.to_vec(),
            steps: vec![(1, 30), (10, 30), (50, 60), (100, 120)],
            ..ReleaseOption::of(1, 0, (1, 1, 1))
        }];
        one
    }
}

/// What checklists may hold.
pub const ITEMS: [&str; 9] = ["signed", "frozen", "up", "steady", "capacity", "warm", "counts", "rehearsed", "retries"];

impl ReleaseOption {
    fn of(seed: u64, number: i64, (groups, gates, primings): (usize, usize, usize)) -> Self {
        let mut draw = Draw::of(seed, "release", number as u64);
        let below = |draw: &mut Draw, count: usize| draw.below(count as u64) as usize;
        let items = ITEMS.into_iter().filter(|_| draw.chance(45)).collect();
        Self {
            name: format!("r{number}"),
            app: APPS[usize::from(number > 0 && draw.chance(40))],
            version: format!("2.{number}.0"),
            early: draw.chance(50).then(|| draw.between(20, 240)),
            launch_min: draw.between(150, 1_700),
            zone: draw.word(&ZONES),
            auto: draw.chance(50),
            released: number == 2 && draw.chance(30),
            shadow: number > 0 && draw.chance(12),
            items,
            signers: draw.between(1, 2) as u32,
            groups: (0..groups).filter(|group| *group == 0 || draw.chance(50)).collect(),
            priming: (primings > 0 && draw.chance(70)).then(|| below(&mut draw, primings)),
            gate: draw.chance(85).then(|| below(&mut draw, gates)),
            steps: steps(&mut draw),
            previous_safe: draw.chance(40),
            clients: *draw.pick(&[2_000, 40_000, 180_000]),
            half_life_mins: *draw.pick(&[30, 240, 1_440]),
            traffic: (*draw.pick(&[1_500, 20_000, 200_000]), *draw.pick(&[0, 300, 2_000])),
        }
    }
}

fn steps(draw: &mut Draw) -> Vec<(u32, i64)> {
    let whole = (100, *draw.pick(&[0, 10, 45]));
    let first = (*draw.pick(&[1, 5, 10]), draw.between(2, 30));
    match draw.below(4) {
        0 => vec![first, whole],
        1 => vec![first, (50, draw.between(2, 40)), whole],
        2 => vec![first, (20, draw.between(0, 20)), (60, draw.between(2, 30)), whole],
        _ => vec![first, (25, draw.between(2, 15)), whole],
    }
}

impl GroupOption {
    fn of(seed: u64, number: i64) -> Self {
        let mut draw = Draw::of(seed, "group", number as u64);
        let (floor, ceiling) = (draw.between(3, 6) as u32, draw.between(12, 90) as u32);
        Self {
            name: format!("g{number}"),
            floor,
            ceiling,
            step: draw.between(3, 25) as u32,
            quota: draw.chance(30).then(|| ceiling + draw.below(20) as u32),
            priced: draw.chance(30),
            lead_mins: draw.between(4, 25),
            hold_after_mins: draw.between(10, 90),
            ramp: (draw.between(10, 50) as u32, draw.between(2, 15)),
            load: draw.between(20, 60) as f64,
            has_history: draw.chance(80),
        }
    }
}

impl GateOption {
    fn of(seed: u64, number: i64) -> Self {
        let mut draw = Draw::of(seed, "gate", number as u64);
        let has_slo = draw.chance(70);
        Self {
            name: format!("gate{number}"),
            has_baseline: !has_slo || draw.chance(70),
            has_slo,
            metrics: draw.between(1, 2) as usize,
            lag_secs: *draw.pick(&[0, 30, 120]),
            max_gap_mins: *draw.pick(&[2, 5]),
            aborts_blind: draw.chance(15),
            calibrates: draw.chance(15),
        }
    }
}

impl PrimingOption {
    fn of(seed: u64, number: i64) -> Self {
        let mut draw = Draw::of(seed, "priming", number as u64);
        Self {
            name: format!("p{number}"),
            nodes: draw.between(1, 3) as usize,
            coverage: *draw.pick(&[90, 99]),
            every_mins: *draw.pick(&[10, 15, 30]),
            fresh: draw.chance(40),
            scheduled: draw.chance(40),
            tightens: draw.chance(40),
        }
    }
}
