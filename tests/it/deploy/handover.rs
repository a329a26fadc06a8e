//! Sockets that are handed over: by name, by order, and what is refused.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream as Stream;
use tokio::time::timeout;

use super::manager::{ASK, LAUNCH, Manager, WITHIN};
use super::rig::answer;

fn listen(address: &str) -> TcpListener {
    TcpListener::bind(address).unwrap()
}

/// What it says when it does not start.
async fn refused(manager: &Manager, sockets: [OwnedFd; 2], (count, names): (&str, Option<&str>)) -> String {
    let mut command = manager.command(sockets);
    command.env("LISTEN_FDS", count).stderr(Stdio::piped());
    if let Some(names) = names {
        command.env("LISTEN_FDNAMES", names);
    }
    let ended = timeout(WITHIN, command.spawn().unwrap().wait_with_output()).await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_named() {
    let manager = Manager::new(LAUNCH);
    let tcp = || listen("127.0.0.1:0").into();
    let beyond = || listen("0.0.0.0:0").into();
    let udp = || UdpSocket::bind("127.0.0.1:0").unwrap().into();
    let unix = |name: &str| UnixListener::bind(manager.path().join(name)).unwrap().into();
    let connected = || {
        let listener = listen("127.0.0.1:0");
        OwnedFd::from(TcpStream::connect(listener.local_addr().unwrap()).unwrap())
    };
    let both = Some("control:decision");
    for (sockets, hand_over, words) in [
        ([tcp(), tcp()], ("1", Some("control")), "1 sockets were handed over"),
        ([tcp(), tcp()], ("2", Some("control:other")), "one named control and one named decision"),
        ([tcp(), tcp()], ("2", Some("control")), "do not fit together"),
        ([tcp(), tcp()], ("two", both), "do not fit together"),
        ([udp(), tcp()], ("2", both), "the control socket that was handed over cannot be used"),
        ([tcp(), unix("socket")], ("2", None), "the decision socket that was handed over cannot be used"),
        ([tcp(), connected()], ("2", None), "does not listen"),
        ([beyond(), tcp()], ("2", both), "is not a loopback address"),
    ] {
        let said = refused(&manager, sockets, hand_over).await;
        assert!(said.contains(words), "{hand_over:?}: {said}");
    }
    assert!(!manager.path().join("data").exists(), "nothing was started");
}

#[tokio::test]
async fn names_tell_them_apart_and_without_names_the_order_does() {
    for (names, decision_first) in [(Some("decision:control"), true), (Some("unknown:unknown"), false), (None, false)] {
        let manager = Manager::new(LAUNCH);
        let (control, decision) = (listen("127.0.0.1:0"), listen("127.0.0.1:0"));
        let address = decision.local_addr().unwrap();
        let sockets = if decision_first { [decision.into(), control.into()] } else { [control.into(), decision.into()] };
        let mut command = manager.command(sockets);
        command.env("LISTEN_FDS", "2");
        if let Some(names) = names {
            command.env("LISTEN_FDNAMES", names);
        }
        let _child = command.spawn().unwrap();
        manager.until_told("READY=1").await;
        let mut stream = Stream::connect(address).await.unwrap();
        stream.write_all(format!("GET {ASK} HTTP/1.1\r\nhost: tminus\r\n\r\n").as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"), "{names:?}");
    }
}

#[tokio::test]
async fn what_was_handed_to_somebody_else_is_left_alone() {
    let manager = Manager::new(LAUNCH);
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tminus"));
    command.args(["serve", "--control", "127.0.0.1:0", "--decision", "127.0.0.1:0", "--config"]);
    command.arg(manager.path().join("tminus.yaml")).envs(manager.variables.clone());
    let others = [("LISTEN_PID", "1"), ("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", "control:decision")];
    let _child = command.envs(others).kill_on_drop(true).spawn().unwrap();
    manager.until_told("READY=1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_starts_is_not_told_of_the_manager() {
    let documents = format!(
        "{LAUNCH}---\napiVersion: tminus/v1\nkind: Notifier\nname: room\non: [halt]\nto: [{{command: [sh, -c, \"env > ENVIRONMENT.new; \
         mv ENVIRONMENT.new ENVIRONMENT\"]}}]\n"
    );
    let mut manager = Manager::new("");
    let seen = manager.path().join("seen");
    std::fs::write(manager.path().join("launch.yaml"), documents.replace("ENVIRONMENT", &seen.display().to_string())).unwrap();
    manager.variables.extend([("WATCHDOG_USEC", "60000000".to_owned()), ("KEPT", "yes".to_owned())]);
    let _daemon = manager.start();
    manager.until_told("READY=1").await;
    std::fs::write(manager.path().join("HALT"), "").unwrap();
    let environment = async {
        loop {
            if let Ok(text) = std::fs::read_to_string(&seen) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let environment = timeout(WITHIN, environment).await.unwrap();
    assert!(environment.lines().any(|line| line == "KEPT=yes"), "{environment}");
    for name in ["LISTEN_", "NOTIFY_SOCKET", "WATCHDOG_"] {
        assert!(!environment.lines().any(|line| line.starts_with(name)), "{name}: {environment}");
    }
}
