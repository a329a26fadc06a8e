//! How an Auto Scaling group is read: what it is for the core, and what people should know of it.
//!
//! Not here: asking. Invariant: what AWS does not say is not known, never zero: a group without its sizes is not seen.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, InstanceRefresh, InstanceRefreshStatus, LifecycleState};
use jiff::Timestamp;

use super::launches::Launches;
use super::schedule::Kept;
use crate::core::decide::GroupObservation;
use crate::core::load::{GroupFinding, unbalanced};
use crate::core::words::Capacity;

/// Most suspended processes, findings and zones that are passed on: AWS knows eight and six of them.
const MOST: usize = 20;

/// What was read beside the group itself.
pub(super) struct Beside<'a> {
    /// Its scheduled actions; `None`: not read.
    pub(super) kept: Option<&'a Kept>,
    /// Its launches so far.
    pub(super) launches: Option<&'a Launches>,
    /// What was asked for it alone.
    pub(super) alone: Vec<GroupFinding>,
    /// When it was described.
    pub(super) at: Timestamp,
}

/// The group for the core; why not, if it cannot be read.
pub(super) fn observation(group: &AutoScalingGroup, beside: Beside<'_>) -> Result<GroupObservation, String> {
    let size = |what: &str, size: Option<i32>| {
        let size = size.and_then(|size| u32::try_from(size).ok());
        size.map(Capacity).ok_or_else(|| format!("was described without its {what}"))
    };
    let mut zones: BTreeMap<String, u32> = BTreeMap::new();
    let mut in_service = 0_u32;
    for instance in group.instances().iter().filter(|instance| is_serving(instance)) {
        let units = weight(instance).unwrap_or(1);
        in_service = in_service.saturating_add(units);
        *zones.entry(instance.availability_zone.clone().unwrap_or_default()).or_insert(0) += units;
    }
    Ok(GroupObservation {
        floor: size("MinSize", group.min_size)?,
        ceiling: size("MaxSize", group.max_size)?,
        desired: size("DesiredCapacity", group.desired_capacity)?,
        in_service: Capacity(in_service),
        zones,
        boot_p95_ms: beside.launches.and_then(Launches::boot_p95_ms),
        observed_at: beside.at,
        schedule: beside.kept.map(Kept::floors),
        others: beside.kept.map(|kept| kept.others.clone()).unwrap_or_default(),
        findings: findings(group, beside),
    })
}

fn is_serving(instance: &Instance) -> bool {
    instance.lifecycle_state == Some(LifecycleState::InService) && instance.health_status.as_deref() == Some("Healthy")
}

fn weight(instance: &Instance) -> Option<u32> {
    instance.weighted_capacity.as_ref()?.parse().ok()
}

fn findings(group: &AutoScalingGroup, beside: Beside<'_>) -> Vec<GroupFinding> {
    let suspended = group.suspended_processes().iter().take(MOST).map(|process| GroupFinding::Suspended {
        process: process.process_name.clone().unwrap_or_default(),
        reason: process.suspension_reason.clone().unwrap_or_default(),
    });
    let failing = beside.launches.and_then(|launches| launches.failing(beside.at));
    let own = suspended.chain(failing).chain(unbalanced_zones(group)).chain(weighted(group));
    own.chain(beside.alone).collect()
}

/// What serves in each of its zones, those without any included.
fn unbalanced_zones(group: &AutoScalingGroup) -> Option<GroupFinding> {
    let mut zones: BTreeMap<String, u32> = group.availability_zones().iter().map(|zone| (zone.clone(), 0)).collect();
    let serving = group.instances().iter().filter(|instance| is_serving(instance));
    serving.filter_map(|instance| instance.availability_zone.clone()).for_each(|zone| *zones.entry(zone).or_insert(0) += 1);
    unbalanced(&zones)
}

fn weighted(group: &AutoScalingGroup) -> Option<GroupFinding> {
    let weights = || group.instances().iter().filter_map(weight);
    Some(GroupFinding::Weighted { weights: (weights().min()?, weights().max().filter(|most| *most > 1)?) })
}

/// An instance refresh that is going on.
pub(super) fn refreshing(refresh: &InstanceRefresh, at: Timestamp) -> Option<GroupFinding> {
    let status = refresh.status.as_ref()?;
    let over = [
        InstanceRefreshStatus::Successful,
        InstanceRefreshStatus::Failed,
        InstanceRefreshStatus::Cancelled,
        InstanceRefreshStatus::RollbackSuccessful,
        InstanceRefreshStatus::RollbackFailed,
    ];
    let percent = refresh.percentage_complete.and_then(|percent| u32::try_from(percent).ok());
    (!over.contains(status)).then(|| GroupFinding::Refreshing { status: status.as_str().to_owned(), percent, at: Some(at) })
}
