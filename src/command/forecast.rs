//! `tminus forecast`: the load of the coming hours and the peaks of the coming days, from a file of history.
//!
//! Not here: the method (core::load), reading the file ([`super::forecast_file`]) and drawing ([`super::forecast_show`]).
//! Invariant: what could not be used of the history is told, on stderr and in the answer.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::forecast_show::{human, svg};
use super::terminal::{Form, plain};
use super::{Exit, Outcome, forecast_file};
use crate::core::load::{FURTHEST, Forecast, ForecastHistory, ForecastView, Grid, Step, Tally};
use crate::core::words::{format_duration, parse_duration};

/// Arguments of `forecast`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The load so far: timestamp,value; instants in RFC 3339, or as 2026-01-31 13:05:00 on the clocks of the zone
    #[arg(long, value_name = "CSV")]
    history: PathBuf,
    /// How far ahead, at most 28d
    #[arg(long, default_value = "24h", value_parser = horizon)]
    horizon: Duration,
    /// The width of a point, 1m to 24h; it divides the day. Several values within it become their mean
    #[arg(long, default_value = "1h", value_parser = step)]
    step: Step,
    /// Whose clocks days and hours go by
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    time_zone: TimeZone,
    /// Draws the history's last week and the forecast into a file too
    #[arg(long, value_name = "FILE.svg", value_parser = picture)]
    plot: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

/// Runs `forecast`.
pub(super) fn run(args: &Args) -> Outcome {
    if args.horizon < args.step.duration() {
        anstream::eprintln!("error: --horizon: one step at least");
        return Ok(Exit::Usage);
    }
    let zone = args.time_zone.clone();
    let points = forecast_file::read(&args.history, &zone)?;
    let nothing = || format!("{}: there is no usable value in it, so there is nothing to forecast from", args.history.display());
    let forecast = Grid::of(&points, args.step, zone).and_then(Forecast::of).ok_or_else(nothing)?;
    let answer = ForecastView::of(&forecast, points.tally(), args.horizon);
    if let Some(file) = &args.plot {
        std::fs::write(file, svg(&forecast, &answer)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    tell(&answer.history);
    args.form.print(&answer, human)?;
    Ok(Exit::Done)
}

fn horizon(text: &str) -> Result<Duration, String> {
    let horizon = parse_duration(text).map_err(|error| error.to_string())?;
    let is_possible = !horizon.is_zero() && horizon <= FURTHEST;
    if is_possible { Ok(horizon) } else { Err(format!("at most {}, and one step at least", format_duration(FURTHEST))) }
}

fn step(text: &str) -> Result<Step, String> {
    let step = parse_duration(text).map_err(|error| error.to_string())?;
    let secs = i64::try_from(step.as_secs()).ok().filter(|_| step.subsec_nanos() == 0);
    let step = secs.and_then(|secs| Step::try_from(secs).ok());
    step.ok_or_else(|| "a step is 1m to 24h and divides the day, such as 5m, 15m, 1h or 6h".into())
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| format!("{:?} is no zone of the IANA database, such as Europe/Berlin", plain(text)))
}

fn picture(text: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    let is_svg = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    if is_svg { Ok(file) } else { Err("it is drawn as SVG, so the file's name ends in .svg".into()) }
}

fn tell(history: &ForecastHistory) {
    let Tally { refused, doubled, too_old, .. } = history.tally;
    let told = [
        (refused, "could not be used and count as holes: no instant, no number, negative or beyond reason"),
        (doubled, "shared their second with another; the later in the file counts"),
        (too_old, "lie more than 8 weeks before the newest, or are too many, and were left out"),
    ];
    for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
        anstream::eprintln!("{count} of {} points {what}", history.tally.points);
    }
    if history.holes > 0 {
        anstream::eprintln!(
            "{} of {} steps are holes: nothing was measured in them, which is not a load of zero",
            history.holes,
            history.steps
        );
    }
}
