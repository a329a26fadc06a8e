//! How many requests may be in flight: found out by the origin's latency and its refusals, as a pure state machine.
//!
//! Additive increase, multiplicative decrease, with a latency gradient so that the limit settles before the origin
//! sheds (after TCP Vegas, and Netflix' concurrency-limits: limit * gradient + sqrt(limit)). When the origin refuses
//! everything for a while it counts as down: one probe at a time. Not here: waiting and sending; `now` is time since
//! the run began. Invariant: 1 <= limit <= most.

use std::time::Duration;

/// Where the search begins: below any origin worth priming.
const START: f64 = 4.0;
/// Growth per round until latency or a refusal tells more; 1.5 overshoots a shedding point by half at most.
const SLOW_START: f64 = 1.5;
/// What a refusal leaves of the limit.
const SHED: f64 = 0.7;
/// Latency may exceed the quiet one by so much before it counts as queueing: noise of a busy host.
const TOLERANCE: f64 = 1.25;
/// Fewest latencies that make a median.
const FEWEST: usize = 8;
/// Most latencies kept of a round; enough for a median, and bounded.
const MOST: usize = 128;
/// A refusal marks a wall that is not approached beyond 90 % for this long.
const WALL_FOR: Duration = Duration::from_secs(20);
/// How often the quiet latency is measured anew at half the limit: the origin, or the objects, may have changed.
const REMEASURE_EVERY: Duration = Duration::from_secs(10);
/// So many refusals in a row, over a second at least, and the origin counts as down.
const DOWN_AFTER: u32 = 8;
/// Least time between probes of an origin that is down.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// After so long without an answer, waiting requests are let go with a failure instead of piling up.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);

/// Whether a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Now.
    Go,
    /// When one of those in flight is answered.
    Full,
    /// Not before this instant: the origin is down, or asked for a pause.
    Wait(Duration),
    /// Not at all: the origin has been down for a minute. One probe a second still goes.
    Down,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Limiter {
    limit: f64,
    most: f64,
    searching: bool,
    quiet: Option<Duration>,
    measured_at: Duration,
    remeasuring: Option<f64>,
    round: Round,
    wall: Option<(f64, Duration)>,
    since_shed: u32,
    refusals: u32,
    first_refusal: Duration,
    down: Option<Down>,
}

/// Answers since the limit last changed. The first `limit` of them still show the old limit and are left out.
#[derive(Clone, Debug, Default)]
struct Round {
    answers: u32,
    latencies: Vec<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Down {
    since: Duration,
    next_probe: Duration,
}

impl Limiter {
    /// `most` is the policy's bound; at least 1.
    pub fn new(most: u32) -> Self {
        let most = f64::from(most.max(1));
        Self {
            limit: START.min(most),
            most,
            searching: true,
            quiet: None,
            measured_at: Duration::ZERO,
            remeasuring: None,
            round: Round::default(),
            wall: None,
            since_shed: u32::MAX,
            refusals: 0,
            first_refusal: Duration::ZERO,
            down: None,
        }
    }

    /// Requests that may be in flight, 1..=most.
    pub fn limit(&self) -> u32 {
        self.limit.clamp(1.0, self.most).floor() as u32
    }

    /// Whether the origin counts as down.
    pub fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// Whether one more may go, with so many in flight. While down, `Go` is the one probe of this second.
    pub fn admit(&mut self, now: Duration, in_flight: u32) -> Admission {
        let Some(down) = &mut self.down else {
            return if in_flight < self.limit() { Admission::Go } else { Admission::Full };
        };
        if now >= down.next_probe && in_flight == 0 {
            down.next_probe = now + PROBE_EVERY;
            return Admission::Go;
        }
        if now.saturating_sub(down.since) >= GIVE_UP_AFTER {
            return Admission::Down;
        }
        if in_flight > 0 { Admission::Full } else { Admission::Wait(down.next_probe) }
    }

    /// An answer out of a cache: it says nothing about the origin.
    pub fn on_success(&mut self, now: Duration) -> u32 {
        self.answered();
        self.end_of_round(now);
        self.limit()
    }

    /// An answer that the origin gave, with the time to its first byte.
    pub fn on_latency(&mut self, now: Duration, latency: Duration) -> u32 {
        self.refusals = 0;
        if self.down.take().is_some() {
            // It was down: what was learnt before says little about how much it takes now.
            *self = Self { quiet: self.quiet, measured_at: now, ..Self::new(self.most as u32) };
        }
        self.answered();
        if self.round.answers > self.limit() && self.round.latencies.len() < MOST {
            self.round.latencies.push(latency);
        }
        self.end_of_round(now);
        self.limit()
    }

    /// The origin refused (429, 503, or 502 and 504 of the node on its behalf), asking for a pause or not.
    pub fn on_shed(&mut self, now: Duration, retry_after: Option<Duration>) -> u32 {
        if self.refusals == 0 {
            self.first_refusal = now;
        }
        self.refusals = self.refusals.saturating_add(1);
        let pause = retry_after.unwrap_or(PROBE_EVERY).max(PROBE_EVERY);
        if let Some(down) = &mut self.down {
            down.next_probe = down.next_probe.max(now + pause.min(GIVE_UP_AFTER));
        } else if self.refusals >= DOWN_AFTER && now.saturating_sub(self.first_refusal) >= PROBE_EVERY {
            self.down = Some(Down { since: self.first_refusal, next_probe: now + pause.min(GIVE_UP_AFTER) });
        }
        // One decrease per round: those that were in flight together are refused together.
        if self.since_shed >= self.limit() {
            let wall = self.remeasuring.take().unwrap_or(self.limit);
            self.wall = Some((wall, now));
            self.change(wall * SHED);
            self.since_shed = 0;
        }
        self.answered();
        self.searching = false;
        self.limit()
    }

    fn answered(&mut self) {
        self.round.answers = self.round.answers.saturating_add(1);
        self.since_shed = self.since_shed.saturating_add(1);
    }

    fn change(&mut self, limit: f64) {
        self.limit = limit.clamp(1.0, self.most);
        self.round = Round::default();
    }

    fn end_of_round(&mut self, now: Duration) {
        let limit = self.limit();
        let enough = self.round.latencies.len() >= FEWEST.max(limit as usize / 2).min(MOST);
        // Mostly hits: the round ends by count, with what latencies there are.
        if enough || self.round.answers >= limit.saturating_mul(4).max(32) {
            match self.median() {
                Some(median) => self.by_latency(now, median),
                None => self.grow(now),
            }
        }
    }

    fn median(&mut self) -> Option<Duration> {
        let latencies = &mut self.round.latencies;
        latencies.sort_unstable();
        if latencies.len() < FEWEST / 2 { None } else { latencies.get(latencies.len() / 2).copied() }
    }

    fn by_latency(&mut self, now: Duration, median: Duration) {
        if let Some(before) = self.remeasuring.take() {
            self.quiet = Some(median);
            self.measured_at = now;
            return self.change(before);
        }
        let quiet = self.quiet.map_or(median, |quiet| quiet.min(median)).max(Duration::from_micros(1));
        self.quiet = Some(quiet);
        let gradient = (TOLERANCE * quiet.as_secs_f64() / median.as_secs_f64().max(1e-6)).clamp(0.5, 1.0);
        if gradient < 1.0 {
            self.searching = false;
            let target = self.limit * gradient + self.limit.sqrt();
            self.change(self.below_wall(now, f64::midpoint(self.limit, target)));
        } else {
            self.grow(now);
        }
        if !self.searching && now.saturating_sub(self.measured_at) >= REMEASURE_EVERY {
            self.remeasuring = Some(self.limit);
            self.change(self.limit / 2.0);
        }
    }

    fn grow(&mut self, now: Duration) {
        let grown = if self.searching { self.limit * SLOW_START } else { self.limit + self.limit.sqrt() / 2.0 };
        self.change(self.below_wall(now, grown));
    }

    /// Not beyond 90 % of where it was refused, while that is fresh; never lower than it stands because of the wall.
    fn below_wall(&self, now: Duration, target: f64) -> f64 {
        match self.wall {
            Some((wall, at)) if now.saturating_sub(at) < WALL_FOR => target.min((wall * 0.9).max(self.limit)),
            _ => target,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rehearsed origin: so many served at once, 20 ms each, more wait; beyond `sheds_above` in flight it refuses.
    struct Origin {
        slots: usize,
        sheds_above: usize,
        free_at: Vec<Duration>,
    }

    const SERVICE: Duration = Duration::from_millis(20);

    impl Origin {
        fn new(slots: usize, sheds_above: usize) -> Self {
            Self { slots, sheds_above, free_at: vec![Duration::ZERO; slots] }
        }

        /// When it answers what arrives now, and whether by a refusal.
        fn ask(&mut self, now: Duration, in_flight: usize) -> (Duration, bool) {
            if in_flight > self.sheds_above {
                return (now + Duration::from_millis(1), false);
            }
            self.free_at.truncate(self.slots);
            let slot = self.free_at.iter_mut().min().expect("an origin has slots");
            *slot = now.max(*slot) + SERVICE;
            (*slot, true)
        }
    }

    struct Run {
        served: usize,
        refused: usize,
        peak: usize,
    }

    /// Asks as much as the limiter admits until `until`.
    fn drive(limiter: &mut Limiter, origin: &mut Origin, (from, until): (Duration, Duration)) -> Run {
        let (mut now, mut run, mut open) =
            (from, Run { served: 0, refused: 0, peak: 0 }, Vec::<(Duration, Duration, bool)>::new());
        while now < until {
            while limiter.admit(now, open.len() as u32) == Admission::Go {
                let (at, served) = origin.ask(now, open.len() + 1);
                open.push((at, now, served));
            }
            run.peak = run.peak.max(open.len());
            open.sort();
            if open.is_empty() {
                now += Duration::from_millis(10);
                continue;
            }
            let (at, sent, served) = open.remove(0);
            now = at.max(now);
            if served {
                run.served += 1;
                limiter.on_latency(now, at.saturating_sub(sent));
            } else {
                run.refused += 1;
                limiter.on_shed(now, Some(Duration::from_secs(1)));
            }
        }
        run
    }

    fn span(from: u64, until: u64) -> (Duration, Duration) {
        (Duration::from_secs(from), Duration::from_secs(until))
    }

    #[test]
    fn a_shedding_origin_is_used_fully_and_hardly_ever_refuses() {
        for most in [32, 64, 256] {
            let (mut limiter, mut origin) = (Limiter::new(most), Origin::new(16, 32));
            let run = drive(&mut limiter, &mut origin, span(0, 30));
            let total = run.served + run.refused;
            assert!(run.refused * 100 < total, "most {most}: {} of {total} refused", run.refused);
            assert!(run.served as f64 >= 0.9 * 800.0 * 30.0, "most {most}: only {} served in 30 s", run.served);
            assert!(run.peak <= 40, "most {most}: {} in flight", run.peak);
        }
    }

    #[test]
    fn an_origin_without_a_queue_is_used_as_well() {
        let (mut limiter, mut origin) = (Limiter::new(256), Origin::new(16, 16));
        let run = drive(&mut limiter, &mut origin, span(0, 30));
        assert!(run.refused * 100 < run.served, "{} refused, {} served", run.refused, run.served);
        assert!(run.served as f64 >= 0.75 * 800.0 * 30.0, "only {} served", run.served);
    }

    #[test]
    fn it_converges_again_when_the_origin_loses_half() {
        let (mut limiter, mut origin) = (Limiter::new(256), Origin::new(16, 32));
        drive(&mut limiter, &mut origin, span(0, 10));
        (origin.slots, origin.sheds_above) = (8, 16);
        drive(&mut limiter, &mut origin, span(10, 13));
        let run = drive(&mut limiter, &mut origin, span(13, 40));
        assert!(run.refused * 100 < run.served, "{} refused, {} served", run.refused, run.served);
        assert!(run.served as f64 >= 0.85 * 400.0 * 27.0, "only {} served", run.served);
    }

    #[test]
    fn a_large_origin_is_found_within_seconds() {
        let (mut limiter, mut origin) = (Limiter::new(256), Origin::new(200, 400));
        drive(&mut limiter, &mut origin, span(0, 3));
        assert!(limiter.limit() >= 180, "limit {} after 3 s", limiter.limit());
    }

    #[test]
    fn an_origin_that_is_down_is_probed_once_a_second_and_comes_back() {
        let (mut limiter, mut origin) = (Limiter::new(64), Origin::new(16, 32));
        drive(&mut limiter, &mut origin, span(0, 5));
        origin.sheds_above = 0;
        drive(&mut limiter, &mut origin, span(5, 8));
        assert!(limiter.is_down());
        let run = drive(&mut limiter, &mut origin, span(8, 38));
        assert!(run.refused <= 31, "{} probes in 30 s", run.refused);
        origin.sheds_above = 32;
        drive(&mut limiter, &mut origin, span(38, 40));
        let run = drive(&mut limiter, &mut origin, span(40, 45));
        assert!(run.served as f64 >= 0.85 * 800.0 * 5.0, "only {} served after it came back", run.served);
    }

    #[test]
    fn a_minute_without_an_answer_lets_the_waiting_go() {
        let (mut limiter, mut origin) = (Limiter::new(64), Origin::new(16, 0));
        drive(&mut limiter, &mut origin, span(0, 62));
        assert!(limiter.is_down());
        let answers: Vec<Admission> = (0..2).map(|_| limiter.admit(Duration::from_secs(70), 0)).collect();
        assert_eq!(answers, [Admission::Go, Admission::Down], "one probe, and the next one is told");
    }

    #[test]
    fn hits_alone_open_up_to_the_bound() {
        let mut limiter = Limiter::new(32);
        for answer in 0..2_000 {
            limiter.on_success(Duration::from_millis(answer));
        }
        assert_eq!(limiter.limit(), 32);
        assert_eq!(Limiter::new(0).limit(), 1);
    }
}
