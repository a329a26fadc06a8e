//! The provider over the wire: what is seen, found, set and kept, and what becomes of a service that is out of order.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tminus::core::decide::GroupObservation;
use tminus::core::load::{GroupFinding, ScheduledFloor, Turn};
use tminus::core::words::Capacity;
use tminus::shell::aws::AwsError;
use tminus::shell::clock;
use tminus::shell::groups::{AwsGroups, GroupError, Look};

use super::fake::Fake;
use super::fake::world::{Action, Activity, Asg, Change, Trouble};
use super::{name, provider};

const API: &str = "api";

async fn world(bounds: (i64, i64)) -> (Fake, AwsGroups) {
    let fake = Fake::serve().await;
    fake.world().add(API, bounds);
    let groups = provider(&fake, &[API]);
    (fake, groups)
}

async fn look(groups: &AwsGroups) -> Result<GroupObservation, String> {
    let look = Look { within: Duration::from_secs(5), near: BTreeSet::from([name(API)]) };
    groups.observe(&look).await.remove(&name(API)).unwrap()
}

/// Whole minutes from now.
fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second((clock::now().as_second() / 60 + minutes) * 60).unwrap()
}

fn raise(minutes: i64, floor: u32) -> ScheduledFloor {
    ScheduledFloor { at: at(minutes), floor: Capacity(floor), turn: Turn::Raise }
}

fn restore(minutes: i64, floor: u32) -> ScheduledFloor {
    ScheduledFloor { turn: Turn::Restore, ..raise(minutes, floor) }
}

#[tokio::test]
async fn a_group_is_seen_as_it_is() {
    let (fake, groups) = world((4, 20)).await;
    fake.world().group(API).instances[3].0 = i64::MAX;
    let seen = look(&groups).await.unwrap();
    assert_eq!((seen.floor, seen.ceiling, seen.desired, seen.in_service), (Capacity(4), Capacity(20), Capacity(4), Capacity(3)));
    assert_eq!(seen.zones.values().copied().collect::<Vec<_>>(), [2, 1]);
    assert_eq!((seen.schedule, seen.findings), (Some(Vec::new()), Vec::new()));
    fake.world().groups.clear();
    assert!(look(&groups).await.unwrap_err().contains("does not exist as api in us-west-2"));
}

#[tokio::test]
async fn a_floor_lifts_what_the_group_heads_for_and_nothing_else_is_ever_set() {
    let (fake, groups) = world((4, 20)).await;
    for _ in 0..3 {
        groups.set_floor(&name(API), 12).await.unwrap();
    }
    let asg = fake.world().group(API).clone();
    assert_eq!((asg.min, asg.max, asg.desired, asg.instances.len()), (12, 20, 12, 12));
    assert_eq!(fake.world().called("UpdateAutoScalingGroup"), 1, "a repeat finds it set");
    groups.set_floor(&name(API), 4).await.unwrap();
    assert_eq!(fake.world().group(API).desired, 12, "a floor that falls stops nobody");

    let refused = groups.set_floor(&name(API), 21).await.unwrap_err();
    assert!(
        matches!(&refused, GroupError::Validation { message, .. } if message.contains("above its maximum size 20")),
        "{refused}"
    );
    fake.world().denied.push("UpdateAutoScalingGroup");
    let denied = groups.set_floor(&name(API), 5).await.unwrap_err();
    assert!(matches!(&denied, GroupError::Aws { cause: AwsError::Denied { .. }, .. }), "{denied}");
    assert!(denied.to_string().contains("deploy/aws/policy.json"), "{denied}");
    fake.world().groups.clear();
    let absent = groups.set_floor(&name(API), 5).await.unwrap_err();
    assert!(matches!(&absent, GroupError::Aws { cause: AwsError::NotFound { .. }, .. }), "{absent}");
    assert_eq!(fake.world().sizes(API).len(), 2);
}

type Edit = Box<dyn Fn(&mut Asg)>;

#[tokio::test]
async fn whatever_stands_in_the_way_of_a_launch_is_found() {
    let now = clock::now().as_second();
    let activity = |began: i64, failed: bool| Activity { id: began.to_string(), began, ended: began + 40, failed };
    let cases: [(Edit, &str); 7] = [
        (Box::new(|asg| asg.suspended.push(("Launch", "by hand"))), "process Launch suspended (by hand)"),
        (Box::new(|asg| asg.suspended.push(("ScheduledActions", ""))), "do not come by themselves"),
        (Box::new(|asg| asg.refresh = Some(("InProgress", 30))), "replacing its instances (InProgress, 30%, as of "),
        (Box::new(|asg| asg.warm = 3), "a warm pool of 3 instances, 3 of them ready"),
        (Box::new(move |asg| asg.activities.extend([activity(now - 300, true), activity(now - 200, true)])), "2 in a row failed"),
        (Box::new(|asg| asg.instances.iter_mut().for_each(|it| it.1 = "us-west-2a")), "us-west-2b has 0 instances"),
        (Box::new(|asg| asg.instances.iter_mut().for_each(|it| it.2 = Some(4))), "weights its instances (4 to 4)"),
    ];
    for (edit, expected) in cases {
        let (fake, groups) = world((4, 20)).await;
        edit(fake.world().group(API));
        let found = look(&groups).await.unwrap().findings;
        let said: Vec<String> = found.iter().map(|finding| finding.sentence(&name(API))).collect();
        assert!(said.len() == 1 && said[0].contains(expected), "{expected}: {said:?}");
    }
}

#[tokio::test]
async fn what_is_not_read_is_said_and_costs_nothing_else() {
    let (fake, groups) = world((4, 20)).await;
    fake.world().denied = vec!["DescribeScheduledActions", "DescribeScalingActivities", "DescribeInstanceRefreshes"];
    let seen = look(&groups).await.unwrap();
    assert_eq!((seen.schedule, seen.floor), (None, Capacity(4)));
    let unread = seen.findings.iter().filter(|finding| matches!(finding, GroupFinding::Unread { .. })).count();
    assert_eq!(unread, 2, "{:?}", seen.findings);
    fake.world().denied = vec!["DescribeAutoScalingGroups"];
    let unseen = look(&groups).await.unwrap_err();
    assert!(unseen.contains("DescribeAutoScalingGroups is not allowed"), "{unseen}");
}

#[tokio::test]
async fn boots_are_learned_from_activities() {
    let (fake, groups) = world((4, 20)).await;
    let now = clock::now().as_second();
    let boot = |i: i64| Activity { id: i.to_string(), began: now - 10_000 + i, ended: now - 10_000 + i + 60 + i, failed: false };
    fake.world().group(API).activities.extend((0..20).map(boot));
    assert_eq!(look(&groups).await.unwrap().boot_p95_ms, Some(78_000));
}

#[tokio::test]
async fn a_schedule_is_kept_as_wanted_restores_first_and_others_are_left_alone() {
    let (fake, groups) = world((4, 20)).await;
    let night = Action { at: at(300).as_second(), min: Some(1), max: None, desired: None, recurrence: Some("0 3 * * *".into()) };
    fake.world().group(API).actions.insert("night".into(), night.clone());
    let wanted = [raise(60, 12), raise(80, 20), restore(480, 12), restore(495, 4)];
    for _ in 0..2 {
        groups.put_schedule(&name(API), &wanted).await.unwrap();
    }
    let put: Vec<i64> = fake
        .world()
        .ledger
        .iter()
        .filter_map(|(_, _, change)| if let Change::Put(_, min) = change { Some(*min) } else { None })
        .collect();
    assert_eq!(put, [12, 4, 12, 20], "once, and the way back first");
    assert_eq!(fake.world().called("BatchPutScheduledUpdateGroupAction"), 1);
    let seen = look(&groups).await.unwrap();
    assert_eq!(seen.schedule.as_deref(), Some(&wanted[..]));
    assert_eq!(seen.others.iter().map(|other| other.name.as_str()).collect::<Vec<_>>(), ["night"]);

    let moved = [raise(120, 12), raise(140, 20), restore(540, 12), restore(555, 4)];
    groups.put_schedule(&name(API), &moved).await.unwrap();
    assert_eq!(look(&groups).await.unwrap().schedule.as_deref(), Some(&moved[..]), "and nothing of before");
    groups.put_schedule(&name(API), &[]).await.unwrap();
    assert_eq!(fake.world().group(API).actions.iter().collect::<Vec<_>>(), [(&"night".to_owned(), &night)]);
}

#[tokio::test]
async fn a_schedule_that_aws_takes_in_part_never_raises_without_its_way_back() {
    let (fake, groups) = world((4, 20)).await;
    let taken = at(480).as_second();
    let other = Action { at: taken, min: Some(9), max: None, desired: None, recurrence: None };
    fake.world().group(API).actions.insert("theirs".into(), other);
    let refused = groups.put_schedule(&name(API), &[raise(60, 12), restore(480, 4)]).await.unwrap_err();
    assert!(refused.to_string().contains("AlreadyExists"), "{refused}");
    assert_eq!(fake.world().group(API).actions.keys().collect::<Vec<_>>(), ["theirs"]);
}

#[tokio::test]
async fn seventy_changes_take_two_calls_and_a_full_group_refuses_in_words() {
    let (fake, groups) = world((4, 20)).await;
    let mut wanted: Vec<ScheduledFloor> = (0..10).map(|i| raise(60 + i, 5 + i as u32)).collect();
    wanted.extend((0..60).map(|i| restore(500 + i, 4)));
    groups.put_schedule(&name(API), &wanted).await.unwrap();
    assert_eq!(fake.world().called("BatchPutScheduledUpdateGroupAction"), 2);
    assert_eq!(fake.world().group(API).actions.len(), 70);
}

#[tokio::test]
async fn thousands_of_scheduled_actions_are_read_over_several_looks() {
    let (fake, groups) = world((4, 20)).await;
    let action = |i: i64| Action { at: at(60).as_second() + 60 * i, min: Some(5), max: None, desired: None, recurrence: None };
    for other in 0..60 {
        let actions = (0..100).map(|i| (format!("{i}"), action(i)));
        fake.world().add(&format!("other-{other}"), (1, 2)).actions.extend(actions);
    }
    fake.world().takes = Duration::from_millis(20);
    let look = Look { within: Duration::from_millis(500), near: BTreeSet::new() };
    let mut looks = 0;
    while let Some(unread) = groups.observe(&look).await.remove(&name(API)).unwrap().unwrap().findings.pop() {
        let said = unread.sentence(&name(API));
        assert!(said.contains("pages were read so far, and it goes on"), "{said}");
        looks += 1;
        assert!(looks < 60, "{said}");
    }
    assert!(looks > 1, "6,000 do not fit into a look");
    let pages = fake.world().called("DescribeScheduledActions");
    assert!(pages <= 60 + looks, "{pages} pages in {looks} looks: none twice, but the one in which a look ended");
}

#[tokio::test]
async fn what_many_groups_need_at_once_is_sent_a_few_at_a_time() {
    let fake = Fake::serve().await;
    let names: Vec<String> = (0..40).map(|i| format!("group-{i}")).collect();
    for name in &names {
        fake.world().add(name, (4, 20));
    }
    fake.world().takes = Duration::from_millis(20);
    let groups = provider(&fake, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let wanted = [raise(60, 12), restore(480, 4)];
    let change = async |group: &String| {
        groups.describe(&name(group)).await.unwrap();
        groups.set_floor(&name(group), 8).await.unwrap();
        groups.put_schedule(&name(group), &wanted).await.unwrap();
    };
    join_all(names.iter().map(change)).await;
    let world = fake.world();
    assert!((2..=8).contains(&world.under_way.1), "{:?}", world.under_way);
    assert_eq!(world.called("DescribeAutoScalingGroups"), 1, "what is looked at together is asked for together");
    assert!(world.groups.values().all(|group| group.min == 8 && group.actions.len() == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_out_of_order_ends_with_what_was_asked_and_no_change_twice() {
    for every in [2, 3, 5] {
        let (fake, groups) = world((4, 20)).await;
        fake.world().trouble_every = every;
        fake.world().troubles = vec![Trouble::Throttles, Trouble::LosesAnswers, Trouble::Doubles];
        let wanted = [raise(60, 12), restore(480, 4)];
        let mut tries = 0;
        while groups.set_floor(&name(API), 12).await.is_err() || groups.put_schedule(&name(API), &wanted).await.is_err() {
            tries += 1;
            assert!(tries < 50, "every {every}");
        }
        fake.world().trouble_every = 0;
        assert_eq!(look(&groups).await.unwrap().schedule.as_deref(), Some(&wanted[..]), "every {every}");
        assert_eq!(fake.world().sizes(API).len(), 1, "every {every}: one change of the floor");
        let again = fake.world().ledger.iter().filter(|(_, _, change)| matches!(change, Change::Again(_))).count();
        assert!(again <= 1, "every {every}: what came twice on its way alone; what got no answer is looked at, not sent again");
        let puts = fake.world().ledger.iter().filter(|(_, _, change)| matches!(change, Change::Put(..))).count();
        assert_eq!(puts, 2, "every {every}: each action once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_answer_costs_its_own_groups_alone_and_then_rests() {
    let (fake, _) = world((4, 20)).await;
    let groups = provider(&fake, &[API]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = tminus::shell::spec::AwsAccount {
        region: "eu-central-1".into(),
        profile: None,
        role_arn: None,
        endpoint: Some(format!("http://{}", silent.local_addr().unwrap())),
    };
    let here =
        tminus::shell::spec::AwsAccount { region: "us-west-2".into(), endpoint: Some(fake.address.clone()), ..elsewhere.clone() };
    let spec = |name: &str, account| tminus::shell::spec::AwsGroup { name: name.into(), account };
    groups.update([(name(API), spec(API, here)), (name("far"), spec("far", elsewhere))].into());
    let look = Look { within: Duration::from_millis(800), near: BTreeSet::new() };
    let seen = groups.observe(&look).await;
    assert!(seen[&name(API)].is_ok() && seen[&name("far")].as_ref().unwrap_err().contains("not described within"));
    assert!(groups.observe(&look).await[&name("far")].is_err(), "once may be a hiccup");
    let began = clock::monotonic();
    assert!(groups.observe(&look).await[&name("far")].is_err());
    assert!(began.elapsed() < look.within, "it is not waited for again at once");
}
