//! The gauges that mirror the last decision, read out of the view at each scrape.
//!
//! Invariant: what was not observed has no series; it is never written as zero.

use jiff::Timestamp;

use super::desk::View;
use super::reading::{PHASES, Reading};
use super::status::{GateBoard, StatusList};
use crate::core::checklist::Word;
use crate::core::words::since;
use crate::shell::telemetry::{Metric, Scrape};

/// The words of a gate.
const VERDICTS: [&str; 3] = ["SAFE", "HOLD", "ABORT"];

type Series<'a> = Vec<(Vec<(&'a str, &'a str)>, f64)>;

/// The text of one scrape.
pub fn exposition(view: &View, now: Timestamp) -> String {
    let mut scrape = Scrape::begin();
    let reading = Reading { view, now };
    let list = reading.list();
    let mut single = |metric, value| scrape.mirror(metric, &[(Vec::new(), value)]);
    single(Metric::TickAge, since(now, view.snapshot.now).as_secs_f64());
    single(Metric::OpenIntents, view.open_intents as f64);
    single(Metric::Durable, one_if(view.not_durable.is_none()));
    single(Metric::DocumentsValid, one_if(view.papers.rejected_at.is_none()));
    single(Metric::DocumentsLoaded, view.papers.loaded_at.as_duration().as_secs_f64());
    single(Metric::DocumentsVanished, view.papers.vanished.len() as f64);
    single(Metric::Halts, reading.halts(None).len() as f64);
    scrape.mirror(Metric::BuildInfo, &[(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)]);
    releases(&mut scrape, &list);
    gates(&mut scrape, reading);
    groups(&mut scrape, view);
    coverage(&mut scrape, view);
    scrape.text()
}

fn releases(scrape: &mut Scrape, list: &StatusList) {
    let releases = || list.releases.iter();
    let phases = releases().flat_map(|status| {
        PHASES.iter().map(|phase| (vec![("release", status.release.as_str()), ("phase", *phase)], one_if(status.phase == *phase)))
    });
    scrape.mirror(Metric::ReleasePhase, &phases.collect::<Series<'_>>());
    let percents = releases().map(|status| (vec![("release", status.release.as_str())], status.percent));
    scrape.mirror(Metric::ReleasePercent, &percents.collect::<Series<'_>>());
    let words = releases().flat_map(|status| {
        let word =
            |(word, text)| (vec![("release", status.release.as_str()), ("word", text)], one_if(status.readiness.word == word));
        [(Word::Go, "GO"), (Word::Hold, "HOLD"), (Word::NoGo, "NO-GO")].map(word)
    });
    scrape.mirror(Metric::ReleaseReadiness, &words.collect::<Series<'_>>());
    let launches = releases().map(|status| (vec![("release", status.release.as_str())], status.launch_at.as_second() as f64));
    scrape.mirror(Metric::ReleaseLaunch, &launches.collect::<Series<'_>>());
}

/// Gates that judge: of a release that is not rolling nothing is known, and its bounds alone say nothing.
fn gates(scrape: &mut Scrape, reading: Reading<'_>) {
    let boards: Vec<GateBoard> = reading.view.snapshot.config.releases.values().map(|release| reading.gate(release)).collect();
    let judging = || boards.iter().filter_map(|board| Some((board.release.as_str(), board, board.gate.as_ref()?)));
    let verdicts = judging().flat_map(|(release, _, gate)| {
        VERDICTS.map(|word| (vec![("release", release), ("verdict", word)], one_if(gate.verdict == word)))
    });
    scrape.mirror(Metric::GateVerdict, &verdicts.collect::<Series<'_>>());
    let towards = |release, word, value: f64| (vec![("release", release), ("towards", word)], value);
    let values =
        judging().flat_map(|(release, _, gate)| [towards(release, "abort", gate.e), towards(release, "safe", gate.safe_e)]);
    scrape.mirror(Metric::GateEValue, &values.collect::<Series<'_>>());
    let bounds = judging().flat_map(|(release, board, _)| {
        let bounds = [("abort", board.abort_at), ("safe", board.safe_at)];
        bounds.into_iter().filter_map(move |(word, bound)| Some(towards(release, word, bound?)))
    });
    scrape.mirror(Metric::GateBound, &bounds.collect::<Series<'_>>());
    let ages = judging().filter_map(|(release, board, _)| Some((vec![("release", release)], board.age_secs? as f64)));
    scrape.mirror(Metric::GateDataAge, &ages.collect::<Series<'_>>());
    scrape.mirror(Metric::GateErrorRatio, &ratios(reading));
}

/// The failures of each metric in its newest period. A period without requests has no ratio.
fn ratios(reading: Reading<'_>) -> Series<'_> {
    let metrics = reading.view.snapshot.observed.minutes.iter().flat_map(|(release, metrics)| {
        metrics.iter().filter_map(move |(metric, minutes)| Some((release.as_str(), metric.as_str(), minutes.last()?)))
    });
    let sides = metrics.flat_map(|(release, metric, newest)| {
        let sides = [("candidate", newest.candidate), ("baseline", newest.baseline)];
        sides.into_iter().filter_map(move |(side, counts)| {
            let counts = counts.filter(|counts| counts.requests > 0)?;
            Some((vec![("release", release), ("metric", metric), ("side", side)], counts.errors as f64 / counts.requests as f64))
        })
    });
    sides.collect()
}

fn groups(scrape: &mut Scrape, view: &View) {
    let mut each = |metric, figure: &dyn Fn(&super::desk::GroupView) -> Option<u32>| {
        let series =
            view.groups.iter().filter_map(|(name, group)| Some((vec![("group", name.as_str())], f64::from(figure(group)?))));
        scrape.mirror(metric, &series.collect::<Series<'_>>());
    };
    each(Metric::GroupFloor, &|group| Some(group.observed.as_ref()?.floor.0));
    each(Metric::GroupDesired, &|group| Some(group.observed.as_ref()?.desired.0));
    each(Metric::GroupInService, &|group| Some(group.observed.as_ref()?.in_service.0));
    each(Metric::GroupNeeded, &|group| Some(group.plan.as_ref()?.needed().0));
}

fn coverage(scrape: &mut Scrape, view: &View) {
    let series = view.snapshot.observed.coverage.iter().flat_map(|(policy, proven)| {
        proven.nodes.iter().map(|(node, ratio)| (vec![("policy", policy.as_str()), ("node", node.as_str())], *ratio))
    });
    scrape.mirror(Metric::PrimingCoverage, &series.collect::<Series<'_>>());
    let policies = view.snapshot.config.primings.iter();
    let wanted = policies.map(|(policy, document)| (vec![("policy", policy.as_str())], document.coverage / 100.0));
    scrape.mirror(Metric::PrimingWanted, &wanted.collect::<Series<'_>>());
}

fn one_if(is: bool) -> f64 {
    f64::from(u8::from(is))
}
