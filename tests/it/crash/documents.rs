//! The documents of a small and fast world: steps of parts of a second, one group, one cache, three ways to be told.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

/// The one who gives orders and applies documents.
pub const LEAD: &str = "lead-token";

/// The one who signs.
pub const ANN: &str = "ann-token";

/// The item that waits for a signature.
pub const ITEM: &str = "load-test";

/// The group's floor outside launches.
pub const FLOOR: u32 = 1;

const SETTINGS: &str = r"
apiVersion: tminus/v1
kind: Settings
name: crash
data: data
documents: [world.yaml]
listen: {control: '127.0.0.1:0', decision: '127.0.0.1:0'}
tick: 0.1s
halt_file: HALT
people:
  - {name: lead, roles: [admin], token_sha256: 'LEAD'}
  - {name: ann, roles: [operator, sre], token_sha256: 'ANN'}
";

const WORLD: &str = r#"
apiVersion: tminus/v1
kind: Checklist
name: list
items:
  - {id: load-test, title: Load test, due: T-0s, sign_off: {roles: [sre], count: 1}}
  - {id: warm, title: Content is warm, due: T-0s, check: {primed: {policy: content, coverage: 99}}}
---
apiVersion: tminus/v1
kind: GatePolicy
name: gate
metrics: [{name: failures, candidate: {errors: errors, requests: requests}}]
slo: {percent: 4}
period: 0.2s
lag: 0.1s
no_data: {max_gap: 5s, deadline: 60s, then: hold}
---
apiVersion: tminus/v1
kind: MetricsSource
name: edges
push: {senders: [edge1]}
queries: {errors: {series: errors}, requests: {series: requests}}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group:
  local:
    command: [PROGRAM, lab, origin, --listen, "{address}", --leash, "LEASH"]
    zones: [a, b]
    floor: 1
    ceiling: 3
    boot: 0.05s
    health: {path: /health, every: 1s}
    drain: 0.05s
    targets_file: targets.json
capacity_per_instance: 2000/s
limits: {floor: 1, ceiling: 3, step: 1}
lead: 0.2s
hold_after: 0.1s
ramp_down: {percent: 50, every: 1s}
---
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {file: objects.ndjson}
poll: {every: 10s}
nodes: [{name: edge1, connect: "EDGE"}]
allow: ["http://content.example.com"]
coverage: 99
---
apiVersion: tminus/v1
kind: Notifier
name: room
on: [readiness, step, hold, abort, halt]
to: [{webhook: {url_env: TMINUS_TEST_ROOM}}, {command: [sh, -c, 'exec tee -a told.$TMINUS_TEST_RUN.ndjson']}]
---
apiVersion: tminus/v1
kind: Release
name: r0
app: app
version: 0.1.0
channels: [release]
released: true
"#;

/// What is only known when the world is up.
pub struct Addresses {
    pub leash: String,
    pub edge: String,
}

/// Writes the files of a world.
pub fn write(folder: &Path, at: &Addresses) {
    let settings = SETTINGS.replace("LEAD", &sha256(LEAD)).replace("ANN", &sha256(ANN));
    let program = env!("CARGO_BIN_EXE_tminus");
    let world = WORLD.replace("PROGRAM", program).replace("LEASH", &at.leash).replace("EDGE", &at.edge);
    let told = folder.join("told").display().to_string();
    let world = world.replace("tee -a told", &format!("tee -a {told}"));
    let object = |n: u32| format!("{{\"url\":\"http://content.example.com/o{n}\"}}\n");
    let objects: String = (0..4).map(object).collect::<Vec<_>>().concat();
    for (name, text) in [("tminus.yaml", &settings), ("world.yaml", &world), ("objects.ndjson", &objects)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The next release of the app, with its T-0 so much later than now.
pub fn release(number: u32, now: Timestamp, ahead: SignedDuration) -> String {
    let launch_at = now.checked_add(ahead).unwrap();
    format!(
        "apiVersion: tminus/v1\nkind: Release\nname: r{number}\napp: app\nversion: {number}.0.0\nchannels: [release]\n\
         launch_at: {launch_at}\ngo: manual\nchecklists: [list]\nscaling: [api]\npriming: [content]\ngate: gate\n\
         rollout:\n  steps: [{{percent: 1, dwell: 0.2s}}, {{percent: 50, dwell: 0.2s}}, {{percent: 100, bake: 0.3s}}]\n\
         audience:\n  clients: 200\n  adoption: {{half_life: 0.2s, ceiling: 100}}\n  requests_per_client: 20\n"
    )
}

/// A policy that says when it was written.
pub fn policy(token: &str) -> String {
    format!(
        "apiVersion: tminus/v1\nkind: ThrottlePolicy\nname: throttle\nrules: [{{app: third, version: 1.0.0, percent: 50, salt: {token}}}]\n"
    )
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
