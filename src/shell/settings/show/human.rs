//! Findings for people: the line, an underline, what is wrong and the likely fix.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::shell::settings::{Finding, Loaded, Severity};

/// Longest line that is shown; a file on one line of a megabyte would bury its own finding.
const LONGEST_LINE: usize = 400;

/// Most findings that are shown with their lines; the rest is a line each. Rendering one looks through its whole file.
const MOST_SHOWN: usize = 100;

/// All findings with their lines.
pub fn human(loaded: &Loaded) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode()).with_links(false).with_context_lines(1).with_width(120);
    let mut text = String::new();
    for (at, finding) in loaded.findings.iter().enumerate() {
        if at >= MOST_SHOWN {
            let Finding { file, line, column, code, message, .. } = finding;
            text.push_str(&harmless(&format!("{file}:{line}:{column}: {code}: {message}\n")));
            continue;
        }
        let source = loaded.sources.iter().find(|source| source.file == finding.file).map(|source| source.text.as_str());
        let shown = Shown::new(finding, source);
        if handler.render_report(&mut text, &shown).is_err() {
            text.push_str(&harmless(&format!("{}:{}:{}: {}", finding.file, finding.line, finding.column, finding.message)));
        }
        text.push('\n');
    }
    text
}

/// `2 errors and 1 warning in 3 files`.
pub fn counted(loaded: &Loaded) -> String {
    let count = |severity| loaded.findings.iter().filter(|finding| finding.severity == severity).count();
    let number = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let place = format!("{} in {}", number(loaded.documents_read, "document"), number(loaded.sources.len(), "file"));
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) if loaded.documents_read == 0 => format!("{place}: nothing was checked"),
        (0, 0) => format!("{place}: nothing to complain of"),
        (errors, 0) => format!("{place}: {}", number(errors, "error")),
        (0, warnings) => format!("{place}: {}", number(warnings, "warning")),
        (errors, warnings) => format!("{place}: {} and {}", number(errors, "error"), number(warnings, "warning")),
    }
}

/// Without what moves the cursor or turns the direction of a terminal; every character keeps its length in bytes, so that
/// places in the text stay where they are.
fn harmless(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let harmless = |c: char| match (c, c.len_utf8()) {
        ('\n' | '\t' | '\r', _) => c,
        (c, 1) if c.is_control() => '?',
        (c, 2) if c.is_control() => '¿',
        (c, 3) if turns(c) => '\u{fffd}',
        _ => c,
    };
    text.chars().map(harmless).collect()
}

/// A finding as miette wants it.
#[derive(Debug)]
struct Shown<'f> {
    finding: &'f Finding,
    source: Option<NamedSource<String>>,
    span: (usize, usize),
}

impl<'f> Shown<'f> {
    /// The span goes to the end of the word there: that is what the finding is about.
    fn new(finding: &'f Finding, text: Option<&str>) -> Self {
        let line = text.and_then(|text| Some((text, line_start(text, finding.line)?)));
        let Some((text, start)) = line else { return Self { finding, source: None, span: (0, 0) } };
        let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let line = &text[start..end];
        let offset = line.char_indices().nth(finding.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        let length = word_length(&line[offset..]);
        let fits = line.len() <= LONGEST_LINE;
        let source = fits.then(|| NamedSource::new(harmless(&finding.file), harmless(text)));
        Self { finding, source, span: (start + offset, length) }
    }
}

fn line_start(text: &str, line: usize) -> Option<usize> {
    match line.checked_sub(2) {
        None => Some(0),
        Some(before) => text.match_indices('\n').nth(before).map(|(at, _)| at + 1),
    }
}

/// A quoted text, or up to what ends a plain one.
fn word_length(rest: &str) -> usize {
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
    if let Some(end) = quote.and_then(|quote| rest[1..].find(quote)) {
        return end + 2;
    }
    let ends = |(at, c): &(usize, char)| {
        let after = &rest[at + c.len_utf8()..];
        matches!(c, ',' | ']' | '}' | '\n' | '\r')
            || (*c == ':' && (after.is_empty() || after.starts_with(' ')))
            || (*c == ' ' && after.starts_with('#'))
    };
    let end = rest.char_indices().skip(1).find(ends).map_or(rest.len(), |(at, _)| at);
    rest[..end].trim_end().len()
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { file, line, column, message, .. } = self.finding;
        // Without the snippet the place would be lost.
        if self.source.is_none() {
            write!(f, "{}:{line}:{column}: {}", harmless(file), harmless(message))
        } else {
            write!(f, "{}", harmless(message))
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(harmless(&self.finding.help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.finding.path.is_empty()).then(|| harmless(&self.finding.path));
        Some(Box::new(std::iter::once(LabeledSpan::new(label, self.span.0, self.span.1))))
    }
}
