//! What was read of one series, which periods are to be read next, and what can be answered.
//!
//! A period that ended longer than ten minutes ago is read for the last time; until then it is read again once a minute, so
//! that late samples are seen. Pure: time is an argument. Invariant: a period that was not read, or not wholly, is refused
//! with the reason, and never absent: absent means that CloudWatch told all and has no samples there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::grid;
use super::trouble::Trouble;
use super::wanted::Wanted;
use crate::core::words::Name;
use crate::shell::observe::{ObserveError, Series};

/// Seconds after its end for which a period may still change.
const FINAL_AFTER: i64 = 600;
/// What may still change is read again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(55);
/// What nobody asked for in this time is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(1);

/// From, inclusive, to, exclusive, in seconds since 1970.
pub(super) type Range = (i64, i64);

/// The two clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) monotonic: Instant,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    period: i64,
    points: BTreeMap<i64, f64>,
    /// Everything in here was told wholly.
    read: Range,
    read_at: Option<Instant>,
    /// The longest look back of late, in seconds, and when it was.
    deepest: (i64, Instant),
    used_at: Instant,
    pub(super) trouble: Option<Trouble>,
}

impl Kept {
    pub(super) fn new(period: i64, at: Instant) -> Self {
        Self { period, points: BTreeMap::new(), read: (0, 0), read_at: None, deepest: (0, at), used_at: at, trouble: None }
    }

    /// What has to be read before this can be answered as well as possible.
    pub(super) fn missing(&mut self, wanted: &Wanted, clocks: Clocks) -> Option<Range> {
        self.note(clocks.now.saturating_sub(wanted.from), clocks.monotonic);
        let (from, to) = (wanted.from, wanted.to);
        if from >= to {
            return None;
        }
        let (begins, ends) = self.read;
        if begins == ends || from < begins || from > ends {
            return Some((from, to));
        }
        let last_time = grid::down(clocks.now - FINAL_AFTER, self.period);
        let start = last_time.clamp(begins, ends).max(from);
        let is_old = self.read_at.is_none_or(|at| clocks.monotonic.saturating_duration_since(at) >= AGAIN_AFTER);
        (start < to && (to > ends || is_old)).then_some((start, to))
    }

    fn note(&mut self, back: i64, at: Instant) {
        self.used_at = at;
        if back >= self.deepest.0 || at.saturating_duration_since(self.deepest.1) > FORGET_AFTER {
            self.deepest = (back, at);
        }
    }

    /// Takes what was read of a range; where it was not told wholly, it is known up to its first gap.
    pub(super) fn learn(&mut self, range: Range, points: &BTreeMap<i64, f64>, (is_whole, clocks): (bool, Clocks)) {
        let known_to = if is_whole { range.1 } else { self.first_gap(range, points) };
        let joins = self.read.0 != self.read.1 && range.0 <= self.read.1 && known_to >= self.read.0;
        if known_to <= range.0 || (!joins && !is_whole && self.read.0 != self.read.1) {
            return;
        }
        if !joins {
            self.points.clear();
            self.read = (range.0, range.0);
        }
        self.points.retain(|at, _| *at < range.0 || *at >= known_to);
        self.points.extend(points.range(range.0..known_to));
        self.read = (self.read.0.min(range.0), self.read.1.max(known_to));
        self.read_at = Some(clocks.monotonic);
        self.forget_before(clocks.now.saturating_sub(self.deepest.0).saturating_sub(2 * self.period.max(FINAL_AFTER)));
    }

    fn first_gap(&self, (from, to): Range, points: &BTreeMap<i64, f64>) -> i64 {
        let mut at = from;
        while at < to && points.contains_key(&at) {
            at += self.period;
        }
        at
    }

    fn forget_before(&mut self, at: i64) {
        let at = grid::down(at, self.period);
        if at > self.read.0 {
            self.points = self.points.split_off(&at);
            self.read = (at.min(self.read.1), self.read.1);
        }
    }

    /// Whether anybody asked lately.
    pub(super) fn is_used(&self, at: Instant) -> bool {
        at.saturating_duration_since(self.used_at) <= FORGET_AFTER
    }

    /// The answer, from what is there. An error only if nothing at all is.
    pub(super) fn answer(&self, wanted: &Wanted, source: &Name) -> Result<Series, ObserveError> {
        let (from, to) = (wanted.from.max(self.read.0), wanted.to.min(self.read.1));
        let trouble = || self.trouble.clone().unwrap_or(Trouble::Late).of(source);
        if from >= to && wanted.from < wanted.to {
            return Err(trouble());
        }
        let mut series = Series::default();
        for (at, value) in self.points.range(from..to.max(from)) {
            if let Ok(at) = Timestamp::from_second(*at) {
                series.put(at, *value / wanted.per(), wanted.purpose);
            }
        }
        if from > wanted.from || to < wanted.to {
            let unread = (wanted.from..from).step_by(self.step()).chain((to..wanted.to).step_by(self.step()));
            series.refuse_all(instants(unread), trouble().to_string());
        }
        let unsettled = (wanted.to..wanted.end).step_by(self.step());
        series.refuse_all(instants(unsettled), format!("{source} takes the newest periods as complete only once they settled"));
        Ok(series)
    }

    fn step(&self) -> usize {
        usize::try_from(self.period).unwrap_or(usize::MAX).max(1)
    }
}

fn instants(starts: impl Iterator<Item = i64>) -> impl Iterator<Item = Timestamp> {
    starts.filter_map(|at| Timestamp::from_second(at).ok())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap as Map;
    use std::sync::Arc;

    use super::*;
    use crate::shell::clock;
    use crate::shell::observe::cloudwatch::wanted::Key;
    use crate::shell::observe::{Point, Purpose};
    use crate::shell::spec::CloudWatchMetric;

    const DAY: i64 = 86_400 * 20_000;

    fn wanted((from, to): Range) -> Wanted {
        let metric =
            CloudWatchMetric { namespace: "n".into(), metric: "m".into(), dimensions: Map::new(), statistic: "Sum".into() };
        let key = Arc::new(Key { metric, period: 60 });
        Wanted { key, from: DAY + from * 60, to: DAY + to * 60, end: DAY + to * 60, purpose: Purpose::Counts }
    }

    /// A series by the minute, and a clock that stands at a minute and has run for so many seconds.
    struct Rig {
        kept: Kept,
        began: Instant,
    }

    impl Rig {
        fn new() -> Self {
            let began = clock::monotonic();
            Self { kept: Kept::new(60, began), began }
        }

        fn clocks(&self, minute: i64) -> Clocks {
            let ran = Duration::from_secs(u64::try_from(minute * 60).unwrap());
            Clocks { now: DAY + minute * 60, monotonic: self.began + ran }
        }

        fn missing(&mut self, range: Range, now: i64) -> Option<Range> {
            let clocks = self.clocks(now);
            self.kept.missing(&wanted(range), clocks).map(|(from, to)| ((from - DAY) / 60, (to - DAY) / 60))
        }

        fn learn(&mut self, range: Range, (minutes, is_whole): (&[i64], bool), now: i64) {
            let points: BTreeMap<i64, f64> = minutes.iter().map(|minute| (DAY + minute * 60, 1.0)).collect();
            let clocks = self.clocks(now);
            self.kept.learn((DAY + range.0 * 60, DAY + range.1 * 60), &points, (is_whole, clocks));
        }

        /// `v` a value, `x` not known, `.` known to have no samples.
        fn seen(&self, range: Range) -> String {
            let Ok(series) = self.kept.answer(&wanted(range), &Name::new("cloud").unwrap()) else { return "error".into() };
            let at = |minute: i64| match series.points.get(&Timestamp::from_second(DAY + minute * 60).unwrap()) {
                Some(Point::Value(_)) => 'v',
                Some(Point::Refused) => 'x',
                None => '.',
            };
            (range.0..range.1).map(at).collect()
        }
    }

    #[test]
    fn what_ended_long_ago_is_read_once_and_the_newest_again_each_minute() {
        let mut rig = Rig::new();
        assert_eq!(rig.missing((100, 130), 132), Some((100, 130)));
        rig.learn((100, 130), (&[100, 101, 129], true), 132);
        assert_eq!(rig.seen((98, 132)), "xxvv...........................vxx");
        assert_eq!(rig.missing((100, 130), 132), None, "just read");
        assert_eq!(rig.missing((101, 131), 133), Some((123, 131)), "the last ten minutes, and the new one");
        rig.learn((123, 131), (&[125, 130], true), 133);
        assert_eq!(rig.seen((122, 131)), "...v....v", "late samples are seen, and what was taken back is gone");
        assert_eq!(rig.missing((100, 120), 133), None, "all of it ended long ago");
        assert_eq!(rig.missing((90, 131), 133), Some((90, 131)), "further back than ever");
        assert_eq!(rig.missing((140, 150), 152), Some((140, 150)), "nobody asked for a while");
    }

    #[test]
    fn a_part_is_known_up_to_its_first_gap_and_takes_nothing_away() {
        let mut rig = Rig::new();
        rig.learn((100, 110), (&[100, 101, 103], false), 112);
        assert_eq!(rig.seen((100, 105)), "vvxxx");
        rig.learn((100, 110), (&[], false), 112);
        assert_eq!(rig.seen((100, 105)), "vvxxx", "nothing came, nothing is forgotten");
        rig.learn((100, 110), (&[103], true), 112);
        assert_eq!(rig.seen((100, 105)), "...v.");
        rig.learn((50, 110), (&[50, 51], false), 112);
        assert_eq!(rig.seen((100, 105)), "...v.", "a part that does not reach what is known");
        rig.learn((105, 112), (&[105, 106], false), 114);
        assert_eq!(rig.seen((103, 112)), "v.vv...xx", "known before, told again in part");
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let mut rig = Rig::new();
        let _ = rig.missing((100, 130), 132);
        rig.learn((100, 130), (&[100], true), 132);
        for minute in 133..400 {
            if let Some((from, to)) = rig.missing((minute - 30, minute - 2), minute) {
                rig.learn((from, to), (&[to - 1], true), minute);
            }
        }
        assert!(rig.kept.points.len() < 120, "{} points of half an hour", rig.kept.points.len());
        let hour = rig.clocks(399).monotonic + FORGET_AFTER;
        assert!(rig.kept.is_used(hour) && !rig.kept.is_used(hour + Duration::from_secs(60)));
        assert_eq!(rig.seen((0, 10)), "error", "nothing of that is known");
    }
}
