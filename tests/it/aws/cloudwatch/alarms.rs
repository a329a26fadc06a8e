//! The `alarms` check: green only if every alarm was read and is OK, a call for each hundred of all items of a tick.

use futures_util::future::join_all;
use tminus::core::checklist::{Check, Evidence, Outcome};
use tminus::shell::clock;
use tminus::shell::observe::{Probe, Probes, Pushes, Sources, Substitution, Tick};

use super::super::fake::cloudwatch::CloudWatch;
use super::super::fake::cloudwatch::sky::Trouble;
use super::super::name;
use super::{metric, sources, spec};

async fn world() -> (CloudWatch, Sources) {
    let fake = CloudWatch::serve().await;
    for i in 0..250 {
        fake.sky().alarm(&format!("alarm-{i}"), "OK");
    }
    fake.sky().alarm("all-composite", "OK");
    let sources = sources(vec![("metrics", spec(&fake, &[("requests", metric("requests", "Sum"))]))]);
    (fake, sources)
}

async fn probed(sources: &Sources, names: Vec<String>) -> Evidence {
    let (probes, pushed, with) = (Probes::new().unwrap(), Pushes::new(), Substitution::default());
    let check = Check::Alarms { source: name("metrics"), names };
    let evidence = probes.probe(&check, Probe { sources, with: &with, tick: Tick { pushed: &pushed, now: clock::now() } }).await;
    assert!(clock::now().duration_since(evidence.measured_at).as_secs() < 5);
    evidence
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn each_state_is_what_it_is() {
    let (fake, sources) = world().await;
    fake.sky().alarm("high", "ALARM");
    fake.sky().alarm("few", "INSUFFICIENT_DATA");
    let check = async |asked: &[&str], outcome: Outcome, says: &str| {
        let evidence = probed(&sources, names(asked)).await;
        assert!(evidence.outcome == outcome && evidence.detail.contains(says), "{asked:?}: {evidence:?}");
    };
    check(&["alarm-1", "all-composite"], Outcome::Green, "2 alarms are OK, the last change was at 2023-11-14T22:13:20Z").await;
    check(&["alarm-1", "few", "high"], Outcome::Red, "high is ALARM since 2023-11-14T22:13:20Z (Threshold of high); few is")
        .await;
    check(&["few", "alarm-1"], Outcome::Unknown, "few is INSUFFICIENT_DATA since").await;
    check(&["ALARM-1"], Outcome::Unknown, "ALARM-1 does not exist in us-west-2; look at its name").await;
    fake.sky().refuses = Some("AccessDenied");
    check(&["alarm-1"], Outcome::Unknown, "attach deploy/aws/policy.json").await;
    fake.sky().refuses = None;
    check(&["alarm-1"], Outcome::Green, "1 alarm is OK").await;
}

#[tokio::test]
async fn all_items_of_a_tick_share_a_call_for_each_hundred_alarms() {
    let (fake, sources) = world().await;
    fake.sky().alarms_page = 30;
    let items: Vec<Vec<String>> =
        (0..50).map(|item| (0..10).map(|i| format!("alarm-{}", (item * 5 + i) % 250)).collect()).collect();
    let answers = join_all(items.into_iter().map(|names| probed(&sources, names))).await;
    assert!(answers.iter().all(|evidence| evidence.outcome == Outcome::Green), "{:?}", answers[0]);
    // 250 names are three calls; pages of thirty make them four, four and two.
    assert_eq!(fake.called("DescribeAlarms"), 10);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_another_kind_of_source_has_no_alarms() {
    let (fake, sources) = world().await;
    fake.sky().troubles = vec![Trouble::LosesAnswers, Trouble::Throttles];
    assert_eq!(probed(&sources, names(&["alarm-1"])).await.outcome, Outcome::Green);
    fake.sky().troubles = vec![Trouble::Throttles; 3];
    let unread = probed(&sources, names(&["alarm-1"])).await;
    assert!(unread.outcome == Outcome::Unknown && unread.detail.contains("DescribeAlarms was throttled"), "{unread:?}");
    let other = sources.alarms(&name("other"), &names(&["alarm-1"])).await.unwrap_err();
    assert!(other.to_string().contains("other is no source with `cloudwatch`"), "{other}");
}
