//! What a release must keep to.

use std::path::Path as FilePath;
use std::time::Duration;

use super::within::exactly_one;
use crate::core::words::{Percent, parse_duration};
use crate::shell::settings::files::{Source, read_regular};
use crate::shell::settings::kinds::release::{Adoption, Audience, HitRatio, Release};
use crate::shell::settings::limits::LARGEST_CURVE;
use crate::shell::settings::node::{Path, way};
use crate::shell::settings::notes::Notes;

/// Most points of an adoption curve: one a minute for a week.
const MOST_POINTS: usize = 10_080;

pub fn check(release: &Release, source: &Source, notes: &mut Notes<'_>) {
    if release.launch_at.is_none() && !release.released {
        notes.value(way!["launch_at"]).error(
            "TM0104",
            "the release does not say when it launches: `launch_at` is missing",
            "add `launch_at`: T-0, such as 2026-12-01T11:00:00-08:00[America/Los_Angeles], or `released: true` where it is out already",
        );
    }
    if release.channels.is_empty() && !release.released {
        let help = "name the channels that the steps serve, such as `[release]`";
        notes.value(way!["channels"]).warning("TM0130", "`channels` is empty, so the steps serve nobody", help);
    }
    for (at, early) in release.early.iter().enumerate() {
        if !early.at.is_before_launch() {
            let message = format!("early channels are served before T-0, and {} is not before it", early.at);
            notes.value(way!["early", at, "at"]).error(
                "TM0209",
                message,
                "write a time such as `T-2d`, or name the channels in `channels`",
            );
        }
    }
    steps(release, notes);
    if let Some(audience) = &release.audience {
        check_audience(audience, source, notes);
    }
}

fn steps(release: &Release, notes: &mut Notes<'_>) {
    let steps = &release.rollout.steps;
    for (at, pair) in steps.windows(2).enumerate() {
        let (before, after) = (pair[0].percent.0, pair[1].percent.0);
        if after <= before {
            let message = format!("the percent goes from {before} to {after}, and steps only rise");
            notes.value(way!["rollout", "steps", at + 1, "percent"]).error(
                "TM0201",
                message,
                format!("write more than {before}, or take the step out"),
            );
        }
    }
    for (at, step) in steps.iter().enumerate() {
        if step.percent.0 < Percent::FULL && !step.bake.0.is_zero() {
            let message = format!("`bake` stands at {} percent, and only 100 percent bakes", step.percent.0);
            notes.key(way!["rollout", "steps", at, "bake"]).error("TM0201", message, "write `dwell`");
        }
    }
    if let Some(last) = steps.last().filter(|last| last.percent.0 < Percent::FULL) {
        let message = format!("the last step is {} percent, so the launch never reaches everybody", last.percent.0);
        notes.value(way!["rollout", "steps", steps.len() - 1, "percent"]).error(
            "TM0201",
            message,
            "end with `{percent: 100, bake: 2h}`",
        );
    }
}

fn check_audience(audience: &Audience, source: &Source, notes: &mut Notes<'_>) {
    if let Some(adoption) = &audience.adoption {
        check_adoption(adoption, source, notes);
    }
    if let Some(ratio) = &audience.cache_hit_ratio {
        check_ratio(ratio, notes);
    }
    if audience.retry.as_ref().is_some_and(|retry| retry.every.0.is_zero()) {
        notes.value(way!["audience", "retry", "every"]).error(
            "TM0208",
            "clients that retry without a pause ask without bound",
            "write the pause between attempts, above 0s",
        );
    }
}

fn check_adoption(adoption: &Adoption, source: &Source, notes: &mut Notes<'_>) {
    let keys = [("half_life", adoption.half_life.is_some()), ("curve", adoption.curve.is_some())];
    // With a record neither is needed; both are too many all the same.
    if !adoption.recorded || keys.iter().all(|(_, given)| *given) {
        exactly_one(way!["audience", "adoption"], &keys, notes);
    }
    if adoption.half_life.as_ref().is_some_and(|half_life| half_life.0.is_zero()) {
        notes.value(way!["audience", "adoption", "half_life"]).error(
            "TM0208",
            "nobody comes within no time",
            "write a duration above 0s",
        );
    }
    if let Some(curve) = &adoption.curve
        && let Err(reason) = read_curve(&source.folder().join(&curve.0))
    {
        notes.value(way!["audience", "adoption", "curve"]).error(
            "TM0208",
            format!("the curve cannot be used: {reason}"),
            "write a CSV file with the header `after,percent`, times and percents rising",
        );
    }
}

/// Both figures of all caches together, or tiers; and priming does no harm.
fn check_ratio(ratio: &HitRatio, notes: &mut Notes<'_>) {
    let at = way!["audience", "cache_hit_ratio"];
    let tiers = [("edge", &ratio.edge), ("origin", &ratio.origin)];
    let tier = tiers.iter().find(|(_, tier)| tier.is_some());
    let together = [("cold", ratio.cold), ("primed", ratio.primed)];
    match (tier, together.iter().find(|(_, figure)| figure.is_some()), together.iter().find(|(_, figure)| figure.is_none())) {
        (Some((tier, _)), Some((figure, _)), _) => {
            let message = format!("`{figure}` is of all caches together, and `{tier}` of one tier of them");
            notes.key(at.then(*figure)).error("TM0112", message, "keep `cold` and `primed`, or `edge` and `origin`");
        }
        (None, _, Some((missing, _))) => {
            let message = format!("`{missing}` is missing, and no tier is given instead");
            notes.value(at.clone()).error("TM0104", message, "write `cold` and `primed`, or `edge` and `origin` with both");
        }
        _ => {}
    }
    harm(&at, ratio.cold.zip(ratio.primed), notes);
    for (name, tier) in tiers {
        harm(&at.then(name), tier.as_ref().map(|tier| (tier.cold, tier.primed)), notes);
    }
}

fn harm(at: &Path, figures: Option<(f64, f64)>, notes: &mut Notes<'_>) {
    if let Some((cold, primed)) = figures.filter(|(cold, primed)| primed < cold) {
        let message = format!("primed caches answer {primed} and cold ones {cold}, so priming would do harm");
        notes.value(at.then("primed")).error("TM0208", message, "exchange the two");
    }
}

/// Reads a measured curve of adoption: what share has come a time after admission; times rise, shares do not fall.
pub fn read_curve(path: &FilePath) -> Result<Vec<(Duration, f64)>, String> {
    let bytes = read_regular(path, LARGEST_CURVE)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|error| error.to_string())?;
    if header.iter().collect::<Vec<_>>() != ["after", "percent"] {
        return Err("its header is not `after,percent`".into());
    }
    let mut points: Vec<(Duration, f64)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let told = |reason: &dyn std::fmt::Display| format!("line {line}: {reason}");
        let after = parse_duration(record.get(0).unwrap_or_default()).map_err(|error| told(&error))?;
        let share = record.get(1).unwrap_or_default().parse::<Percent>().map_err(|error| told(&error))?.share();
        if points.last().is_some_and(|(before, least)| after <= *before || share < *least) {
            return Err(told(&"times rise, and percents do not fall"));
        }
        points.push((after, share));
        if points.len() > MOST_POINTS {
            return Err(format!("it has more than {MOST_POINTS} points"));
        }
    }
    if points.is_empty() { Err("it has no points".into()) } else { Ok(points) }
}
