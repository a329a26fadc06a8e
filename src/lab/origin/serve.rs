//! `tminus lab origin`: what it is told on the command line, and a server that ends as a group wants it to.
//!
//! Invariant: after SIGTERM nothing is accepted, and what was admitted is answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::answers::Origin;
use super::slots::Slots;
use crate::core::words::parse_duration;
use crate::lab::{leash, server};

/// How long requests in hand may take after SIGTERM; the group has drained it before, so little is left.
const FINISH_WITHIN: Duration = Duration::from_secs(3);

/// How often it looks whether they are finished.
const GRAIN: Duration = Duration::from_millis(10);

/// `tminus lab origin`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where it listens.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Requests worked on at once.
    #[arg(long, default_value_t = 4)]
    pub slots: usize,
    /// How long one takes.
    #[arg(long, default_value = "0.05s", value_parser = parse_duration)]
    pub service_time: Duration,
    /// Requests that may wait for a slot; one more is answered 503.
    #[arg(long, default_value_t = 40)]
    pub queue: usize,
    /// Objects of the catalogue.
    #[arg(long, default_value_t = 1_000)]
    pub objects: u32,
    /// How long caches may keep content.
    #[arg(long, default_value = "1h", value_parser = parse_duration)]
    pub max_age: Duration,
    /// Offer gzip, with `Vary: Accept-Encoding`.
    #[arg(long)]
    pub gzip: bool,
    /// The demo's leash; without one it runs until SIGTERM.
    #[arg(long)]
    pub leash: Option<SocketAddr>,
}

/// Serves until SIGTERM or the end of the leash.
pub async fn run(options: Options) -> io::Result<()> {
    options.leash.map(leash::follow).transpose()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = server::listen(options.listen).await?;
    let origin = Arc::new(Origin::new(Slots::new(options.slots, options.queue, options.service_time), options));
    let answering = origin.clone();
    let serving = server::serve(listener, move |request| answering.clone().answer(request));
    tokio::select! {
        () = serving => {}
        _ = terminate.recv() => {}
    }
    // Nothing is accepted any more; connections that are open finish what they have.
    let _ = tokio::time::timeout(FINISH_WITHIN, finished(&origin)).await;
    Ok(())
}

async fn finished(origin: &Origin) {
    while origin.slots.admitted() > 0 {
        tokio::time::sleep(GRAIN).await;
    }
}
