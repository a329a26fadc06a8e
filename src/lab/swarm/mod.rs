//! The client swarm: some hundred clients that update and download everything again, as in the story.
//!
//! `client` is one life, `net` one request, `library` who has what, `series` and `report` what was seen. The demo
//! uses it as a library; it knows nothing of releases beyond the answers of the decision listener.

mod client;
mod library;
mod net;
mod report;
mod series;
mod spec;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::client::Client;
use self::library::Shelf;
use self::net::Net;
use super::{leash, scene};
use crate::core::words::parse_duration;

pub use report::{SwarmReport, SwarmSummary};
pub use series::Second;
pub use spec::SwarmSpec;

/// How often a live view gets news.
const NEWS_EVERY: Duration = Duration::from_millis(250);

/// A running swarm. Dropping it ends every client at once.
pub struct Swarm {
    clients: u32,
    net: Arc<Net>,
    lives: JoinSet<()>,
    news: watch::Receiver<Second>,
}

impl Swarm {
    /// Lets the clients live. Needs a tokio runtime.
    pub fn start(spec: SwarmSpec) -> Self {
        let (net, spec) = (Arc::new(Net::new()), Arc::new(spec));
        let (tell, news) = watch::channel(Second::default());
        let (mut lives, shelf) = (JoinSet::new(), Shelf::new(spec.shared));
        for client in (0..spec.clients).filter_map(|number| Some((number, Client::new(number, spec.clone(), net.clone())?))) {
            let (number, client) = client;
            lives.spawn(client.live(shelf.library(&spec, number)));
        }
        let following = net.clone();
        let targets = spec.targets.clone();
        lives.spawn(async move { following.follow(targets).await });
        lives.spawn(tell_news(net.clone(), tell));
        Self { clients: spec.clients, net, lives, news }
    }

    /// The last whole second, four times a second.
    pub fn news(&self) -> watch::Receiver<Second> {
        self.news.clone()
    }

    /// What was seen until now; clients go on.
    pub fn report(&self) -> SwarmReport {
        let mut seconds = self.net.series.read();
        // The last one is not over; its numbers would look like a lull.
        seconds.pop();
        SwarmReport { started_at: self.net.series.started_at, clients: self.clients, seconds }
    }

    /// Ends every client at once, in whatever it does.
    pub async fn stop(mut self) -> SwarmReport {
        let report = self.report();
        self.lives.shutdown().await;
        report
    }
}

async fn tell_news(net: Arc<Net>, tell: watch::Sender<Second>) {
    loop {
        tokio::time::sleep(NEWS_EVERY).await;
        let seconds = net.series.read();
        if let Some(whole) = seconds.len().checked_sub(2).and_then(|place| seconds.get(place)) {
            tell.send_replace(*whole);
        }
    }
}

/// `tminus lab swarm`: by hand, against edges that run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The edges.
    #[arg(long = "edge", required = true)]
    pub edges: Vec<SocketAddr>,
    /// The group's targets file.
    #[arg(long)]
    pub targets: PathBuf,
    /// The decision listener; without it everybody updates.
    #[arg(long)]
    pub decision: Option<SocketAddr>,
    /// How many clients.
    #[arg(long, default_value_t = scene::CLIENTS)]
    pub clients: u32,
    /// For how long.
    #[arg(long = "for", default_value = "1m", value_parser = parse_duration)]
    pub how_long: Duration,
    /// The demo's leash.
    #[arg(long)]
    pub leash: Option<SocketAddr>,
}

/// Runs for the given time and prints the report as JSON.
pub async fn run(options: Options) -> io::Result<()> {
    options.leash.map(leash::follow).transpose()?;
    let spec = SwarmSpec::of_the_scene(options.edges, options.targets, options.decision);
    let swarm = Swarm::start(SwarmSpec { clients: options.clients, ..spec });
    tokio::time::sleep(options.how_long).await;
    let report = swarm.stop().await;
    anstream::println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
