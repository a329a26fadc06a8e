//! What priming proved, as long as the documents it was proven by are in force.
//!
//! Not here: keeping it over a restart; the store does. Invariant: a proof is shown only beside a policy that fetches the
//! same objects from the same nodes in the same variants; another pace or another schedule makes no proof worthless.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::core::priming::Coverage;
use crate::core::words::Name;
use crate::shell::spec::{Documents, PrimingSpec};
use crate::shell::store::Proven;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Warmth {
    digests: BTreeMap<Name, String>,
    proven: BTreeMap<Name, Proven>,
}

impl Warmth {
    /// What earlier runs proved, as far as it still counts.
    pub(super) fn new(proven: Vec<Proven>, documents: &Documents) -> Self {
        let proven = proven.into_iter().map(|proven| (proven.policy.clone(), proven)).collect();
        let mut warmth = Self { proven, ..Self::default() };
        warmth.rewire(documents);
        warmth
    }

    /// Documents changed: what was proven by others is forgotten.
    pub(super) fn rewire(&mut self, documents: &Documents) {
        self.digests = documents.primings.iter().map(|(name, spec)| (name.clone(), digest(spec))).collect();
        self.proven.retain(|name, proven| self.digests.get(name) == Some(&proven.digest));
    }

    /// A run ended. One that began before the documents changed proves nothing about them.
    pub(super) fn learn(&mut self, proven: Proven) {
        if self.digests.get(&proven.policy) == Some(&proven.digest) {
            self.proven.insert(proven.policy.clone(), proven);
        }
    }

    /// What is proven.
    pub(super) fn coverage(&self) -> BTreeMap<Name, Coverage> {
        self.proven.iter().map(|(name, proven)| (name.clone(), proven.coverage.clone())).collect()
    }
}

/// Of what a proof depends on. A later version may write these types otherwise: then caches are proven warm once more.
pub(super) fn digest(spec: &PrimingSpec) -> String {
    let depends = format!("{:?}", (&spec.source, &spec.nodes, &spec.variants, &spec.allow));
    Sha256::digest(depends).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::shell::spec::{NodeSpec, PrimingSource};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn spec(node: &str) -> PrimingSpec {
        PrimingSpec {
            source: PrimingSource::Urls(vec!["http://x.example/a".into()]),
            poll_every: Duration::from_mins(15),
            nodes: vec![NodeSpec { name: name("edge1"), connect: node.into() }],
            variants: Vec::new(),
            allow: Vec::new(),
            requests_per_second: None,
            in_flight: 8,
        }
    }

    fn documents(spec: PrimingSpec) -> Documents {
        Documents { primings: BTreeMap::from([(name("content"), spec)]), ..Documents::default() }
    }

    fn proven(spec: &PrimingSpec) -> Proven {
        let nodes = BTreeMap::from([(name("edge1"), 1.0)]);
        let measured_at = Timestamp::UNIX_EPOCH;
        let coverage = Coverage { nodes, objects: 1, problems: 0, first_problem: None, fresh_until: None, measured_at };
        Proven { policy: name("content"), digest: digest(spec), coverage }
    }

    #[test]
    fn a_proof_counts_as_long_as_it_is_about_the_same_objects_and_nodes() {
        let spec_before = spec("10.0.0.1:443");
        let mut warmth = Warmth::new(vec![proven(&spec_before)], &documents(spec_before.clone()));
        assert_eq!(warmth.coverage().len(), 1);
        warmth.rewire(&documents(PrimingSpec { poll_every: Duration::from_mins(1), in_flight: 99, ..spec_before.clone() }));
        assert_eq!(warmth.coverage().len(), 1, "another pace proves as much");
        warmth.rewire(&documents(spec("10.0.0.2:443")));
        assert_eq!(warmth.coverage().len(), 0, "another node was never looked at");
        warmth.learn(proven(&spec_before));
        assert_eq!(warmth.coverage().len(), 0, "a run that began before the change proves nothing about the new node");
        assert_eq!(Warmth::new(vec![proven(&spec_before)], &Documents::default()).coverage().len(), 0, "its policy is gone");
    }
}
