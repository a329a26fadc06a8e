//! The way to the daemon: address, token, requests, and errors that say what to do.
//!
//! Invariant: the token is never printed and never part of a URL; redirects are not followed, so it goes nowhere else.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::shell::control::Problem;

/// Where the daemon is, and who asks.
#[derive(Clone, Debug, Args)]
pub struct Server {
    /// Address of the daemon's control listener
    #[arg(long, env = "TMINUS_SERVER", default_value = "http://127.0.0.1:8017", value_name = "URL")]
    pub server: String,
    /// File with the token; the variable TMINUS_TOKEN is used without it
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// Why a request did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error(
        "the daemon does not answer at {0} ({1}); start it with `tminus serve`, or name its address with --server or TMINUS_SERVER"
    )]
    Absent(String, String),
    /// The daemon says no.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// Somebody answers who is not the daemon.
    #[error("{0} answers {1}, but not as a tminus daemon does; look at --server or TMINUS_SERVER")]
    Foreign(String, StatusCode),
    /// The address or the token cannot be used.
    #[error("{0}")]
    Setting(String),
}

/// A client of one daemon.
pub struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<String>,
}

/// A connection on this machine or a network near it is up in a second or not at all.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// The daemon answers within 20 s or says that it could not.
const ANSWER_TIME: Duration = Duration::from_secs(30);

impl Server {
    /// Reads the token and makes a client.
    pub fn client(&self) -> Result<Client, ClientError> {
        let wrong = |why: String| ClientError::Setting(format!("--server {}: {why}", self.server));
        let server = Url::parse(&self.server).map_err(|error| wrong(error.to_string()))?;
        if !matches!(server.scheme(), "http" | "https") || server.cannot_be_a_base() {
            return Err(wrong("an address is http://HOST:PORT or https://HOST:PORT".into()));
        }
        let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIME).timeout(ANSWER_TIME).no_proxy();
        let http = builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| wrong(error.to_string()))?;
        Ok(Client { http, server, token: self.token()? })
    }

    fn token(&self) -> Result<Option<String>, ClientError> {
        let Some(file) = &self.token_file else { return Ok(token_variable()) };
        let unreadable = |error: std::io::Error| ClientError::Setting(format!("--token-file {}: {error}", file.display()));
        let token = std::fs::read_to_string(file).map_err(unreadable)?.trim().to_owned();
        if token.is_empty() || token.chars().any(char::is_control) {
            return Err(ClientError::Setting(format!("--token-file {}: a token is one line of text", file.display())));
        }
        Ok(Some(token))
    }
}

/// As an argument a token would stand in the list of processes, so clap does not read this one.
#[expect(clippy::disallowed_methods, reason = "the one reader of TMINUS_TOKEN, which must not be a flag")]
fn token_variable() -> Option<String> {
    std::env::var("TMINUS_TOKEN").ok().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty())
}

impl Client {
    /// Reads something.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, ClientError> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Changes something, with a JSON body.
    pub async fn put<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> Result<T, ClientError> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// Asks what a change would do: the same request, with `dry_run`.
    pub async fn preview<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> Result<T, ClientError> {
        let mut url = self.url(path);
        url.query_pairs_mut().append_pair("dry_run", "true");
        self.send(self.signed(self.http.request(Method::PUT, url)).json(body)).await
    }

    /// Takes something away; `query` says which part.
    pub async fn delete<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, ClientError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.signed(self.http.request(Method::DELETE, url))).await
    }

    /// A request to `/api/v1/...`.
    pub fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.signed(self.http.request(method, self.url(path)))
    }

    /// Every part of the path is one segment, whatever is in it.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let server = self.server.as_str().trim_end_matches('/').to_owned();
        let absent = |error: reqwest::Error| ClientError::Absent(server.clone(), root_cause(&error));
        let response = request.send().await.map_err(absent)?;
        let status = response.status();
        let body = response.bytes().await.map_err(absent)?;
        let foreign = |_| ClientError::Foreign(server.clone(), status);
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(foreign);
        }
        let problem: Problem = serde_json::from_slice(&body).map_err(foreign)?;
        Err(ClientError::Refused(Box::new(problem)))
    }
}

/// The innermost cause: `Connection refused` says more than `error sending request`.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
