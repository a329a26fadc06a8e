//! A document as it was written: scalars keep their source text, and everything keeps its place.
//!
//! Not here: what a scalar means; that depends on where it stands and is the guide's business.
//! Invariant: keys of a mapping are distinct; a repeated one is a finding before the tree exists.

use std::fmt;

/// A position in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub tree: Tree,
}

/// The three shapes of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// A scalar's source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, without quotes and with escapes resolved.
    pub text: String,
    /// Whether it stands without quotes; only then it may be a number, a boolean or null.
    pub plain: bool,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub value: Node,
}

impl Scalar {
    /// Whether it is `null`: plain, and one of YAML's four spellings or nothing at all.
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// The entry of a mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.tree {
            Tree::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Tree::Scalar(_) | Tree::List(_) => None,
        }
    }

    /// The keys of a mapping, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.tree {
            Tree::Map(entries) => entries.as_slice(),
            Tree::Scalar(_) | Tree::List(_) => &[],
        };
        entries.iter().map(|entry| entry.key.as_str())
    }

    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.tree {
            Tree::Scalar(scalar) => Some(scalar),
            Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// The text of a scalar under a key of a mapping.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.entry(key)?.value.scalar().map(|scalar| scalar.text.as_str())
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// What a person would call its shape.
    pub fn shape(&self) -> &'static str {
        match &self.tree {
            Tree::Scalar(scalar) if scalar.is_null() => "null",
            Tree::Scalar(_) => "a single value",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a mapping",
        }
    }

    /// How many nodes it holds, itself included.
    pub fn count(&self) -> usize {
        match &self.tree {
            Tree::Scalar(_) => 1,
            Tree::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Tree::Map(entries) => 1 + entries.iter().map(|entry| entry.value.count()).sum::<usize>(),
        }
    }

    /// How many bytes of text it holds.
    pub fn bytes(&self) -> usize {
        match &self.tree {
            Tree::Scalar(scalar) => scalar.text.len(),
            Tree::List(items) => items.iter().map(Node::bytes).sum(),
            Tree::Map(entries) => entries.iter().map(|entry| entry.key.len() + entry.value.bytes()).sum(),
        }
    }

    /// How many levels it has, itself included.
    pub fn depth(&self) -> usize {
        1 + match &self.tree {
            Tree::Scalar(_) => 0,
            Tree::List(items) => items.iter().map(Node::depth).max().unwrap_or(0),
            Tree::Map(entries) => entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
        }
    }

    /// Where a value under `path` stands: its own place, or its key's when nothing is written; the nearest ancestor
    /// when the path goes on beyond what is written (a default).
    pub fn place_of(&self, path: &Path) -> Place {
        let (mut node, mut place) = (self, self.place);
        for segment in &path.0 {
            let Some((key_place, value)) = node.child(segment) else { break };
            node = value;
            place = if value.scalar().is_some_and(|scalar| scalar.plain && scalar.text.is_empty()) {
                key_place.unwrap_or(value.place)
            } else {
                value.place
            };
        }
        place
    }

    /// Where the last key of `path` stands; for a list's item the item itself.
    pub fn key_place_of(&self, path: &Path) -> Place {
        let Some((last, parents)) = path.0.split_last() else { return self.place };
        let parent = parents.iter().try_fold(self, |node, segment| node.child(segment).map(|(_, value)| value));
        match parent.and_then(|parent| parent.child(last)) {
            Some((Some(key), _)) => key,
            Some((None, value)) => value.place,
            None => self.place_of(path),
        }
    }

    fn child(&self, segment: &Segment) -> Option<(Option<Place>, &Node)> {
        match (&self.tree, segment) {
            (Tree::Map(_), Segment::Key(key)) => self.entry(key).map(|entry| (Some(entry.place), &entry.value)),
            (Tree::List(items), Segment::Index(index)) => items.get(*index).map(|item| (None, item)),
            _ => None,
        }
    }
}

/// A step from a node to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Into a mapping.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A way from a document's root to a value; written `rules[0].percnt`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// One step further.
    #[must_use]
    pub fn then(&self, segment: impl Into<Segment>) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.into());
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => write!(f, "{}{key}", if at == 0 { "" } else { "." })?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Builds a [`Path`] from keys and indices: `way!["rules", 0, "percent"]`.
macro_rules! way {
    ($($segment:expr),* $(,)?) => {
        $crate::shell::settings::node::Path(vec![$($crate::shell::settings::node::Segment::from($segment)),*])
    };
}
pub(crate) use way;

#[cfg(test)]
mod tests {

    #[test]
    fn paths_read_like_code() {
        for (path, text) in [
            (way![], ""),
            (way!["rules", 0, "percnt"], "rules[0].percnt"),
            (way!["queries", "a.b", "promql"], "queries[\"a.b\"].promql"),
            (way!["variants", 1, "accept-encoding"], "variants[1].accept-encoding"),
        ] {
            assert_eq!(path.to_string(), text);
        }
    }
}
