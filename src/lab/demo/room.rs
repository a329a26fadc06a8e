//! The launch room: a real webhook receiver that keeps what people would have been told.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tokio::net::TcpListener;

use crate::lab::server;

/// An announcement is a few hundred bytes.
const LARGEST: usize = 64 << 10;

/// What was told, in order, and how often each key came.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) sentences: Vec<String>,
    pub(super) times: BTreeMap<String, u64>,
}

/// The receiver.
pub(super) struct Room {
    pub(super) address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

impl Room {
    /// Listens on loopback until the runtime ends.
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let told = Arc::new(Mutex::new(Told::default()));
        let hears = told.clone();
        tokio::spawn(server::serve(listener, move |request| hear(request, hears.clone())));
        Ok(Self { address, told })
    }

    pub(super) fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn hear(request: Request<Incoming>, told: Arc<Mutex<Told>>) -> server::Answer {
    let Ok(body) = Limited::new(request.into_body(), LARGEST).collect().await else {
        return server::text(StatusCode::BAD_REQUEST, "the body did not arrive\n");
    };
    let Ok(said) = serde_json::from_slice::<serde_json::Value>(&body.to_bytes()) else {
        return server::text(StatusCode::BAD_REQUEST, "this is not JSON\n");
    };
    let part = |name: &str| said.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    *told.times.entry(part("key")).or_default() += 1;
    told.sentences.push(format!("{} {}", part("clock"), part("what")).trim().to_owned());
    server::text(StatusCode::OK, "heard\n")
}
