//! `tminus demo`: the whole story on this machine.

use std::io::IsTerminal;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::output::Output;
use super::{Exit, Outcome};
use crate::core::words::later;
use crate::lab::demo::{Extent, Playing, Scenario, Shown, Summary, figures, play};
use crate::shell::clock;

/// The AgileMD story on this machine: real processes, real sockets, the real daemon.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Where documents, data, logs and the report are kept; a new folder under the system's temporary one without it
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Fewer clients and less time, for tests
    #[arg(long, hide = true)]
    small: bool,
    /// How the numbers are printed; json is stable
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Which scenario; the prepared launch without any.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line, which takes one of them at most")]
struct Which {
    /// The same launch without preparation, everybody served at once: the storm
    #[arg(long)]
    unprepared: bool,
    /// Unprepared and prepared, one after the other, side by side
    #[arg(long)]
    compare: bool,
    /// Prepared, but the new version fails 5 % of its requests: the gate aborts, the throttle halts, people are told
    #[arg(long)]
    bad_release: bool,
    /// Prepared, but the daemon is killed with SIGKILL in every phase and started again: the launch completes
    #[arg(long)]
    interrupt: bool,
}

impl Which {
    fn scenarios(&self) -> &'static [Scenario] {
        match (self.unprepared, self.compare, self.bad_release, self.interrupt) {
            (true, ..) => &[Scenario::Unprepared],
            (_, true, ..) => &[Scenario::Unprepared, Scenario::Prepared],
            (_, _, true, _) => &[Scenario::BadRelease],
            (_, _, _, true) => &[Scenario::Interrupt],
            _ => &[Scenario::Prepared],
        }
    }
}

pub(super) async fn run(args: Args) -> Outcome {
    let shown = if std::io::stderr().is_terminal() { Shown::Live } else { Shown::Lines };
    let extent = if args.small { Extent::Small } else { Extent::Whole };
    let folder = args.folder.clone().unwrap_or_else(new_folder);
    let mut summaries = Vec::new();
    for scenario in args.which.scenarios() {
        let played = play(&Playing { scenario: *scenario, extent, folder: folder.join(scenario.word()) }, shown).await;
        summaries.push(
            played.map_err(|error| format!("the demo did not play to its end: {error}; its folder is {}", folder.display()))?,
        );
    }
    let text = match summaries.as_slice() {
        [one] => args.output.render(one, |_| human(&summaries)),
        several => args.output.render(&several, |_| human(&summaries)),
    };
    anstream::print!("{}", text.map_err(|error| format!("the numbers cannot be written: {error}"))?);
    Ok(Exit::Done)
}

/// Named by the second; two demos of one second are on one machine by mistake only, and the second one says so.
fn new_folder() -> PathBuf {
    let stamp = later(clock::now(), std::time::Duration::ZERO).strftime("%Y%m%d-%H%M%S").to_string();
    std::env::temp_dir().join(format!("tminus-demo-{stamp}-{}", std::process::id()))
}

fn human(summaries: &[Summary]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let heads = std::iter::once(String::new()).chain(summaries.iter().map(|summary| summary.scenario.replace('_', " ")));
    table.set_header(heads);
    let columns: Vec<_> = summaries.iter().map(figures).collect();
    for (row, (label, _)) in columns.first().into_iter().flatten().enumerate() {
        let values = columns.iter().filter_map(|column| column.get(row)).map(|(_, value)| value.clone());
        table.add_row(std::iter::once(label.clone()).chain(values));
    }
    let said = summaries.iter().filter_map(|summary| summary.abort.as_ref()).map(|abort| format!("why: {}\n", abort.reason));
    let reports = summaries.iter().map(|summary| format!("report: {}\n", summary.report));
    format!("{table}\n{}", said.chain(reports).collect::<String>())
}
