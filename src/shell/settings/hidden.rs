//! Characters that a reader does not see, or that change what a reader sees: control characters, and those that hide or
//! turn the text around them.
//!
//! A terminal would obey the first, a reviewer would be misled by the second (CVE-2021-42574): documents may hold neither
//! as they are, and no finding prints them. Invariant: what [`visible`] gives moves no cursor and turns no text.

use std::fmt::Write as _;

/// Whether YAML itself forbids it unescaped (YAML 1.2.2, section 5.1); NEL is a line end to some readers and not to others.
pub fn is_control(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Whether it hides, or turns the direction of text. Joiners and directional marks (U+200C to U+200F, U+061C) are not among
/// them: words of several languages are not written without.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What no finding prints, joiners and marks included: a place is counted in characters that are seen.
fn is_shown_by_name(c: char) -> bool {
    c != '\n'
        && c != '\t'
        && (c.is_control() || is_control(c) || is_hidden(c) || matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}'))
}

/// `U+202E`.
pub fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// The text with such characters by their names: `<U+001B>`. Line ends and tabs stay.
pub fn visible(text: &str) -> String {
    if !text.contains(is_shown_by_name) {
        return text.to_owned();
    }
    let show = |c: char| if is_shown_by_name(c) { format!("<{}>", name(c)) } else { c.to_string() };
    text.chars().map(show).collect()
}

/// As [`visible`], with line ends and tabs by their names too: for what is printed as a line of its own, or within one.
pub fn one_line(text: &str) -> String {
    let ends = |c| matches!(c, '\n' | '\t');
    visible(text).split_inclusive(ends).fold(String::new(), |line, part| match part.strip_suffix(ends) {
        Some(before) => line + before + if part.ends_with('\n') { "<U+000A>" } else { "<U+0009>" },
        None => line + part,
    })
}

/// JSON with such characters as escapes; a parser reads the same value.
pub fn json(text: &str) -> String {
    escaped(text, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// YAML with its texts in double quotes, with such characters as escapes. It has no halves of pairs as JSON has.
pub fn yaml(text: &str) -> String {
    escaped(text, |c, out| {
        let _ = write!(out, "\\U{:08x}", u32::from(c));
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown_by_name(c) {
            escape(c, &mut out);
        } else {
            out.push(c);
        }
    }
    out
}

/// At most so many characters, with dots where something was left out.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_a_cursor_or_turns_text() {
        for (text, expected) in [
            ("plain é ok\t\n", "plain é ok\t\n"),
            ("\u{1b}[2J", "<U+001B>[2J"),
            ("a\rb", "a<U+000D>b"),
            ("\u{9b}1A", "<U+009B>1A"),
            ("x\u{202e}y\u{2066}z", "x<U+202E>y<U+2066>z"),
            ("a\u{200b}b\u{e0041}", "a<U+200B>b<U+E0041>"),
            ("\0", "<U+0000>"),
        ] {
            assert_eq!(visible(text), expected);
        }
        assert_eq!(one_line("a\n::b\tc\r"), "a<U+000A>::b<U+0009>c<U+000D>");
        let quoted = "\"\u{202e}\u{e0041}\"";
        assert_eq!((json(quoted), yaml(quoted)), ("\"\\u202e\\udb40\\udc41\"".into(), "\"\\U0000202e\\U000e0041\"".into()));
        assert_eq!(serde_json::from_str::<String>(&json(quoted)).unwrap(), "\u{202e}\u{e0041}");
        assert_eq!((shortened("äöü", 2).as_str(), shortened("äö", 2).as_str()), ("äö...", "äö"));
    }
}
