//! `tminus prime`: fills cache nodes and proves them warm, from a manifest or a policy file, without a daemon.
//!
//! Not here: fetching and judging. Exit 0 when every node reaches the policy's coverage, 1 otherwise, 64 for usage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use super::prime_show::{self, Format};
use super::{Exit, Outcome, failed};
use crate::core::priming::{Policy, Variant};
use crate::core::words::{Name, Rate};
use crate::shell::primer::{Progress, prime};
use crate::shell::settings::{Finding, Severity};
use crate::shell::spec::{Documents, NodeSpec, PrimingSource, PrimingSpec};

/// In flight without a policy: the limiter finds out how many of them the origin takes.
const IN_FLIGHT: u32 = 32;
/// A run from the command line looks once; the value is only what a policy would default to.
const POLL_EVERY: Duration = Duration::from_mins(15);

/// Args of `prime`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A priming policy: of the file given by --policy, or of the daemon
    policy: Option<String>,
    /// Prime what this NDJSON manifest lists (a file, or an http:// or https:// URL)
    #[arg(long, value_name = "FILE")]
    manifest: Option<String>,
    /// A cache node and the address to connect to, such as edge1=10.0.0.11:443
    #[arg(long = "node", value_name = "NAME=ADDR", num_args = 1.., value_parser = node)]
    nodes: Vec<NodeSpec>,
    /// A header that clients send, such as "accept-encoding: gzip"; each one makes a variant
    #[arg(long = "variant", value_name = "HEADER: VALUE", value_parser = variant)]
    variants: Vec<(String, String)>,
    /// Most requests in flight, over all nodes together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    in_flight: Option<u32>,
    /// Most requests that the origin sees, over all nodes together, such as 400/s
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<Rate>,
    /// Fetch only URLs under this one; may be repeated
    #[arg(long, value_name = "URL")]
    allow: Vec<String>,
    /// Run the PrimingPolicy of this file; the flags above beat it
    #[arg(long = "policy", value_name = "FILE", id = "policy_file")]
    policy_file: Vec<PathBuf>,
    /// How the outcome is printed; json is stable
    #[arg(short, long = "output", value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    output: Format,
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
    match prime_show::print(&report, &policy, arguments.output) {
        Ok(()) if report.reached => Ok(Exit::Done),
        Ok(()) => Ok(Exit::Error),
        Err(error) => Err(format!("the outcome cannot be written: {error}")),
    }
}

#[derive(Debug)]
enum Refusal {
    Usage(String),
    Documents(String),
}

/// The policy file's document with the flags over it, or what the flags say alone.
fn wanted(arguments: &Args) -> Result<(PrimingSpec, Policy), Refusal> {
    let (mut spec, mut policy) = if arguments.policy_file.is_empty() { by_flags(arguments)? } else { by_file(arguments)? };
    if let Some(manifest) = &arguments.manifest {
        spec.source = source(manifest);
    }
    if !arguments.nodes.is_empty() {
        spec.nodes.clone_from(&arguments.nodes);
    }
    if !arguments.variants.is_empty() {
        spec.variants = arguments.variants.iter().map(|header| BTreeMap::from([header.clone()])).collect();
    }
    if !arguments.allow.is_empty() {
        spec.allow.clone_from(&arguments.allow);
    }
    spec.in_flight = arguments.in_flight.unwrap_or(spec.in_flight);
    spec.requests_per_second = arguments.rate.map(Rate::value).or(spec.requests_per_second);
    let names: BTreeSet<&Name> = spec.nodes.iter().map(|node| &node.name).collect();
    if spec.nodes.is_empty() || names.len() < spec.nodes.len() {
        return Err(Refusal::Usage("give each cache node once, as --node NAME=ADDR".into()));
    }
    policy.nodes = names.into_iter().cloned().collect();
    Ok((spec, policy))
}

fn by_flags(arguments: &Args) -> Result<(PrimingSpec, Policy), Refusal> {
    let Some(manifest) = &arguments.manifest else {
        let message = match &arguments.policy {
            Some(policy) => {
                format!("priming {policy} through the daemon is not offered yet; run its document here with --policy FILE")
            }
            None => "say what to prime: --manifest FILE with --node NAME=ADDR, or --policy FILE".into(),
        };
        return Err(Refusal::Usage(message));
    };
    let name = Name::new("prime").map_err(|error| Refusal::Usage(error.to_string()))?;
    let spec = PrimingSpec {
        source: source(manifest),
        poll_every: POLL_EVERY,
        nodes: vec![],
        variants: vec![],
        allow: vec![],
        requests_per_second: None,
        in_flight: IN_FLIGHT,
    };
    Ok((spec, Policy { name, coverage: 100.0, fresh_until: None, nodes: vec![], poll_every: POLL_EVERY }))
}

fn by_file(arguments: &Args) -> Result<(PrimingSpec, Policy), Refusal> {
    let loaded = load_alone(&arguments.policy_file);
    let errors: Vec<String> = loaded
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}:{}:{}: {}; {}", finding.file, finding.line, finding.column, finding.message, finding.help))
        .collect();
    if !errors.is_empty() {
        return Err(Refusal::Documents(errors.join("\n")));
    }
    let documents = loaded.documents;
    let wanted = |name: &Name| arguments.policy.as_ref().is_none_or(|policy| policy.eq_ignore_ascii_case(name.as_str()));
    let mut found = documents.primings.into_iter().filter(|(name, _)| wanted(name));
    match (found.next(), found.next()) {
        (Some((name, spec)), None) => {
            let policy = documents.config.primings.get(&name).cloned();
            policy.map(|policy| (spec, policy)).ok_or_else(|| Refusal::Documents(format!("{name} is not valid")))
        }
        (None, _) => Err(Refusal::Documents("no PrimingPolicy of that name is in the file".into())),
        _ => Err(Refusal::Usage("the file has several PrimingPolicies: name one as the first argument".into())),
    }
}

fn source(manifest: &str) -> PrimingSource {
    let is_url = manifest.starts_with("http://") || manifest.starts_with("https://");
    if is_url { PrimingSource::Manifest(manifest.into()) } else { PrimingSource::File(manifest.into()) }
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
    let rate: Rate = text.parse().map_err(|error: crate::core::words::InvalidQuantity| error.to_string())?;
    if rate.value() > 0.0 { Ok(rate) } else { Err("a rate is above 0".into()) }
}

/// Stands in for `settings::load_alone` until that room is here: it says so instead of guessing at a document.
fn load_alone(paths: &[PathBuf]) -> Loaded {
    let finding = |path: &PathBuf| Finding {
        file: path.display().to_string(),
        line: 1,
        column: 1,
        path: String::new(),
        code: "TM0001".into(),
        severity: Severity::Error,
        message: "policy files cannot be read by this build".into(),
        help: "use --manifest FILE with --node NAME=ADDR".into(),
    };
    Loaded { documents: Documents::default(), findings: paths.iter().map(finding).collect() }
}

struct Loaded {
    documents: Documents,
    findings: Vec<Finding>,
}
