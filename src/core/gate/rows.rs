//! Reads the counts of `gate replay` from CSV text: every problem of the file in one run, each with its line.
//!
//! Not here: opening files. Invariant: with any problem there are no rows, so that nothing is judged on half a file.

use jiff::Timestamp;

use super::evidence::Counts;
use super::replay::ReplayRow;

/// The header, in any order.
const COLUMNS: [&str; 5] = ["minute", "candidate_errors", "candidate_requests", "baseline_errors", "baseline_requests"];

/// Most rows, almost two years of minutes: a bound on memory, beyond any rollout.
const MOST_ROWS: usize = 1_000_000;

/// Most problems that are listed; whoever has more has given the wrong file.
const MOST_PROBLEMS: usize = 1_000;

/// Largest count, exact in a double and beyond any traffic in one period.
const LARGEST_COUNT: u64 = 1_000_000_000_000_000;

/// Longest part of a field that a message repeats.
const SHOWN_CHARS: usize = 40;

/// A row with its period as the file writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRow {
    /// The minute as written.
    pub minute: String,
    /// What it says.
    pub row: ReplayRow,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what is expected.
    pub message: String,
}

/// Reads the text, or tells all problems in the order of their lines.
///
/// A byte order mark, CRLF, blank lines, quotes and spaces around fields are accepted. An empty requests field is
/// no data; an empty errors field beside requests is zero. Minutes rise from row to row.
pub fn read_rows(text: &str) -> Result<Vec<WrittenRow>, Vec<RowProblem>> {
    let mut reader = Reader::default();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if !line.trim().is_empty() {
            reader.read(index + 1, line);
        }
    }
    if reader.columns.is_none() && reader.problems.is_empty() {
        reader.problem(1, format!("the file is empty; its header is {}", COLUMNS.join(",")));
    }
    if reader.problems.is_empty() { Ok(reader.rows) } else { Err(reader.problems) }
}

#[derive(Default)]
struct Reader {
    /// Position of each of `COLUMNS`; `None` before the header.
    columns: Option<[usize; 5]>,
    rows: Vec<WrittenRow>,
    last: Option<(Timestamp, usize)>,
    problems: Vec<RowProblem>,
}

/// Stands for a value whose problem is in the list.
struct Noted;

impl Reader {
    fn read(&mut self, line: usize, text: &str) {
        let fields: Vec<&str> = text.split(',').map(unquoted).collect();
        match self.columns {
            // Nothing can be said about rows under a header that is not understood.
            None => match self.header(line, &fields) {
                Some(columns) => self.columns = Some(columns),
                None => self.columns = Some([usize::MAX; 5]),
            },
            Some([usize::MAX, ..]) => {}
            Some(columns) => self.row(line, &fields, columns),
        }
    }

    fn header(&mut self, line: usize, fields: &[&str]) -> Option<[usize; 5]> {
        let before = self.problems.len();
        for (index, field) in fields.iter().enumerate() {
            if !COLUMNS.contains(field) {
                self.problem(line, format!("unknown column {:?}; the header is {}", shown(field), COLUMNS.join(",")));
            } else if fields[..index].contains(field) {
                self.problem(line, format!("column {field} is there twice"));
            }
        }
        let places = COLUMNS.map(|column| fields.iter().position(|field| *field == column));
        for (column, place) in COLUMNS.iter().zip(places) {
            if place.is_none() {
                self.problem(line, format!("column {column} is missing; the header is {}", COLUMNS.join(",")));
            }
        }
        (self.problems.len() == before).then(|| places.map(|place| place.unwrap_or(usize::MAX)))
    }

    fn row(&mut self, line: usize, fields: &[&str], columns: [usize; 5]) {
        if fields.len() != COLUMNS.len() {
            return self.problem(line, format!("{} fields where the header has {}", fields.len(), COLUMNS.len()));
        }
        if self.rows.len() >= MOST_ROWS {
            return self.problem(line, format!("more than {MOST_ROWS} rows; split the file"));
        }
        let field = |column: usize| fields.get(columns[column]).copied().unwrap_or("");
        let minute = self.minute(line, field(0));
        let candidate = self.arm(line, "candidate", (field(1), field(2)));
        let baseline = self.arm(line, "baseline", (field(3), field(4)));
        if let (Some(at), Ok(candidate), Ok(baseline)) = (minute, candidate, baseline) {
            self.rows.push(WrittenRow { minute: field(0).into(), row: ReplayRow { at, candidate, baseline } });
        }
    }

    fn minute(&mut self, line: usize, field: &str) -> Option<Timestamp> {
        let Ok(at) = field.parse::<Timestamp>() else {
            self.problem(line, format!("minute {:?} is not an RFC 3339 time such as 2026-12-01T19:00:00Z", shown(field)));
            return None;
        };
        if let Some((last, place)) = self.last.filter(|(last, _)| *last >= at) {
            let how = if last == at { "the same as" } else { "before" };
            self.problem(line, format!("minute {at} is {how} that of line {place}; minutes rise from row to row"));
        }
        self.last = Some((at, line));
        Some(at)
    }

    /// The counts of an arm; `None` is no data.
    fn arm(&mut self, line: usize, arm: &str, (errors, requests): (&str, &str)) -> Result<Option<Counts>, Noted> {
        let errors = self.count(line, (arm, "errors"), errors);
        let requests = self.count(line, (arm, "requests"), requests);
        match (errors?, requests?) {
            (_, None) => Ok(None),
            // Zero requests are a gap whatever stands beside them.
            (_, Some(0)) => Ok(Some(Counts::NONE)),
            (errors, Some(requests)) => {
                let errors = errors.unwrap_or(0);
                if errors > requests {
                    self.problem(line, format!("{arm}_errors {errors} are more than {arm}_requests {requests}"));
                    return Err(Noted);
                }
                Ok(Some(Counts { errors, requests }))
            }
        }
    }

    /// A count; `None` is an empty field.
    fn count(&mut self, line: usize, (arm, kind): (&str, &str), field: &str) -> Result<Option<u64>, Noted> {
        if field.is_empty() {
            return Ok(None);
        }
        let digits = field.bytes().all(|byte| byte.is_ascii_digit());
        let count = field.parse::<u64>().ok().filter(|count| digits && *count <= LARGEST_COUNT);
        if count.is_none() {
            self.problem(line, format!("{arm}_{kind} {:?} is not a whole number from 0 to 10^15", shown(field)));
        }
        count.map(Some).ok_or(Noted)
    }

    fn problem(&mut self, line: usize, message: String) {
        match self.problems.len() {
            MOST_PROBLEMS => {
                let message = format!("more than {MOST_PROBLEMS} problems; the rest is not listed");
                self.problems.push(RowProblem { line, message });
            }
            few if few < MOST_PROBLEMS => self.problems.push(RowProblem { line, message }),
            _ => {}
        }
    }
}

fn unquoted(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map_or(field, str::trim)
}

fn shown(field: &str) -> String {
    field.chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "minute,candidate_errors,candidate_requests,baseline_errors,baseline_requests\n";

    type Pair = Option<(u64, u64)>;

    fn counts(text: &str) -> Vec<(Pair, Pair)> {
        let pair = |counts: Option<Counts>| counts.map(|counts| (counts.errors, counts.requests));
        let rows = read_rows(&format!("{HEADER}{text}")).unwrap();
        rows.iter().map(|written| (pair(written.row.candidate), pair(written.row.baseline))).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let problems = read_rows(text).unwrap_err();
        let found: Vec<_> = problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for ((line, message), (expected_line, part)) in found.iter().zip(expected) {
            assert_eq!(line, expected_line, "{message}");
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    }

    #[test]
    fn missing_is_never_zero_and_zero_errors_may_be_left_out() {
        assert_eq!(counts("2026-12-01T19:00:00Z,1,1000,9,9000\n"), [(Some((1, 1000)), Some((9, 9000)))]);
        assert_eq!(counts("2026-12-01T19:00:00Z,,1000,9,9000\n"), [(Some((0, 1000)), Some((9, 9000)))]);
        assert_eq!(counts("2026-12-01T19:00:00Z,5,,9,9000\n"), [(None, Some((9, 9000)))]);
        assert_eq!(counts("2026-12-01T19:00:00Z,5,0,,\n"), [(Some((0, 0)), None)]);
        assert_eq!(counts("2026-12-01T19:00:00Z,,,,\n"), [(None, None)]);
    }

    #[test]
    fn spreadsheets_may_have_written_it() {
        let text = "\u{feff}baseline_requests,\"minute\", candidate_errors,candidate_requests,baseline_errors\r\n\r\n\
                    9000,\"2026-12-01T11:00:00-08:00\",1, 1000 ,9\r\n";
        let rows = read_rows(text).unwrap();
        assert_eq!(rows[0].minute, "2026-12-01T11:00:00-08:00");
        assert_eq!(rows[0].row.at.to_string(), "2026-12-01T19:00:00Z");
        assert_eq!(rows[0].row.candidate, Some(Counts { errors: 1, requests: 1000 }));
    }

    #[test]
    fn every_problem_is_told_in_one_run_with_its_line() {
        let text = format!(
            "{HEADER}2026-12-01 19:00,1,1000,9,9000\n\n2026-12-01T19:01:00Z,-1,1e3,9.5,NaN\n\
             2026-12-01T19:02:00Z,11,10,9,9000\n2026-12-01T19:02:00Z,1,10,9,9000\n2026-12-01T19:01:00Z,1,10,9,9000\n\
             2026-12-01T19:03:00Z,1,10\n2026-12-01T19:04:00Z,1,99999999999999999999,9,9000\n"
        );
        let expected = [
            (2, "RFC 3339"),
            (4, "candidate_errors \"-1\""),
            (4, "candidate_requests \"1e3\""),
            (4, "baseline_errors \"9.5\""),
            (4, "baseline_requests \"NaN\""),
            (5, "more than candidate_requests 10"),
            (6, "the same as that of line 5"),
            (7, "before that of line 6"),
            (8, "3 fields"),
            (9, "candidate_requests"),
        ];
        check(&text, &expected);
    }

    #[test]
    fn a_header_that_is_not_understood_is_told_once_and_no_row_is_guessed() {
        check("", &[(1, "empty")]);
        check(
            "\n\nminute,errors\n1,2\n",
            &[
                (3, "unknown column \"errors\""),
                (3, "candidate_errors is missing"),
                (3, "candidate_requests"),
                (3, "baseline_errors"),
                (3, "baseline_requests"),
            ],
        );
        check(&HEADER.replace('\n', ",minute\nx\n"), &[(1, "there twice")]);
    }

    #[test]
    fn a_wrong_file_does_not_fill_the_screen() {
        let text = format!("{HEADER}{}", "x\n".repeat(5_000));
        assert_eq!(read_rows(&text).unwrap_err().len(), MOST_PROBLEMS + 1);
    }
}
