//! `tminus lab swarm`: a swarm by hand, against edges that run, for a given time.
//!
//! Everything that is not on its command line is that of the scene.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::crowd::Swarm;
use super::spec::SwarmSpec;
use crate::core::words::parse_duration;
use crate::lab::{leash, scene};

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
