//! The gauges that mirror the last decision, read out of the view at each scrape.
//!
//! Invariant: what was not observed has no series; it is never written as zero.

use jiff::Timestamp;

use super::desk::View;
use super::reading::{PHASES, Reading};
use super::status::StatusList;
use crate::core::checklist::Word;
use crate::core::words::since;
use crate::shell::telemetry::{Metric, Scrape};

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
    single(Metric::DocumentsValid, one_if(list.document_errors == 0));
    single(Metric::Halts, reading.halts(None).len() as f64);
    scrape.mirror(Metric::BuildInfo, &[(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)]);
    releases(&mut scrape, &list);
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
    each(Metric::GroupNeeded, &|group| Some(group.plan.as_ref()?.instances.0));
}

fn coverage(scrape: &mut Scrape, view: &View) {
    let series = view.snapshot.observed.coverage.iter().flat_map(|(policy, proven)| {
        proven.nodes.iter().map(|(node, ratio)| (vec![("policy", policy.as_str()), ("node", node.as_str())], *ratio))
    });
    scrape.mirror(Metric::PrimingCoverage, &series.collect::<Series<'_>>());
}

fn one_if(is: bool) -> f64 {
    f64::from(u8::from(is))
}
