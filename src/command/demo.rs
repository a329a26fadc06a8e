//! `tminus demo`: the whole story on this machine.

use std::io::IsTerminal;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::output::Output;
use super::{Exit, Outcome};
use crate::core::words::later;
use crate::lab::demo::{Scenario, Shown, Summary, figures, play};
use crate::shell::clock;

/// The AgileMD story on this machine: real processes, real sockets, the real daemon.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The same launch without preparation, everybody served at once: the storm
    #[arg(long, conflicts_with = "compare")]
    unprepared: bool,
    /// Both, one after the other, side by side
    #[arg(long)]
    compare: bool,
    /// Where documents, data, logs and the report are kept; a new folder under the system's temporary one without it
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// How the numbers are printed; json is stable
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(args: Args) -> Outcome {
    let scenarios: &[Scenario] = match (args.compare, args.unprepared) {
        (true, _) => &[Scenario::Unprepared, Scenario::Prepared],
        (false, true) => &[Scenario::Unprepared],
        (false, false) => &[Scenario::Prepared],
    };
    let shown = if std::io::stderr().is_terminal() { Shown::Live } else { Shown::Lines };
    let folder = args.folder.clone().unwrap_or_else(new_folder);
    let mut summaries = Vec::new();
    for scenario in scenarios {
        let played = play(*scenario, folder.join(scenario.word()), shown).await;
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
    let heads = std::iter::once(String::new()).chain(summaries.iter().map(|summary| summary.scenario.to_owned()));
    table.set_header(heads);
    let columns: Vec<_> = summaries.iter().map(figures).collect();
    for (row, (label, _)) in columns.first().into_iter().flatten().enumerate() {
        let values = columns.iter().filter_map(|column| column.get(row)).map(|(_, value)| value.clone());
        table.add_row(std::iter::once(label.clone()).chain(values));
    }
    let reports: Vec<String> = summaries.iter().map(|summary| format!("report: {}", summary.report)).collect();
    format!("{table}\n{}\n", reports.join("\n"))
}
