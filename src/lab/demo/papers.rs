//! The documents of the demo, filled in with what is only known when it starts: addresses, instants, tokens.
//!
//! Invariant: no placeholder is left; a document that still has one is refused before anything starts.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::script::Script;
use crate::core::words::format_duration;
use crate::lab::scene;

/// People of the demo. Their tokens are no secrets: the daemon listens on loopback and ends with the demo.
pub(super) const LEAD: &str = "demo-lead-token";
/// See [`LEAD`].
pub(super) const SRE: &str = "demo-sre-token";
/// See [`LEAD`].
pub(super) const EDGES: &str = "demo-edges-token";

/// The host of the content's URLs; nobody resolves it, primer and clients connect to the nodes.
pub(super) const CONTENT: &str = "http://content.example.com";

/// Hours of load history: a week by the hour, with the day's shape.
const HISTORY_HOURS: i64 = 7 * 24;

/// What is filled in.
pub(super) struct Facts {
    pub(super) script: Script,
    pub(super) launch_at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) edges: [SocketAddr; 2],
    pub(super) leash: SocketAddr,
    pub(super) room: SocketAddr,
}

/// Writes settings, documents and load history into a folder.
pub(super) fn write(folder: &Path, facts: &Facts) -> io::Result<()> {
    let prepared = facts.script.scenario.is_prepared();
    let launch = if prepared { include_str!("../documents/prepared.yaml") } else { include_str!("../documents/unprepared.yaml") };
    fs::write(folder.join("tminus.yaml"), filled(include_str!("../documents/tminus.yaml"), facts)?)?;
    fs::write(folder.join("launch.yaml"), filled(launch, facts)?)?;
    fs::write(folder.join("history.csv"), history(facts))
}

fn filled(template: &str, facts: &Facts) -> io::Result<String> {
    let mut text = template.to_owned();
    for (name, value) in values(facts) {
        text = text.replace(&format!("{{{{{name}}}}}"), &value);
    }
    match text.find("{{") {
        None => Ok(text),
        Some(at) => Err(io::Error::other(format!(
            "the demo's documents have a placeholder without a value: {}",
            &text[at..text.len().min(at + 40)]
        ))),
    }
}

fn values(facts: &Facts) -> Vec<(&'static str, String)> {
    let ([one, two], script) = (facts.edges, facts.script);
    vec![
        ("launch_at", facts.launch_at.to_string()),
        ("lead_token", sha256(LEAD)),
        ("sre_token", sha256(SRE)),
        ("edge_token", sha256(EDGES)),
        ("clients", script.size.clients.to_string()),
        ("half_life", format_duration(script.size.half_life)),
        ("steps", script.steps.into()),
        ("hold_after", format_duration(script.hold_after)),
        ("requests_per_client", scene::LIBRARY.to_string()),
        ("retry_every", format_duration(scene::RETRY_EVERY)),
        ("normal_instances", scene::NORMAL_INSTANCES.to_string()),
        ("most_instances", scene::MOST_INSTANCES.to_string()),
        ("boot", format_duration(scene::BOOT)),
        ("drain", format_duration(scene::DRAIN)),
        ("capacity_per_instance", format!("{:.0}/s", scene::INSTANCE_PER_SECOND * scene::TARGET_UTILISATION)),
        ("watched", format_duration(scene::UNPREPARED_WATCHED)),
        ("origin_command", origin_command(facts)),
        ("edge1", format!("http://{one}")),
        ("edge1_address", one.to_string()),
        ("edge2_address", two.to_string()),
        ("manifest", format!("http://{one}/manifest.ndjson?v={}&base={CONTENT}", scene::NEW_VERSION)),
        ("manifest_origin", format!("http://{one}")),
        ("content", CONTENT.into()),
        ("room", format!("http://{}/", facts.room)),
    ]
}

/// What an instance of the group runs, as a YAML list.
fn origin_command(facts: &Facts) -> String {
    let program = std::env::current_exe().map_or_else(|_| "tminus".into(), |path| path.display().to_string());
    let (slots, queue) = (scene::ORIGIN_SLOTS.to_string(), scene::ORIGIN_QUEUE.to_string());
    let (objects, leash) = (facts.script.size.objects().to_string(), facts.leash.to_string());
    let service = format_duration(scene::SERVICE_TIME);
    let arguments = [
        program.as_str(),
        "lab",
        "origin",
        "--listen",
        "{address}",
        "--slots",
        &slots,
        "--service-time",
        &service,
        "--queue",
        &queue,
        "--objects",
        &objects,
        "--leash",
        &leash,
    ];
    serde_json::to_string(&arguments).unwrap_or_default()
}

fn sha256(token: &str) -> String {
    Sha256::digest(token).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A week of normal load, such as the story's thousand requests a minute, two fifths up and down over the day.
fn history(facts: &Facts) -> String {
    let mut text = String::from("timestamp,value\n");
    let hour = facts.now.as_second() / 3_600;
    for back in (1..=HISTORY_HOURS).rev() {
        let at = hour - back;
        let of_the_day = at.rem_euclid(24) as f64 / 24.0 * std::f64::consts::TAU;
        let value = facts.script.size.normal_per_second * (1.0 - 0.4 * of_the_day.cos());
        if let Ok(at) = Timestamp::from_second(at * 3_600) {
            let _ = writeln!(text, "{at},{value:.3}");
        }
    }
    text
}
