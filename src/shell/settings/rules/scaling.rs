//! What a scaling policy must keep to.

use crate::core::words::format_duration;
use crate::shell::settings::kinds::scaling::{Group, Local, ScalingPolicy};
use crate::shell::settings::node::way;
use crate::shell::settings::notes::Notes;

pub fn check(scaling: &ScalingPolicy, notes: &mut Notes<'_>) {
    if scaling.capacity_per_instance.0.value() <= 0.0 {
        notes.value(way!["capacity_per_instance"]).error(
            "TM0130",
            "an instance that holds nothing cannot be planned with",
            "write what a load test measured, such as 45/s",
        );
    }
    limits(scaling, notes);
    if let Some(zones) = scaling.zones.as_ref().filter(|zones| zones.survive_loss >= zones.count) {
        let message = format!("of {} zones {} cannot be lost with the load still held", zones.count, zones.survive_loss);
        notes.value(way!["zones", "survive_loss"]).error("TM0204", message, "write fewer than `count`");
    }
    if scaling.ramp_down.percent.0 == crate::core::words::Percent::ZERO {
        notes.value(way!["ramp_down", "percent"]).error(
            "TM0130",
            "with 0 percent at a time nothing is ever given back",
            "write a percent such as 10",
        );
    }
    if scaling.ramp_down.every.0.is_zero() {
        notes.value(way!["ramp_down", "every"]).error("TM0130", "`every` is above 0s", "write a duration such as 15m");
    }
    works(scaling, notes);
    if let Group::Local(local) = &scaling.group {
        check_local(local, scaling, notes);
    }
}

/// What is said of how an instance works must fit with what it is said to hold.
fn works(scaling: &ScalingPolicy, notes: &mut Notes<'_>) {
    if let Some(usl) = scaling.usl.as_ref().filter(|usl| usl.contention >= 1.0) {
        let message = format!("with a contention of {} two instances hold no more than one", usl.contention);
        notes.value(way!["usl", "contention"]).error("TM0130", message, "write a share below 1, such as 0.03");
    }
    let Some(service) = &scaling.service else { return };
    if service.time.0.is_zero() {
        notes.value(way!["service", "time"]).error(
            "TM0130",
            "`time` is above 0s",
            "write what a load test measured, such as 0.08s",
        );
        return;
    }
    let most = f64::from(service.concurrency) / service.time.0.as_secs_f64();
    let stated = scaling.capacity_per_instance.0.value();
    if stated > most {
        let message = format!(
            "an instance that serves {} requests at once, each in {}, holds at most {most:.1}/s, and {stated}/s is stated",
            service.concurrency,
            format_duration(service.time.0)
        );
        let help = "correct one of the three; at target utilisation `capacity_per_instance` is less than concurrency / time";
        notes.value(way!["capacity_per_instance"]).error("TM0204", message, help);
    }
}

fn limits(scaling: &ScalingPolicy, notes: &mut Notes<'_>) {
    let limits = &scaling.limits;
    if limits.floor > limits.ceiling {
        let message = format!("the floor {} is above the ceiling {}", limits.floor, limits.ceiling);
        notes.value(way!["limits", "floor"]).error("TM0204", message, "write a floor of at most the ceiling");
    }
    if let Some(quota) = limits.quota.filter(|quota| *quota < limits.ceiling) {
        let message = format!(
            "the ceiling {} is above the quota {quota}, so the launch could ask for what the account refuses",
            limits.ceiling
        );
        notes.value(way!["limits", "ceiling"]).error(
            "TM0204",
            message,
            "lower the ceiling, or have the quota raised and write it here",
        );
    }
    if limits.override_for.0.is_zero() {
        notes.value(way!["limits", "override_for"]).error(
            "TM0130",
            "with 0s nobody could impose anything on the group",
            "write a duration such as 24h",
        );
    }
    if limits.cost.is_some() && scaling.price.is_none() {
        let message = "a limit on cost means nothing without a price";
        notes.key(way!["limits", "cost"]).error("TM0204", message, "add `price: {per_instance_hour: 0.34, currency: USD}`");
    }
}

fn check_local(local: &Local, scaling: &ScalingPolicy, notes: &mut Notes<'_>) {
    if local.floor > local.ceiling {
        let message = format!("the group's floor {} is above its ceiling {}", local.floor, local.ceiling);
        notes.value(way!["group", "local", "floor"]).error("TM0204", message, "write a floor of at most the ceiling");
    }
    if scaling.limits.ceiling > local.ceiling {
        let message =
            format!("automation may go to {}, and the group itself refuses more than {}", scaling.limits.ceiling, local.ceiling);
        notes.value(way!["limits", "ceiling"]).error("TM0204", message, "write at most the group's own ceiling, or raise that");
    }
    if let Some(zones) = scaling.zones.as_ref().filter(|zones| zones.count as usize != local.zones.len()) {
        let message = format!("`zones` counts {}, and the group names {}", zones.count, local.zones.len());
        notes.value(way!["zones", "count"]).error("TM0204", message, "write the same number of zones");
    }
    if local.health.every.0.is_zero() {
        notes.value(way!["group", "local", "health", "every"]).error(
            "TM0130",
            "`every` is above 0s",
            "write a duration such as 1s",
        );
    }
}
