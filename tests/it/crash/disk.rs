//! A disk that is full, fails or is read-only under the running daemon.
//!
//! Decisions go on from memory, orders are refused with the reason, `/-/ready` names it, and when there is room again
//! everything goes on by itself, without anything done twice. The disk is really full where this machine lets us mount
//! one; elsewhere a limit on the size of files stands in.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use tminus::shell::clock;
use tokio::process::Command;

use super::daemon::{Answer, Daemon, command};
use super::durable::{self, Durable};
use super::ledger::Deed;
use super::life::{Life, copy, until};

/// Bytes of the small disk: room for a launch, quickly filled.
const DISK: &str = "12m";

/// How the disk is made to take no more.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// A small disk of its own, filled to the last byte.
    Filled,
    /// No file of the process may grow (EFBIG), while the file system says that it has room.
    Limited,
}

struct Disk {
    way: Way,
    pid: u32,
    data: PathBuf,
}

impl Disk {
    /// The daemon's command, on such a disk.
    fn under(way: Way, life: &mut Life) -> Command {
        let folder = life.folder.path().to_owned();
        fs::create_dir_all(folder.join("data")).unwrap();
        let plain = life.command();
        let arguments: Vec<_> = plain.as_std().get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let serve = format!("exec {} {}", env!("CARGO_BIN_EXE_tminus"), arguments.join(" "));
        let data = folder.join("data");
        // The log is on the same disk: who logs to a file there must not fall over it.
        let script = match way {
            Way::Filled => {
                format!("mount -t tmpfs -o size={DISK} tmpfs {0} && {serve} 2>{0}/daemon.log", data.display())
            }
            Way::Limited => format!("trap '' XFSZ; {serve} 2>{}/daemon.log", data.display()),
        };
        let mut command = if way == Way::Filled { Command::new("unshare") } else { Command::new("sh") };
        if way == Way::Filled {
            command.args(["-rm", "sh"]);
        }
        command.arg("-c").arg(script);
        command.envs(plain.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn of(way: Way, (life, daemon): (&Life, &Daemon)) -> Self {
        let pid = daemon.child.id().unwrap();
        let folder = life.folder.path().to_owned();
        let data = if way == Way::Filled { seen_by(pid, &folder) } else { folder };
        Self { way, pid, data }
    }

    async fn fill(&self) {
        match self.way {
            Way::Filled => {
                let mut ballast = fs::File::create(self.data.join("data/ballast")).unwrap();
                while ballast.write_all(&[7; 4_096]).is_ok() {}
                while ballast.write_all(&[7]).is_ok() {}
            }
            Way::Limited => self.limit("0").await,
        }
    }

    async fn free(&self) {
        match self.way {
            Way::Filled => fs::remove_file(self.data.join("data/ballast")).unwrap(),
            Way::Limited => self.limit("unlimited").await,
        }
    }

    async fn limit(&self, bytes: &str) {
        let pid = self.pid.to_string();
        let soft = format!("--fsize={bytes}:unlimited");
        assert!(Command::new("prlimit").args(["--pid", &pid, &soft]).status().await.unwrap().success());
    }
}

/// A folder as a process sees it that has mounts of its own.
fn seen_by(pid: u32, folder: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/root{}", folder.display()))
}

/// Whether this machine lets us mount a disk of our own.
async fn can_mount() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size=1m tmpfs {}", folder.path().display());
    let tried = Command::new("unshare").args(["-rm", "sh", "-c", &script]).stderr(Stdio::null()).status().await;
    tried.is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_orders_and_nothing_else_until_there_is_room() {
    let way = if can_mount().await { Way::Filled } else { Way::Limited };
    println!("the disk is {}", if way == Way::Filled { "a small one, filled" } else { "limited: this machine mounts none" });
    withstand(way).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_without_being_full_is_withstood_too() {
    withstand(Way::Limited).await;
}

async fn withstand(way: Way) {
    let mut life = Life::begin(way as u64).await;
    life.room.answer_all();
    let mut daemon = Daemon::spawn(Disk::under(way, &mut life));
    daemon.serves().await.unwrap();
    let disk = Disk::of(way, (&life, &daemon));
    assert_eq!(ready(&daemon).await.0, StatusCode::OK);
    rolling(&mut life, &daemon).await;
    assert_eq!(life.give(&daemon, Deed::Halt).await, Answer::Promised);

    // Something is on its way when the disk is full: its outcome cannot be written down.
    life.room.keep_silent(true);
    assert_eq!(life.phase_order(&daemon, "hold").await, Answer::Promised);
    let key = wait_for_key(&life, ":held:").await;
    disk.fill().await;
    life.room.keep_silent(false);
    while_full(&mut life, &daemon, &disk).await;

    disk.free().await;
    wait(&daemon, StatusCode::OK).await;
    let metrics = daemon.plain("/metrics").await.unwrap().1;
    assert!(metrics.contains("\ntminus_durable 1\n"), "{metrics}");
    assert_eq!(life.give(&daemon, Deed::Lift).await, Answer::Promised, "{}", log(&disk));
    assert_eq!(life.phase_order(&daemon, "resume").await, Answer::Promised);
    settled(&mut life, &daemon, &disk).await;
    let times = life.room.receipts().iter().filter(|receipt| receipt.key == key).count();
    assert_eq!(times, 1, "what was done while nothing could be written is not done again");
    daemon.stop().await;
}

/// What must hold while nothing can be made durable.
async fn while_full(life: &mut Life, daemon: &Daemon, disk: &Disk) {
    // Nobody orders anything, and still it is known where the file system says so.
    if disk.way == Way::Limited {
        assert!(matches!(life.give(daemon, Deed::Policy).await, Answer::Refused(..)));
    }
    wait(daemon, StatusCode::SERVICE_UNAVAILABLE).await;
    let said = ready(daemon).await.1;
    assert!(said.contains("cannot be made durable"), "{said}");
    let metrics = daemon.plain("/metrics").await.unwrap().1;
    assert!(metrics.contains("\ntminus_durable 0\n"), "{metrics}");
    assert_eq!(daemon.plain("/-/healthy").await.unwrap().0, StatusCode::OK);

    let not_committed = Answer::Refused(StatusCode::SERVICE_UNAVAILABLE, "not_committed".into());
    for _ in 0..3 {
        assert_eq!(life.give(daemon, Deed::Lift).await, not_committed);
        assert_eq!(life.phase_order(daemon, "resume").await, not_committed);
        assert_eq!(life.give(daemon, Deed::Policy).await, not_committed);
        assert_eq!(life.next_release(daemon).await, not_committed);
        life.release -= 1;
    }
    assert_eq!(daemon.reason("other").await.as_deref(), Some("halt"), "what was halted stays so");
    assert_eq!(life.phase(daemon).await.as_deref(), Some("held"));
    // The brake that needs no disk.
    let halt = life.folder.path().join("HALT");
    fs::write(&halt, "").unwrap();
    wait_reason(daemon, "app", "halt").await;
    fs::remove_file(&halt).unwrap();
    wait_reason(daemon, "app", "force").await;
    assert_eq!(ready(daemon).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

/// Everything goes on to its good end by itself.
async fn settled(life: &mut Life, daemon: &Daemon, disk: &Disk) {
    let started = clock::monotonic();
    loop {
        life.finish(daemon).await;
        let open = daemon.plain("/metrics").await.unwrap().1.lines().any(|line| line == "tminus_open_intents 0");
        let phase = life.phase(daemon).await;
        if open && phase.as_deref() == Some("complete") {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{phase:?}\n{}", log(disk));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // SQLite would look for the other process's path here; a copy stands for it.
    let copied = tempfile::tempdir().unwrap();
    copy(&disk.data.join("data"), &copied.path().join("data")).unwrap();
    let durable = Durable::read(copied.path()).unwrap();
    assert_eq!(durable.state["decisions"], durable.rows);
    assert_eq!(durable.open().count(), 0);
}

fn log(disk: &Disk) -> String {
    fs::read_to_string(disk.data.join("data/daemon.log")).unwrap_or_default()
}

/// Brings a release to its first step.
async fn rolling(life: &mut Life, daemon: &Daemon) {
    assert_eq!(life.next_release(daemon).await, Answer::Promised);
    let started = clock::monotonic();
    while life.phase(daemon).await.as_deref() != Some("rolling") {
        life.sign(daemon).await;
        life.phase_order(daemon, "go").await;
        assert!(started.elapsed() < Duration::from_secs(20), "it does not launch");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn wait_for_key(life: &Life, part: &str) -> String {
    let find = || life.room.receipts().into_iter().map(|receipt| receipt.key).find(|key| key.contains(part));
    until(part, || find().is_some()).await;
    find().unwrap()
}

async fn ready(daemon: &Daemon) -> (StatusCode, String) {
    daemon.plain("/-/ready").await.unwrap()
}

async fn wait(daemon: &Daemon, status: StatusCode) {
    let started = clock::monotonic();
    while ready(daemon).await.0 != status {
        assert!(started.elapsed() < Duration::from_secs(10), "ready is not {status}: {:?}", ready(daemon).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn wait_reason(daemon: &Daemon, app: &str, wanted: &str) {
    let started = clock::monotonic();
    while daemon.reason(app).await.as_deref() != Some(wanted) {
        assert!(started.elapsed() < Duration::from_secs(10), "{app} is never answered {wanted}: {:?}", daemon.reason(app).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The daemon as somebody to whom permissions apply.
fn as_nobody(life: &mut Life) -> Command {
    let plain = life.command();
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(env!("CARGO_BIN_EXE_tminus"));
        command
    } else {
        Command::new(env!("CARGO_BIN_EXE_tminus"))
    };
    command.args(plain.as_std().get_args());
    command.envs(plain.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    let log = fs::OpenOptions::new().append(true).create(true).open(life.folder.path().join("daemon.log")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
    command
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_written_is_refused_at_the_start_by_name() {
    let mut life = Life::begin(3).await;
    let data = life.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    permit(life.folder.path(), 0o777);
    permit(&data, 0o555);
    for entry in fs::read_dir(life.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            permit(&path, 0o666);
        }
    }
    let started = clock::monotonic();
    let mut daemon = Daemon::spawn(as_nobody(&mut life));
    let status = daemon.serves().await.expect_err("it starts in a folder that it may not write");
    let said = fs::read_to_string(life.folder.path().join("daemon.log")).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains(data.to_str().unwrap()) && said.contains("ermission denied"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "and nothing is left there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_is_refused_at_the_start_by_name() {
    if !can_mount().await {
        println!("this machine mounts no disk of our own; the folder without permission stands for it");
        return;
    }
    let life = Life::begin(4).await;
    let data = life.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let plain = command(life.folder.path(), &life.room.address, 1);
    let arguments: Vec<_> = plain.as_std().get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let script = format!(
        "mount -t tmpfs tmpfs {0} && mount -o remount,ro {0} && exec {1} {2}",
        data.display(),
        env!("CARGO_BIN_EXE_tminus"),
        arguments.join(" ")
    );
    let ended = Command::new("unshare").args(["-rm", "sh", "-c", &script]).output().await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only file system") && said.contains(data.to_str().unwrap()), "{said}");
}

/// The folder turns read-only under the running daemon: files that are open are written on, no new one can be made.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_turns_read_only_is_withstood_and_what_waited_is_done() {
    let mut life = Life::begin(5).await;
    life.room.answer_all();
    permit(life.folder.path(), 0o777);
    let mut daemon = Daemon::spawn(as_nobody(&mut life));
    daemon.serves().await.unwrap();
    let (data, groups) = (life.folder.path().join("data"), life.folder.path().join("data/groups"));
    until("the instance serves", || {
        durable::registry(life.folder.path()).is_some_and(|registry| registry["instances"][0]["state"] == "in_service")
    })
    .await;
    for path in [&data, &groups] {
        permit(path, 0o555);
    }
    // A launch wants a higher floor, whose record cannot be replaced.
    assert_eq!(life.next_release(&daemon).await, Answer::Promised);
    let wants = |durable: &Durable| durable.open().any(|key| key.starts_with("floor:"));
    until("a floor waits", || wants(&Durable::read(life.folder.path()).unwrap())).await;
    assert_eq!(durable::registry(life.folder.path()).unwrap()["floor"], 1, "what cannot be recorded is not done");
    for path in [&data, &groups] {
        permit(path, 0o755);
    }
    let folder = life.folder.path().to_owned();
    until("the floor is raised", || durable::registry(&folder).is_some_and(|registry| registry["floor"] == 3)).await;
    daemon.kill().await;
    life.heal().await;
}
