//! `tminus lab edge`: what it is told on the command line, and a node that serves by it.
//!
//! It joins the parts and decides nothing of its own.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;

use super::counts::Ledger;
use super::node::Node;
use super::push::Push;
use super::store::Store;
use super::upstream::Upstream;
use crate::core::words::{Name, parse_duration};
use crate::lab::{leash, server};
use crate::shell::clock;

/// `tminus lab edge`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where it listens.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Its name, in Cache-Status and in the counts; letters, digits, dash.
    #[arg(long, value_parser = token)]
    pub name: Name,
    /// The group's targets file; looked at ten times a second.
    #[arg(long)]
    pub targets: PathBuf,
    /// Requests to origins at once.
    #[arg(long, default_value_t = 16)]
    pub fetches: usize,
    /// Requests that may wait for one of them; one more is answered 503.
    #[arg(long, default_value_t = 64)]
    pub queue: usize,
    /// Most bytes it keeps.
    #[arg(long, default_value_t = 256 << 20)]
    pub store_bytes: usize,
    /// The daemon's control listener, such as http://127.0.0.1:8017; without it no counts are pushed.
    #[arg(long, requires = "source")]
    pub control: Option<String>,
    /// The MetricsSource document that takes the counts.
    #[arg(long, value_parser = Name::new)]
    pub source: Option<Name>,
    /// The token for the control listener.
    #[arg(long, env = "TMINUS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// How long one period of counts is.
    #[arg(long, default_value = "1s", value_parser = parse_duration)]
    pub period: Duration,
    /// The demo's leash; without one it runs until SIGTERM.
    #[arg(long)]
    pub leash: Option<SocketAddr>,
}

/// Serves until SIGTERM or the end of the leash.
pub async fn run(options: Options) -> io::Result<()> {
    options.leash.map(leash::follow).transpose()?;
    let push = push(&options)?;
    let listener = server::listen(options.listen).await?;
    let upstream = Arc::new(Upstream::new(options.fetches, options.queue));
    let ledger = Arc::new(Ledger::new(options.name.clone(), options.period, clock::now()));
    let store = Store::new(options.store_bytes);
    let node = Arc::new(Node::new(options.name.as_str().into(), store, upstream.clone(), ledger.clone()));
    tokio::spawn(upstream.follow(options.targets));
    if let Some(push) = push {
        tokio::spawn(push.run(ledger));
    }
    server::serve(listener, move |request| node.clone().answer(request)).await;
    Ok(())
}

fn push(options: &Options) -> io::Result<Option<Push>> {
    let (Some(control), Some(source)) = (&options.control, &options.source) else { return Ok(None) };
    let uri: Uri = format!("{}/api/v1/gates/counts/{source}", control.trim_end_matches('/'))
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, format!("{control} is no URL: {error}")))?;
    Ok(Some(Push { uri, token: options.token.clone() }))
}

/// A token of RFC 8941, since that is how Cache-Status names caches; a subset that needs no quotes.
fn token(text: &str) -> Result<Name, String> {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let refused = || format!("a node's name is letters, digits and dashes, the first a letter, not {text:?}");
    Some(text).filter(|_| plain).and_then(|text| Name::new(text).ok()).ok_or_else(refused)
}
