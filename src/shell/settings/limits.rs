//! How much a run reads, keeps and says: every limit with the reason for its value.
//!
//! The limits lie far above what people and generators write, and low enough that a hostile folder costs seconds and a few
//! hundred megabytes at most. Each breach is a finding. Invariant: nothing outside this file bounds what documents may
//! ask of memory.

/// Largest file in bytes. A document for people stays under 100 kB; a file of a thousand generated ones under this.
pub const LARGEST_FILE: usize = 4 << 20;

/// Most bytes of all files together. Ten thousand documents of 3 kB are 30 MB; their trees take about eight times the text.
pub const LARGEST_RUN: usize = 48 << 20;

/// Most files. Three hundred documents is a large installation.
pub const MOST_FILES: usize = 10_000;

/// Most folder entries that are looked at, documents or not: a folder of a million logs is not one of documents.
pub const MOST_ENTRIES: usize = 100_000;

/// Deepest folder below a given one. People sort documents by team, app and release: three levels.
pub const DEEPEST_FOLDER: usize = 16;

/// Most documents. A thousand releases with their checklists and policies are under half of it.
pub const MOST_DOCUMENTS: usize = 10_000;

/// Most values of one document, aliases resolved. The largest shipped checklist has under 300; a throttle policy of ten
/// thousand rules 60,000; an alias bomb asks for 10^9.
pub const MOST_NODES: usize = 100_000;

/// Most values of all documents together, at about 300 bytes each in tree, JSON and types.
pub const MOST_NODES_OF_RUN: usize = 1_000_000;

/// Most bytes of text in one document, aliases resolved: what the largest file could hold without any.
pub const LARGEST_TEXT: usize = LARGEST_FILE;

/// Most aliases (`*name`) in one document. By hand people repeat a dozen values.
pub const MOST_ALIASES: usize = 1_000;

/// Most items that releases may ask to be signed, over all releases: each has a hash of its own. A thousand releases with
/// fifty items each are a quarter of it.
pub const MOST_ITEMS_OF_RUN: usize = 200_000;

/// Deepest nesting. The deepest place in any kind is 7 levels down; the walks over the tree are recursive.
pub const DEEPEST: usize = 32;

/// Longest single value or key in bytes. The longest in use are queries of a few kB.
pub const LONGEST_SCALAR: usize = 64 << 10;

/// Most findings of one document. A person mends the first ones and checks again; a hostile file would name a hundred
/// thousand.
pub const MOST_FINDINGS: usize = 200;

/// Most findings of a run. One mistake in a template shows in every document made from it, and each of a thousand is named.
pub const MOST_FINDINGS_OF_RUN: usize = 5_000;

/// Longest message or help in characters: a sentence, and a list of names.
pub const LONGEST_MESSAGE: usize = 1_000;

/// Longest key path in characters; longer ones end with dots.
pub const LONGEST_PATH: usize = 500;

/// Largest adoption curve in bytes: a point a minute for a week is 200 kB.
pub const LARGEST_CURVE: usize = 1 << 20;
