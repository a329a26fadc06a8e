//! The launch room: a real webhook receiver that keeps what people would have been told.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::lab::server;
use crate::shell::clock;

/// An announcement is a few hundred bytes.
const LARGEST: usize = 64 << 10;

/// One delivery, as the notifier's JSON has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Said {
    pub(super) key: String,
    pub(super) topic: String,
    pub(super) what: String,
    #[serde(default)]
    pub(super) meaning: String,
    #[serde(default)]
    pub(super) next: String,
}

/// What arrived, and when it had arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) at: Timestamp,
    pub(super) said: Said,
}

/// The receiver.
pub(super) struct Room {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Room {
    /// Listens on loopback until the runtime ends.
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        tokio::spawn(server::serve(listener, move |request| hear(request, hears.clone())));
        Ok(Self { address, heard })
    }

    /// Every delivery, in the order of arrival, repeats too.
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The first that is about an ABORT of a release.
pub(super) fn abort_of<'a>(heard: &'a [Heard], release: &str) -> Option<&'a Heard> {
    let key = format!("{release}:aborted:");
    heard.iter().find(|one| one.said.key.starts_with(&key))
}

async fn hear(request: Request<Incoming>, heard: Arc<Mutex<Vec<Heard>>>) -> server::Answer {
    let Ok(body) = Limited::new(request.into_body(), LARGEST).collect().await else {
        return server::text(StatusCode::BAD_REQUEST, "the body did not arrive\n");
    };
    let Ok(said) = serde_json::from_slice::<Said>(&body.to_bytes()) else {
        return server::text(StatusCode::BAD_REQUEST, "this is no announcement\n");
    };
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(Heard { at: clock::now(), said });
    server::text(StatusCode::OK, "heard\n")
}
