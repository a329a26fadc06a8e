//! Writes the report as one HTML page without scripts and without anything to fetch.

use askama::Template;

use super::data::{Chart, Report, TimelineRow};
use super::plot;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    plots: Vec<Plot<'a>>,
}

/// A drawing with its legend: colour and name.
struct Plot<'a> {
    title: &'a str,
    legend: Vec<(String, &'a str)>,
    drawing: String,
}

fn plot(chart: &Chart) -> Plot<'_> {
    let legend = chart.series.iter().enumerate().map(|(place, series)| (plot::colour(place), series.name.as_str())).collect();
    Plot { title: &chart.title, legend, drawing: plot::svg(chart) }
}

/// The page. Charts without a point are left out; everything that came from outside is escaped by the template.
pub fn render(report: &Report) -> Result<String, askama::Error> {
    let plots = report.charts.iter().filter(|chart| !plot::is_empty(chart)).map(plot).collect();
    Page { report, plots }.render()
}

impl TimelineRow {
    /// The class of its row: what needs a person stands out.
    fn class(&self) -> &'static str {
        match self.kind.as_str() {
            "announcement" => "told",
            "refused" | "effect_failed" => "bad",
            _ => "plain",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let row = TimelineRow {
            clock: "T+1s".into(),
            at: "now".into(),
            kind: "order".into(),
            message: "<script>alert(1)</script>".into(),
        };
        let report = Report { title: "a<b".into(), timeline: vec![row], ..Report::default() };
        let page = render(&report).unwrap();
        assert!(!page.contains("<script>") && page.contains("a&#60;b"), "{page}");
        assert!(!page.contains("http://") || page.contains("http://www.w3.org"), "nothing to fetch");
    }
}
