//! What a scenario came to, in the numbers of the command line's contract.

use serde::Serialize;

use super::interruptions::Interruption;
use super::ledger::Ledger;
use super::room::Heard;
use super::script::Scenario;
use super::verdict::Aborted;
use crate::lab::swarm::SwarmReport;

/// Largest share of clients that a bad release may reach.
const EXPOSED_AT_MOST: f64 = 0.15;

/// Share of failed requests from which clients notice a launch.
const NOTICED_FROM: f64 = 0.001;

/// `tminus demo -o json`. Ratios are over client requests from T-0 to the end; absent where there was nothing to count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// `prepared`, `unprepared`, `bad_release` or `interrupt`.
    pub scenario: &'static str,
    /// `complete` or `aborted`.
    pub outcome: String,
    /// Failed requests of all.
    pub failure_ratio: Option<f64>,
    /// The same over the worst 5 s.
    pub peak_failure_ratio: Option<f64>,
    /// Content requests that reached an edge and were answered from its store.
    pub edge_hit_ratio: Option<f64>,
    /// Requests per second over the busiest 5 s.
    pub peak_requests_per_second: Option<f64>,
    /// Requests per second before T-0.
    pub normal_requests_per_second: Option<f64>,
    /// Clients that got the new version, of all clients.
    pub exposed_ratio: Option<f64>,
    /// Changes that reached the world more than once; a delivery that a kill repeats under its key is none.
    pub effects_duplicated: u64,
    /// Processes that were left after the end.
    pub orphans: usize,
    /// How long it took.
    pub seconds: f64,
    /// The report.
    pub report: String,
    /// Where the release was aborted, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<AbortSummary>,
    /// From the close of the period whose counts turned the verdict ABORT, past `lag`, until the room had heard of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_to_notice_seconds: Option<f64>,
    /// Where the daemon was killed, how it came back and what lived on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kills: Option<usize>,
    /// Instances that stopped serving because the daemon died, or were not taken over as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances_lost: Option<usize>,
    /// The longest that a killed daemon took from its start until it served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_start_seconds: Option<f64>,
    /// Effects that were sent again because a kill left their outcome unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effects_resent: Option<u64>,
    /// Of these, announcements that had arrived; the room dropped the second by its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redelivered: Option<u64>,
    /// Changes of the world that the journal knows nothing of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effects_unjournaled: Option<usize>,
}

/// An ABORT with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbortSummary {
    /// What was offered when it came.
    pub percent: f64,
    /// What the gate said.
    pub reason: String,
    /// The evidence against the release; the gate aborts at one over its alpha.
    pub evidence: Option<f64>,
    /// Requests of the new version since T-0.
    pub requests: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Requests of the old version in that time.
    pub baseline_requests: u64,
    /// Of these, failed.
    pub baseline_errors: u64,
    /// Clients that had the new version by then or a moment later.
    pub exposed_clients: usize,
}

/// What is known when everything has ended.
pub(super) struct Known<'a> {
    pub(super) scenario: Scenario,
    pub(super) swarm: &'a SwarmReport,
    pub(super) launch_at: jiff::Timestamp,
    pub(super) complete: bool,
    pub(super) aborted: Option<&'a Aborted>,
    pub(super) notice: Option<&'a Heard>,
    pub(super) ledger: &'a Ledger,
    pub(super) kills: &'a [Interruption],
}

/// Adds up; process count, duration and report are the caller's.
pub(super) fn add_up(known: &Known<'_>) -> Summary {
    let (before, after) = (known.swarm.before(known.launch_at), known.swarm.since(known.launch_at));
    let ledger = known.ledger;
    let killed = known.scenario == Scenario::Interrupt;
    Summary {
        scenario: known.scenario.word(),
        outcome: if known.complete { "complete" } else { "aborted" }.into(),
        failure_ratio: after.failure_ratio,
        peak_failure_ratio: after.peak_failure_ratio,
        edge_hit_ratio: after.edge_hit_ratio,
        peak_requests_per_second: after.peak_per_second,
        normal_requests_per_second: before.mean_per_second,
        exposed_ratio: after.exposed_ratio,
        // Where nothing was killed nothing had to be sent again, so there a repeat has no excuse.
        effects_duplicated: if killed { ledger.duplicated } else { ledger.duplicated + ledger.redelivered },
        orphans: 0,
        seconds: 0.0,
        report: String::new(),
        abort: known.aborted.map(|aborted| abort(aborted, known.swarm)),
        abort_to_notice_seconds: known.aborted.zip(known.notice).and_then(notice_seconds),
        kills: killed.then_some(known.kills.len()),
        instances_lost: killed.then(|| known.kills.iter().map(|kill| kill.lost).sum()),
        slowest_start_seconds: known.kills.iter().map(|kill| kill.start.as_secs_f64()).max_by(f64::total_cmp),
        effects_resent: killed.then_some(ledger.resent),
        redelivered: killed.then_some(ledger.redelivered),
        effects_unjournaled: killed.then_some(ledger.unjournaled),
    }
}

fn abort(aborted: &Aborted, swarm: &SwarmReport) -> AbortSummary {
    AbortSummary {
        percent: aborted.percent.share() * 100.0,
        reason: aborted.sentence.clone(),
        evidence: aborted.judgement.as_ref().map(|judgement| judgement.e),
        requests: aborted.candidate.requests,
        errors: aborted.candidate.errors,
        baseline_requests: aborted.baseline.requests,
        baseline_errors: aborted.baseline.errors,
        exposed_clients: swarm.exposed.len(),
    }
}

fn notice_seconds((aborted, notice): (&Aborted, &Heard)) -> Option<f64> {
    Some((notice.at.as_millisecond() - aborted.turned_at?.as_millisecond()) as f64 / 1_000.0)
}

impl Summary {
    /// Whether it ended as the scenario should with tminus.
    pub(super) fn is_good(&self) -> bool {
        let calm = self.failure_ratio.is_some_and(|ratio| ratio < NOTICED_FROM);
        let clean = self.effects_duplicated == 0 && self.orphans == 0;
        match self.scenario {
            "bad_release" => self.is_braked() && clean,
            "interrupt" => {
                self.outcome == "complete"
                    && calm
                    && clean
                    && self.instances_lost == Some(0)
                    && self.effects_unjournaled == Some(0)
            }
            _ => self.outcome == "complete" && calm,
        }
    }

    /// Aborted, few were reached, and people know.
    fn is_braked(&self) -> bool {
        let few = self.exposed_ratio.is_some_and(|ratio| ratio < EXPOSED_AT_MOST);
        self.outcome == "aborted" && few && self.abort_to_notice_seconds.is_some()
    }
}
