//! The report of a launch: one self-contained HTML page with SVG plots and the timeline of decisions.
//!
//! [`data`] is what it shows, [`plot`] draws, [`page`] writes. It decides nothing and fetches nothing.

mod data;
mod page;
mod plot;

pub use data::{Chart, Mark, Report, Series, Shape, TimelineRow};
pub use page::render;
