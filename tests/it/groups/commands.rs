//! Groups by commands: real scripts, a real daemon, and the scripts of deploy/ against programs as strict as the real ones.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tminus::core::decide::GroupObservation;
use tminus::core::words::Name;
use tminus::shell::clock;
use tminus::shell::groups::{CommandGroups, GroupError};
use tminus::shell::spec::CommandGroup;
use tokio::process::Command;

use super::WITHIN;

/// A provider of twenty lines that keeps its group in files: it counts its changes, and can be told to be slow or to fail.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
case $1 in
  describe)
    echo >> describes
    while [ -e slow ]; do sleep 0.05; done
    [ ! -e broken ] || { echo 'the API is down' >&2; exit 3; }
    floor=$(cat floor)
    printf '{"floor": %d, "ceiling": 12, "desired": %d, "in_service": %d, "boot_p95_secs": 2.5}' "$floor" "$floor" "$floor" ;;
  set)
    [ ! -e broken ] || { echo 'the API is down' >&2; exit 3; }
    echo "$2 $3" >> sets
    echo "$2" > floor ;;
esac
"#;

struct Stage {
    folder: tempfile::TempDir,
    name: Name,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap(), name: Name::new("api").unwrap() };
        stage.write("group", SCRIPT);
        fs::set_permissions(stage.path("group"), fs::Permissions::from_mode(0o755)).unwrap();
        stage.write("floor", "4");
        stage
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    fn lines(&self, file: &str) -> Vec<String> {
        fs::read_to_string(self.path(file)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn open(&self) -> CommandGroups {
        let script = self.path("group").display().to_string();
        let spec = CommandGroup {
            describe: vec![script.clone(), "describe".into()],
            set: [script.as_str(), "set", "{floor}", "{group}/{key}"].map(String::from).into(),
            within: WITHIN,
        };
        CommandGroups::new(BTreeMap::from([(self.name.clone(), spec)]))
    }

    async fn look(&self, groups: &CommandGroups, within: Duration) -> Result<GroupObservation, String> {
        groups.observe(within).await.remove(&self.name).unwrap()
    }
}

#[tokio::test]
async fn a_group_is_what_its_script_says_and_its_floor_is_set_once_a_key() {
    let stage = Stage::new();
    let groups = stage.open();
    let seen = stage.look(&groups, WITHIN).await.unwrap();
    assert_eq!((seen.floor.0, seen.ceiling.0, seen.in_service.0, seen.boot_p95_ms), (4, 12, 4, Some(2_500)));
    for _ in 0..3 {
        groups.set_floor(&stage.name, 9, "k1").await.unwrap();
    }
    assert_eq!(stage.lines("sets"), ["9 api/k1"]);
    assert_eq!(stage.look(&groups, WITHIN).await.unwrap().floor.0, 9);
    let refused = groups.set_floor(&stage.name, 13, "k2").await.unwrap_err();
    assert!(matches!(refused, GroupError::Validation { .. }), "{refused}");
    assert_eq!(stage.lines("sets").len(), 1, "beyond the ceiling nothing is run");
    let nobody = groups.set_floor(&Name::new("other").unwrap(), 1, "k3").await.unwrap_err();
    assert!(matches!(nobody, GroupError::Unknown { .. }));
}

#[tokio::test]
async fn a_broken_script_is_unseen_with_its_own_words_and_a_set_that_failed_can_be_repeated() {
    let stage = Stage::new();
    let groups = stage.open();
    stage.write("broken", "");
    let unseen = stage.look(&groups, WITHIN).await.unwrap_err();
    assert!(unseen.starts_with("could not be described: ") && unseen.ends_with("exit status: 3: the API is down"), "{unseen}");
    let failed = groups.set_floor(&stage.name, 9, "k1").await.unwrap_err().to_string();
    assert!(failed.contains("the API is down"), "{failed}");
    fs::remove_file(stage.path("broken")).unwrap();
    groups.set_floor(&stage.name, 9, "k1").await.unwrap();
    assert_eq!(stage.look(&groups, WITHIN).await.unwrap().floor.0, 9);
}

#[tokio::test]
async fn a_slow_script_runs_once_and_its_answer_is_as_old_as_it_is() {
    let stage = Stage::new();
    let groups = stage.open();
    let soon = Duration::from_millis(300);
    stage.write("slow", "");
    let before = clock::now();
    for _ in 0..3 {
        let waiting = stage.look(&groups, soon).await.unwrap_err();
        assert!(waiting.contains("is still being described"), "{waiting}");
    }
    let after = clock::now();
    fs::remove_file(stage.path("slow")).unwrap();
    let seen = stage.look(&groups, WITHIN).await.unwrap();
    assert_eq!(stage.lines("describes").len(), 1, "it was looked at four times and run once");
    assert!(before <= seen.observed_at && seen.observed_at < after, "its answer is of when it was begun");
}

/// A daemon with a launch some seconds ahead: the floor is raised in time, and given back when the launch is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_launch_raises_and_restores_a_group_by_commands() {
    let stage = Stage::new();
    let launch_at = clock::now() + Duration::from_secs(6);
    let documents = format!(
        "apiVersion: tminus/v1\nkind: ScalingPolicy\nname: api\n\
         group: {{command: {{describe: [./group, describe], set: [./group, set, '{{floor}}', '{{key}}']}}}}\n\
         capacity_per_instance: 10/s\nheadroom: 0\nlimits: {{floor: 4, ceiling: 12, step: 20}}\nlead: 2s\nhold_after: 1s\n\
         ramp_down: {{percent: 50, every: 1s}}\n---\n\
         apiVersion: tminus/v1\nkind: Release\nname: player-2\napp: player\nversion: 2.0.0\nchannels: [release]\n\
         launch_at: {launch_at}\ngo: auto\nscaling: [api]\n\
         rollout: {{steps: [{{percent: 100, bake: 2s}}]}}\n\
         audience: {{clients: 200, adoption: {{half_life: 4s, ceiling: 100}}, requests_per_client: 2, \
         cache_hit_ratio: {{cold: 0, primed: 0}}, retry: {{every: 2s, limit: 1}}}}\n"
    );
    stage.write("launch.yaml", &documents);
    let settings = "apiVersion: tminus/v1\nkind: Settings\nname: t\ndata: data\ndocuments: [launch.yaml]\ntick: 0.2s\n";
    stage.write("tminus.yaml", settings);
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_tminus"));
    daemon.args(["serve", "--control", "127.0.0.1:0", "--decision", "127.0.0.1:0", "--config"]).arg(stage.path("tminus.yaml"));
    let _daemon = daemon.stdout(std::process::Stdio::null()).kill_on_drop(true).spawn().unwrap();

    let floors = || -> Vec<u32> {
        let floor = |line: &String| line.split(' ').next().unwrap().parse().unwrap();
        stage.lines("sets").iter().map(floor).collect()
    };
    until("the floor is raised before T-0", || floors().iter().any(|floor| *floor > 4)).await;
    assert!(clock::now() < launch_at, "it is there before the launch");
    until("everything is given back", || floors().last() == Some(&4)).await;
    let floors = floors();
    let highest = floors.iter().position(|floor| floor == floors.iter().max().unwrap()).unwrap();
    assert!(floors[..=highest].is_sorted() && floors[highest..].iter().rev().is_sorted(), "up and then down: {floors:?}");
    assert!(floors.iter().all(|floor| (4..=12).contains(floor)), "{floors:?}");
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = clock::monotonic() + Duration::from_mins(1);
    while !done() {
        assert!(clock::monotonic() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Stands in for `kubectl`: takes exactly the calls that are documented for it, and nothing else.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >> "$LEDGER"
case "$*" in
  "get hpa api --namespace shop -o jsonpath={.spec.minReplicas} {.spec.maxReplicas} {.status.desiredReplicas}") printf '4 60 6' ;;
  "get deployment api --namespace shop -o jsonpath={.status.readyReplicas}") printf '5' ;;
  "get deployment api --namespace shop -o jsonpath={.spec.replicas}") printf '4' ;;
  'patch hpa api --namespace shop --type merge --patch {"spec": {"minReplicas": 9}}') echo patched ;;
  "scale deployment api --namespace shop --replicas 9") echo scaled ;;
  *) echo "error: unknown: $*" >&2; exit 1 ;;
esac
"#;

/// Stands in for `gcloud`, likewise.
const GCLOUD: &str = r#"#!/bin/sh
echo "$*" >> "$LEDGER"
case "$*" in
  '--quiet compute instance-groups managed describe api --zone=z --format value[separator=" "]('*) echo '4 60 6 5' ;;
  "--quiet compute instance-groups managed update-autoscaling api --zone=z --min-num-replicas 9") echo Updated ;;
  *) echo "ERROR: (gcloud) $*" >&2; exit 2 ;;
esac
"#;

#[tokio::test]
async fn the_scripts_of_deploy_describe_and_set() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("kubectl", KUBECTL), ("gcloud", GCLOUD)] {
        fs::write(folder.path().join(name), text).unwrap();
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for (script, place, extra, floor_desired_ready) in [
        ("kubernetes", "shop", None, (4, 6, 5)),
        ("kubernetes-scale", "shop", Some("60"), (4, 4, 5)),
        ("gcloud", "--zone=z", None, (4, 6, 5)),
    ] {
        let words = |verb: &str, last: Option<&str>| {
            let file = format!("{}/deploy/groups/{script}", env!("CARGO_MANIFEST_DIR"));
            let path = format!("PATH={}:{}", folder.path().display(), "/usr/bin:/bin");
            let ledger = format!("LEDGER={}", folder.path().join("ledger").display());
            let words = ["env".to_owned(), path, ledger, file, verb.into(), place.into(), "api".into()];
            words.into_iter().chain(last.map(String::from)).collect()
        };
        let spec = CommandGroup { describe: words("describe", extra), set: words("set", Some("{floor}")), within: WITHIN };
        let name = Name::new("api").unwrap();
        let groups = CommandGroups::new(BTreeMap::from([(name.clone(), spec)]));
        let seen = groups.observe(WITHIN).await.remove(&name).unwrap();
        let seen = seen.unwrap_or_else(|why| panic!("{script}: {why}"));
        assert_eq!((seen.floor.0, seen.desired.0, seen.in_service.0), floor_desired_ready, "{script}");
        assert_eq!(seen.ceiling.0, 60, "{script}");
        groups.set_floor(&name, 9, "k").await.unwrap_or_else(|why| panic!("{script}: {why}"));
    }
    assert_eq!(ledger(folder.path()).len(), 8, "{:?}", ledger(folder.path()));
}

#[tokio::test]
async fn a_program_of_theirs_that_fails_or_says_little_shows_no_group() {
    for (script, program, answer) in [
        ("gcloud", "gcloud", "echo expired >&2; exit 1"),
        ("gcloud", "gcloud", "echo 4 60"),
        ("gcloud", "gcloud", "echo 4 60 None 5"),
        ("kubernetes", "kubectl", "echo expired >&2; exit 1"),
        ("kubernetes", "kubectl", "echo 4"),
        ("kubernetes-scale", "kubectl", "echo expired >&2; exit 1"),
        ("kubernetes-scale", "kubectl", "true"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(program), format!("#!/bin/sh\n{answer}\n")).unwrap();
        fs::set_permissions(folder.path().join(program), fs::Permissions::from_mode(0o755)).unwrap();
        let file = format!("{}/deploy/groups/{script}", env!("CARGO_MANIFEST_DIR"));
        let path = format!("PATH={}:/usr/bin:/bin", folder.path().display());
        let mut describe = tokio::process::Command::new("env");
        let ran = describe.args([&path, &file, "describe", "place", "api", "60"]).output().await.unwrap();
        let printed = String::from_utf8_lossy(&ran.stdout);
        assert!(!ran.status.success(), "{script} after `{answer}`: {printed}");
    }
}

fn ledger(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("ledger")).unwrap().lines().map(str::to_owned).collect()
}
