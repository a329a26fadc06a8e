//! What is found at a group reaches the item of the checklist, the plan, and whoever reads them.

use tminus::core::checklist::{ItemState, ItemStatus, Word};
use tminus::core::decide::Decision;
use tminus::shell::clock;

use super::ahead::{API, HOUR, Rig, rig};
use super::fake::world::{Action, Activity, Asg};
use super::name;

fn item(decision: &Decision) -> &ItemStatus {
    let items = &decision.releases[&name("reader")].readiness.items;
    items.iter().find(|item| item.id == name("capacity")).unwrap()
}

/// Ten minutes before T-0, with everything in place.
async fn ready(more: &str) -> Rig {
    let mut rig = rig(more).await;
    rig.clients = "4k";
    rig.documents(rig.t0, more);
    rig.live(-12).await;
    rig
}

type Edit = Box<dyn Fn(&mut Asg, i64)>;

/// What a person or AWS did to the group, whether a launch may begin so, and what is said of it.
fn cases() -> Vec<(Edit, bool, &'static str)> {
    let failed = |began: i64| Activity { id: began.to_string(), began, ended: began + 40, failed: true };
    let action = |at: i64, min: i64| Action { at, min: Some(min), max: None, desired: None, recurrence: None };
    vec![
        (Box::new(|asg, _| asg.suspended.push(("Launch", "by hand"))), false, "process Launch suspended (by hand)"),
        (Box::new(|asg, _| asg.suspended.push(("ScheduledActions", ""))), false, "do not come by themselves"),
        (Box::new(|asg, _| asg.suspended.push(("Terminate", ""))), true, "process Terminate suspended"),
        (Box::new(|asg, _| asg.refresh = Some(("InProgress", 30))), false, "replacing its instances (InProgress, 30%, as of "),
        (Box::new(move |asg, now| asg.activities.extend([failed(now - 90), failed(now - 50)])), false, "2 in a row failed"),
        (
            Box::new(move |asg, now| drop(asg.actions.insert("night".into(), action(now + 3_600, 1)))),
            false,
            "a scheduled action \"night\" that sets floor 1",
        ),
        (
            Box::new(|asg, _| asg.instances.iter_mut().take(8).for_each(|instance| instance.1 = "us-west-2a")),
            true,
            "api is not balanced: us-west-2a has ",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_turns_the_item_red_and_says_so_with_its_age() {
    for (edit, goes, expected) in cases() {
        let mut rig = Box::pin(ready("checklists: [launch]")).await;
        let good = rig.tick().await;
        assert_eq!(item(&good).state, ItemState::Green, "{:?}", item(&good));
        let now = rig.fake.world().now;
        edit(rig.fake.world().group(API), now);
        rig.fresh();
        rig.fake.world().skip(60);
        let found = rig.tick().await;
        let item = item(&found);
        assert_eq!(item.state == ItemState::Green, goes, "{expected}: {item:?}");
        assert!(item.detail.contains(expected) && item.detail.contains("in service hold"), "{expected}: {}", item.detail);
        assert_eq!(item.measured_at.map(jiff::Timestamp::as_second), Some(rig.fake.world().now), "{expected}");
        let plan = rig.plan.clone().unwrap();
        assert!(plan.groups[0].problems.iter().any(|problem| problem.contains(expected)), "{:?}", plan.groups[0].problems);
        assert_eq!(plan.readiness == Word::Go, goes, "{expected}: {:?}", plan.reasons);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_such_an_item_says_it_on_its_own() {
    let mut rig = Box::pin(ready("")).await;
    rig.tick().await;
    assert_eq!(rig.plan.clone().unwrap().readiness, Word::Go);
    rig.fake.world().group(API).suspended.push(("Launch", ""));
    rig.tick().await;
    let plan = rig.plan.clone().unwrap();
    assert_eq!(plan.readiness, Word::NoGo);
    assert!(plan.reasons.iter().any(|reason| reason.contains("process Launch suspended")), "{:?}", plan.reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_on_their_way_do_not_count_and_a_maximum_that_is_too_low_is_said_a_day_before() {
    let mut rig = rig("checklists: [launch]").await;
    rig.fake.world().group(API).boot_secs = 86_400;
    rig.live(-12).await;
    let booting = rig.tick().await;
    assert_ne!(item(&booting).state, ItemState::Green, "{:?}", item(&booting));
    assert!(item(&booting).detail.starts_with("4 instances in service hold"), "{}", item(&booting).detail);

    let mut rig = super::ahead::rig("checklists: [launch]").await;
    rig.fake.world().group(API).max = 10;
    let low = rig.tick().await;
    assert_eq!(item(&low).state, ItemState::Red, "{:?}", item(&low));
    assert!(item(&low).detail.contains("its ceiling is 10"), "{}", item(&low).detail);
    let problems = &rig.plan.clone().unwrap().groups[0].problems;
    assert!(problems.iter().any(|problem| problem.contains("may have at most 10")), "{problems:?}");
    let weighted = |rig: &Rig| rig.plan.clone().unwrap().groups[0].problems.join(" ");
    rig.fake.world().group(API).instances.iter_mut().for_each(|instance| instance.2 = Some(4));
    rig.fake.world().group(API).warm = 3;
    rig.fresh();
    rig.tick().await;
    assert!(weighted(&rig).contains("weights its instances (4 to 4)"), "{}", weighted(&rig));
    assert!(weighted(&rig).contains("a warm pool of 3 instances"), "{}", weighted(&rig));
    assert!(rig.t0 > clock::now().as_second() + HOUR, "a look long before T-0");
}
