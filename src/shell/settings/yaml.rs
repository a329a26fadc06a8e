//! YAML text -> document trees with places, by the events of the parser.
//!
//! Each document of a file is parsed by itself, so that a syntax error costs one document and never its neighbours.
//! Invariant: whatever the text, memory stays within [`LARGEST_FILE`] times a small factor and [`MOST_NODES`] nodes.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::node::{Entry, Node, Place, Scalar, Tree};

/// Largest file in bytes. A document for people stays under 100 kB; a file of a thousand generated ones under this.
pub const LARGEST_FILE: usize = 4 << 20;

/// Most nodes of one document, aliases resolved. The largest shipped checklist has under 300; an alias bomb asks for 10^9.
pub const MOST_NODES: usize = 100_000;

/// Deepest nesting. The deepest place in any kind is 7 levels down; the walks over the tree are recursive.
pub const DEEPEST: usize = 32;

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
}

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
    /// The same key twice; where it was first, and the path of the mapping's keys down to it.
    Duplicate {
        /// The key.
        key: String,
        /// Its first place.
        first: Place,
        /// Keys and indices down to it, as in a finding.
        path: super::node::Path,
    },
    /// A limit of this file.
    TooLarge(String),
}

/// Splits a file at its document separators and parses each document.
pub fn parse(text: &str) -> Vec<Chunk<'_>> {
    chunks(text).into_iter().map(|(first_line, text)| parse_chunk(first_line, text)).collect()
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
    let mut builder = Builder { line_offset: first_line - 1, ..Builder::default() };
    let mut parser = Parser::new_from_str(text);
    let root = builder.read(&mut parser).unwrap_or_else(|problem| {
        builder.problems.push(problem);
        None
    });
    Chunk { text, first_line, root, problems: builder.problems }
}

/// A collection that is not closed yet.
struct Open {
    anchor: usize,
    place: Place,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Place)>, seen: BTreeMap<String, Place> },
}

#[derive(Default)]
struct Builder {
    line_offset: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
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
                let message = "a second document begins here without a separator; write `---` before it".to_owned();
                return Err(Problem { place: self.place(span), kind: ProblemKind::Syntax(message) });
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let quoted_by_tag = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let plain = style == ScalarStyle::Plain && !quoted_by_tag;
                let scalar = Tree::Scalar(Scalar { text: text.into_owned(), plain });
                self.close(Node { place, tree: scalar }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, place, OpenKind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.begin(anchor, place, OpenKind::Map { entries: Vec::new(), key: None, seen: BTreeMap::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, place: Place, kind: OpenKind) -> Result<(), Problem> {
        if self.open.len() >= DEEPEST {
            return Err(Problem { place, kind: ProblemKind::TooLarge(format!("nested deeper than {DEEPEST} levels")) });
        }
        if let Some(Open { kind: OpenKind::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(Problem { place, kind: ProblemKind::Syntax("a key must be a single value".into()) });
        }
        self.open.push(Open { anchor, place, kind });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let tree = match open.kind {
            OpenKind::List(items) => Tree::List(items),
            OpenKind::Map { entries, .. } => Tree::Map(entries),
        };
        self.close(Node { place: open.place, tree }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Problem> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias stands inside the very node it names".to_owned();
            return Err(Problem { place, kind: ProblemKind::Syntax(message) });
        };
        self.nodes += node.count();
        if self.open.len() + node.depth() > DEEPEST {
            return Err(Problem { place, kind: ProblemKind::TooLarge(format!("nested deeper than {DEEPEST} levels")) });
        }
        self.close(node, 0)
    }

    /// A node is whole: it becomes a key, a value, an item or the root.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            let message = format!("more than {MOST_NODES} values, aliases resolved");
            return Err(Problem { place: node.place, kind: ProblemKind::TooLarge(message) });
        }
        if anchor > 0 {
            self.nodes += node.count();
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { key: key @ None, .. } => *key = Some(key_of(node)?),
            OpenKind::Map { entries, key, seen } => {
                let Some((key, place)) = key.take() else { return Ok(()) };
                if let Some(first) = seen.get(&key).copied() {
                    self.duplicate(key, place, first);
                } else {
                    seen.insert(key.clone(), place);
                    entries.push(Entry { key, place, value: node });
                }
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, key: String, place: Place, first: Place) {
        let mut segments = Vec::new();
        for open in &self.open {
            match &open.kind {
                OpenKind::List(items) => segments.push(super::node::Segment::Index(items.len())),
                OpenKind::Map { key: Some((key, _)), .. } => segments.push(super::node::Segment::Key(key.clone())),
                OpenKind::Map { key: None, .. } => {}
            }
        }
        let path = super::node::Path(segments).then(key.as_str());
        self.problems.push(Problem { place, kind: ProblemKind::Duplicate { key, first, path } });
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

fn key_of(node: Node) -> Result<(String, Place), Problem> {
    match node.tree {
        Tree::Scalar(scalar) => Ok((scalar.text, node.place)),
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
