//! A forecast for people: bars on the terminal, the peaks, what the backtest says; and a drawing.
//!
//! Not here: working it out. Invariant: nothing but figures of the answer is shown.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::terminal::{Colour, paint};
use crate::core::load::{Forecast, ForecastPoint, ForecastView, Method};

const ROWS: usize = 12;
const MOST_COLUMNS: usize = 96;
/// Drawing units.
const SIZE: (u32, u32) = (960, 320);
/// Days of history in the drawing.
const DRAWN_DAYS: usize = 7;

/// All of it, as lines.
pub(super) fn human(answer: &ForecastView) -> String {
    let mut text = bars(answer);
    let _ = writeln!(text, "\n{:<12}{:>12}{:>12}{:>12}", "peak of day", "p50", "p90", "p95");
    for peak in &answer.peaks {
        let load = peak.load;
        let _ =
            writeln!(text, "{:<12}{:>12}{:>12}{:>12}", peak.day.to_string(), short(load.p50), short(load.p90), short(load.p95));
    }
    text.push('\n');
    text.push_str(&proof(answer));
    text
}

/// One column a point, or the greatest of several: solid up to p50, shaded up to p95.
fn bars(answer: &ForecastView) -> String {
    let most = answer.points.iter().map(|point| point.load.p95).fold(0.0, f64::max);
    let columns: Vec<(f64, f64)> = answer
        .points
        .chunks(answer.points.len().div_ceil(MOST_COLUMNS).max(1))
        .map(|chunk| {
            let greatest = |of: fn(&ForecastPoint) -> f64| chunk.iter().map(of).fold(0.0, f64::max);
            (greatest(|point| point.load.p50), greatest(|point| point.load.p95))
        })
        .collect();
    let mut text = String::new();
    for row in (0..ROWS).rev() {
        let middle = most * (row as f64 + 0.5) / ROWS as f64;
        let label = if row + 1 == ROWS || row == ROWS / 2 { short(most * (row + 1) as f64 / ROWS as f64) } else { String::new() };
        let cell = |(p50, p95): &(f64, f64)| {
            if *p50 >= middle && most > 0.0 {
                '█'
            } else if *p95 >= middle && most > 0.0 {
                '░'
            } else {
                ' '
            }
        };
        let line: String = columns.iter().map(cell).collect();
        let _ = writeln!(text, "{label:>9} │{}", line.trim_end());
    }
    let _ = writeln!(text, "{:>9} └{}", "0", "─".repeat(columns.len()));
    let (first, last) = (answer.points.first(), answer.points.last());
    let _ = writeln!(
        text,
        "{:>11}{} to {}   {}",
        "",
        first.map_or("", |point| &point.at),
        last.map_or("", |point| &point.at),
        paint(Colour::Grey, "█ p50  ░ p95")
    );
    text
}

fn proof(answer: &ForecastView) -> String {
    let backtest = &answer.backtest;
    let (Method::Combination, Some(mase)) = (answer.model, backtest.mase) else {
        return "too little history, or too even, to test the forecast on: read it as a guess\n".into();
    };
    let percent = |share: Option<f64>| share.map_or("none".into(), |share| format!("{:.0}%", share * 100.0));
    let mut text = format!(
        "over the last {} days it would have erred {:.2} times as much as \"as yesterday\"; p95 held {} of the steps, and the peak's p95 {} of the days, at {:.2} times the peak\n",
        backtest.days,
        mase,
        percent(backtest.coverage_p95),
        percent(backtest.peak_coverage_p95),
        backtest.provisioned_ratio.unwrap_or(1.0)
    );
    for member in &backtest.members {
        let _ = writeln!(text, "  {:>3.0}%  {}", member.weight * 100.0, member.name);
    }
    text
}

fn short(value: f64) -> String {
    match value {
        _ if value == 0.0 => "0".to_owned(),
        _ if value >= 1e9 => format!("{value:.3e}"),
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// The last week and what comes, as SVG text; an error of the library becomes a sentence in its place.
pub(super) fn svg(forecast: &Forecast, answer: &ForecastView) -> String {
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, forecast, answer).and_then(|()| area.present())
    };
    drawn.map_or_else(|error| format!("<p>This plot could not be drawn: {error}</p>"), |()| text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(area: &Area<'_>, forecast: &Forecast, answer: &ForecastView) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let grid = forecast.grid();
    let days = |cell: f64| cell / grid.day() as f64;
    let seen: Vec<(f64, Option<f64>)> =
        grid.last(DRAWN_DAYS * grid.day()).enumerate().map(|(cell, load)| (cell as f64, load)).collect();
    let start = seen.len() as f64;
    let seen: Vec<(f64, f64)> = seen.into_iter().filter_map(|(cell, load)| Some((days(cell - start), load?))).collect();
    let line = |of: fn(&ForecastPoint) -> f64| -> Vec<(f64, f64)> {
        answer.points.iter().enumerate().map(|(cell, point)| (days(cell as f64), of(point))).collect()
    };
    let (p50, p95) = (line(|point| point.load.p50), line(|point| point.load.p95));
    let top = seen.iter().chain(&p95).map(|point| point.1).fold(0.0, f64::max);
    let from = seen.first().map_or(0.0, |point| point.0);
    let until = p95.last().map_or(1.0, |point| point.0).max(from + 0.01);
    area.fill(&WHITE)?;
    let top = if top > 0.0 { top * 1.1 } else { 1.0 };
    let mut plot =
        ChartBuilder::on(area).margin(8).x_label_area_size(28).y_label_area_size(64).build_cartesian_2d(from..until, 0.0..top)?;
    plot.configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 228, 232))
        .x_desc("days from the end of the history; blue: seen, orange: p50, shaded up to p95")
        .y_label_formatter(&|value| short(*value))
        .draw()?;
    let (blue, orange) = (RGBColor(0, 114, 178), RGBColor(213, 94, 0));
    plot.draw_series(AreaSeries::new(p95, 0.0, orange.mix(0.18)))?;
    plot.draw_series(LineSeries::new(seen, blue.stroke_width(2)))?;
    plot.draw_series(LineSeries::new(p50, orange.stroke_width(2)))?;
    Ok(())
}
