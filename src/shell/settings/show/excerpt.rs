//! The lines around a finding, made safe and cut to a width that a terminal shows, as miette reads sources.
//!
//! Only these lines are given to miette: it would look through the whole file for each. Invariant: the text moves no cursor,
//! and places are those of the file, whatever was cut or written by its name.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::super::hidden::{one_line, visible};

/// Widest line that is shown; a file on one line of a megabyte would bury its own finding.
const WIDEST: usize = 100;

/// What of a wide line is shown before the place itself.
const BEFORE: usize = 40;

/// Some lines of a file.
#[derive(Debug)]
pub struct Excerpt {
    name: String,
    text: String,
    /// Number of its first line, from 0.
    first_line: usize,
    /// The column of the place in the file, from 0.
    column: usize,
    /// The word at the place, as a part of the text.
    pub span: (usize, usize),
}

impl Excerpt {
    /// The line of a place with the ones before and after it; `None` where the file has no such line.
    pub fn new(file: &str, text: &str, (line, column): (usize, usize)) -> Option<Self> {
        let first_line = line.saturating_sub(2);
        let lines: Vec<&str> = text.split('\n').skip(first_line).take(line - first_line + 1).collect();
        let at = line - first_line - 1;
        let marked = Marked::new(lines.get(at)?, column.saturating_sub(1));
        let mut shown: Vec<String> = lines.iter().map(|line| cut(line)).collect();
        let before: usize = shown[..at].iter().map(|line| line.len() + 1).sum();
        let span = (before + marked.word.0, marked.word.1);
        shown[at] = marked.text;
        Some(Self { name: one_line(file), text: shown.join("\n"), first_line, column: column.saturating_sub(1), span })
    }
}

/// The beginning of a line.
fn cut(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.char_indices().nth(WIDEST) {
        None => visible(line),
        Some((end, _)) => visible(&line[..end]) + "...",
    }
}

/// The line of the place, and where in it the word stands.
struct Marked {
    text: String,
    word: (usize, usize),
}

impl Marked {
    fn new(line: &str, column: usize) -> Self {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let offset = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let wide = line.char_indices().nth(WIDEST).is_some();
        let from = if wide { offset(column.saturating_sub(BEFORE)) } else { 0 };
        let to = if wide { offset(column.saturating_sub(BEFORE) + WIDEST) } else { line.len() };
        let place = offset(column);
        let word = word_length(&line[place..to.max(place)]);
        let mut text = if from > 0 { "...".to_owned() } else { String::new() };
        text += &visible(&line[from..place]);
        let start = text.len();
        text += &visible(&line[place..place + word]);
        let length = text.len() - start;
        text += &visible(&line[place + word..to]);
        if to < line.len() {
            text += "...";
        }
        Self { text, word: (start, length) }
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
        matches!(c, ',' | ']' | '}')
            || (*c == ':' && (after.is_empty() || after.starts_with(' ')))
            || (*c == ' ' && after.starts_with('#'))
    };
    let end = rest.char_indices().skip(1).find(ends).map_or(rest.len(), |(at, _)| at);
    rest[..end].trim_end().len()
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let part = self.text.as_str().read_span(span, before, after)?;
        // Without lines around it this is the place itself, which the heading names.
        let column = if before == 0 { self.column } else { part.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            part.data(),
            *part.span(),
            part.line() + self.first_line,
            column,
            part.line_count() + self.first_line,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_found_whatever_was_cut() {
        let long = format!("{}key: [{}]", " ".repeat(10), "é, ".repeat(500));
        for (text, place, word) in [
            ("a: 1\nb: two # c\nc: 3", (2, 4), "two"),
            ("a: \"x, y\"\r\nb: 1\r\n", (1, 4), "\"x, y\""),
            ("a: \u{1b}[2J", (1, 4), "<U+001B>[2J"),
            ("a:", (1, 3), ""),
            ("", (1, 1), ""),
            (&long, (1, 917), "é"),
            (&long, (1, 11), "key"),
        ] {
            let excerpt = Excerpt::new("f", text, place).unwrap();
            assert_eq!(&excerpt.text[excerpt.span.0..excerpt.span.0 + excerpt.span.1], word, "{text:?}");
            assert!(excerpt.text.split('\n').all(|line| line.chars().count() <= WIDEST + 6));
        }
        assert!(Excerpt::new("f", "a: 1\n", (9, 1)).is_none());
    }
}
