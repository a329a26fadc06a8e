//! The swarm as a whole: starts every client, passes on what was seen, ends them.
//!
//! Invariant: no client outlives it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::client::Client;
use super::library::Shelf;
use super::net::Net;
use super::report::SwarmReport;
use super::series::Second;
use super::spec::SwarmSpec;

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
        let series = &self.net.series;
        SwarmReport { started_at: series.started_at, clients: self.clients, seconds, exposed: series.exposed() }
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
