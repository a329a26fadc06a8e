//! A diagnostic with code, place, message and help.

use serde::{Deserialize, Serialize};

/// One problem of one document. Lines and columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file as it was given.
    pub file: String,
    /// Line of the key or value.
    pub line: usize,
    /// Column of the key or value.
    pub column: usize,
    /// Key path from the document's root, such as `rules[0].percnt`; empty for the document itself.
    pub path: String,
    /// Stable code, such as `TM0103`; `tminus explain` tells more.
    pub code: String,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The likely fix.
    pub help: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document is not used.
    Error,
    /// The document is used.
    Warning,
}
