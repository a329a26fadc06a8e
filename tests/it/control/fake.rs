//! A test double of what sits behind the desk: it decides with the real core, keeps nothing durable, and a raw HTTP client.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tminus::core::checklist::{Blocks, Checklist, Demand, Item};
use tminus::core::decide::{Config, Decision, GroupObservation, Observations, Person, Snapshot, State, decide};
use tminus::core::load::{Limits, Policy as Scaling, RampDown};
use tminus::core::priming::{Coverage, Policy as Priming};
use tminus::core::release::{Go, OnAbort, Release, Rollout, RolloutStep};
use tminus::core::throttle::{Lift, NoClientId, Policy as Throttle};
use tminus::core::words::{Capacity, Name, Rate, Version};
use tminus::shell::clock;
use tminus::shell::control::{Applied, Ask, Desk, GroupView, NotApplied, NotRemoved, Papers, People, Reloaded, View, serve};
use tminus::shell::settings::{Finding, Severity};
use tminus::shell::store::EventRow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// What stored strings look like when somebody hostile wrote them.
pub const HOSTILE: &str = "<script>alert(1)</script> \u{1b}[2J javascript:x";

pub fn in_mins(mins: i64) -> Timestamp {
    clock::now().checked_add(SignedDuration::from_mins(mins)).unwrap()
}

pub fn release(text: &str, checklists: &[&str]) -> Release {
    let step = |percent: &str, bake| RolloutStep {
        percent: percent.parse().unwrap(),
        dwell: Duration::from_mins(10),
        bake: Duration::from_secs(bake),
    };
    Release {
        name: name(text),
        app: name("reader"),
        version: Version::new("2.3.0").unwrap(),
        channels: vec![name("release")],
        from: None,
        early: Vec::new(),
        launch_at: in_mins(30),
        time_zone: None,
        go: Go::Manual,
        released: false,
        shadow: false,
        checklists: checklists.iter().map(|text| name(text)).collect(),
        scaling: vec![name("reader-api")],
        priming: vec![name("content")],
        gate: None,
        shield: Vec::new(),
        rollout: Rollout { steps: vec![step("1", 0), step("12.5", 0), step("100", 7_200)], on_abort: OnAbort::Halt },
        audience: None,
    }
}

fn item(id: &str, title: &str) -> Item {
    Item {
        id: name(id),
        title: title.into(),
        owner: Some(name("capacity")),
        due: None,
        demand: Demand::SignOff { roles: vec![name("sre")], count: 1 },
        blocks: Blocks::Launch,
        waivable: true,
        every: None,
        why: None,
    }
}

fn scaling() -> Scaling {
    Scaling {
        name: name("reader-api"),
        capacity_per_instance: Rate::per_second(45.0).unwrap(),
        headroom_percent: 30.0,
        zones: None,
        limits: Limits {
            floor: Capacity(4),
            ceiling: Capacity(60),
            step: Capacity(20),
            quota: None,
            cost: None,
            override_for: Duration::from_hours(24),
        },
        price: None,
        lead: Duration::from_mins(10),
        hold_after: Duration::from_hours(1),
        ramp_down: RampDown { percent: 10.0, every: Duration::from_mins(15) },
        has_history: false,
        keeps_schedule: false,
        tells_of_trouble: true,
        time_zone: None,
        service: None,
        usl: None,
    }
}

/// `reader-2.3` waits for a signature and has hostile texts in it; `plain` can launch.
pub fn config() -> Config {
    let releases = [release("reader-2.3", &["mobile"]), release("plain", &[])];
    let checklist =
        Checklist { name: name("mobile"), items: vec![item("load-test", HOSTILE), item("kill-switch", "Halt was rehearsed")] };
    let primings = Priming {
        name: name("content"),
        coverage: 99.9,
        fresh_until: None,
        nodes: vec![name("edge1"), name("edge2")],
        poll_every: Duration::from_mins(15),
        schedule: None,
        tighten: Vec::new(),
    };
    let throttle = Throttle {
        name: name("mobile"),
        rules: Vec::new(),
        global: None,
        no_client_id: NoClientId::HoldBack,
        lift: Lift { roles: vec![name("release")], count: 2 },
    };
    let contents = ["load-test", "kill-switch"].map(|id| (format!("reader-2.3/{id}"), "00".into()));
    Config {
        releases: releases.into_iter().map(|release| (release.name.clone(), release)).collect(),
        checklists: BTreeMap::from([(checklist.name.clone(), checklist)]),
        throttles: BTreeMap::from([(throttle.name.clone(), throttle)]),
        scalings: BTreeMap::from([(name("reader-api"), scaling())]),
        primings: BTreeMap::from([(primings.name.clone(), primings)]),
        contents: BTreeMap::from(contents),
        revision: "r1".into(),
        ..Config::default()
    }
}

fn observed() -> Observations {
    let now = clock::now();
    let bare = GroupObservation::at_floor(Capacity(4), Capacity(60), now);
    let group = GroupObservation { desired: Capacity(5), in_service: Capacity(5), ..bare };
    let coverage = Coverage {
        nodes: BTreeMap::from([(name("edge1"), 1.0)]),
        objects: 1_000,
        problems: 1,
        first_problem: Some(HOSTILE.into()),
        fresh_until: None,
        measured_at: now,
    };
    Observations {
        groups: BTreeMap::from([(name("reader-api"), group)]),
        coverage: BTreeMap::from([(name("content"), coverage)]),
        ..Observations::default()
    }
}

/// What the fake keeps.
pub struct Behind {
    snapshot: Snapshot,
    events: Vec<EventRow>,
    view: watch::Sender<Arc<View>>,
}

fn view(snapshot: Snapshot, decision: Decision) -> View {
    let group = GroupView {
        observed: snapshot.observed.groups.get(&name("reader-api")).cloned(),
        plan: decision.plans.get(&name("reader-api")).cloned(),
        load: Some(Rate::per_second(120.0).unwrap()),
        coverage: snapshot.observed.coverage.clone(),
    };
    let groups = BTreeMap::from([(name("reader-api"), group)]);
    View { snapshot, decision, groups, papers: Papers::default(), ready: true, open_intents: 0, not_durable: None }
}

pub fn first_view() -> View {
    let snapshot =
        Snapshot { config: config(), state: State::default(), observed: observed(), commands: Vec::new(), now: clock::now() };
    let decision = decide(&snapshot);
    view(snapshot, decision)
}

impl Behind {
    fn event(&mut self, kind: &str, message: String) {
        let id = i64::try_from(self.events.len()).unwrap() + 1;
        let row = EventRow { id, at: clock::now(), release: None, kind: kind.into(), message, by: None };
        self.events.push(row);
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Order { command, reply } => {
                self.snapshot.now = clock::now();
                self.snapshot.commands = vec![command];
                let decision = decide(&self.snapshot);
                self.snapshot.commands.clear();
                self.snapshot.state = decision.state.clone();
                let told = decision.replies[0].clone();
                self.event("order", format!("{told:?} {HOSTILE}"));
                self.view.send_replace(Arc::new(view(self.snapshot.clone(), decision)));
                let _ = reply.send(told);
            }
            Ask::Apply { text, reply, .. } => {
                let _ = reply.send(apply(&text).map_err(NotApplied::Findings));
            }
            Ask::Reload { reply, .. } => {
                let _ = reply.send(Ok(Reloaded { created: vec!["Release/x".into()], ..Reloaded::default() }));
            }
            Ask::Remove { kind, name, reply, .. } => {
                let told = |code: &str| tminus::core::decide::Told { code: code.into(), message: format!("{kind}/{name}") };
                let _ =
                    reply.send(if kind == "Release" { Ok(told("removed")) } else { Err(NotRemoved::Refused(told("in_file"))) });
            }
            Ask::Push { source, reply, .. } => {
                let unknown = || tminus::core::decide::Told { code: "unknown_source".into(), message: "no".into() };
                let _ = reply.send(if source == name("edge") { Ok(()) } else { Err(unknown()) });
            }
            Ask::Events { after, limit, reply } => {
                let _ = reply.send(self.events.iter().filter(|row| row.id > after).take(limit).cloned().collect());
            }
        }
    }
}

fn apply(text: &str) -> Result<Applied, Vec<Finding>> {
    let bad = text.lines().position(|line| line.contains("percnt"));
    let Some(index) = bad else {
        return Ok(Applied { created: vec!["Release/x".into()], changed: Vec::new(), unchanged: Vec::new(), voided: Vec::new() });
    };
    Err(vec![Finding {
        file: "apply".into(),
        line: index + 1,
        column: 3,
        path: "rules[0].percnt".into(),
        code: "TM0102".into(),
        severity: Severity::Error,
        message: "unknown key `percnt`".into(),
        help: "did you mean `percent`?".into(),
    }])
}

/// A listener in front of a fake; it stops when this is dropped.
pub struct Room {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Room {
    /// Ends it gracefully.
    pub async fn stop(mut self) -> std::io::Result<()> {
        let _ = self.stop.take().unwrap().send(());
        self.served.await.unwrap()
    }
}

/// A token and its person.
pub fn person(token: &str, roles: &[&str]) -> (String, Person) {
    let hash = Sha256::digest(token.as_bytes()).iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    (hash, Person { name: name(token), roles: roles.iter().map(|role| name(role)).collect() })
}

/// A listener with a fake behind it.
pub async fn open(people: Vec<(String, Person)>) -> Room {
    let first = first_view();
    let (asks, mut asked) = mpsc::channel(64);
    let mut snapshot = first.snapshot.clone();
    snapshot.state = first.decision.state.clone();
    let (view, seen) = watch::channel(Arc::new(first));
    tokio::spawn(async move {
        let mut behind = Behind { snapshot, events: Vec::new(), view };
        behind.event("start", "The daemon started.".into());
        while let Some(ask) = asked.recv().await {
            behind.answer(ask);
        }
    });
    front(Desk { asks, view: seen, people: Arc::new(ArcSwap::from_pointee(People::of(people))) }).await
}

/// A listener before this desk.
pub async fn front(desk: Desk) -> Room {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, desk, async { drop(stopped.await) }));
    Room { address, stop: Some(stop), served }
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends bytes on a connection of their own and reads until the other side closes.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(40), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stayed open: {}", String::from_utf8_lossy(&answer));
    parse(&String::from_utf8(answer).unwrap())
}

fn parse(text: &str) -> Reply {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Reply { status, head: head.into(), body: body.into() }
}

/// A request with headers (`name: value`) and a body.
pub async fn send(address: SocketAddr, line: &str, headers: &[&str], body: &str) -> Reply {
    let mut text = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("host:")) {
        text.push_str("Host: localhost\r\n");
    }
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text = format!("{text}Content-Length: {}\r\n", body.len());
    }
    raw(address, format!("{text}\r\n{body}").as_bytes()).await
}

/// A PUT of JSON.
pub async fn put(address: SocketAddr, path: &str, headers: &[&str], body: &str) -> Reply {
    let headers: Vec<&str> = headers.iter().copied().chain(["Content-Type: application/json"]).collect();
    send(address, &format!("PUT {path}"), &headers, body).await
}
