//! `tminus prime`: fills cache nodes and proves them warm, from a manifest or a policy file, without a daemon.
//!
//! Not here: fetching and judging. Exit 0 when every node reaches the policy's coverage, 1 otherwise, 64 for usage.

use std::path::PathBuf;

use tokio::sync::watch;

use super::prime_wanted::{Refusal, wanted};
use super::terminal::Form;
use super::{Exit, Outcome, failed, prime_show};
use crate::core::priming::Variant;
use crate::core::words::{InvalidQuantity, Name, Rate};
use crate::shell::primer::{Progress, prime};
use crate::shell::spec::NodeSpec;

/// Args of `prime`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A priming policy: of the file given by --policy, or of the daemon
    pub(super) policy: Option<String>,
    /// Prime what this NDJSON manifest lists (a file, or an http:// or https:// URL)
    #[arg(long, value_name = "FILE")]
    pub(super) manifest: Option<String>,
    /// A cache node and the address to connect to, such as edge1=10.0.0.11:443
    #[arg(long = "node", value_name = "NAME=ADDR", num_args = 1.., value_parser = node)]
    pub(super) nodes: Vec<NodeSpec>,
    /// A header that clients send, such as "accept-encoding: gzip"; each one makes a variant
    #[arg(long = "variant", value_name = "HEADER: VALUE", value_parser = variant)]
    pub(super) variants: Vec<(String, String)>,
    /// Most requests in flight, over all nodes together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) in_flight: Option<u32>,
    /// Most requests that the origin sees, over all nodes together, such as 400/s
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(super) rate: Option<Rate>,
    /// Fetch only URLs under this one; may be repeated
    #[arg(long, value_name = "URL")]
    pub(super) allow: Vec<String>,
    /// Run the PrimingPolicy of this file; the flags above beat it
    #[arg(long = "policy", value_name = "FILE", id = "policy_file")]
    pub(super) policy_file: Vec<PathBuf>,
    #[command(flatten)]
    form: Form,
}

/// Runs the verb.
pub async fn run(arguments: Args) -> Outcome {
    let (spec, policy) = match wanted(&arguments) {
        Ok(wanted) => wanted,
        Err(Refusal::Usage(message)) => {
            failed(&message);
            return Ok(Exit::Usage);
        }
        Err(Refusal::Documents(message)) => return Err(message),
    };
    let (progress, seen) = watch::channel(Progress::default());
    let bar = tokio::spawn(prime_show::follow(seen));
    let report = prime(&spec, &policy, &progress).await;
    // Without a sender the bar ends and clears itself.
    drop(progress);
    let _ = bar.await;
    arguments.form.print(&report, |report| prime_show::human(report, &policy))?;
    Ok(if report.reached { Exit::Done } else { Exit::Error })
}

fn node(text: &str) -> Result<NodeSpec, String> {
    let (name, connect) = text.split_once('=').filter(|(_, connect)| !connect.is_empty()).ok_or("a node is NAME=ADDR")?;
    Ok(NodeSpec { name: Name::new(name).map_err(|error| error.to_string())?, connect: connect.into() })
}

fn variant(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a variant is a header such as \"accept-encoding: gzip\"")?;
    let pair = (name.trim().to_owned(), value.trim().to_owned());
    Variant::new([pair.clone()]).map_err(|error| error.to_string())?;
    Ok(pair)
}

/// Whole requests per second or a rate such as 400/s; nothing per second would never end.
fn rate(text: &str) -> Result<Rate, String> {
    let rate: Rate = text.parse().map_err(|error: InvalidQuantity| error.to_string())?;
    if rate.value() > 0.0 { Ok(rate) } else { Err("a rate is above 0".into()) }
}
