//! What the YAML parser complains of -> what a person did, where.
//!
//! The parser stops where it can go no further, which may be lines after the mistake; this looks back for the cause.

use super::hidden::shortened;
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
        .or_else(|| seen.colon_in_text(reason))
        .or_else(|| seen.anchor(reason))
        .or_else(|| seen.first_letter(reason))
        .unwrap_or_else(|| plainly(place, reason))
}

/// What the parser says, in words, and what usually is behind it.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "a key must be a single value",
        "a key is one word or text, and here a list or mapping stands for it",
        "write one word before the colon",
    ),
    (
        "this alias stands inside the very node",
        "this alias stands inside the very value it names, so it would have no end",
        "write out what is meant here",
    ),
    ("a second document begins here", "a second document begins here without a separator", "write `---` on a line before it"),
    (
        "mapping values are not allowed",
        "this line is indented deeper than the one above it, which has a value already",
        "indent it like its neighbours",
    ),
    (
        "did not find expected '-' indicator",
        "a list goes on here, and this line neither begins with `- ` nor belongs to the item above it",
        "begin it with `- `, or indent it like the item or key that it belongs to",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin it on a line of its own, below its key, or put a text that begins with `-` into quotes",
    ),
    ("escape", "a backslash in double quotes begins an escape, and this is none", "use single quotes for text with backslashes"),
    (
        "did not find expected key",
        "this line does not belong to the mapping above it: it is indented by another number of spaces",
        "indent it like its neighbours, with spaces",
    ),
    ("invalid indentation", "this line is indented too little for what it goes on with", "indent it deeper than its key"),
    (
        "wrongly indented line in block scalar",
        "this line is indented less than the text it belongs to",
        "indent the whole text alike",
    ),
    (
        "block scalar, did not find expected comment or line break",
        "after `|` or `>` the text begins on the next line",
        "move it to a line of its own, indented, or put it into quotes instead",
    ),
    (
        "explicit document end marker before directive",
        "the line begins with `%`, as a directive of YAML does, and those stand before a document",
        "take it out, or put a text that begins with `%` into quotes",
    ),
    ("misplaced bracket", "this bracket closes none that is open", "take it out, or add the one that opens"),
    (
        "document end marker",
        "something stands behind the `...` that ends a document",
        "write it on a line of its own, below a `---`",
    ),
    ("incompatible YAML document", "the directive asks for a version of YAML that there is not", "take the `%YAML` line out"),
    ("directive", "the line begins with `%`, as a directive of YAML does", "put a text that begins with `%` into quotes"),
    (
        "comments must be separated",
        "a comment begins after white space",
        "write a space before the `#`, or put a text with `#` into quotes",
    ),
    ("invalid trailing content", "something stands behind the closing quote", "put the whole text into one pair of quotes"),
    ("recursion limit", "the document is nested too deeply", "check that brackets are closed"),
    ("tag", "a text that begins with `!` is read as a tag", "put it into quotes"),
    ("handle wasn't declared", "a text that begins with `!` is read as a tag", "put it into quotes"),
];

fn plainly(place: Place, reason: &str) -> Told {
    let known = REASONS.iter().find(|(part, ..)| reason.contains(part));
    let (message, help) = known.map_or_else(
        || {
            (
                format!("this is not YAML: {reason}"),
                "check indentation, colons, quotes and brackets on this line and the one before it",
            )
        },
        |(_, message, help)| ((*message).to_owned(), help),
    );
    Told { place, message, help: help.to_owned() }
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

    /// A text with a colon in it: a second `: ` on the line.
    fn colon_in_text(&self, reason: &str) -> Option<Told> {
        if !reason.contains("mapping values are not allowed") {
            return None;
        }
        let (line, text) = self.lines_back().next()?;
        let (key, value) = text.split_once(": ")?;
        let value = value.trim_end();
        if !value.contains(": ") && !value.ends_with(':') || value.starts_with(['"', '\'', '[', '{']) {
            return None;
        }
        let quoted = if value.contains('"') { format!("'{value}'") } else { format!("\"{value}\"") };
        Some(Told {
            place: Place { line, column: key.chars().count() + 3 },
            message: "a text with `: ` in it needs quotes".into(),
            help: format!("write `{}: {}`", key.trim_start().trim_start_matches("- "), shortened(&quoted, 80)),
        })
    }

    /// An alias without its anchor.
    fn anchor(&self, reason: &str) -> Option<Told> {
        if !reason.contains("unknown anchor") {
            return None;
        }
        let (_, text) = self.lines_back().next()?;
        let at: String = text.chars().skip(self.place.column.saturating_sub(1)).collect();
        let name = at.trim_start_matches('*').split([' ', ',', ']', '}', ':']).next().unwrap_or_default();
        let name = shortened(name, 40);
        Some(Told {
            place: self.place,
            message: format!("`*{name}` is an alias, and no `&{name}` stands before it in this document"),
            help: "define the anchor before it, in this document; or put a text that begins with `*` into quotes".into(),
        })
    }

    /// A text that begins with a letter of YAML's own.
    fn first_letter(&self, reason: &str) -> Option<Told> {
        if !reason.contains("cannot start")
            && !reason.contains("unexpected character")
            && !reason.contains("alphabetic or numeric")
        {
            return None;
        }
        let (_, text) = self.lines_back().next()?;
        let letter = text.chars().nth(self.place.column.saturating_sub(1)).filter(|c| !c.is_whitespace())?;
        Some(Told {
            place: self.place,
            message: format!("a text cannot begin with `{letter}` outside quotes"),
            help: "put the text into quotes".into(),
        })
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
