//! What a report shows. Times are seconds from T-0, negative before.

/// A launch, as it went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Such as `reader-2.3`.
    pub title: String,
    /// One sentence: how it ended.
    pub outcome: String,
    /// Whether it ended as wanted; decides the colour, never alone: the sentence says it too.
    pub good: bool,
    /// Figures, label and value.
    pub figures: Vec<(String, String)>,
    /// Of a launch that was stopped: what people ask then, and the answers, whole sentences.
    pub why: Vec<(String, String)>,
    /// The plots, in order.
    pub charts: Vec<Chart>,
    /// Decisions and their reasons, in order.
    pub timeline: Vec<TimelineRow>,
    /// How to read it: scales, sources.
    pub notes: Vec<String>,
}

/// One plot.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The unit of the vertical axis.
    pub unit: String,
    /// What is drawn.
    pub series: Vec<Series>,
    /// Vertical lines.
    pub marks: Vec<Mark>,
}

/// One line of a plot.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Points: seconds from T-0, value. Not finite values are left out.
    pub points: Vec<(f64, f64)>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line.
    Line,
    /// A line with the area below.
    Area,
    /// A value that holds until the next.
    Steps,
}

/// A vertical line with a word.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Seconds from T-0.
    pub at: f64,
    /// The word.
    pub label: String,
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub struct TimelineRow {
    /// The T-clock, such as `T+12s`.
    pub clock: String,
    /// The wall clock, RFC 3339.
    pub at: String,
    /// What kind of thing it was.
    pub kind: String,
    /// A whole sentence.
    pub message: String,
}
