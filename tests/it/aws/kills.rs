//! The daemon killed at every step of the journal while it launches on an Auto Scaling group.
//!
//! The launch is short and the clock real: floors are raised, stand at T-0 and are given back within half a minute, however
//! often the daemon dies in between. The service throttles and loses answers meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tminus::shell::clock;
use tminus::shell::daemon::{DieAt, Step};
use tokio::sync::Semaphore;

use super::fake::Fake;
use super::fake::world::{Change, Trouble};
use crate::crash::daemon::{Daemon, command};

const API: &str = "api";
const BEFORE: i64 = 4;
const NEEDED: i64 = 8;
/// From the first start to T-0, which leaves room for the deaths before the floor is due.
const AHEAD_SECS: i64 = 24;
/// When the daemon dies, in seconds after T-0: as it first sees the launch and schedules it, as the floor is due, and as it
/// is given back. The last two are due in the second before, by the policy below: a lead and a quarter of it before T-0.
const MOMENTS: [i64; 3] = [-AHEAD_SECS, -12, 3];
/// Deaths at each of them.
const DEATHS: u32 = 2;
/// Launches side by side.
const LANES: usize = 7;
/// A daemon that does not die at its step by then does not pass it any more.
const DIES_WITHIN: Duration = Duration::from_secs(3);
/// After faults stop the world is as desired within so long (I9).
const HEALS_WITHIN: Duration = Duration::from_secs(60);

const DOCUMENTS: &str = r"
apiVersion: tminus/v1
kind: Settings
name: kills
data: data
documents: [world.yaml]
listen: {control: '127.0.0.1:0', decision: '127.0.0.1:0'}
tick: 0.2s
";

const WORLD: &str = r"
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group: {aws: {name: api, region: us-west-2, endpoint: ENDPOINT}}
capacity_per_instance: 25/s
limits: {floor: 4, ceiling: 8, step: 4}
lead: 10s
hold_after: 3s
ramp_down: {percent: 50, every: 1s}
---
apiVersion: tminus/v1
kind: Release
name: reader
app: reader
version: 2.0.0
channels: [release]
launch_at: T0
go: auto
scaling: [api]
rollout: {steps: [{percent: 100, bake: 1s}]}
audience: {clients: 1k, adoption: {half_life: 1s, ceiling: 60}, requests_per_client: 10}
";

#[tokio::test(flavor = "multi_thread")]
async fn floors_stand_at_t0_and_are_given_back_whatever_step_the_daemon_dies_at() {
    // Documents are applied by nobody here, and nobody gives orders.
    let silent = [Step::BeforeApply, Step::AfterApply, Step::BeforeReply, Step::AfterReply];
    let lanes = Arc::new(Semaphore::new(LANES));
    let launches = Step::ALL.into_iter().filter(|step| !silent.contains(step)).map(|step| {
        let lanes = lanes.clone();
        tokio::spawn(async move {
            let _lane = lanes.acquire_owned().await.unwrap();
            (step, launch(step).await)
        })
    });
    for launch in launches.collect::<Vec<_>>() {
        let (step, deaths) = launch.await.unwrap();
        println!("{:<14} died {deaths:?} times: scheduling, raising, giving back", step.word());
        assert!(deaths.iter().all(|deaths| *deaths > 0), "{} was not passed at each moment: {deaths:?}", step.word());
    }
}

/// One launch with deaths at a step; how many there were at each moment.
async fn launch(step: Step) -> [u32; 3] {
    let (fake, folder) = (Fake::serve().await, tempfile::tempdir().unwrap());
    fake.world().add(API, (BEFORE, NEEDED + 2)).boot_secs = 1;
    fake.world().trouble_every = 7;
    fake.world().troubles = vec![Trouble::Throttles, Trouble::LosesAnswers];
    let t0 = clock::now().as_second() + AHEAD_SECS;
    write(folder.path(), (&fake, t0));
    let (mut died, mut run) = ([0; 3], 0);
    for (moment, died) in MOMENTS.into_iter().zip(&mut died) {
        // In between it lives, and ends a second before, so that what is due is done by one that dies.
        let mut daemon = start((&folder, run), None);
        until(t0 + moment - 1).await;
        daemon.kill().await;
        until(t0 + moment).await;
        *died = deaths((&folder, &mut run), step).await;
        run += 1;
    }
    fake.world().trouble_every = 0;
    heal((&folder, run), (&fake, t0), step).await;
    died
}

/// Time passes.
async fn until(second: i64) {
    let at = jiff::Timestamp::from_second(second).unwrap();
    let left = Duration::try_from(at.duration_since(clock::now())).unwrap_or_default();
    tokio::time::sleep(left).await;
}

/// Daemons that die at a step, one after the other; how many did.
async fn deaths((folder, run): (&tempfile::TempDir, &mut u32), step: Step) -> u32 {
    let mut deaths = 0;
    for passage in 1..=DEATHS {
        *run += 1;
        // Passages of a start are passed first; later ones are in the midst of it.
        let mut daemon = start((folder, *run), Some(DieAt::new(step, passage)));
        if tokio::time::timeout(DIES_WITHIN, daemon.child.wait()).await.is_ok() {
            deaths += 1;
        } else {
            daemon.kill().await;
        }
    }
    deaths
}

/// Without faults from here on: everything is given back, and what was done was right.
async fn heal((folder, run): (&tempfile::TempDir, u32), (fake, t0): (&Fake, i64), step: Step) {
    let mut daemon = start((folder, run), None);
    let began = clock::monotonic();
    let is_over = |fake: &Fake| {
        let world = fake.world();
        world.now > t0 && world.groups[API].min == BEFORE && world.sizes(API).len() > 1 && world.groups[API].actions.is_empty()
    };
    while !is_over(fake) {
        if began.elapsed() >= HEALS_WITHIN {
            let mut world = fake.world();
            let (sizes, actions) = (world.sizes(API), world.group(API).actions.clone());
            panic!("{} does not heal: {sizes:?} {actions:?}\n{}", step.word(), log(folder.path()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    daemon.kill().await;
    let world = fake.world();
    let sizes = world.sizes(API);
    let at_t0 = sizes.iter().rfind(|(at, _)| *at <= t0).map(|(_, size)| *size);
    assert_eq!(at_t0, Some(NEEDED), "{}: {sizes:?}, T-0 is {t0}\n{}", step.word(), log(folder.path()));
    assert!(sizes.iter().all(|(_, size)| (BEFORE..=NEEDED).contains(size)), "{}: {sizes:?}", step.word());
    // Up once, held through T-0, down once.
    let up = sizes.iter().take_while(|(_, size)| *size == NEEDED).count();
    assert!(up == 1 && sizes[up..].is_sorted_by(|one, other| one.1 > other.1), "{}: {sizes:?}", step.word());
    assert!(sizes[up].0 > t0, "{}: given back in the window: {sizes:?}", step.word());
    let twice = world.ledger.iter().filter(|(_, _, change)| matches!(change, Change::Again(_))).count();
    assert_eq!(twice, 0, "{}: {:?}", step.word(), world.ledger);
}

fn start((folder, run): (&tempfile::TempDir, u32), die_at: Option<DieAt>) -> Daemon {
    let mut command = command(folder.path(), "nobody", run);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    if let Some(at) = die_at {
        command.arg("--die-at").arg(at.to_string());
    }
    Daemon::spawn(command)
}

fn write(folder: &Path, (fake, t0): (&Fake, i64)) {
    let at = jiff::Timestamp::from_second(t0).unwrap();
    std::fs::write(folder.join("tminus.yaml"), DOCUMENTS).unwrap();
    let world = WORLD.replace("ENDPOINT", &format!("\"{}\"", fake.address)).replace("T0", &format!("\"{at}\""));
    std::fs::write(folder.join("world.yaml"), world).unwrap();
}

fn log(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("daemon.log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(40).collect();
    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
}
