//! A CSV file as a metrics source: header `timestamp,<series>...`, or `timestamp,value`.
//!
//! One read answers all asks. Timestamps are RFC 3339; an empty field is missing. Invariant: rows outside of what is
//! asked for cost no memory, and an odd row spoils its own instant only.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;

use super::error::ObserveError;
use super::series::{Purpose, Series, Span};

/// Longest file in bytes: a year of minutes with ten series.
const LONGEST: u64 = 128 << 20;

/// One column wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) series: String,
    pub(super) span: Span,
    pub(super) purpose: Purpose,
}

/// Reads the file once and answers each of `wanted`, in order.
pub(super) fn read(path: &Path, wanted: &[Wanted], now: Timestamp) -> Vec<Result<Series, ObserveError>> {
    match try_read(path, wanted, now) {
        Ok(answers) => answers,
        Err(error) => wanted.iter().map(|_| Err(error.clone())).collect(),
    }
}

fn try_read(path: &Path, wanted: &[Wanted], now: Timestamp) -> Result<Vec<Result<Series, ObserveError>>, ObserveError> {
    let unusable = |reason: String| ObserveError::File { path: path.display().to_string(), reason };
    let file = File::open(path).map_err(|error| unusable(error.to_string()))?;
    if file.metadata().map_err(|error| unusable(error.to_string()))?.len() > LONGEST {
        return Err(unusable(format!("it is longer than {} MiB", LONGEST >> 20)));
    }
    let mut reader = ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file.take(LONGEST));
    let header = reader.headers().map_err(|error| unusable(error.to_string()))?.clone();
    if header.get(0).map(|name| name.trim_start_matches('\u{feff}')) != Some("timestamp") {
        return Err(unusable("its header does not begin with timestamp".into()));
    }
    let columns: Vec<Option<usize>> = wanted.iter().map(|wanted| column(&header, &wanted.series)).collect();
    let mut series: Vec<Series> = wanted.iter().map(|_| Series::default()).collect();
    for record in reader.records() {
        let record = record.map_err(|error| unusable(error.to_string()))?;
        for ((column, wanted), series) in columns.iter().zip(wanted).zip(&mut series) {
            if let Some(column) = column {
                enter(&record, *column, (wanted, now), series);
            }
        }
    }
    let answer = |((column, wanted), series): ((&Option<usize>, &Wanted), Series)| {
        let missing = || ObserveError::NoSeries { path: path.display().to_string(), series: wanted.series.clone() };
        column.map(|_| series).ok_or_else(missing)
    };
    Ok(columns.iter().zip(wanted).zip(series).map(answer).collect())
}

/// The column of that name; a file with the one column `value` has it for every series.
fn column(header: &StringRecord, series: &str) -> Option<usize> {
    let only = (header.len() == 2 && header.get(1) == Some("value")).then_some(1);
    header.iter().skip(1).position(|name| name == series).map(|at| at + 1).or(only)
}

fn enter(record: &StringRecord, column: usize, ask: (&Wanted, Timestamp), series: &mut Series) {
    let (wanted, now) = ask;
    let line = record.position().map_or(0, csv::Position::line);
    let Some(at) = record.get(0).and_then(|text| text.parse::<Timestamp>().ok()) else {
        return series.refuse(None, format!("line {line} has no readable timestamp"));
    };
    if at > now {
        return series.refuse(None, format!("line {line} lies in the future, {at}"));
    }
    let text = record.get(column).unwrap_or("");
    if !wanted.span.holds(at) || text.is_empty() {
        return;
    }
    let at = if wanted.purpose == Purpose::Counts { wanted.span.floor(at) } else { at };
    match text.parse::<f64>() {
        Ok(value) => series.put(at, value, wanted.purpose),
        Err(_) => series.refuse(Some(at), format!("line {line}: {:?} is not a number", shortened(text))),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
