//! The real daemon with many groups, with groups of several accounts, and in a dry run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tminus::shell::clock;

use super::fake::Fake;
use crate::crash::daemon::{Daemon, command};

const SETTINGS: &str = "apiVersion: tminus/v1\nkind: Settings\nname: aws\ndata: data\ndocuments: [world.yaml]\n\
    listen: {control: '127.0.0.1:0', decision: '127.0.0.1:0'}\ntick: ";
/// What must come, comes within.
const WITHIN: Duration = Duration::from_secs(90);
/// Every call that changes something.
const CHANGES: [&str; 3] = ["UpdateAutoScalingGroup", "BatchPutScheduledUpdateGroupAction", "BatchDeleteScheduledAction"];

fn policy(name: &str, account: &str) -> String {
    format!(
        "---\napiVersion: tminus/v1\nkind: ScalingPolicy\nname: {name}\ngroup: {{aws: {{name: {name}, {account}}}}}\n\
         capacity_per_instance: 25/s\nlimits: {{floor: 4, ceiling: 8}}\nlead: 10s\n"
    )
}

fn release(name: &str, groups: &[String], (at, more): (i64, &str)) -> String {
    let at = jiff::Timestamp::from_second(clock::now().as_second() + at).unwrap();
    format!(
        "---\napiVersion: tminus/v1\nkind: Release\nname: {name}\napp: {name}\nversion: 2.0.0\nchannels: [release]\n\
         launch_at: \"{at}\"\n{more}scaling: [{}]\nrollout: {{steps: [{{percent: 100, bake: 1h}}]}}\n\
         audience: {{clients: 12k, adoption: {{half_life: 45m, ceiling: 60}}, requests_per_client: 400}}\n",
        groups.join(", ")
    )
}

/// A daemon with these documents, whose only AWS is the fake.
async fn serve(folder: &Path, (fake, tick): (&Fake, &str), documents: &str) -> Daemon {
    std::fs::write(folder.join("tminus.yaml"), format!("{SETTINGS}{tick}\n")).unwrap();
    std::fs::write(folder.join("world.yaml"), documents).unwrap();
    let profile = "[profile production]\naws_access_key_id = AKIDPRODUCTION\naws_secret_access_key = secret\n";
    std::fs::write(folder.join("aws"), profile).unwrap();
    let mut command = command(folder, "nobody", 1);
    for variable in ["AWS_ENDPOINT_URL_AUTO_SCALING", "AWS_ENDPOINT_URL_STS"] {
        command.env(variable, &fake.address);
    }
    command.env("AWS_CONFIG_FILE", folder.join("aws")).env("AWS_SHARED_CREDENTIALS_FILE", folder.join("none"));
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    let mut daemon = Daemon::spawn(command);
    daemon.serves().await.unwrap();
    daemon
}

/// Waits until something is so; what was seen last, when it does not come.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let began = clock::monotonic();
    loop {
        match look().await {
            Ok(seen) => return seen,
            Err(seen) => assert!(began.elapsed() < WITHIN, "{what} did not come: {seen}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A figure of /metrics.
async fn metric(daemon: &Daemon, name: &str) -> f64 {
    let text = daemon.plain("/metrics").await.map(|(_, text)| text).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    line.unwrap_or(0.0)
}

async fn ticks(daemon: &Daemon, count: f64) {
    until("ticks", async || {
        let ticks = metric(daemon, "tminus_ticks_total").await;
        if ticks >= count { Ok(()) } else { Err(format!("{ticks} of {count}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_groups_of_launches_tomorrow_cost_five_descriptions_a_tick() {
    let (fake, folder) = (Fake::serve().await, tempfile::tempdir().unwrap());
    let names: Vec<String> = (0..500).map(|i| format!("group-{i}")).collect();
    for name in &names {
        fake.world().add(name, (4, 20));
    }
    let mut documents: String = names.iter().map(|name| policy(name, "region: us-west-2")).collect();
    for (i, groups) in names.chunks(50).enumerate() {
        documents += &release(&format!("release-{i}"), groups, (86_000, ""));
    }
    let daemon = serve(folder.path(), (&fake, "1s"), &documents).await;
    until("every schedule", async || {
        let kept = fake.world().groups.values().filter(|group| !group.actions.is_empty()).count();
        if kept == 500 { Ok(()) } else { Err(format!("{kept} groups have theirs")) }
    })
    .await;
    let (ticked, spent) = (metric(&daemon, "tminus_ticks_total").await, metric(&daemon, "tminus_tick_seconds_sum").await);
    let before = fake.world().calls.clone();
    ticks(&daemon, ticked + 8.0).await;
    let (more, took) =
        (metric(&daemon, "tminus_ticks_total").await - ticked, metric(&daemon, "tminus_tick_seconds_sum").await - spent);
    let world = fake.world();
    let calls: BTreeMap<&String, u32> = world
        .calls
        .iter()
        .map(|(action, count)| (action, count - before.get(action).copied().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
        .collect();
    println!("500 groups: {more} ticks, {:.3} s each, calls in all {calls:?}", took / more);
    let described = f64::from(world.called("DescribeAutoScalingGroups"))
        - f64::from(before.get("DescribeAutoScalingGroups").copied().unwrap_or(0));
    // One tick may have begun before they were counted, or not have ended.
    assert!(described <= 5.0 * (more + 1.0), "{described} in {more} ticks");
    assert!(CHANGES.iter().all(|change| !calls.contains_key(&(*change).to_owned())), "nothing changes: {calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_profiles_and_roles_are_reached_with_their_own_rights() {
    let (fake, folder) = (Fake::serve().await, tempfile::tempdir().unwrap());
    let accounts = [
        ("plain", "region: us-west-2"),
        ("far", "region: eu-central-1"),
        ("production", "region: us-west-2, profile: production"),
        ("other", "region: us-east-1, role_arn: 'arn:aws:iam::123456789012:role/tminus'"),
        ("both", "region: eu-west-1, profile: production, role_arn: 'arn:aws:iam::210987654321:role/second'"),
    ];
    for (name, _) in accounts {
        fake.world().add(name, (4, 20));
    }
    let names: Vec<String> = accounts.iter().map(|(name, _)| (*name).to_owned()).collect();
    let policies: String = accounts.iter().map(|(name, account)| policy(name, account)).collect();
    let daemon = serve(folder.path(), (&fake, "0.5s"), &(policies + &release("reader", &names, (86_000, "")))).await;
    until("all groups", async || {
        let status = daemon.get("/api/v1/releases/reader").await.unwrap_or_default();
        let seen = status["groups"].as_array().map_or(0, |groups| groups.iter().filter(|it| it["in_service"] == 4).count());
        if seen == names.len() { Ok(()) } else { Err(status["groups"].to_string()) }
    })
    .await;
    let callers = fake.world().callers.clone();
    for (key, region, operation) in [
        ("AKIDEXAMPLE", "us-west-2", "autoscaling:DescribeAutoScalingGroups"),
        ("AKIDEXAMPLE", "eu-central-1", "autoscaling:DescribeAutoScalingGroups"),
        ("AKIDPRODUCTION", "us-west-2", "autoscaling:DescribeAutoScalingGroups"),
        ("AKIDEXAMPLE", "us-east-1", "sts:AssumeRole"),
        ("ASIATMINUS", "us-east-1", "autoscaling:DescribeAutoScalingGroups"),
        ("AKIDPRODUCTION", "eu-west-1", "sts:AssumeRole"),
        ("ASIASECOND", "eu-west-1", "autoscaling:DescribeAutoScalingGroups"),
    ] {
        assert!(callers.contains(&(key.into(), region.into(), operation.into())), "{key} {region} {operation}: {callers:?}");
    }
    assert!(callers.iter().all(|(key, region, _)| key != "AKIDEXAMPLE" || region != "eu-west-1"), "{callers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_never_sends_a_call_that_changes_something() {
    let (fake, folder) = (Fake::serve().await, tempfile::tempdir().unwrap());
    for name in ["now", "tomorrow"] {
        fake.world().add(name, (4, 20));
    }
    let policies = policy("now", "region: us-west-2") + &policy("tomorrow", "region: us-west-2");
    let releases = release("reader", &["now".into()], (6, "shadow: true\ngo: auto\n"))
        + &release("later", &["tomorrow".into()], (86_000, "shadow: true\n"));
    let daemon = serve(folder.path(), (&fake, "0.2s"), &(policies + &releases)).await;
    // Through T-0 and its first step: an operator would have raised floors long before.
    until("the launch", async || {
        let status = daemon.get("/api/v1/releases/reader").await.unwrap_or_default();
        let phase = status["phase"].as_str().unwrap_or_default().to_owned();
        if phase == "baking" || phase == "rolling" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    for name in ["reader", "later"] {
        for verb in ["plan", "status"] {
            let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_tminus"));
            let output = program.args([verb, name, "--server", &daemon.control, "-o", "json"]).output().await.unwrap();
            assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    ticks(&daemon, metric(&daemon, "tminus_ticks_total").await + 3.0).await;
    let world = fake.world();
    assert!(world.called("DescribeAutoScalingGroups") > 3, "{:?}", world.calls);
    assert!(CHANGES.iter().all(|change| world.called(change) == 0) && world.ledger.is_empty(), "{:?}", world.calls);
}
