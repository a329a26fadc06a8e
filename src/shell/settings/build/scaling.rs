//! A ScalingPolicy document as the core sees it, and the group behind it.

use std::path::Path;

use super::shell::command_line;
use crate::core::load;
use crate::core::words::Capacity;
use crate::shell::settings::kinds::scaling::{Aws, Group, Local, ScalingPolicy};
use crate::shell::settings::words::Text;
use crate::shell::spec::{AwsAccount, AwsGroup, CommandGroup, GroupSpec, LoadQuery, LocalGroup};

/// Converts a policy.
pub fn policy(from: &ScalingPolicy) -> load::Policy {
    let limits = &from.limits;
    load::Policy {
        name: from.name.clone(),
        capacity_per_instance: from.capacity_per_instance.0,
        headroom_percent: from.headroom,
        zones: from.zones.as_ref().map(|zones| load::Zones { count: zones.count, survive_loss: zones.survive_loss }),
        limits: load::Limits {
            floor: Capacity(limits.floor),
            ceiling: Capacity(limits.ceiling),
            step: Capacity(limits.step.unwrap_or(limits.ceiling)),
            quota: limits.quota.map(Capacity),
            cost: limits.cost,
            override_for: limits.override_for.0,
        },
        price: from
            .price
            .as_ref()
            .map(|price| load::Price { per_instance_hour: price.per_instance_hour, currency: price.currency.clone() }),
        lead: from.lead.0,
        hold_after: from.hold_after.0,
        ramp_down: load::RampDown { percent: from.ramp_down.percent.0.share() * 100.0, every: from.ramp_down.every.0 },
        has_history: from.load.is_some(),
        keeps_schedule: matches!(from.group, Group::Aws(_)),
        tells_of_trouble: matches!(from.group, Group::Aws(_) | Group::Local(_)),
        // As in the settings, which are not known here.
        time_zone: None,
        service: from.service.as_ref().map(|service| load::Service {
            time: service.time.0,
            concurrency: service.concurrency,
            wait_p95: service.wait_p95.as_ref().map(|wait| wait.0),
        }),
        usl: from.usl.as_ref().map(|usl| load::Usl { contention: usl.contention, coherency: usl.coherency }),
    }
}

/// Which query is the load history.
pub fn load_query(from: &ScalingPolicy) -> Option<LoadQuery> {
    from.load.as_ref().map(|load| LoadQuery { source: load.source.clone(), query: load.query.clone() })
}

/// Where the group lives.
pub fn group(from: &ScalingPolicy, folder: &Path) -> GroupSpec {
    match &from.group {
        Group::Local(local) => GroupSpec::Local(convert_local(local, folder)),
        Group::Aws(aws) => GroupSpec::Aws(convert_aws(aws)),
        Group::Command(command) => GroupSpec::Command(CommandGroup {
            describe: command_line(&command.describe, folder),
            set: command_line(&command.set, folder),
            within: command.within.0,
        }),
    }
}

fn convert_aws(from: &Aws) -> AwsGroup {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
    let account = AwsAccount {
        region: from.region.0.clone(),
        profile: text(&from.profile),
        role_arn: text(&from.role_arn),
        endpoint: text(&from.endpoint),
    };
    AwsGroup { name: from.name.0.clone(), account }
}

fn convert_local(from: &Local, folder: &Path) -> LocalGroup {
    LocalGroup {
        command: command_line(&from.command, folder),
        zones: from.zones.iter().map(|zone| zone.0.clone()).collect(),
        floor: from.floor,
        ceiling: from.ceiling,
        boot: from.boot.0,
        health_path: from.health.path.clone(),
        health_every: from.health.every.0,
        drain: from.drain.0,
        targets_file: from.targets_file.as_ref().map(|path| folder.join(&path.0)),
    }
}
