//! Instance groups from the outside; here the local ones: real processes, real requests, restarts of the daemon.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod commands;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tminus::core::words::Name;
use tminus::lab::leash::Leash;
use tminus::shell::clock;
use tminus::shell::groups::{GroupError, Instance, InstanceState, LocalGroups, Targets};
use tminus::shell::spec::LocalGroup;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Far beyond what any of this takes on an idle machine; the tests share it with others.
const WITHIN: Duration = Duration::from_secs(30);

/// A folder, a leash that ends every process with the test, and one group.
struct Stage {
    dir: tempfile::TempDir,
    leash: Leash,
    name: Name,
}

impl Stage {
    fn new() -> Self {
        let name = Name::new("reader-api").unwrap();
        Self { dir: tempfile::tempdir().unwrap(), leash: Leash::hold().unwrap(), name }
    }

    fn targets(&self) -> PathBuf {
        self.dir.path().join("targets.json")
    }

    fn spec(&self) -> LocalGroup {
        let leash = self.leash.address().to_string();
        let command = [env!("CARGO_BIN_EXE_tminus"), "lab", "origin", "--listen", "{address}", "--leash", &leash];
        LocalGroup {
            command: command.map(str::to_owned).into(),
            zones: vec!["a".into(), "b".into()],
            floor: 1,
            ceiling: 4,
            boot: Duration::from_millis(100),
            health_path: "/health".into(),
            health_every: Duration::from_millis(100),
            drain: Duration::from_secs(1),
            targets_file: Some(self.targets()),
        }
    }

    fn open(&self) -> Result<LocalGroups, GroupError> {
        LocalGroups::open(self.dir.path().join("groups"), BTreeMap::from([(self.name.clone(), self.spec())]))
    }

    async fn ceiling(&self, groups: &LocalGroups, wanted: u32) {
        let deadline = tokio::time::Instant::now() + WITHIN;
        loop {
            let seen = groups.describe(&self.name).await.unwrap();
            if seen.ceiling.0 == wanted {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "the ceiling stays {}, not {wanted}", seen.ceiling.0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn in_service(&self, groups: &LocalGroups, wanted: usize) -> Vec<Instance> {
        let what = format!("{wanted} instances in service");
        until(&what, || {
            let all = groups.instances(&self.name);
            let living: Vec<_> = all.into_iter().filter(|instance| instance.state != InstanceState::Terminated).collect();
            let ready = living.len() == wanted && living.iter().all(|instance| instance.state == InstanceState::InService);
            ready.then_some(living)
        })
        .await
    }
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = clock::monotonic() + WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::monotonic() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
}

fn pids(instances: &[Instance]) -> Vec<u32> {
    instances.iter().map(|instance| instance.pid().unwrap()).collect()
}

#[tokio::test]
async fn raising_the_floor_starts_real_processes_in_all_zones() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    stage.in_service(&groups, 1).await;
    groups.set_floor(&stage.name, 4, "raise").await.unwrap();
    let instances = stage.in_service(&groups, 4).await;
    for instance in &instances {
        let answer = get(instance.address.unwrap(), "/poll").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let seen = groups.describe(&stage.name).await.unwrap();
    assert_eq!((seen.floor.0, seen.ceiling.0, seen.desired.0, seen.in_service.0), (4, 4, 4, 4));
    assert_eq!(seen.zones, BTreeMap::from([("a".into(), 2), ("b".into(), 2)]));
    assert!(seen.boot_p95_ms.unwrap() >= 100, "the boot delay is part of it: {seen:?}");
    let targets = Targets::read(&stage.targets()).unwrap();
    assert_eq!(targets.targets.len(), 4);
    groups.stop_all().await;
    until("the end of every process", || pids(&instances).iter().all(|pid| !runs(*pid)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_in_drains_without_a_failed_request() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    groups.set_floor(&stage.name, 3, "raise").await.unwrap();
    let before = stage.in_service(&groups, 3).await;
    let (stop, sent, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let load = tokio::spawn(load(stage.targets(), stop.clone(), sent.clone(), failed.clone()));
    until("some requests", || (sent.load(Ordering::Relaxed) > 20).then_some(())).await;
    groups.set_floor(&stage.name, 1, "give back").await.unwrap();
    let left = stage.in_service(&groups, 1).await;
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {} requests", sent.load(Ordering::Relaxed));
    assert_eq!(left[0].id, before[2].id, "the youngest goes last");
    assert_eq!(pids(&before).iter().filter(|pid| runs(**pid)).count(), 1);
    groups.stop_all().await;
}

/// Asks one target after the other, reading the list before each, as a load balancer would.
async fn load(targets: PathBuf, stop: Arc<AtomicBool>, sent: Arc<AtomicUsize>, failed: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        for target in Targets::read(&targets).unwrap().targets {
            sent.fetch_add(1, Ordering::Relaxed);
            let answer = get(target.address, "/content/o1?v=1").await.unwrap_or_default();
            failed.fetch_add(usize::from(!answer.starts_with("HTTP/1.1 200")), Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn bounds_are_refused_as_the_cloud_refuses_them() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    let above = groups.set_floor(&stage.name, 5, "too much").await.unwrap_err();
    assert!(matches!(above, GroupError::Validation { .. }) && above.to_string().contains("above the ceiling 4"), "{above}");
    assert!(matches!(groups.set_bounds(&stage.name, 3, 2).await, Err(GroupError::Validation { .. })));
    let unknown = Name::new("other").unwrap();
    assert!(matches!(groups.set_floor(&unknown, 1, "k").await, Err(GroupError::Unknown { .. })));
    assert!(matches!(groups.describe(&unknown).await, Err(GroupError::Unknown { .. })));
    let seen = groups.describe(&stage.name).await.unwrap();
    assert_eq!((seen.floor.0, seen.ceiling.0, seen.desired.0), (1, 4, 1), "nothing was changed");
    groups.set_bounds(&stage.name, 0, 8).await.unwrap();
    let seen = groups.describe(&stage.name).await.unwrap();
    assert_eq!((seen.floor.0, seen.ceiling.0, seen.desired.0), (0, 8, 0));
    groups.stop_all().await;
}

#[tokio::test]
async fn a_ceiling_follows_its_document_and_never_stops_a_launch() {
    let stage = Stage::new();
    let with_ceiling = |ceiling| BTreeMap::from([(stage.name.clone(), LocalGroup { ceiling, ..stage.spec() })]);
    let groups = stage.open().unwrap();
    groups.set_floor(&stage.name, 2, "launch").await.unwrap();
    for (documented, ceiling) in [(6, 6), (1, 2), (5, 5)] {
        groups.update(with_ceiling(documented));
        stage.ceiling(&groups, ceiling).await;
    }
    let seen = groups.describe(&stage.name).await.unwrap();
    assert_eq!((seen.floor.0, seen.desired.0), (2, 2), "what a launch raised stays");
    groups.close().await;
    let groups = LocalGroups::open(stage.dir.path().join("groups"), with_ceiling(7)).unwrap();
    stage.ceiling(&groups, 7).await;
    groups.stop_all().await;
}

#[tokio::test]
async fn a_killed_instance_is_replaced() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    let first = stage.in_service(&groups, 1).await.remove(0);
    kill(first.pid().unwrap());
    let second = until("a replacement", || {
        let all = groups.instances(&stage.name);
        all.into_iter().find(|instance| instance.id != first.id && instance.state == InstanceState::InService)
    })
    .await;
    assert_ne!(second.pid(), first.pid());
    let targets = Targets::read(&stage.targets()).unwrap();
    assert_eq!(targets.targets.iter().map(|target| target.address).collect::<Vec<_>>(), [second.address.unwrap()]);
    groups.stop_all().await;
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn the_next_daemon_adopts_what_runs() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    groups.set_floor(&stage.name, 2, "raise").await.unwrap();
    let before = stage.in_service(&groups, 2).await;
    assert!(matches!(stage.open(), Err(GroupError::InUse { .. })), "two daemons would start everything twice");
    drop(groups);
    let groups = until("the folder to be free", || stage.open().ok()).await;
    let after = stage.in_service(&groups, 2).await;
    assert_eq!(pids(&before), pids(&after));
    groups.set_floor(&stage.name, 3, "raise more").await.unwrap();
    let more = stage.in_service(&groups, 3).await;
    assert_eq!(pids(&before), pids(&more)[..2], "what was adopted stays");
    groups.stop_all().await;
}

#[tokio::test]
async fn a_start_that_was_never_written_down_is_found_again() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    let before = stage.in_service(&groups, 1).await;
    groups.close().await;
    // As if the daemon had been killed between the start of the process and its record.
    let path = stage.dir.path().join("groups/reader-api.json");
    let mut registry = read_json(&path);
    let instance = &mut registry["instances"][0];
    (instance["state"], instance["process"]) = ("booting".into(), serde_json::Value::Null);
    std::fs::write(&path, registry.to_string()).unwrap();
    let groups = stage.open().unwrap();
    let after = stage.in_service(&groups, 1).await;
    assert_eq!(pids(&before), pids(&after));
    groups.stop_all().await;
}

#[tokio::test]
async fn a_broken_registry_starts_and_stops_nothing() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    let before = stage.in_service(&groups, 1).await;
    groups.close().await;
    let path = stage.dir.path().join("groups/reader-api.json");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let groups = stage.open().unwrap();
    assert!(matches!(groups.describe(&stage.name).await, Err(GroupError::Registry { .. })));
    assert!(matches!(groups.set_floor(&stage.name, 2, "k").await, Err(GroupError::Registry { .. })));
    assert!(runs(pids(&before)[0]));
    groups.close().await;
    std::fs::write(&path, whole).unwrap();
    let groups = stage.open().unwrap();
    assert_eq!(pids(&stage.in_service(&groups, 1).await), pids(&before));
    groups.stop_all().await;
}

fn read_json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_repeated_order_does_nothing_twice() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    groups.set_floor(&stage.name, 3, "raise").await.unwrap();
    let before = stage.in_service(&groups, 3).await;
    groups.set_floor(&stage.name, 3, "raise").await.unwrap();
    groups.set_floor(&stage.name, 2, "lower").await.unwrap();
    groups.set_floor(&stage.name, 3, "raise").await.unwrap();
    let mismatch = groups.set_floor(&stage.name, 4, "raise").await;
    assert!(matches!(mismatch, Err(GroupError::Mismatch { first: 3, second: 4, .. })), "{mismatch:?}");
    let left = stage.in_service(&groups, 2).await;
    assert!(pids(&left).iter().all(|pid| pids(&before).contains(pid)));
    assert_eq!(groups.describe(&stage.name).await.unwrap().desired.0, 2, "the late repeat of an old order changes nothing");
    groups.stop_all().await;
}

#[tokio::test]
async fn instances_outlive_the_daemon_and_never_the_leash() {
    let stage = Stage::new();
    let groups = stage.open().unwrap();
    let before = pids(&stage.in_service(&groups, 1).await);
    groups.close().await;
    assert!(runs(before[0]));
    drop(stage.leash);
    until("the end of the instance", || (!runs(before[0])).then_some(())).await;
}

#[tokio::test]
async fn a_program_that_cannot_start_is_tried_with_pauses_and_harms_nobody() {
    let stage = Stage::new();
    let broken = Name::new("broken").unwrap();
    let spec = LocalGroup { command: vec!["/no/such/program".into()], targets_file: None, ..stage.spec() };
    let specs = BTreeMap::from([(stage.name.clone(), stage.spec()), (broken.clone(), spec)]);
    let groups = LocalGroups::open(stage.dir.path().join("groups"), specs).unwrap();
    stage.in_service(&groups, 1).await;
    until("a lost instance", || {
        let ended = groups.instances(&broken).into_iter().find(|instance| instance.state == InstanceState::Terminated);
        ended.and_then(|instance| instance.reason).filter(|reason| reason.contains("before it passed a health check"))
    })
    .await;
    assert_eq!(groups.describe(&broken).await.unwrap().in_service.0, 0);
    groups.stop_all().await;
}
