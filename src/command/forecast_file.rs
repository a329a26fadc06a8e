//! The history file of `tminus forecast`: `timestamp,value`, row by row.
//!
//! Columns go by their names, others may stand beside them. Not here: what becomes of points (core::load).
//! Invariant: memory does not grow with the file, whatever stands in it; a row that is no point is counted, and ends nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::terminal::plain;
use crate::core::load::Points;

/// A longer line is no row of two fields.
const LONGEST_LINE: u64 = 4_096;

/// Points of a file; times without an offset are read on the clocks of the zone.
pub(super) fn read(path: &Path, zone: &TimeZone) -> Result<Points, String> {
    let told = |problem: String| format!("{}: {problem}", path.display());
    let file = File::open(path).map_err(|error| told(error.to_string()))?;
    let mut lines = BufReader::new(file);
    let (mut line, mut points) = (Vec::new(), Points::default());
    next(&mut lines, &mut line).map_err(&told)?;
    let head = String::from_utf8_lossy(&line).trim_start_matches('\u{feff}').trim().to_owned();
    let place = |name: &str| head.split(',').position(|column| column.trim().trim_matches('"').eq_ignore_ascii_case(name));
    let (Some(at), Some(value)) = (place("timestamp"), place("value")) else {
        let shown: String = plain(&head).chars().take(80).collect();
        let shown = if shown.is_empty() { "empty".to_owned() } else { format!("{shown:?}") };
        return Err(told(format!("the first line names the columns timestamp and value; it is {shown}")));
    };
    let mut is_read = false;
    while next(&mut lines, &mut line).map_err(&told)? {
        let row = String::from_utf8_lossy(&line);
        if row.trim().is_empty() {
            continue;
        }
        let field = |place: usize| row.split(',').nth(place).map(|field| field.trim().trim_matches('"'));
        let instant = field(at).and_then(|text| instant(text, zone));
        is_read |= instant.is_some();
        match instant {
            Some(at) => points.push(at, field(value).and_then(|text| text.parse().ok())),
            None => points.refuse(),
        }
    }
    if !is_read && points.tally().points > 0 {
        return Err(told("no row has an instant: write it as 2026-03-08T01:00:00Z or 2026-03-08 01:00:00".into()));
    }
    Ok(points)
}

/// The next line, or as much of it as a row may have; false at the end.
fn next(lines: &mut BufReader<File>, line: &mut Vec<u8>) -> Result<bool, String> {
    line.clear();
    let read = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', line).map_err(|error| error.to_string())?;
    if read as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
        lines.skip_until(b'\n').map_err(|error| error.to_string())?;
        line.truncate(LONGEST_LINE as usize / 2);
    }
    Ok(read > 0)
}

fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>().ok().or_else(local)
}
