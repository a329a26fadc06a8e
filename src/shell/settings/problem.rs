//! What is wrong with the writing of a document, before anybody asks what it says, and how a finding words it.

use super::hidden::{name, one_line, shortened};
use super::limits::{LONGEST_MESSAGE, LONGEST_PATH};
use super::node::{Path, Place};
use super::syntax;
use super::yaml::Chunk;
use crate::shell::data::{Finding, Severity};

/// Stands at the beginning of a file, if at all; the parser refuses it anywhere else.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A problem of the writing itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: ProblemKind,
}

/// What is wrong with the writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// Not YAML.
    Syntax(String),
    /// The same key twice.
    Duplicate {
        /// The key.
        key: String,
        /// Its first place.
        first: Place,
        /// Keys and indices down to it, as in a finding.
        path: Path,
    },
    /// A limit.
    TooLarge {
        /// What the document is or has.
        what: String,
        /// The likely fix.
        help: &'static str,
    },
    /// A tag.
    Tag {
        /// As written.
        tag: String,
        /// Whether it stands before a whole list or mapping, which then is something else.
        whole: bool,
    },
    /// A merge key, with the keys and indices down to it.
    Merge(Path),
    /// A character that YAML forbids.
    Control(char),
    /// A character that hides or turns text.
    Hidden(char),
    /// Lines that end with a carriage return alone.
    CarriageReturn,
}

impl ProblemKind {
    /// Whether the document can still be looked at.
    pub fn is_fatal(&self) -> bool {
        let stops = matches!(
            self,
            Self::Syntax(_) | Self::TooLarge { .. } | Self::Tag { whole: true, .. } | Self::Control(_) | Self::CarriageReturn
        );
        stops || *self == Self::Hidden(BYTE_ORDER_MARK)
    }
}

/// How a finding says it.
struct Words {
    code: &'static str,
    path: String,
    message: String,
    help: String,
}

impl Words {
    fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, path: String::new(), message: message.into(), help: help.into() }
    }
}

/// The problem as a finding.
pub fn finding(file: &str, chunk: &Chunk<'_>, problem: &Problem) -> Finding {
    let (place, words) = match &problem.kind {
        ProblemKind::Syntax(reason) => {
            let told = syntax::tell(chunk, problem.place, reason);
            (told.place, Words::new("TM0102", told.message, told.help))
        }
        other => (problem.place, say(other)),
    };
    Finding {
        file: file.to_owned(),
        line: place.line,
        column: place.column,
        path: shortened(&words.path, LONGEST_PATH),
        code: words.code.into(),
        severity: Severity::Error,
        message: shortened(&one_line(&words.message), LONGEST_MESSAGE),
        help: shortened(&one_line(&words.help), LONGEST_MESSAGE),
    }
}

fn say(kind: &ProblemKind) -> Words {
    match kind {
        ProblemKind::Syntax(reason) => Words::new("TM0102", format!("this is not YAML: {reason}"), "check this line"),
        ProblemKind::Duplicate { key, first, path } => {
            let (key, Place { line, column }) = (shortened(key, 60), first);
            let message = format!("the key `{key}` stands here a second time; the first is at line {line}, column {column}");
            Words { path: path.to_string(), ..Words::new("TM0105", message, "keep one of the two") }
        }
        ProblemKind::TooLarge { what, help } => Words::new("TM0111", format!("the document {what}"), *help),
        ProblemKind::Tag { tag, .. } => tagged(tag),
        ProblemKind::Merge(path) => {
            let help = "write the keys out; merge keys are not part of YAML 1.2";
            Words { path: path.to_string(), ..Words::new("TM0113", "merge keys (`<<`) are not read", help) }
        }
        ProblemKind::Control(c) => control(*c),
        ProblemKind::Hidden(BYTE_ORDER_MARK) => {
            let message = "a byte order mark (U+FEFF) stands inside the file, as it does where two files were joined";
            Words::new("TM0114", message, "delete it; most editors show it only as hex")
        }
        ProblemKind::Hidden(c) => {
            let message = format!(
                "the character {} is not seen, or turns the text around it, so people read something else here",
                name(*c)
            );
            let help = format!("delete it; where it is meant write it as \"{}\" in double quotes", escape(*c));
            Words::new("TM0114", message, help)
        }
        ProblemKind::CarriageReturn => {
            let message = "the line ends with a carriage return alone, and other readers take the file for one line";
            Words::new("TM0114", message, "save the file with line feeds (LF), or CR and LF, at the ends of lines")
        }
    }
}

fn tagged(tag: &str) -> Words {
    let shown = shortened(tag, 60);
    let help = match tag {
        "!!binary" => "write the text itself; no key takes bytes".to_owned(),
        "!!timestamp" => "take the tag out; an instant is written 2026-12-01T11:00:00-08:00[America/Los_Angeles]".to_owned(),
        "!!set" => "write a list: `[a, b]`".to_owned(),
        "!!omap" | "!!pairs" => "write a mapping: `{a: 1, b: 2}`".to_owned(),
        "!!int" | "!!float" | "!!bool" | "!!null" => "take the tag out, and the quotes too if there are any".to_owned(),
        _ if tag.starts_with("!!python") || tag.starts_with("!ruby") || tag.starts_with("!!java") => {
            "take the tag out; a document is data, and nothing in it is ever run".to_owned()
        }
        _ => "take the tag out, or put a text that begins with `!` into quotes".to_owned(),
    };
    Words::new("TM0113", format!("the tag `{shown}` is not read: what a value is follows from its key"), help)
}

fn control(c: char) -> Words {
    let help = match c {
        '\0' => "save the file as UTF-8; a file of UTF-16 has a NUL beside every letter".to_owned(),
        '\u{1b}' => "delete it; it begins a colour or a command to a terminal, as copied output has them".to_owned(),
        _ => format!("delete it; where it is meant write it as \"{}\" in double quotes", escape(c)),
    };
    Words::new("TM0114", format!("the control character {} stands here, and YAML forbids it", name(c)), help)
}

/// As in a double-quoted text of YAML.
fn escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}
