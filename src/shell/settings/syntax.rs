//! What the YAML parser complains of -> what a person did, where.
//!
//! The parser stops where it can go no further, which may be lines after the mistake; this looks back for the cause.

use super::node::Place;
use super::yaml::Chunk;

/// A syntax error for people.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Where the cause most likely is.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// The likely fix.
    pub help: String,
}

/// Finds the most likely cause.
pub fn tell(chunk: &Chunk<'_>, place: Place, reason: &str) -> Told {
    let seen = Scene { chunk, place };
    seen.tab()
        .or_else(|| seen.open_bracket(reason))
        .or_else(|| seen.open_quote(reason))
        .or_else(|| seen.missing_colon(reason))
        .unwrap_or_else(|| Told { place, message: format!("this is not YAML: {reason}"), help: general(reason).into() })
}

fn general(reason: &str) -> &'static str {
    if reason.contains("mapping values are not allowed") {
        "put a text that contains `: ` into quotes, and check the indentation"
    } else if reason.contains("indentation") || reason.contains("'-' indicator") || reason.contains("block collection") {
        "indent it like its neighbours, with spaces"
    } else if reason.contains("anchor") || reason.contains("alias") {
        "define the anchor with `&name` before `*name` uses it, or put a text that begins with `*` or `&` into quotes"
    } else if reason.contains("a key must be") {
        "write one word or text before the colon"
    } else if reason.contains("escape") {
        "use single quotes for text with backslashes"
    } else if reason.contains("cannot start") || reason.contains("unexpected character") {
        "put a text that begins with a special character into quotes"
    } else {
        "check indentation, colons, quotes and brackets on this line and the one before it"
    }
}

struct Scene<'c> {
    chunk: &'c Chunk<'c>,
    place: Place,
}

impl Scene<'_> {
    /// Lines up to the one where the parser stopped, with their numbers, the last first.
    fn lines_back(&self) -> impl Iterator<Item = (usize, &str)> {
        let count = (self.place.line + 1).saturating_sub(self.chunk.first_line);
        let lines: Vec<_> = self.chunk.text.lines().take(count).collect();
        let first = self.chunk.first_line;
        lines.into_iter().enumerate().map(move |(at, line)| (first + at, line)).rev()
    }

    /// A tab among the leading white space, on the line where the parser stopped or next to it.
    fn tab(&self) -> Option<Told> {
        let nth = (self.place.line + 1).saturating_sub(self.chunk.first_line);
        let around = (nth.saturating_sub(2)..=nth).filter_map(|at| self.chunk.text.lines().nth(at).map(|text| (at, text)));
        let (at, text) = around.into_iter().find(|(_, text)| indentation(text).contains('\t') && !text.trim().is_empty())?;
        let column = indentation(text).chars().position(|c| c == '\t')? + 1;
        Some(Told {
            place: Place { line: self.chunk.first_line + at, column },
            message: "a tab stands in the indentation, and YAML indents with spaces alone".into(),
            help: "replace the tab by spaces".into(),
        })
    }

    /// The innermost bracket that is open where the parser stopped.
    fn open_bracket(&self, reason: &str) -> Option<Told> {
        let flow = [
            "flow sequence",
            "flow mapping",
            "flow construct",
            "misplaced bracket",
            "unexpected eof",
            "simple key",
            "illegal placement",
            "did not find expected",
        ];
        if !flow.iter().any(|part| reason.contains(part)) {
            return None;
        }
        let (place, bracket) = self.brackets()?;
        let closing = if bracket == '[' { ']' } else { '}' };
        Some(Told {
            place,
            message: format!("the bracket `{bracket}` that opens here is not closed, or a comma is missing after it"),
            help: format!("add the `{closing}`, and commas between the entries"),
        })
    }

    fn brackets(&self) -> Option<(Place, char)> {
        let mut open = Vec::new();
        let (mut quote, mut before) = (None, ' ');
        let lines: Vec<_> = self.lines_back().collect();
        for (line, text) in lines.into_iter().rev() {
            for (at, c) in text.chars().enumerate() {
                let column = at + 1;
                if line == self.place.line && column >= self.place.column {
                    return open.pop();
                }
                let begins = before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':');
                match (quote, c) {
                    (Some(mark), _) => quote = (mark != c).then_some(mark),
                    (None, '#') if before.is_whitespace() => break,
                    (None, '"' | '\'') if begins => quote = Some(c),
                    (None, '[' | '{') if begins || before == '-' => open.push((Place { line, column }, c)),
                    (None, ']' | '}') => drop(open.pop()),
                    _ => {}
                }
                before = c;
            }
            before = ' ';
        }
        open.pop()
    }

    fn open_quote(&self, reason: &str) -> Option<Told> {
        if !reason.contains("quoted scalar") {
            return None;
        }
        let ends = reason.contains("unexpected end of stream")
            || reason.contains("document indicator")
            || reason.contains("indentation");
        ends.then(|| Told { place: self.place, message: "a quote is not closed".into(), help: "add the closing quote".into() })
    }

    /// A line that is no `key: value`, where the parser waited for the colon.
    fn missing_colon(&self, reason: &str) -> Option<Told> {
        let waited = [
            "simple key",
            "mapping values are not allowed",
            "did not find expected key",
            "did not find expected <document start>",
        ];
        if !waited.iter().any(|part| reason.contains(part)) {
            return None;
        }
        let is_key = |text: &str| text.contains(": ") || text.trim_end().ends_with(':');
        let (line, text) = self.lines_back().take(3).find(|(_, text)| {
            let bare = text.trim_start();
            !bare.is_empty() && !bare.starts_with('#') && !bare.starts_with("---") && !is_key(text)
        })?;
        let bare = text.trim_start().trim_start_matches("- ");
        let start = text.chars().count() - bare.chars().count();
        let word = bare.split([' ', ':']).next().unwrap_or_default();
        let glued = bare.split_once(':').filter(|(key, value)| !key.contains(' ') && !value.starts_with(' '));
        let help = match glued {
            Some((key, value)) => format!("write a space after the colon: `{key}: {value}`"),
            None => format!("write `{word}: ...`"),
        };
        let message = format!("a colon, or the space after it, is missing behind `{word}`");
        Some(Told { place: Place { line, column: start + 1 }, message, help })
    }
}

fn indentation(text: &str) -> &str {
    &text[..text.len() - text.trim_start().len()]
}
