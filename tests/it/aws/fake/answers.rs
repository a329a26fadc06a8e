//! Operation by operation: what it takes, refuses and answers.

use super::wire::{Form, instant, list, members, number, tag, time};
use super::world::{Action, Asg, Change, World};

type Refused = (&'static str, String);

/// Names of processes, as AWS knows them.
const PROCESSES: [&str; 10] = [
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "RecordLifecycle",
];
/// Actions of one group, and of one call.
const MOST_ACTIONS: usize = 125;
const MOST_A_CALL: usize = 50;

fn invalid<T>(message: impl Into<String>) -> Result<T, Refused> {
    Err(("ValidationError", message.into()))
}

pub fn answer(world: &mut World, action: &str, form: &Form) -> Result<String, Refused> {
    if world.denied.contains(&action) {
        return Err((
            "AccessDenied",
            format!("User: arn:aws:sts::1:assumed-role/x is not authorized to perform: autoscaling:{action}"),
        ));
    }
    match action {
        "DescribeAutoScalingGroups" => describe_groups(world, form),
        "DescribeScheduledActions" => describe_actions(world, form),
        "DescribeScalingActivities" => describe_activities(world, form),
        "DescribeInstanceRefreshes" => describe_refreshes(world, form),
        "DescribeWarmPool" => describe_warm_pool(world, form),
        "UpdateAutoScalingGroup" => update(world, form),
        "BatchPutScheduledUpdateGroupAction" => batch_put(world, form),
        "BatchDeleteScheduledAction" => batch_delete(world, form),
        "SuspendProcesses" => suspend(world, form),
        "AssumeRole" => assume_role(form),
        other => Err(("InvalidAction", format!("{other} is not an operation that tminus should need"))),
    }
}

/// Keys that name the role.
fn assume_role(form: &Form) -> Result<String, Refused> {
    let (role, session) = (form.get("RoleArn").cloned(), form.get("RoleSessionName").cloned());
    let Some((role, session)) = role.zip(session).filter(|(role, _)| role.starts_with("arn:aws:iam::")) else {
        return invalid("1 validation error detected: RoleArn");
    };
    let named = role.rsplit('/').next().unwrap_or_default().to_uppercase();
    let credentials = tag("AccessKeyId", format!("ASIA{named}"))
        + &tag("SecretAccessKey", "secret")
        + &tag("SessionToken", format!("token of {role}"))
        + &time("Expiration", 4_000_000_000);
    let assumed = tag("AssumedRoleId", format!("AROA:{session}")) + &tag("Arn", format!("{role}/{session}"));
    Ok(format!("<Credentials>{credentials}</Credentials><AssumedRoleUser>{assumed}</AssumedRoleUser>"))
}

/// One page of a list, and the token of the next.
fn page<T>(all: Vec<T>, form: &Form, most: i64) -> Result<(Vec<T>, String), Refused> {
    let size = number(form, "MaxRecords").unwrap_or(50);
    if !(1..=most).contains(&size) {
        return invalid(format!("MaxRecords must be between 1 and {most}"));
    }
    let from = form.get("NextToken").map_or(Ok(0), |token| token.parse::<usize>());
    let Ok(from) = from else { return Err(("InvalidNextToken", "The NextToken value is not valid".into())) };
    let until = from + size as usize;
    let next = if until < all.len() { tag("NextToken", until) } else { String::new() };
    Ok((all.into_iter().skip(from).take(size as usize).collect(), next))
}

fn known<'w>(world: &'w mut World, form: &Form) -> Result<(String, &'w mut Asg), Refused> {
    let name = form.get("AutoScalingGroupName").cloned().unwrap_or_default();
    match world.groups.get_mut(&name) {
        Some(group) => Ok((name, group)),
        None => invalid(format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")),
    }
}

fn describe_groups(world: &mut World, form: &Form) -> Result<String, Refused> {
    let names = members(form, "AutoScalingGroupNames");
    let now = world.now;
    let wanted = world.groups.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    let (groups, next) = page(wanted.collect(), form, 100)?;
    let shown = groups.into_iter().map(|(name, group)| show(name, group, now)).collect::<Vec<_>>();
    Ok(list("AutoScalingGroups", shown) + &next)
}

fn show(name: &str, group: &Asg, now: i64) -> String {
    let instance = |(number, (ready_at, zone, weight)): (usize, &(i64, &str, Option<u32>))| {
        let state = if *ready_at <= now { "InService" } else { "Pending" };
        let weight = weight.map(|weight| tag("WeightedCapacity", weight)).unwrap_or_default();
        tag("InstanceId", format!("i-{number:08x}"))
            + &tag("AvailabilityZone", zone)
            + &tag("LifecycleState", state)
            + &tag("HealthStatus", "Healthy")
            + &tag("ProtectedFromScaleIn", false)
            + &weight
    };
    let suspended = |(process, reason): &(&str, &str)| tag("ProcessName", process) + &tag("SuspensionReason", reason);
    tag("AutoScalingGroupName", name)
        + &tag("MinSize", group.min)
        + &tag("MaxSize", group.max)
        + &tag("DesiredCapacity", group.desired)
        + &tag("DefaultCooldown", 300)
        + &tag("HealthCheckType", "EC2")
        + &time("CreatedTime", 0)
        + &tag("WarmPoolSize", group.warm)
        + &list("AvailabilityZones", group.zones.iter().map(ToString::to_string))
        + &list("Instances", group.instances.iter().enumerate().map(instance))
        + &list("SuspendedProcesses", group.suspended.iter().map(suspended))
}

fn describe_actions(world: &mut World, form: &Form) -> Result<String, Refused> {
    let wanted = form.get("AutoScalingGroupName").cloned();
    if wanted.is_some() {
        known(world, form)?;
    }
    let groups = world.groups.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == *name));
    let all: Vec<_> = groups.flat_map(|(name, group)| group.actions.iter().map(move |it| (name.clone(), it))).collect();
    let (actions, next) = page(all, form, 100)?;
    let show = |(group, (name, action)): (String, (&String, &Action))| {
        let size = |tagged: &str, size: Option<i64>| size.map(|size| tag(tagged, size)).unwrap_or_default();
        tag("AutoScalingGroupName", group)
            + &tag("ScheduledActionName", name)
            + &time("StartTime", action.at)
            + &size("MinSize", action.min)
            + &size("MaxSize", action.max)
            + &size("DesiredCapacity", action.desired)
            + &action.recurrence.as_ref().map(|line| tag("Recurrence", line)).unwrap_or_default()
    };
    Ok(list("ScheduledUpdateGroupActions", actions.into_iter().map(show)) + &next)
}

fn describe_activities(world: &mut World, form: &Form) -> Result<String, Refused> {
    let now = world.now;
    let mut all: Vec<_> =
        world.groups.iter().flat_map(|(name, group)| group.activities.iter().map(move |it| (name, it))).collect();
    all.sort_by_key(|(_, activity)| std::cmp::Reverse(activity.began));
    let (activities, next) = page(all, form, 100)?;
    let show = |(group, it): (&String, &super::world::Activity)| {
        let over = it.ended <= now;
        let status = if !over {
            "InProgress"
        } else if it.failed {
            "Failed"
        } else {
            "Successful"
        };
        let end = if over { time("EndTime", it.ended) } else { String::new() };
        let why = if it.failed { tag("StatusMessage", "We currently do not have sufficient capacity") } else { String::new() };
        tag("ActivityId", &it.id)
            + &tag("AutoScalingGroupName", group)
            + &tag("Description", "Launching a new EC2 instance: i-1")
            + &tag("Cause", "At 1 a user request explicitly set group desired capacity")
            + &time("StartTime", it.began)
            + &end
            + &tag("StatusCode", status)
            + &why
            + &tag("Progress", if over { 100 } else { 30 })
    };
    Ok(list("Activities", activities.into_iter().map(show)) + &next)
}

fn describe_refreshes(world: &mut World, form: &Form) -> Result<String, Refused> {
    let (name, group) = known(world, form)?;
    let show = |(status, percent): (&str, u32)| {
        tag("InstanceRefreshId", "r-1")
            + &tag("AutoScalingGroupName", &name)
            + &tag("Status", status)
            + &tag("PercentageComplete", percent)
    };
    Ok(list("InstanceRefreshes", group.refresh.map(show)))
}

fn describe_warm_pool(world: &mut World, form: &Form) -> Result<String, Refused> {
    if number(form, "MaxRecords").is_some_and(|size| size > 50) {
        return invalid("MaxRecords must be between 1 and 50");
    }
    let (_, group) = known(world, form)?;
    let instance = |number: u32| {
        tag("InstanceId", format!("i-warm{number}"))
            + &tag("AvailabilityZone", "us-west-2a")
            + &tag("LifecycleState", "Warmed:Stopped")
            + &tag("HealthStatus", "Healthy")
            + &tag("ProtectedFromScaleIn", false)
    };
    Ok(list("Instances", (0..group.warm).map(instance)))
}

fn update(world: &mut World, form: &Form) -> Result<String, Refused> {
    let (name, group) = known(world, form)?;
    if number(form, "MaxSize").is_some() || number(form, "DesiredCapacity").is_some() {
        let (max, desired) =
            (number(form, "MaxSize").unwrap_or(group.max), number(form, "DesiredCapacity").unwrap_or(group.desired));
        if desired > max || desired < group.min {
            return invalid(format!(
                "Desired capacity:{desired} must be between the specified min size:{} and max size:{max}",
                group.min
            ));
        }
        return invalid("tminus is not to set anything but MinSize");
    }
    let Some(min) = number(form, "MinSize") else { return invalid("nothing to update") };
    world.set_min(&name, min).or_else(invalid)?;
    Ok(String::new())
}

/// One scheduled action of a form.
fn action(form: &Form, number_of: usize) -> Option<(String, Action)> {
    let field = |name: &str| format!("ScheduledUpdateGroupActions.member.{number_of}.{name}");
    let name = form.get(&field("ScheduledActionName"))?.clone();
    let action = Action {
        at: instant(form, &field("StartTime")).unwrap_or(0),
        min: number(form, &field("MinSize")),
        max: number(form, &field("MaxSize")),
        desired: number(form, &field("DesiredCapacity")),
        recurrence: form.get(&field("Recurrence")).cloned(),
    };
    Some((name, action))
}

fn batch_put(world: &mut World, form: &Form) -> Result<String, Refused> {
    let now = world.now;
    let actions: Vec<(String, Action)> = (1..).map_while(|i| action(form, i)).collect();
    if actions.len() > MOST_A_CALL {
        return invalid(format!("Member must have length less than or equal to {MOST_A_CALL}"));
    }
    let (group_name, group) = known(world, form)?;
    let (mut failed, mut put) = (Vec::new(), Vec::new());
    for (name, action) in actions {
        match refused(group, (&name, &action), now) {
            Some((code, message)) => {
                failed.push(tag("ScheduledActionName", &name) + &tag("ErrorCode", code) + &tag("ErrorMessage", message));
            }
            None => {
                if group.actions.insert(name.clone(), action.clone()).as_ref() != Some(&action) {
                    put.push(Change::Put(name, action.min.unwrap_or(-1)));
                }
            }
        }
    }
    world.ledger.extend(put.into_iter().map(|change| (now, group_name.clone(), change)));
    Ok(list("FailedScheduledUpdateGroupActions", failed))
}

/// Why AWS would not take an action.
fn refused(group: &Asg, (name, action): (&str, &Action), now: i64) -> Option<(&'static str, String)> {
    let others = || group.actions.iter().filter(|(known, _)| *known != name);
    if name.len() > 255 || name.contains(':') {
        return Some(("ValidationError", "the name is not valid".into()));
    }
    if action.min.is_none() && action.max.is_none() && action.desired.is_none() {
        return Some(("ValidationError", "At least one of MinSize, MaxSize or DesiredCapacity is required".into()));
    }
    if action.recurrence.is_none() && action.at <= now {
        return Some(("ValidationError", "Scheduled action start time is in the past".into()));
    }
    if action.min > Some(action.max.unwrap_or(i64::MAX)) {
        return Some(("ValidationError", "min must not be above max".into()));
    }
    if others().any(|(_, other)| other.at == action.at) {
        return Some(("AlreadyExists", "A scheduled action with this start time exists already".into()));
    }
    (others().count() >= MOST_ACTIONS).then(|| ("LimitExceeded", "You have reached the limit of scheduled actions".into()))
}

fn batch_delete(world: &mut World, form: &Form) -> Result<String, Refused> {
    let (now, names) = (world.now, members(form, "ScheduledActionNames"));
    if names.is_empty() || names.len() > MOST_A_CALL {
        return invalid(format!("1 to {MOST_A_CALL} names are taken"));
    }
    let (group_name, group) = known(world, form)?;
    let (gone, failed): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| group.actions.remove(name).is_some());
    world.ledger.extend(gone.into_iter().map(|name| (now, group_name.clone(), Change::Deleted(name))));
    let failure = |name: String| {
        tag("ScheduledActionName", &name)
            + &tag("ErrorCode", "ValidationError")
            + &tag("ErrorMessage", format!("Scheduled action name not found - {name}"))
    };
    Ok(list("FailedScheduledActions", failed.into_iter().map(failure)))
}

fn suspend(world: &mut World, form: &Form) -> Result<String, Refused> {
    let processes = members(form, "ScalingProcesses");
    let (_, group) = known(world, form)?;
    for process in processes {
        let Some(known) = PROCESSES.iter().find(|known| **known == process) else {
            return invalid(format!("{process} is not a scaling process"));
        };
        group.suspended.push((known, "User suspended"));
    }
    Ok(String::new())
}
