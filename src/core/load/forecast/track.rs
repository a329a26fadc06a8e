//! A history with the forecasts that its members would have made of each of its days.
//!
//! Origins lie whole days before the end, so that every one of them forecasts the same hours as the forecast that is wanted
//! now: 0 is now, 1 a day ago. Not here: believing members. Invariant: what a member forecasts at an origin it learned
//! before it.

use super::grid::Grid;
use super::members::{self, COUNT, Lesson, Members, Past};
use super::statistics::{greatest, mean, median};
use crate::core::words::real;

/// Members learn from so many days.
pub(super) const LEARNED_DAYS: usize = 28;
/// Origins that are looked back at: with three days to learn from before the oldest, four weeks.
const MOST_ORIGINS: usize = 25;
/// Days that a member needs before an origin is worth scoring, where the history has more.
const LEAST_DAYS: usize = 3;
/// Parts of a day in hours: what the last hours tell is soon stale.
const PARTS_HOURS: [usize; 5] = [0, 3, 8, 16, 24];
/// How many parts.
pub(super) const PARTS: usize = PARTS_HOURS.len() - 1;
/// Added to loads before their logarithm, in medians: near zero relative errors mean nothing.
const SMALL: f64 = 0.05;

/// The part of a day that must be known for its errors to count: one in so many cells.
const LEAST_SEEN: usize = 4;

/// One origin.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The first cell that is forecast.
    pub at: usize,
    lesson: Lesson,
    pub members: Members,
    /// Mean absolute errors by member, in each part of the day and, last, over all of it; `None`: now, or nothing known.
    pub errors: Option<Vec<Option<[f64; PARTS + 1]>>>,
}

/// A history, ready.
#[derive(Clone, Debug)]
pub(super) struct Track<'a> {
    pub grid: &'a Grid,
    logs: Vec<f64>,
    small: f64,
    /// By days ago.
    pub origins: Vec<Origin>,
}

impl<'a> Track<'a> {
    /// `None` with less than two days.
    pub fn of(grid: &'a Grid) -> Option<Self> {
        let (day, cells) = (grid.day(), grid.values.len());
        let days = cells / day;
        if days < 2 {
            return None;
        }
        let recent = &grid.values[cells - cells.min(LEARNED_DAYS * day)..];
        let positive: Vec<f64> = recent.iter().copied().filter(|value| *value > 0.0).collect();
        // Of a group that never had any load, any scale does.
        let small = if positive.is_empty() { 1.0 } else { SMALL * median(&positive) };
        let logs = grid.values.iter().map(|value| real::ln(value + small)).collect();
        let mut track = Self { grid, logs, small, origins: Vec::new() };
        let least = (days - 1).clamp(1, LEAST_DAYS);
        let ago = (0..=MOST_ORIGINS).map_while(|ago| cells.checked_sub(ago * day).filter(|at| *at >= least * day));
        track.origins = ago.map(|at| track.origin(at)).collect();
        Some(track)
    }

    /// What the members say at an origin of the day `ahead` of it.
    pub fn members(&self, origin: &Origin, ahead: usize) -> Members {
        members::members(self.past(origin.at), &origin.lesson, ahead)
    }

    fn past(&self, at: usize) -> Past<'_> {
        let from = at.saturating_sub(LEARNED_DAYS * self.grid.day());
        Past { logs: &self.logs[from..at], day: self.grid.day(), small: self.small }
    }

    /// Origins before one, newest first, that its four weeks hold.
    pub fn before(&self, ago: usize) -> &[Origin] {
        let until = (ago + 1 + MOST_ORIGINS).min(self.origins.len());
        self.origins.get(ago + 1..until).unwrap_or_default()
    }

    /// The loads that came after an origin, and which of them are known; shorter than a day for now.
    pub fn actual(&self, at: usize) -> (&[f64], &[bool]) {
        let until = (at + self.grid.day()).min(self.grid.values.len());
        (&self.grid.values[at..until], &self.grid.known[at..until])
    }

    /// Mean and maximum of the four weeks before an origin.
    pub fn usual(&self, at: usize) -> (f64, f64) {
        let loads = &self.grid.values[at.saturating_sub(LEARNED_DAYS * self.grid.day())..at];
        (mean(loads), greatest(loads))
    }

    /// The part of the day that a cell is in.
    pub fn part(&self, slot: usize) -> usize {
        let hour = slot * 24 / self.grid.day();
        PARTS_HOURS[1..PARTS].iter().filter(|start| hour >= **start).count()
    }

    fn origin(&self, at: usize) -> Origin {
        let lesson = Lesson::of(self.past(at));
        let members = members::members(self.past(at), &lesson, 0);
        let errors = self.errors(at, &members);
        Origin { at, lesson, members, errors }
    }

    fn errors(&self, at: usize, members: &Members) -> Option<Vec<Option<[f64; PARTS + 1]>>> {
        let (actual, known) = self.actual(at);
        // A day of which less than a quarter was seen tells nothing.
        if actual.len() < self.grid.day() || known.iter().filter(|known| **known).count() * LEAST_SEEN < actual.len() {
            return None;
        }
        let of = |loads: &Vec<f64>| {
            let (mut sums, mut counts) = ([0.0; PARTS + 1], [0_u32; PARTS + 1]);
            for slot in (0..actual.len()).filter(|slot| known[*slot]) {
                for place in [self.part(slot), PARTS] {
                    sums[place] += (loads[slot] - actual[slot]).abs();
                    counts[place] += 1;
                }
            }
            let all = sums[PARTS] / f64::from(counts[PARTS]);
            let mut means = [all; PARTS + 1];
            for part in (0..PARTS).filter(|part| counts[*part] > 0) {
                means[part] = sums[part] / f64::from(counts[part]);
            }
            means
        };
        debug_assert_eq!(members.len(), COUNT);
        Some(members.iter().map(|member| member.as_ref().map(of)).collect())
    }
}
