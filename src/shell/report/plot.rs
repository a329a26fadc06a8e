//! Draws a chart as SVG text. No system fonts, no files.
//!
//! Invariant: it always gives a drawing; an empty chart says that nothing was recorded.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::data::{Chart, Series, Shape};

/// Drawing units; the page scales the drawing to its width.
const SIZE: (u32, u32) = (960, 300);

/// Okabe and Ito's palette without its yellow: told apart by the colour-blind, dark enough on white.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The colour of a series by its place, as the page writes it; the legend stands beside the drawing, not over it.
pub(super) fn colour(place: usize) -> String {
    let RGBColor(red, green, blue) = COLOURS[place % COLOURS.len()];
    format!("rgb({red},{green},{blue})")
}

/// Whether there is anything to draw.
pub(super) fn is_empty(chart: &Chart) -> bool {
    chart.series.iter().all(|series| finite(series).next().is_none())
}

/// The drawing; an error of the library becomes a sentence in its place.
pub(super) fn svg(chart: &Chart) -> String {
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, chart).and_then(|()| area.present())
    };
    match drawn {
        Ok(()) => text,
        Err(error) => format!("<p>This plot could not be drawn: {error}</p>"),
    }
}

fn draw(area: &Area<'_>, chart: &Chart) -> Drawn {
    let Some((x, top)) = extent(chart) else { return nothing(area) };
    let mut plot =
        ChartBuilder::on(area).margin(8).x_label_area_size(28).y_label_area_size(64).build_cartesian_2d(x.0..x.1, 0.0..top)?;
    plot.configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 228, 232))
        .axis_style(RGBColor(140, 146, 152))
        .label_style(("sans-serif", 13, &RGBColor(70, 76, 82)))
        .x_label_formatter(&|secs| clock(*secs))
        .y_label_formatter(&|value| short(*value))
        .y_desc(chart.unit.as_str())
        .draw()?;
    for mark in chart.marks.iter().filter(|mark| (x.0..=x.1).contains(&mark.at)) {
        let grey = RGBColor(120, 126, 132);
        plot.draw_series(DashedLineSeries::new([(mark.at, 0.0), (mark.at, top)], 4, 4, grey.stroke_width(1)))?;
        let label = Text::new(mark.label.clone(), (mark.at, top * 0.98), ("sans-serif", 12).into_font().color(&grey));
        plot.draw_series(std::iter::once(label))?;
    }
    for (series, colour) in chart.series.iter().zip(COLOURS.iter().cycle()) {
        let points = shaped(series);
        if series.shape == Shape::Area {
            plot.draw_series(AreaSeries::new(points.clone(), 0.0, colour.mix(0.18)))?;
        }
        plot.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    Ok(())
}

fn nothing(area: &Area<'_>) -> Drawn {
    area.draw_text("nothing was recorded", &("sans-serif", 16, &RGBColor(90, 96, 102)).into_text_style(area), (380, 140))
}

/// Both axes: all finite points, and a tenth of air above. `None` without points.
fn extent(chart: &Chart) -> Option<((f64, f64), f64)> {
    let points = || chart.series.iter().flat_map(finite);
    let from = points().map(|(x, _)| x).min_by(f64::total_cmp)?;
    let until = points().map(|(x, _)| x).max_by(f64::total_cmp)?;
    let top = points().map(|(_, y)| y).max_by(f64::total_cmp)?;
    Some(((from, until.max(from + 1.0)), if top > 0.0 { top * 1.1 } else { 1.0 }))
}

fn finite(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    series.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
}

fn shaped(series: &Series) -> Vec<(f64, f64)> {
    let points: Vec<_> = finite(series).collect();
    if series.shape != Shape::Steps {
        return points;
    }
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(points.last().copied()).collect()
}

fn clock(secs: f64) -> String {
    let sign = if secs < 0.0 { '-' } else { '+' };
    let size = secs.abs();
    match size {
        _ if size < 600.0 => format!("T{sign}{size:.0}s"),
        _ if size < 36_000.0 => format!("T{sign}{:.0}m", size / 60.0),
        _ => format!("T{sign}{:.0}h", size / 3_600.0),
    }
}

fn short(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{:.1}M", value / 1e6),
        _ if value >= 1e4 => format!("{:.0}k", value / 1e3),
        _ if value >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_draw_whatever_they_are_given() {
        let series = |points: &[(f64, f64)], shape| Series { name: "requests & <errors>".into(), shape, points: points.to_vec() };
        for points in [&[][..], &[(0.0, 0.0)], &[(f64::NAN, 1.0)], &[(-10.0, 5.0), (10.0, f64::INFINITY), (20.0, 7.0)]] {
            for shape in [Shape::Line, Shape::Area, Shape::Steps] {
                let text = svg(&Chart { series: vec![series(points, shape)], ..Chart::default() });
                assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{points:?}");
                assert!(!text.contains("NaN") && !text.contains("<errors>"), "{points:?}");
            }
        }
    }

    #[test]
    fn steps_hold_their_value_until_the_next() {
        let steps = Series { name: "percent".into(), shape: Shape::Steps, points: vec![(0.0, 1.0), (10.0, 50.0)] };
        assert_eq!(shaped(&steps), [(0.0, 1.0), (10.0, 1.0), (10.0, 50.0)]);
    }
}
