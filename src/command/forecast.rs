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
    #[arg(long, default_value = "24h", value_parser = parse_duration)]
    horizon: Duration,
    /// The width of a point, 1m to 24h; it divides the day. Several values within it become their mean
    #[arg(long, default_value = "1h", value_parser = parse_duration)]
    step: Duration,
    /// Whose clocks days and hours go by
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Draws the history's last week and the forecast into a file too
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

/// Runs `forecast`.
pub(super) fn run(args: &Args) -> Outcome {
    let step = i64::try_from(args.step.as_secs()).ok().and_then(|secs| Step::try_from(secs).ok());
    let step = step
        .filter(|_| args.step.subsec_nanos() == 0)
        .ok_or("--step: a step is 1m to 24h and divides the day, such as 5m, 15m, 1h or 6h")?;
    if args.horizon < args.step || args.horizon > FURTHEST {
        return Err(format!("--horizon: between one step and {}", format_duration(FURTHEST)));
    }
    let zone = TimeZone::get(&args.time_zone).map_err(|_| {
        format!("--time-zone: {:?} is no zone of the IANA database, such as Europe/Berlin", plain(&args.time_zone))
    })?;
    let points = forecast_file::read(&args.history, &zone)?;
    let nothing = || format!("{}: there is no usable value in it, so there is nothing to forecast from", args.history.display());
    let forecast = Grid::of(&points, step, zone).and_then(Forecast::of).ok_or_else(nothing)?;
    let answer = ForecastView::of(&forecast, points.tally(), args.horizon);
    if let Some(file) = &args.plot {
        std::fs::write(file, svg(&forecast, &answer)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    tell(&answer.history);
    args.form.print(&answer, human)?;
    Ok(Exit::Done)
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
