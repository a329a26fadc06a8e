//! The room that is told by webhook: it notes what came in which run of the daemon, and loses some answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One announcement as it came in.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The key of its header.
    pub key: String,
    pub body: String,
    /// In which run of the daemon.
    pub run: u32,
    /// Whether the daemon was given an answer.
    pub answered: bool,
}

/// See the module.
pub struct Room {
    pub address: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    receipts: Mutex<Vec<Receipt>>,
    /// Every n-th answer is lost; 0: none.
    loses_every: AtomicU64,
    came: AtomicU64,
    /// While it is true, what comes is noted and not answered.
    silent: watch::Sender<bool>,
}

impl Room {
    pub async fn open(loses_every: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            receipts: Mutex::default(),
            loses_every: AtomicU64::new(loses_every),
            came: AtomicU64::new(0),
            silent: watch::Sender::new(false),
        });
        let sharing = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(stream, sharing.clone()));
            }
        });
        Self { address, shared, task }
    }

    /// From now on every announcement is answered.
    pub fn answer_all(&self) {
        self.shared.loses_every.store(0, Ordering::SeqCst);
    }

    /// From now on answers wait, or go out again.
    pub fn keep_silent(&self, silent: bool) {
        self.shared.silent.send_replace(silent);
    }

    pub fn receipts(&self) -> Vec<Receipt> {
        self.shared.receipts.lock().unwrap().clone()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Requests of one connection, until it ends.
async fn attend(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(([run, key, body], end)) = whole(&bytes) {
            let run = run.parse().unwrap();
            bytes.drain(..end);
            let came = shared.came.fetch_add(1, Ordering::SeqCst) + 1;
            let every = shared.loses_every.load(Ordering::SeqCst);
            let answered = every == 0 || !came.is_multiple_of(every);
            shared.receipts.lock().unwrap().push(Receipt { key, body, run, answered });
            if !answered {
                return;
            }
            let _ = shared.silent.subscribe().wait_for(|silent| !silent).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
}

/// The run, key and body of the first request, and where it ends.
fn whole(bytes: &[u8]) -> Option<([String; 3], usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let head_end = text.find("\r\n\r\n")? + 4;
    let header = |name: &str| {
        let line = text[..head_end].lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line[name.len()..].trim_start_matches(':').trim().to_owned())
    };
    let length: usize = header("content-length")?.parse().ok()?;
    let body = text.get(head_end..head_end + length)?;
    let run = text.strip_prefix("POST /")?.split(' ').next()?;
    Some(([run.to_owned(), header("x-tminus-event").unwrap_or_default().replace("%20", " "), body.to_owned()], head_end + length))
}
