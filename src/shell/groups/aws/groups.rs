//! All Auto Scaling groups of the documents, for the daemon.
//!
//! Invariant: nothing but `MinSize` is changed, and scheduled actions of ours.

use std::collections::BTreeMap;

use arc_swap::ArcSwap;

use crate::core::load::ScheduledFloor;
use crate::core::words::Name;
use crate::shell::groups::{GroupError, Look, Observed};
use crate::shell::spec::AwsGroup;

/// See the module.
#[derive(Default)]
pub struct AwsGroups {
    specs: ArcSwap<BTreeMap<Name, AwsGroup>>,
}

impl AwsGroups {
    /// Without groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over changed documents.
    pub fn update(&self, specs: BTreeMap<Name, AwsGroup>) {
        self.specs.store(specs.into());
    }

    /// Looks at every group.
    #[expect(clippy::unused_async, reason = "other providers ask over the network, and the daemon awaits all alike")]
    pub async fn observe(&self, _look: &Look) -> Observed {
        let unseen = |name: &Name| (name.clone(), Err("is an AWS group, which is not driven yet".to_owned()));
        self.specs.load().keys().map(unseen).collect()
    }

    /// Sets the floor, absolute.
    #[expect(clippy::unused_async, reason = "other providers ask over the network, and the daemon awaits all alike")]
    pub async fn set_floor(&self, group: &Name, _floor: u32) -> Result<(), GroupError> {
        Err(GroupError::Undriven { group: group.clone() })
    }

    /// Has AWS keep these changes of the floor, and no others of ours.
    #[expect(clippy::unused_async, reason = "other providers ask over the network, and the daemon awaits all alike")]
    pub async fn put_schedule(&self, group: &Name, _wanted: &[ScheduledFloor]) -> Result<(), GroupError> {
        Err(GroupError::Undriven { group: group.clone() })
    }
}
