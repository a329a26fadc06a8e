//! What `tminus prime` is to do: the document of a policy file with the flags over it, or what the flags say alone.
//!
//! Not here: doing it. Invariant: documents with an error are not acted on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::prime::Args;
use crate::core::priming::Policy;
use crate::core::words::{Name, Rate};
use crate::shell::settings::{Finding, Severity, load_alone};
use crate::shell::spec::{PrimingSource, PrimingSpec};

/// In flight without a policy: the limiter finds out how many of them the origin takes.
const IN_FLIGHT: u32 = 32;
/// A run from the command line looks once; the value is only what a policy would default to.
const POLL_EVERY: Duration = Duration::from_mins(15);

/// Why nothing is done.
#[derive(Debug)]
pub enum Refusal {
    /// The command line was wrong.
    Usage(String),
    /// The file was.
    Documents(String),
}

/// The policy file's document with the flags over it, or what the flags say alone.
pub fn wanted(arguments: &Args) -> Result<(PrimingSpec, Policy), Refusal> {
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
    let policy = Policy {
        name,
        coverage: 100.0,
        fresh_until: None,
        nodes: vec![],
        poll_every: POLL_EVERY,
        schedule: None,
        tighten: vec![],
    };
    Ok((spec, policy))
}

fn by_file(arguments: &Args) -> Result<(PrimingSpec, Policy), Refusal> {
    let loaded = load_alone(&arguments.policy_file);
    let errors = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<String> = errors.map(told).collect();
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

fn told(finding: &Finding) -> String {
    let Finding { file, line, column, path, message, help, .. } = finding;
    format!("{file}:{line}:{column}: {path}: {message}; {help}")
}
