//! `tminus cron explain`: what a cron line means in a time zone, and when it is due next.
//!
//! Not here: the calendar, and running anything. Invariant: what is printed is what the daemon follows.

use clap::Subcommand;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::terminal::{Colour, Form, paint, plain};
use super::{Exit, Outcome};
use crate::core::calendar::{Line, Schedule};
use crate::shell::clock;

/// The verbs of `cron`.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Says in words when a cron line is due, and lists its next runs with what the clocks do around them
    Explain(ExplainArgs),
}

/// Arguments of `cron explain`.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// Five fields (minute, hour, day of month, month, weekday) in quotes, or a word such as @daily
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// The time zone whose clocks the line follows, by its IANA name
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
    /// Runs after this instant; without an offset it is read in the zone. Default: now
    #[arg(long, value_name = "TIME")]
    after: Option<String>,
    /// How many runs
    #[arg(short, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    number: u16,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Serialize)]
struct Explained {
    description: String,
    /// RFC 3339 with the zone's offset.
    next: Vec<String>,
    next_utc: Vec<Timestamp>,
    cron: String,
    time_zone: String,
    /// `fixed` or `interval`: what the line does when clocks change goes by it.
    kind: &'static str,
    when_clocks_change: &'static str,
    notes: Vec<Note>,
}

/// What the clocks do around one run.
#[derive(Debug, Serialize)]
struct Note {
    at: String,
    note: String,
}

/// Runs a verb of `cron`.
pub(super) fn run(verb: Verb) -> Outcome {
    let Verb::Explain(args) = verb;
    let line: Line = args.expression.parse().map_err(|error: crate::core::calendar::InvalidLine| {
        format!("{:?} is no schedule: {error}; {}", plain(&args.expression), error.fix())
    })?;
    let schedule = line.in_zone(&args.tz).map_err(|error| format!("{error}; {}", error.fix()))?;
    let after = args.after.as_deref().map_or_else(|| Ok(clock::now()), |text| instant(text, &schedule))?;
    let fires: Vec<Timestamp> = schedule.fires_after(after).take(args.number.into()).collect();
    if fires.is_empty() {
        return Err(format!("no run is known after {after}: tminus follows schedules from 1970 to 2100"));
    }
    args.form.print(&explained(&schedule, &fires), |answer| human(answer, &schedule))?;
    if fires.len() < usize::from(args.number) {
        anstream::eprintln!("there is no more: tminus follows schedules from 1970 to 2100");
    }
    Ok(Exit::Done)
}

/// An instant with its offset, or a time on the clocks of the zone.
fn instant(text: &str, schedule: &Schedule) -> Result<Timestamp, String> {
    let zoned = || text.parse::<Zoned>().map(|zoned| zoned.timestamp());
    let shown = || text.parse::<DateTime>().and_then(|shown| shown.to_zoned(schedule.zone().clone())).map(|it| it.timestamp());
    let read = text.parse::<Timestamp>().or_else(|_| zoned()).or_else(|_| shown());
    read.map_err(|_| format!("{:?} is no instant: write it as 2026-03-08T01:00:00-05:00, or without the offset", plain(text)))
}

fn explained(schedule: &Schedule, fires: &[Timestamp]) -> Explained {
    let line = schedule.line();
    let note = |fire: &Timestamp| Some(Note { at: written(schedule, *fire), note: schedule.note(*fire)? });
    Explained {
        description: line.description(),
        next: fires.iter().map(|fire| written(schedule, *fire)).collect(),
        next_utc: fires.to_vec(),
        cron: line.text().into(),
        time_zone: schedule.zone_name().into(),
        kind: if line.is_fixed() { "fixed" } else { "interval" },
        when_clocks_change: line.when_clocks_change(),
        notes: fires.iter().filter_map(note).collect(),
    }
}

/// RFC 3339 with the zone's offset; in UTC where that has seconds, which RFC 3339 cannot say (Monrovia until 1972).
fn written(schedule: &Schedule, fire: Timestamp) -> String {
    let offset = schedule.zone().to_offset(fire);
    let offset = if offset.seconds() % 60 == 0 { offset } else { Offset::UTC };
    fire.display_with_offset(offset).to_string()
}

fn human(answer: &Explained, schedule: &Schedule) -> String {
    let runs = answer.next_utc.iter().map(|fire| {
        let shown = fire.to_zoned(schedule.zone().clone()).strftime("%a %Y-%m-%d %H:%M %Z (%:z)").to_string();
        let note = schedule.note(*fire).map_or(String::new(), |note| paint(Colour::Yellow, &format!("  {note}")));
        format!("  {shown:<38} {}{note}", paint(Colour::Grey, &fire.strftime("%Y-%m-%dT%H:%MZ").to_string()))
    });
    let head = format!("{}\n{}\n\nnext in {}", answer.description, answer.when_clocks_change, plain(&answer.time_zone));
    std::iter::once(head).chain(runs).collect::<Vec<_>>().join("\n")
}
