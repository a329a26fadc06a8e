//! Five hundred groups in one account: what a look costs in calls and time.

use std::collections::BTreeSet;
use std::time::Duration;

use tminus::shell::clock;
use tminus::shell::groups::Look;

use super::fake::Fake;
use super::{name, provider};

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_groups_cost_a_handful_of_calls_and_less_than_two_seconds() {
    let fake = Fake::serve().await;
    let names: Vec<String> = (0..500).map(|i| format!("group-{i}")).collect();
    for name in &names {
        fake.world().add(name, (4, 20));
    }
    let groups = provider(&fake, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let near: BTreeSet<_> = names.iter().map(|group| name(group)).collect();
    let look = Look { within: Duration::from_secs(5), near };
    groups.observe(&look).await;
    let before = fake.world().calls.clone();
    let began = clock::monotonic();
    let seen = groups.observe(&look).await;
    let took = began.elapsed();
    assert_eq!(seen.values().filter(|seen| seen.is_ok()).count(), 500);
    let world = fake.world();
    let calls = |action: &str| world.called(action) - before.get(action).copied().unwrap_or(0);
    println!("a look at 500 groups: {took:?}, {} calls", world.calls.values().sum::<u32>() - before.values().sum::<u32>());
    assert_eq!(calls("DescribeAutoScalingGroups"), 5);
    assert_eq!(calls("DescribeScheduledActions"), 1);
    assert_eq!(calls("DescribeScalingActivities"), 0, "every 30 s");
    assert_eq!((calls("DescribeInstanceRefreshes"), calls("DescribeWarmPool")), (4, 4), "a few a look");
    assert!(took < Duration::from_secs(2), "{took:?}");
}
