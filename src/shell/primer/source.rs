//! Streams the objects of a source through a bounded channel: NDJSON over HTTP, NDJSON on disk, or URLs.
//!
//! Not here: which of them are fetched. Invariant: memory holds one line and what the channel holds; a source that
//! breaks off is an error, never a shorter list.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::sync::mpsc::Sender;

use super::lines::Splitter;
use super::{PRIME_HEADER, USER_AGENT, manifest};
use crate::core::priming::{Fields, Object};
use crate::shell::spec::PrimingSource;

/// A manifest's server must accept within this.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// And never be silent for longer than this.
const SILENT_AT_MOST: Duration = Duration::from_secs(30);
/// Bytes read from disk at once.
const CHUNK: usize = 64 * 1024;

/// One entry of a source.
#[derive(Debug)]
pub(super) enum Entry {
    Object(Object),
    /// A line that is no object; lines count from 1.
    Unreadable {
        line: u64,
        reason: String,
    },
}

/// What identifies the content of a source, for a conditional look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validator {
    /// The `ETag` and `Last-Modified` of a manifest over HTTP.
    Http {
        /// As sent.
        etag: Option<String>,
        /// As sent.
        last_modified: Option<String>,
    },
    /// Length and modification time of a file.
    File {
        /// In bytes.
        size: u64,
        /// As the file system says.
        modified: Option<Timestamp>,
    },
    /// URLs in the document: they change with it.
    Document,
}

/// Why a source could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file could not be read.
    #[error("{path} could not be read: {error}")]
    File {
        /// As given.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The manifest could not be fetched, or broke off.
    #[error("{url} could not be read to its end: {reason}")]
    Http {
        /// The manifest.
        url: String,
        /// Why.
        reason: String,
    },
    /// Our own failure.
    #[error("the source could not be read: {0}")]
    Internal(String),
}

/// Sends every entry, then returns what identifies the content. Ends early and quietly when nobody listens any more.
pub(super) async fn read(source: PrimingSource, to: Sender<Entry>) -> Result<Validator, SourceError> {
    match source {
        PrimingSource::Manifest(url) => over_http(&url, to).await,
        PrimingSource::File(path) => {
            let task = tokio::task::spawn_blocking(move || from_disk(&path, &to));
            task.await.map_err(|error| SourceError::Internal(error.to_string()))?
        }
        PrimingSource::Urls(urls) => {
            for (line, url) in (1..).zip(urls) {
                let object = Object::new(Fields { url, ..Fields::default() });
                let entry = object.map_or_else(|error| Entry::Unreadable { line, reason: error.to_string() }, Entry::Object);
                if to.send(entry).await.is_err() {
                    break;
                }
            }
            Ok(Validator::Document)
        }
    }
}

/// Whether the source still has the content that was seen. HTTP asks with If-None-Match and If-Modified-Since.
pub async fn is_unchanged(source: &PrimingSource, seen: &Validator) -> Result<bool, SourceError> {
    match (source, seen) {
        (PrimingSource::Manifest(url), Validator::Http { etag, last_modified }) => {
            let mut request = request(url)?;
            if let Some(etag) = etag {
                request = request.header(IF_NONE_MATCH, etag);
            }
            if let Some(last_modified) = last_modified {
                request = request.header(IF_MODIFIED_SINCE, last_modified);
            }
            let response = request.send().await.map_err(|error| http(url, &error))?;
            match response.status() {
                StatusCode::NOT_MODIFIED => Ok(true),
                StatusCode::OK => Ok(etag.is_some() && header(&response, &ETAG) == *etag),
                status => Err(SourceError::Http { url: url.clone(), reason: format!("status {status}") }),
            }
        }
        (PrimingSource::File(path), Validator::File { .. }) => Ok(validator_of(&open(path)?, path)? == *seen),
        (PrimingSource::Urls(_), Validator::Document) => Ok(true),
        _ => Ok(false),
    }
}

async fn over_http(url: &str, to: Sender<Entry>) -> Result<Validator, SourceError> {
    let response = request(url)?.send().await.map_err(|error| http(url, &error))?;
    if response.status() != StatusCode::OK {
        return Err(SourceError::Http { url: url.into(), reason: format!("status {}", response.status()) });
    }
    let validator = Validator::Http { etag: header(&response, &ETAG), last_modified: header(&response, &LAST_MODIFIED) };
    let (mut splitter, mut number) = (Splitter::default(), 0);
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        for line in splitter.push(&chunk.map_err(|error| http(url, &error))?) {
            number += 1;
            if let Some(entry) = entry(number, line)
                && to.send(entry).await.is_err()
            {
                return Ok(validator);
            }
        }
    }
    if let Some(entry) = splitter.finish().and_then(|line| entry(number + 1, line)) {
        // Nobody listens any more: nothing is left to do.
        let _ = to.send(entry).await;
    }
    Ok(validator)
}

fn from_disk(path: &Path, to: &Sender<Entry>) -> Result<Validator, SourceError> {
    let mut file = open(path)?;
    let validator = validator_of(&file, path)?;
    let (mut splitter, mut number, mut chunk) = (Splitter::default(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).map_err(|error| unreadable(path, error))?;
        if read == 0 {
            break;
        }
        for line in splitter.push(&chunk[..read]) {
            number += 1;
            if let Some(entry) = entry(number, line)
                && to.blocking_send(entry).is_err()
            {
                return Ok(validator);
            }
        }
    }
    if let Some(entry) = splitter.finish().and_then(|line| entry(number + 1, line)) {
        // Nobody listens any more: nothing is left to do.
        let _ = to.blocking_send(entry);
    }
    Ok(validator)
}

fn entry(line: u64, text: super::lines::Line) -> Option<Entry> {
    manifest::read(text).map(|read| read.map_or_else(|reason| Entry::Unreadable { line, reason }, Entry::Object))
}

fn request(url: &str) -> Result<RequestBuilder, SourceError> {
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(SILENT_AT_MOST)
        .build();
    Ok(client.map_err(|error| SourceError::Internal(error.to_string()))?.get(url).header(PRIME_HEADER, "1"))
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn http(url: &str, error: &reqwest::Error) -> SourceError {
    SourceError::Http { url: url.into(), reason: super::node::chain(error) }
}

fn open(path: &Path) -> Result<File, SourceError> {
    File::open(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> SourceError {
    SourceError::File { path: path.display().to_string(), error }
}

fn validator_of(file: &File, path: &Path) -> Result<Validator, SourceError> {
    let facts = file.metadata().map_err(|error| unreadable(path, error))?;
    let modified = facts.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    Ok(Validator::File { size: facts.len(), modified })
}
