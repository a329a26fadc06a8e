//! What happens in a world, and when: troubles with an end, strokes that have none, and people who give orders.
//!
//! The whole script is drawn before the run, so that a failing one can be shortened line by line. Not here: what an event
//! does. Invariant: nothing of it happens once the world is mended.

use super::draw::Draw;
use super::options::{HOUR, MINUTE, Options};

/// One line of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in milliseconds after the start.
    pub at: i64,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Something is out of order for a while; `of` says which group, release or cache, counted round.
    Trouble { what: Trouble, of: u64, lasts: i64 },
    /// The daemon is killed in its next decision that changes something, and started again after a while.
    Kill { at: KillPoint, down: i64 },
    /// A second daemon takes over while the first goes on, not knowing.
    Takeover { lasts: i64 },
    /// A person sets a group's floor by other means, in percent of its ceiling.
    HumanFloor { of: u64, percent: u64 },
    /// A person sets a group's own ceiling, in percent of the policy's.
    HumanCeiling { of: u64, percent: u64 },
    /// Instances of a group are gone.
    InstancesLost { of: u64, percent: u64 },
    /// Somebody changes a document.
    Edit { what: Edit, of: u64, draw: u64 },
    /// The release lead does what is needed next, mostly.
    Lead { draw: u64 },
    /// Anybody orders anything.
    Anybody { draw: u64 },
}

/// Where in a decision the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    /// Decided, not durable.
    BeforeCommit,
    /// Durable, nothing sent.
    AfterCommit,
    /// The first effect sent, no answer yet.
    AfterSend,
}

/// A change of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// T-0 slips, either way.
    Slip,
    /// Percents and dwells of the steps.
    Steps,
    /// The checklist of a release gets other items.
    Items,
    /// The throttle's percents.
    Throttle,
    /// A release that is not live is taken away, or comes back.
    Remove,
    /// Somebody applies a release as it is, by which it becomes theirs.
    Apply,
}

impl Edit {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Slip, Self::Steps, Self::Items, Self::Throttle, Self::Remove, Self::Apply];
}

macro_rules! troubles {
    ($($name:ident $words:literal $lasts:literal,)*) => {
        /// What is out of order for a while.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Trouble { $(#[doc = $words] $name,)* }

        impl Trouble {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is, in words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// Its usual length in minutes; up to four times as long.
            fn lasts(self) -> i64 {
                match self { $(Self::$name => $lasts,)* }
            }
        }
    };
}

troubles! {
    GroupUnseen "a group is not seen" 10,
    GroupStale "a group is seen as it was" 15,
    GroupRefuses "a group refuses orders" 15,
    GroupSlow "instances boot late" 40,
    GroupDead "no instance boots" 20,
    HistoryMissing "the load history is missing" 60,
    HistoryAbsurd "the load history is absurd" 60,
    CountsLate "counts arrive late" 15,
    CountsMissing "no counts arrive" 15,
    CountsHoles "every other minute of the counts is missing" 15,
    CountsOneArm "counts of one arm are missing" 10,
    CountsAbsurd "counts are absurd" 8,
    CountsFrozen "counts stand still" 20,
    CountsDoubled "minutes of the counts come twice" 20,
    PrimerFails "priming fails" 20,
    PrimerHalf "priming covers half" 30,
    PrimerSlow "priming is slow" 60,
    PrimerShort "what is primed goes stale soon" 40,
    PrimerNode "a cache is not reached" 20,
    ProbeRed "probes are red" 12,
    ProbeSilent "probes do not answer" 15,
    ProbeFlaps "probes flap" 30,
    CallsLost "calls are lost" 10,
    RepliesLost "replies are lost" 10,
    CallsDoubled "calls arrive twice" 20,
    CallsLate "calls arrive late" 20,
    PeopleUnreachable "nobody can be told" 15,
    DiskFull "nothing can be written" 5,
    ClockAhead "the clock runs ahead" 20,
    ClockBehind "the clock runs behind" 20,
    HaltFile "the halt file is there" 15,
    BadVersion "the new version fails" 25,
    Incident "everything fails" 15,
    GateGone "a gate policy is gone" 10,
    ChecklistGone "a checklist is gone" 10,
    PrimingGone "a priming policy is gone" 10,
}

/// The script of a world.
pub fn script(options: &Options) -> Vec<Event> {
    let mut draw = Draw::of(options.seed, "script", 0);
    let mut events: Vec<Event> = (0..options.troubles).map(|_| stroke(options, &mut draw)).collect();
    let orders = if options.troubles == 0 { 0 } else { draw.between(0, 40) };
    events.extend(
        (0..orders).map(|_| Event { at: moment(options, &mut draw), what: Happening::Anybody { draw: draw.below(u64::MAX) } }),
    );
    let heal = options.heal_at * HOUR;
    let help = |at: i64| Event { at, what: Happening::Lead { draw: at.unsigned_abs() } };
    events.extend((0..heal / (12 * MINUTE)).map(|number| help(number * 12 * MINUTE + 7_000)));
    events.sort_by_key(|event| event.at);
    events
}

/// Half of what happens, happens around a launch.
fn moment(options: &Options, draw: &mut Draw) -> i64 {
    let heal = options.heal_at * HOUR;
    let anywhere = draw.below(heal.unsigned_abs()) as i64;
    if draw.chance(45) {
        return anywhere;
    }
    let launch = draw.pick(&options.releases).launch_min;
    let around = (launch + draw.between(-80, 120)) * MINUTE + draw.between(0, MINUTE);
    if (0..heal).contains(&around) { around } else { anywhere }
}

fn stroke(options: &Options, draw: &mut Draw) -> Event {
    let (at, of) = (moment(options, draw), draw.below(1_000));
    let what = match draw.below(100) {
        0..66 => trouble(draw, of),
        66..74 => {
            let point = *draw.pick(&[KillPoint::BeforeCommit, KillPoint::AfterCommit, KillPoint::AfterSend]);
            let down = if draw.chance(25) { draw.between(10, 200) * MINUTE } else { draw.between(1, 120) * 1_000 };
            Happening::Kill { at: point, down }
        }
        74..78 => Happening::Takeover { lasts: draw.between(2, 60) * MINUTE },
        78..82 => Happening::HumanFloor { of, percent: draw.between(0, 100) as u64 },
        82..85 => Happening::HumanCeiling { of, percent: draw.between(30, 130) as u64 },
        85..89 => Happening::InstancesLost { of, percent: draw.between(10, 100) as u64 },
        _ => Happening::Edit { what: *draw.pick(&Edit::ALL), of, draw: draw.below(u64::MAX) },
    };
    Event { at, what }
}

fn trouble(draw: &mut Draw, of: u64) -> Happening {
    let what = *draw.pick(Trouble::ALL);
    let usual = what.lasts() * MINUTE;
    let lasts = if draw.chance(20) { usual * draw.between(1, 4) } else { draw.between(usual / 8, usual) };
    Happening::Trouble { what, of, lasts }
}
