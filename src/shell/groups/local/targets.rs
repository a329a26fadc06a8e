//! The targets file: which addresses a load balancer may send requests to.
//!
//! It holds instances in service and nothing else; it is replaced whole, so a reader never sees half a list.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::registry::{Registry, replace};

/// The targets of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Instances in service, in order of launch.
    pub targets: Vec<Target>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its zone label.
    pub zone: String,
    /// The instance.
    pub instance: String,
}

impl Targets {
    /// Reads a targets file.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    pub(super) fn of(registry: &Registry) -> Self {
        let target = |instance: &super::Instance| {
            Some(Target { address: instance.address?, zone: instance.zone.clone(), instance: instance.id.clone() })
        };
        Self { targets: registry.in_service().filter_map(target).collect() }
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        replace(path, &serde_json::to_vec_pretty(self)?)
    }
}
