//! What a release went through: samples while it is live, and the report of it when it ends.
//!
//! Samples live in memory: after a restart the plots begin anew, while the timeline comes whole from the store.
//! While nothing changes only the ends of that time are kept. Invariant: bounded; when it is full every second sample goes,
//! so that the whole time stays visible.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::hindsight::Hindsight;
use crate::core::decide::{Decision, Snapshot, after_abort};
use crate::core::load::Override;
use crate::core::release::Release;
use crate::core::words::{Name, Percent, TRelative, local};
use crate::shell::report::{Chart, Report, Series, Shape, TimelineRow, render};
use crate::shell::store::EventRow;

/// Samples kept: a day at the default tick, and far more than a plot has pixels.
const MOST_SAMPLES: usize = 8_640;

/// How things stood at an instant.
#[derive(Clone, Debug)]
struct Sample {
    at: Timestamp,
    figures: Figures,
}

/// What is plotted.
#[derive(Clone, Debug, Default, PartialEq)]
struct Figures {
    percents: BTreeMap<Name, f64>,
    floors: BTreeMap<Name, f64>,
    in_service: BTreeMap<Name, f64>,
    needed: BTreeMap<Name, f64>,
    coverage: BTreeMap<Name, f64>,
    /// The newest load of a group, and what was planned for: p50 and p95, requests per second.
    load: BTreeMap<Name, f64>,
    planned: BTreeMap<Name, (f64, f64)>,
}

/// The samples so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Chronicle {
    samples: Vec<Sample>,
}

/// What the report of a release is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) release: Option<Release>,
    pub(super) phase: String,
    pub(super) reason: Option<String>,
    /// What was offered when it was aborted.
    pub(super) offered: Option<Percent>,
    pub(super) events: Vec<EventRow>,
    /// Of all groups, in force when the report is written.
    pub(super) overrides: Vec<Override>,
    pub(super) chronicle: Chronicle,
    pub(super) hindsight: Hindsight,
}

impl Chronicle {
    /// Remembers how things stand.
    pub(super) fn record(&mut self, snapshot: &Snapshot, decision: &Decision) {
        self.keep(Sample { at: snapshot.now, figures: figures(snapshot, decision) });
    }

    fn keep(&mut self, sample: Sample) {
        if let [.., before, last] = self.samples.as_mut_slice()
            && before.figures == last.figures
            && last.figures == sample.figures
        {
            last.at = sample.at;
            return;
        }
        if self.samples.len() >= MOST_SAMPLES {
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index % 2 == 0
            });
        }
        self.samples.push(sample);
    }

    fn series(&self, launch_at: Timestamp, name: &str, pick: impl Fn(&Figures) -> Option<f64>) -> Series {
        let secs = |at: Timestamp| (at.as_millisecond() - launch_at.as_millisecond()) as f64 / 1_000.0;
        let points = self.samples.iter().filter_map(|sample| Some((secs(sample.at), pick(&sample.figures)?))).collect();
        Series { name: name.into(), shape: Shape::Steps, points }
    }
}

/// Of releases that have not ended, and of what is seen of the world.
fn figures(snapshot: &Snapshot, decision: &Decision) -> Figures {
    let groups = &snapshot.observed.groups;
    let least = |nodes: &BTreeMap<Name, f64>| nodes.values().copied().min_by(f64::total_cmp);
    let lives = |name: &Name| snapshot.state.releases.get(name).is_none_or(|state| state.ended_at.is_none());
    let live = decision.releases.iter().filter(|(name, _)| lives(name));
    let coverage = snapshot.observed.coverage.iter();
    Figures {
        percents: live.map(|(name, view)| (name.clone(), view.percent.share() * 100.0)).collect(),
        floors: groups.iter().map(|(name, group)| (name.clone(), f64::from(group.floor.0))).collect(),
        in_service: groups.iter().map(|(name, group)| (name.clone(), f64::from(group.in_service.0))).collect(),
        needed: decision.plans.iter().map(|(name, plan)| (name.clone(), f64::from(plan.instances.0))).collect(),
        coverage: coverage.filter_map(|(name, seen)| Some((name.clone(), least(&seen.nodes)? * 100.0))).collect(),
        load: snapshot.observed.history.iter().filter_map(|(name, points)| Some((name.clone(), points.last()?.1))).collect(),
        planned: decision.plans.iter().map(|(name, plan)| (name.clone(), (plan.load.p50, plan.load.p95))).collect(),
    }
}

/// Writes the report of a release; says where.
pub(super) fn write(data: &Path, name: &Name, past: &Past) -> Result<String, String> {
    let release = past.release.as_ref().ok_or_else(|| format!("there is no document of {name} any more"))?;
    let page = render(&report(release, past)).map_err(|error| format!("the report of {name} could not be drawn: {error}"))?;
    let path = path(data, name);
    let folder = path.parent().unwrap_or(data);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, page));
    written.map_err(|error| format!("the report of {name} could not be written to {}: {error}", path.display()))?;
    Ok(format!("the report of {name} is {}", path.display()))
}

/// File names take only what every file system takes.
fn path(data: &Path, name: &Name) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '_' };
    let stem: String = name.folded().chars().map(plain).collect();
    data.join("reports").join(format!("{}.html", stem.trim_start_matches('.')))
}

fn report(release: &Release, past: &Past) -> Report {
    let complete = past.phase == "complete";
    let reason = past.reason.clone().map_or(String::new(), |reason| format!(": {reason}"));
    Report {
        title: release.name.to_string(),
        outcome: format!("{} {} is {}{reason}", release.app, release.version, past.phase),
        good: complete,
        figures: figures_of(release, past),
        why: why(release, past),
        charts: charts(release, past),
        timeline: past
            .events
            .iter()
            .filter(|event| event.release.as_ref().is_none_or(|about| *about == release.name))
            .map(|event| row(release, event))
            .collect(),
        notes: vec!["Times are relative to T-0. Plots begin with the daemon's last start; the timeline is complete.".into()],
    }
}

/// What it was, and what people impose still: an override that is forgotten costs, or leaves the next launch short.
fn figures_of(release: &Release, past: &Past) -> Vec<(String, String)> {
    let rows = [
        ("Version", release.version.to_string()),
        ("Launch", release.launch_at.to_string()),
        ("Channels", release.channels.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")),
        ("Ended as", past.phase.clone()),
    ];
    let imposed = past.overrides.iter().filter(|one| release.scaling.contains(&one.group)).map(|one| {
        let until = local(one.expires_at, None);
        ("Override still in force", format!("{}: a {} by {} until {until}: {}", one.group, one.to.words(), one.owner, one.reason))
    });
    let known = rows.into_iter().chain(imposed).map(|(question, answer)| (question.to_owned(), answer));
    known.chain(past.hindsight.figures(release)).collect()
}

/// What people ask of a launch that was stopped.
fn why(release: &Release, past: &Past) -> Vec<(String, String)> {
    let Some(reason) = past.reason.as_ref().filter(|_| past.phase == "aborted") else { return Vec::new() };
    let (meaning, next) = after_abort(release);
    let offered = past.offered.map(|percent| format!("Up to {percent} % of clients on these channels were offered it."));
    let rows =
        [("Verdict", Some(reason.clone())), ("Exposed", offered), ("What it means", Some(meaning)), ("What next", Some(next))];
    rows.into_iter().filter_map(|(question, answer)| Some((question.to_owned(), answer?))).collect()
}

fn charts(release: &Release, past: &Past) -> Vec<Chart> {
    let (at, chronicle) = (release.launch_at, &past.chronicle);
    let percent = chronicle.series(at, "percent", |at| at.percents.get(&release.name).copied());
    let mut charts = vec![Chart {
        title: "Percent of clients that are offered it".into(),
        unit: "%".into(),
        series: vec![percent],
        marks: Vec::new(),
    }];
    charts.push(past.hindsight.chart(release));
    for group in &release.scaling {
        let series = vec![
            chronicle.series(at, "observed", |at| at.load.get(group).copied()),
            chronicle.series(at, "forecast, p50", |at| at.planned.get(group).map(|planned| planned.0)),
            chronicle.series(at, "forecast, p95", |at| at.planned.get(group).map(|planned| planned.1)),
        ];
        charts.push(Chart { title: format!("Load of {group}"), unit: "requests/s".into(), series, marks: Vec::new() });
        let series = vec![
            chronicle.series(at, "in service", |at| at.in_service.get(group).copied()),
            chronicle.series(at, "floor", |at| at.floors.get(group).copied()),
            chronicle.series(at, "needed", |at| at.needed.get(group).copied()),
        ];
        charts.push(Chart { title: format!("Instances of {group}"), unit: "instances".into(), series, marks: Vec::new() });
    }
    for policy in &release.priming {
        let series = vec![chronicle.series(at, "least node", |at| at.coverage.get(policy).copied())];
        charts.push(Chart { title: format!("Coverage of {policy}"), unit: "%".into(), series, marks: Vec::new() });
    }
    charts
}

fn row(release: &Release, event: &EventRow) -> TimelineRow {
    TimelineRow {
        clock: TRelative::of(event.at, release.launch_at).clock(),
        at: event.at.to_string(),
        kind: event.kind.clone(),
        message: event.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_change_is_kept_by_its_ends() {
        let name = Name::new("r").unwrap();
        let mut chronicle = Chronicle::default();
        for (minute, percent) in [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 50.0), (5, 50.0), (6, 50.0), (7, 1.0)] {
            let at = Timestamp::from_second(minute * 60).unwrap();
            let figures = Figures { percents: BTreeMap::from([(name.clone(), percent)]), ..Figures::default() };
            chronicle.keep(Sample { at, figures });
        }
        let kept = chronicle.series(Timestamp::UNIX_EPOCH, "percent", |at| at.percents.get(&name).copied());
        assert_eq!(kept.points, [(0.0, 1.0), (180.0, 1.0), (240.0, 50.0), (360.0, 50.0), (420.0, 1.0)]);
    }
}
