//! What is known of a group and its launches, worked out: windows, loads, and the floor that is wished at any instant.
//!
//! Windows that overlap are one: their surges add over time and one peak sizes all of it. The p95 of baseline plus surge
//! decides sizes. Not here: moving a floor ([`super::floors`]) and telling people ([`super::plan`]).
//! Invariant: what is wished depends on the facts and the instant alone, never on what was done before.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::capacity::{Bounds, needed, planned_load};
use super::floors::{HeldFloor, Pace, Wish};
use super::forecast::Forecast;
use super::plan::{Course, Demand, Launch};
use super::surge::{self, Surge};
use super::{Audience, Policy, Quantiles};
use crate::core::decide::GroupObservation;
use crate::core::words::{Capacity, later, since};

/// Part of the lead that is added to it, 1/4: for the tick that decides, health checks, and boots slower than the p95.
const MARGIN: u32 = 4;
/// A load that is not known now is taken to be known again after this.
const SEES_AGAIN: Duration = Duration::from_mins(2);
/// What a baseline without a launch is asked for: a day has every hour.
const HORIZON: Duration = Duration::from_hours(24);

/// The load of ordinary days.
#[derive(Clone, Debug)]
pub(super) enum Baseline {
    /// From history.
    Learned(Arc<Forecast>),
    /// Without history: as much as the floor, as it stands without tminus, is good for by the policy's own sizing.
    Guessed(f64),
}

impl Baseline {
    fn of(profile: Option<Arc<Forecast>>, guess: f64) -> Self {
        profile.map_or(Self::Guessed(guess), Self::Learned)
    }

    pub(super) fn peak(&self, from: Timestamp, until: Timestamp) -> Quantiles {
        match self {
            Self::Learned(profile) => profile.peak(from, until),
            Self::Guessed(load) => Quantiles::certain(*load),
        }
    }
}

/// A launch with its part of time and its surge.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub launch: &'a Launch<'a>,
    /// Who comes, with what is known of adoption; `None`: not known.
    pub audience: Option<Audience>,
    pub opens: Timestamp,
    /// From here on what is proven of caches counts; before it, what priming is about to bring.
    pub proven_from: Timestamp,
    pub ends: Timestamp,
    /// Still going on: `ends` is a projection that moves on with time.
    pub open: bool,
    /// With what is proven now.
    pub proven: Option<Surge>,
    /// With everything primed that will be.
    pub expected: Option<Surge>,
    /// With everything primed, whether or not a policy says so.
    pub primed: Option<Surge>,
}

/// Launches whose windows overlap.
#[derive(Clone, Debug)]
pub(super) struct Window<'a> {
    pub parts: Vec<Part<'a>>,
    pub opens: Timestamp,
    pub proven_from: Timestamp,
    pub ends: Timestamp,
    pub baseline: Quantiles,
    pub surge: Quantiles,
    pub needed: Capacity,
    pub bounds: Bounds,
    /// Wished floor until `proven_from`, and from then on; within bounds.
    pub expected_floor: Capacity,
    pub proven_floor: Capacity,
}

impl Window<'_> {
    pub(super) fn load(&self) -> Quantiles {
        self.baseline.plus(self.surge)
    }

    fn holds(&self, at: Timestamp, now: Timestamp) -> bool {
        at < self.ends || (at <= now && self.parts.iter().any(|part| part.open))
    }
}

/// Everything that a plan of one group is made from.
#[derive(Clone, Debug)]
pub(super) struct Scene<'a> {
    pub policy: &'a Policy,
    pub now: Timestamp,
    pub pace: Pace,
    /// How long before it is needed capacity is asked for: as stated, or longer where boots were observed to take longer.
    /// Never shorter, or a window would close again when the first instances boot faster than somebody thought.
    pub lead: Duration,
    pub baseline: Baseline,
    /// Loads are to be measured and are not: nothing is given back on a guess.
    pub is_blind: bool,
    /// In order of time; they do not overlap.
    pub windows: Vec<Window<'a>>,
}

impl<'a> Scene<'a> {
    /// `profile` is what the demand's history teaches.
    pub(super) fn of(policy: &'a Policy, demand: &'a Demand<'a>, (profile, now): (Option<Arc<Forecast>>, Timestamp)) -> Self {
        let boot = demand.group.and_then(|group| group.boot_p95_ms).map(Duration::from_millis);
        let restore = restore(policy, demand.held, demand.group);
        let standing = demand.group.map_or(restore, |group| group.floor);
        let (limits, ramp_down) = (&policy.limits, policy.ramp_down);
        let pace = Pace { lead: boot.unwrap_or(policy.lead), standing, restore, step: limits.step, ramp_down };
        let lead = boot.map_or(policy.lead, |boot| boot.max(policy.lead));
        let baseline = Baseline::of(profile, planned_load(policy, restore));
        let is_blind = policy.has_history && matches!(baseline, Baseline::Guessed(_));
        let mut scene = Self { policy, now, pace, lead, baseline, is_blind, windows: Vec::new() };
        let own_ceiling = demand.group.map(|group| group.ceiling);
        let mut parts: Vec<_> = demand.launches.iter().filter_map(|launch| scene.part(launch, own_ceiling)).collect();
        parts.sort_by_key(|part| part.opens);
        scene.windows = together(parts).into_iter().map(|parts| scene.window(parts, own_ceiling)).collect();
        scene
    }

    /// The window that plans are about: the one now, else the next.
    pub(super) fn current(&self) -> Option<&Window<'a>> {
        self.windows.iter().find(|window| window.holds(self.now, self.now))
    }

    /// Baseline over a day from now, for plans without a window.
    pub(super) fn ordinary(&self) -> Quantiles {
        self.baseline.peak(self.now, later(self.now, HORIZON))
    }

    /// What is wished of the floor at an instant. A floor that is held already is kept through the lead before a window
    /// opens: a forecast that moves its opening by a little must not give back what it raises next.
    pub(super) fn wish(&self, at: Timestamp, held: Option<HeldFloor>) -> Wish {
        let inside = self.windows.iter().find(|window| window.opens <= at && window.holds(at, self.now));
        let soon = || held.is_some() && self.windows.iter().any(|next| at < next.opens && earlier(next.opens, self.lead) <= at);
        match inside {
            Some(window) if at < window.proven_from => Wish::AtLeast(window.expected_floor),
            Some(window) => Wish::AtLeast(window.proven_floor),
            None if soon() || (held.is_some() && self.sees_nothing(at)) => Wish::AtLeast(Capacity(0)),
            None => Wish::GiveBack(self.still_needed(at)),
        }
    }

    /// The next instant after `at` at which the wish may change by itself.
    pub(super) fn next_boundary(&self, at: Timestamp) -> Option<Timestamp> {
        let of = |window: &Window<'_>| [earlier(window.opens, self.lead), window.opens, window.proven_from, window.ends];
        let sees_again = self.sees_nothing(at).then(|| later(self.now, SEES_AGAIN));
        self.windows.iter().flat_map(of).filter(|boundary| *boundary > at).chain(sees_again).min()
    }

    /// Whether nothing is known of the load now. What follows is drawn as if it were known again soon: a way back that is
    /// kept ahead of time stays planned.
    fn sees_nothing(&self, at: Timestamp) -> bool {
        self.is_blind && at < later(self.now, SEES_AGAIN)
    }

    /// Instances that launches whose window is over still need on top of the floor without tminus: adoption goes on for
    /// days, and a ramp by the clock alone would cut below it. Less than half an instance is within the headroom.
    fn still_needed(&self, at: Timestamp) -> Capacity {
        let over = self.windows.iter().flat_map(|window| &window.parts).filter(|part| part.ends <= at);
        let going = over.filter(|part| part.launch.course != Course::Aborted).filter_map(|part| part.proven.as_ref());
        let left = going.map(|surge| surge.remaining(at).p95).sum::<f64>() - self.policy.capacity_per_instance.value() / 2.0;
        let ordinary = self.baseline.peak(at, later(at, HORIZON)).p95;
        if left > 0.0 { needed(self.policy, ordinary + left).max(self.pace.restore) } else { self.pace.restore }
    }

    fn part(&self, launch: &'a Launch<'a>, own_ceiling: Option<Capacity>) -> Option<Part<'a>> {
        let release = launch.release;
        if release.released || launch.course == Course::CalledOff {
            return None;
        }
        let took = surge::duration(&release.rollout);
        let (full_at, ends, open) = self.ends(launch, took);
        let begins_at = earlier(full_at, took);
        let audience = release.audience.as_ref().and_then(|audience| audience.known(launch.recorded));
        let cold = audience.as_ref().map(|audience| Surge::of(audience, &release.rollout, begins_at, 0.0));
        let surge = |covered: f64| cold.as_ref().map(|cold| cold.covered(covered));
        let primed = surge(1.0);
        let cached = audience.as_ref().is_some_and(|audience| audience.cache_hit_ratio.is_some());
        let primes = cached && !release.priming.is_empty();
        let covered = launch.primed.unwrap_or(0.0);
        let changes = self.changes(cold.as_slice(), own_ceiling);
        let due_at = launch.due_at.map_or(release.launch_at, |due| due.min(release.launch_at));
        let proven_from = earlier(due_at, self.lead.saturating_mul(changes).saturating_add(self.lead / MARGIN));
        // A launch that began is in its window, even if its document says a later T-0 by now.
        let begun_by = if launch.course == Course::Ahead { Timestamp::MAX } else { self.now };
        Some(Part {
            launch,
            opens: if primes { earlier(proven_from, self.lead) } else { proven_from }.min(begun_by),
            proven_from: proven_from.min(begun_by),
            ends,
            open,
            proven: surge(covered),
            expected: if primes { primed.clone() } else { surge(covered) },
            primed,
            audience,
        })
    }

    /// When it is at 100 %, when its window ends, and whether that end is still open.
    fn ends(&self, launch: &Launch<'_>, took: Duration) -> (Timestamp, Timestamp, bool) {
        let (launch_at, hold_after) = (launch.release.launch_at, self.policy.hold_after);
        let planned_full = match launch.course {
            Course::Ahead => later(launch_at.max(self.now), took),
            Course::Underway => later(launch_at, took).max(self.now),
            Course::Complete | Course::Aborted | Course::CalledOff => later(launch_at, took),
        };
        let full_at = launch.full_at.unwrap_or(planned_full);
        let ended_at = launch.ended_at.unwrap_or(self.now);
        match launch.course {
            Course::Ahead | Course::Underway => (full_at, later(full_at, hold_after).max(self.now), true),
            Course::Complete => (full_at.min(ended_at), later(full_at.min(ended_at), hold_after).max(ended_at), false),
            Course::Aborted | Course::CalledOff => (full_at, later(ended_at, hold_after), false),
        }
    }

    /// Changes of the floor for the worst case, everything cold: it must not depend on what is proven, or the window
    /// would open and close while caches fill.
    fn changes(&self, cold: &[Surge], own_ceiling: Option<Capacity>) -> u32 {
        let load = self.baseline.peak(self.now, Timestamp::MAX).plus(surge::peak(cold));
        let most = Bounds::of(self.policy, own_ceiling, self.pace.restore, Duration::ZERO).most();
        self.pace.changes(self.pace.restore, needed(self.policy, load.p95).min(most))
    }

    fn window(&self, parts: Vec<Part<'a>>, own_ceiling: Option<Capacity>) -> Window<'a> {
        let opens = parts.iter().map(|part| part.opens).min().unwrap_or(self.now);
        let proven_from = parts.iter().map(|part| part.proven_from).min().unwrap_or(opens);
        let ends = parts.iter().map(|part| part.ends).max().unwrap_or(opens);
        let baseline = self.baseline.peak(opens, ends);
        let surges = |of: fn(&Part<'a>) -> Option<Surge>| surge::peak(&parts.iter().filter_map(of).collect::<Vec<_>>());
        let (surge, expected) = (surges(|part| part.proven.clone()), surges(|part| part.expected.clone()));
        let paid = since(ends, opens).saturating_add(self.pace.ramp_duration() / 2);
        let bounds = Bounds::of(self.policy, own_ceiling, self.pace.restore, paid);
        let size = |surge: Quantiles| needed(self.policy, baseline.plus(surge).p95);
        let needed = size(surge);
        let (expected_floor, proven_floor) = (size(expected).min(bounds.most()), needed.min(bounds.most()));
        Window { parts, opens, proven_from, ends, baseline, surge, needed, bounds, expected_floor, proven_floor }
    }
}

/// The floor without tminus: remembered while one is held, else as observed, and never below the policy's.
fn restore(policy: &Policy, held: Option<HeldFloor>, group: Option<&GroupObservation>) -> Capacity {
    let floor = policy.limits.floor;
    held.map(|held| held.restore).or_else(|| group.map(|group| group.floor.max(floor))).unwrap_or(floor)
}

/// Parts in order of opening, gathered where they overlap.
fn together(parts: Vec<Part<'_>>) -> Vec<Vec<Part<'_>>> {
    let mut windows: Vec<Vec<Part<'_>>> = Vec::new();
    for part in parts {
        match windows.last_mut() {
            Some(last) if last.iter().any(|other| part.opens < other.ends) => last.push(part),
            _ => windows.push(vec![part]),
        }
    }
    windows
}

/// An instant before, at the beginning of time if it is beyond.
pub(super) fn earlier(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_sub(duration).unwrap_or(Timestamp::MIN)
}
