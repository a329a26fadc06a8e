//! YAML text -> document trees with places, by the events of the parser.
//!
//! Each document of a file is parsed by itself, so that a syntax error costs one document and never its neighbours.
//! Invariant: whatever the text, memory stays within the limits of [`super::limits`] times a small factor, because nodes,
//! text and aliases are counted before anything is copied.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::hidden::{is_control, is_hidden};
use super::limits::{DEEPEST, LARGEST_TEXT, LONGEST_SCALAR, MOST_ALIASES, MOST_FINDINGS, MOST_NODES};
use super::node::{Entry, Node, Path, Place, Scalar, Segment, Tree};
use super::problem::{Problem, ProblemKind};

/// A document, or why there is none.
#[derive(Debug)]
pub struct Chunk<'t> {
    /// Its text, from its separator on.
    pub text: &'t str,
    /// Line of the file on which the text begins, from 1.
    pub first_line: usize,
    /// The tree; `None`: nothing in it, or an error.
    pub root: Option<Node>,
    /// What is wrong with the writing.
    pub problems: Vec<Problem>,
    /// How many values it holds, aliases resolved.
    pub nodes: usize,
}

/// Splits a file at its document separators and parses each document.
pub fn parse(text: &str) -> impl Iterator<Item = Chunk<'_>> {
    chunks(text).into_iter().map(|(first_line, text)| parse_chunk(first_line, text))
}

/// A line that begins with `---` always separates documents, even inside a block scalar (YAML 1.2.2, section 9.1.2).
fn chunks(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut start_line, mut offset) = (Vec::new(), 0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let separates = line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if separates && offset > start {
            found.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, index + 1);
        }
        offset += line.len();
    }
    found.push((start_line, &text[start..]));
    found.retain(|(_, text)| !is_blank(text));
    found
}

/// Only comments, directives, separators: nothing to read.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim_end();
        line.trim_start().is_empty()
            || line.trim_start().starts_with('#')
            || line.starts_with('%')
            || line == "---"
            || line == "..."
    })
}

fn parse_chunk(first_line: usize, text: &str) -> Chunk<'_> {
    let mut problems = scan(first_line, text);
    if problems.iter().any(|problem| problem.kind.is_fatal()) {
        return Chunk { text, first_line, root: None, problems, nodes: 0 };
    }
    let mut builder = Builder { line_offset: first_line - 1, ..Builder::default() };
    let mut parser = Parser::new_from_str(text);
    let root = builder.read(&mut parser).unwrap_or_else(|problem| {
        builder.problems.push(problem);
        None
    });
    problems.append(&mut builder.problems);
    Chunk { text, first_line, root, problems, nodes: builder.nodes }
}

/// Looks for characters that have no place in a text: one of each line, those that end the reading before the others.
fn scan(first_line: usize, text: &str) -> Vec<Problem> {
    // Nearly every line of nearly every document is of these alone.
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
    if text.bytes().all(plain) {
        return Vec::new();
    }
    let lines = text.split('\n').enumerate().filter(|(_, line)| !line.bytes().all(plain));
    let of_line = |(at, line): (usize, &str)| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut odd = line.chars().enumerate().filter_map(|(column, c)| Some((column, odd(c)?)));
        let first = odd.next()?;
        let (column, kind) = if first.1.is_fatal() { first } else { odd.find(|(_, kind)| kind.is_fatal()).unwrap_or(first) };
        Some(Problem { place: Place { line: first_line + at, column: column + 1 }, kind })
    };
    let mut found: Vec<Problem> = lines.filter_map(of_line).take(MOST_FINDINGS).collect();
    // Another encoding has a NUL on every line.
    let nul = found.iter().position(|problem| problem.kind == ProblemKind::Control('\0'));
    found.truncate(nul.map_or(found.len(), |at| at + 1));
    found
}

fn odd(c: char) -> Option<ProblemKind> {
    match c {
        '\r' => Some(ProblemKind::CarriageReturn),
        c if is_control(c) => Some(ProblemKind::Control(c)),
        c if is_hidden(c) => Some(ProblemKind::Hidden(c)),
        _ => None,
    }
}

/// A collection that is not closed yet.
struct Open {
    anchor: usize,
    place: Place,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    key: Option<Key>,
    seen: BTreeMap<String, Place>,
    /// What merge keys would bring in: refused, but keys that come this way are not missing.
    merged: Vec<Entry>,
}

/// A key that waits for its value.
struct Key {
    text: String,
    place: Place,
    is_merge: bool,
}

/// A node that has a name, with what a copy of it costs.
struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

#[derive(Default)]
struct Builder {
    line_offset: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    bytes: usize,
    aliases: usize,
    root: Option<Node>,
    problems: Vec<Problem>,
}

impl Builder {
    fn read(&mut self, parser: &mut Parser<'_, StrInput<'_>>) -> Result<Option<Node>, Problem> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            self.take(event, span)?;
            // A second root in one chunk needs `...` and a bare document; what follows is not ours to guess.
            if self.root.is_some() && self.open.is_empty() {
                self.expect_end(parser)?;
                break;
            }
        }
        Ok(self.root.take())
    }

    fn expect_end(&self, parser: &mut Parser<'_, StrInput<'_>>) -> Result<(), Problem> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            if !matches!(event, Event::DocumentEnd | Event::StreamEnd | Event::DocumentStart(_) | Event::Nothing) {
                let message = "a second document begins here without a separator".to_owned();
                return Err(Problem { place: self.place(span), kind: ProblemKind::Syntax(message) });
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if text.len() > LONGEST_SCALAR {
                    return Err(too_large(
                        place,
                        format!("has a value of more than {} KiB", LONGEST_SCALAR >> 10),
                        "put it into a file of its own, or split it",
                    ));
                }
                let plain = self.is_plain(style, tag.as_deref(), place);
                self.cost(1, text.len(), place)?;
                // A text that was meant to begin with `!` is all tag: one finding is enough for it.
                let unquoted =
                    tag.as_deref().filter(|tag| text.is_empty() && style == ScalarStyle::Plain && !is_core(tag, "str"));
                let scalar = match unquoted {
                    Some(tag) => Scalar { text: written(tag), plain: false },
                    None => Scalar { text: text.into_owned(), plain },
                };
                self.close(Node { place, tree: Tree::Scalar(scalar) }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref().filter(|tag| !is_core(tag, "seq")), (place, true));
                self.begin(anchor, place, OpenKind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref().filter(|tag| !is_core(tag, "map")), (place, true));
                self.begin(anchor, place, OpenKind::Map(OpenMap::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    /// Whether a scalar may be a number, a boolean or null. `!!str` says that it is not; other tags are refused, and those
    /// of such values then cost no second finding.
    fn is_plain(&mut self, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> bool {
        let Some(tag) = tag else { return style == ScalarStyle::Plain };
        let is_text = is_core(tag, "str");
        self.refuse_tag(Some(tag).filter(|_| !is_text), (place, false));
        !is_text && (style == ScalarStyle::Plain || ["int", "float", "bool", "null"].iter().any(|name| is_core(tag, name)))
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, (place, whole): (Place, bool)) {
        if let Some(tag) = tag {
            self.tell(place, ProblemKind::Tag { tag: written(tag), whole });
        }
    }

    /// A problem that does not stop the reading.
    fn tell(&mut self, place: Place, kind: ProblemKind) {
        if self.problems.len() <= MOST_FINDINGS {
            self.problems.push(Problem { place, kind });
        }
    }

    /// Counts what is about to be kept.
    fn cost(&mut self, nodes: usize, bytes: usize, place: Place) -> Result<(), Problem> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MOST_NODES {
            return Err(too_large(place, format!("has more than {MOST_NODES} values, aliases resolved"), FEWER));
        }
        if self.bytes > LARGEST_TEXT {
            let what = format!("has more than {} MiB of text, aliases resolved", LARGEST_TEXT >> 20);
            return Err(too_large(place, what, FEWER));
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, place: Place, kind: OpenKind) -> Result<(), Problem> {
        self.fits(1, place)?;
        if matches!(self.open.last(), Some(Open { kind: OpenKind::Map(OpenMap { key: None, .. }), .. })) {
            return Err(Problem { place, kind: ProblemKind::Syntax("a key must be a single value".into()) });
        }
        self.cost(1, 0, place)?;
        self.open.push(Open { anchor, place, kind });
        Ok(())
    }

    /// Whether so many levels fit here.
    fn fits(&self, depth: usize, place: Place) -> Result<(), Problem> {
        if self.open.len() + depth > DEEPEST {
            let what = format!("is nested deeper than {DEEPEST} levels");
            return Err(too_large(place, what, "check indentation and brackets; no kind of document needs more than 8 levels"));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let tree = match open.kind {
            OpenKind::List(items) => Tree::List(items),
            OpenKind::Map(map) => Tree::Map(map.close()),
        };
        self.close(Node { place: open.place, tree }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Problem> {
        let Some((nodes, bytes, depth)) = self.anchors.get(&anchor).map(|named| (named.nodes, named.bytes, named.depth)) else {
            let message = "this alias stands inside the very node it names".to_owned();
            return Err(Problem { place, kind: ProblemKind::Syntax(message) });
        };
        self.aliases += 1;
        if self.aliases > MOST_ALIASES {
            return Err(too_large(place, format!("uses more than {MOST_ALIASES} aliases"), FEWER));
        }
        self.fits(depth, place)?;
        self.cost(nodes, bytes, place)?;
        let Some(node) = self.anchors.get(&anchor).map(|named| named.node.clone()) else { return Ok(()) };
        let is_key = matches!(self.open.last(), Some(Open { kind: OpenKind::Map(OpenMap { key: None, .. }), .. }));
        // What is wrong with a value is mended where it is written; a key is looked for where it is used.
        let place = if is_key { place } else { node.place };
        self.close(Node { place, ..node }, 0)
    }

    /// A node is whole: it becomes a key, a value, an item or the root.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        if anchor > 0 {
            let (nodes, bytes, depth) = (node.count(), node.bytes(), node.depth());
            self.cost(nodes, bytes, node.place)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes, depth });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let map = match &mut open.kind {
            OpenKind::List(items) => {
                items.push(node);
                return Ok(());
            }
            OpenKind::Map(map) => map,
        };
        match map.key.take() {
            None => map.key = Some(key_of(node)?),
            Some(key) if key.is_merge => {
                map.merge(node);
                self.tell(key.place, ProblemKind::Merge(self.path(&key.text)));
            }
            Some(key) => {
                let Key { text: key, place, .. } = key;
                if let Some(first) = map.seen.get(&key).copied() {
                    self.tell(place, ProblemKind::Duplicate { path: self.path(&key), key, first });
                } else {
                    map.seen.insert(key.clone(), place);
                    map.entries.push(Entry { key, place, value: node });
                }
            }
        }
        Ok(())
    }

    /// Keys and indices down to a key of the innermost mapping.
    fn path(&self, key: &str) -> Path {
        let segment = |open: &Open| match &open.kind {
            OpenKind::List(items) => Some(Segment::Index(items.len())),
            OpenKind::Map(map) => map.key.as_ref().map(|key| Segment::Key(key.text.clone())),
        };
        Path(self.open.iter().filter_map(segment).collect()).then(key)
    }

    fn place(&self, span: Span) -> Place {
        Place { line: span.start.line() + self.line_offset, column: span.start.col() + 1 }
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let mark = error.marker();
        let place = Place { line: mark.line() + self.line_offset, column: mark.col() + 1 };
        Problem { place, kind: ProblemKind::Syntax(error.info().to_owned()) }
    }
}

impl OpenMap {
    /// Keeps what a merge key names: a mapping, or a list of them.
    fn merge(&mut self, node: Node) {
        match node.tree {
            Tree::Map(entries) => self.merged.extend(entries),
            Tree::List(items) => items.into_iter().for_each(|item| self.merge(item)),
            Tree::Scalar(_) => {}
        }
    }

    /// Own keys come before merged ones, and the first of those before the next.
    fn close(mut self) -> Vec<Entry> {
        for entry in self.merged {
            if self.seen.insert(entry.key.clone(), entry.place).is_none() {
                self.entries.push(entry);
            }
        }
        self.entries
    }
}

/// What helps against most limits.
const FEWER: &str = "split the document, and write values out instead of building aliases upon aliases";

fn too_large(place: Place, what: String, help: &'static str) -> Problem {
    Problem { place, kind: ProblemKind::TooLarge { what, help } }
}

/// A tag as people write it.
fn written(tag: &Tag) -> String {
    if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { format!("{}{}", tag.handle, tag.suffix) }
}

fn is_core(tag: &Tag, name: &str) -> bool {
    tag.is_yaml_core_schema() && tag.suffix == name
}

fn key_of(node: Node) -> Result<Key, Problem> {
    match node.tree {
        Tree::Scalar(scalar) => Ok(Key { is_merge: scalar.plain && scalar.text == "<<", text: scalar.text, place: node.place }),
        Tree::List(_) | Tree::Map(_) => {
            Err(Problem { place: node.place, kind: ProblemKind::Syntax("a key must be a single value".into()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        fn walk(node: &Node, path: &super::super::node::Path, out: &mut Vec<String>) {
            out.push(format!("{path}@{}:{}", node.place.line, node.place.column));
            match &node.tree {
                Tree::Scalar(_) => {}
                Tree::List(items) => items.iter().enumerate().for_each(|(i, item)| walk(item, &path.then(i), out)),
                Tree::Map(entries) => {
                    for entry in entries {
                        out.push(format!("{}:{}", entry.place.line, entry.place.column));
                        walk(&entry.value, &path.then(entry.key.as_str()), out);
                    }
                }
            }
        }
        let mut out = Vec::new();
        for chunk in parse(text) {
            out.extend(chunk.problems.iter().map(|problem| format!("{problem:?}")));
            chunk.root.iter().for_each(|root| walk(root, &super::super::node::Path::default(), &mut out));
        }
        out
    }

    #[test]
    fn places_count_characters_from_one() {
        assert_eq!(
            places("# c\na: é\nb:\n  - {c: 1, d: }\n---\ne: f\n"),
            [
                "@2:1",
                "2:1",
                "a@2:4",
                "3:1",
                "b@4:3",
                "b[0]@4:5",
                "4:6",
                "b[0].c@4:9",
                "4:12",
                "b[0].d@4:13",
                "@6:1",
                "6:1",
                "e@6:4"
            ]
        );
    }
}
