//! The documents of a world, written as people write them and read by the loader that the daemon uses.
//!
//! Invariant: whatever was drawn, and whatever people change at run time, the documents are valid.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tminus::core::decide::Config;
use tminus::shell::settings::load_texts;

use super::options::{GateOption, GroupOption, Options, PrimingOption, ReleaseOption};

/// All documents as YAML.
pub fn yaml(options: &Options) -> String {
    let mut text = String::new();
    for release in &options.releases {
        text += &self::release(options, release);
        text += &checklist(options, release);
    }
    options.groups.iter().for_each(|group| text += &scaling(group));
    options.gates.iter().for_each(|gate| text += &self::gate(gate));
    options.primings.iter().for_each(|priming| text += &self::priming(priming));
    text += &throttle(options);
    text += "---\napiVersion: tminus/v1\nkind: MetricsSource\nname: counts\npush: {}\nqueries:\n";
    for query in ["en", "rn", "eo", "ro", "load"] {
        writeln!(text, "  {query}: {{series: {query}}}").unwrap();
    }
    text
}

/// The documents in force.
pub fn config(options: &Options) -> Config {
    let text = yaml(options);
    let loaded = load_texts(&[("world.yaml".into(), text.clone())]);
    assert!(!loaded.has_errors(), "seed {}: {:#?}\n{text}", options.seed, loaded.findings);
    loaded.documents.config
}

fn release(options: &Options, release: &ReleaseOption) -> String {
    let at = options.starts_at + jiff::SignedDuration::from_mins(release.launch_min);
    let mut text = format!(
        "---\napiVersion: tminus/v1\nkind: Release\nname: {}\napp: {}\nversion: {}\nchannels: [release]\nlaunch_at: {}\n",
        release.name,
        release.app,
        release.version,
        written(at, release.zone)
    );
    if let Some(minutes) = release.early {
        writeln!(text, "early: [{{channels: [beta], at: T-{minutes}m}}]").unwrap();
    }
    writeln!(text, "go: {}", if release.auto { "auto" } else { "manual" }).unwrap();
    writeln!(text, "released: {}\nshadow: {}", release.released, release.shadow).unwrap();
    if !items(options, release).is_empty() {
        writeln!(text, "checklists: [list-{}]", release.name).unwrap();
    }
    let groups: Vec<_> = release.groups.iter().map(|group| options.groups[*group].name.as_str()).collect();
    writeln!(text, "scaling: [{}]", groups.join(", ")).unwrap();
    if let Some(priming) = release.priming {
        writeln!(text, "priming: [{}]", options.primings[priming].name).unwrap();
    }
    if let Some(gate) = release.gate {
        writeln!(text, "gate: {}", options.gates[gate].name).unwrap();
    }
    let steps = release.steps.iter().map(|(percent, mins)| match percent {
        100 => format!("{{percent: 100, bake: {mins}m}}"),
        _ => format!("{{percent: {percent}, dwell: {mins}m}}"),
    });
    let on_abort = if release.previous_safe { "previous_safe" } else { "halt" };
    writeln!(text, "rollout: {{steps: [{}], on_abort: {on_abort}}}", steps.collect::<Vec<_>>().join(", ")).unwrap();
    let adoption = format!("{{half_life: {}m, ceiling: 60}}", release.half_life_mins);
    let caches = if release.priming.is_some() { ", cache_hit_ratio: {cold: 0.2, primed: 0.99}" } else { "" };
    writeln!(
        text,
        "audience: {{clients: {}, adoption: {adoption}, requests_per_client: 12{caches}, retry: {{every: 5s, limit: 4}}}}",
        release.clients
    )
    .unwrap();
    text
}

fn written(at: Timestamp, zone: &str) -> String {
    at.to_zoned(TimeZone::get(zone).unwrap()).to_string()
}

fn items(options: &Options, release: &ReleaseOption) -> Vec<String> {
    let line = |id: &&str| Some(format!("  - {{id: {id}, title: The item {id}, {}}}\n", item(options, release, id)?));
    release.items.iter().filter_map(line).collect()
}

fn checklist(options: &Options, release: &ReleaseOption) -> String {
    let items = items(options, release);
    if items.is_empty() {
        return String::new();
    }
    format!("---\napiVersion: tminus/v1\nkind: Checklist\nname: list-{}\nitems:\n{}", release.name, items.concat())
}

fn item(options: &Options, release: &ReleaseOption, id: &str) -> Option<String> {
    Some(match id {
        "signed" => format!("due: T-1h, sign_off: {{roles: [sre], count: {}}}", release.signers),
        "frozen" => "due: T-90m, waivable: false, sign_off: {roles: [sre, qa]}".into(),
        "up" => "due: T-20m, check: {http: {url: 'http://x.example/', status: 200}}, every: 5m".into(),
        "steady" => "blocks: steps, check: {http: {url: 'http://x.example/', status: 200}}, every: 5m".into(),
        "capacity" => {
            let group = &options.groups[*release.groups.first()?].name;
            format!("due: T-2m, check: {{capacity: {{group: {group}, quantile: p95}}}}")
        }
        "warm" => {
            let policy = &options.primings[release.priming?];
            format!("due: T-5m, check: {{primed: {{policy: {}, coverage: {}}}}}", policy.name, policy.coverage)
        }
        "counts" => format!("due: T-5m, check: {{gate: {{policy: {}}}}}", options.gates[release.gate?].name),
        "rehearsed" => "blocks: nothing, check: {halt_rehearsed: {within: 1d}}".into(),
        "retries" => format!("blocks: nothing, check: {{retry_policy: {{release: {}, amplification_below: 3}}}}", release.name),
        _ => return None,
    })
}

fn scaling(group: &GroupOption) -> String {
    let mut limits = format!("floor: {}, ceiling: {}, step: {}", group.floor, group.ceiling, group.step);
    if let Some(quota) = group.quota {
        write!(limits, ", quota: {quota}").unwrap();
    }
    let (mut load, mut price) = (String::new(), String::new());
    if group.has_history {
        load = "load: {source: counts, query: load}\n".into();
    }
    if group.priced {
        limits += ", cost: 400";
        price = "price: {per_instance_hour: 0.34, currency: USD}\n".into();
    }
    format!(
        "---\napiVersion: tminus/v1\nkind: ScalingPolicy\nname: {0}\ngroup: {{aws: {{name: {0}, region: us-west-2}}}}\n\
         capacity_per_instance: 20/s\n{load}{price}zones: {{count: 3, survive_loss: 1}}\nlimits: {{{limits}}}\nlead: {1}m\n\
         hold_after: {2}m\nramp_down: {{percent: {3}, every: {4}m}}\n",
        group.name, group.lead_mins, group.hold_after_mins, group.ramp.0, group.ramp.1
    )
}

fn gate(gate: &GateOption) -> String {
    let baseline = if gate.has_baseline { ", baseline: {errors: eo, requests: ro}" } else { "" };
    let metric = |number: usize| format!("{{name: m{number}, candidate: {{errors: en, requests: rn}}{baseline}}}");
    let metrics: Vec<_> = (0..gate.metrics).map(metric).collect();
    let slo = if gate.has_slo { "slo: {percent: 1}\n" } else { "" };
    let calibrate = if gate.calibrates { "calibrate: {over: 60m}\n" } else { "" };
    let then = if gate.aborts_blind { "abort" } else { "hold" };
    format!(
        "---\napiVersion: tminus/v1\nkind: GatePolicy\nname: {}\nmetrics: [{}]\n{slo}{calibrate}lag: {}s\n\
         no_data: {{max_gap: {}m, deadline: 30m, then: {then}}}\n",
        gate.name,
        metrics.join(", "),
        gate.lag_secs,
        gate.max_gap_mins
    )
}

fn priming(priming: &PrimingOption) -> String {
    let node = |number: usize| format!("{{name: edge{number}, connect: 'x.example:{}'}}", 80 + number);
    let nodes: Vec<_> = (0..priming.nodes).map(node).collect();
    let fresh = if priming.fresh { "fresh_until: T+1h\n" } else { "" };
    let tighten = if priming.tightens { ", tighten: [{from: T-1h, every: 5m}]" } else { "" };
    let schedule = if priming.scheduled { "schedule: {cron: '20 */3 * * *', time_zone: Europe/Berlin}\n" } else { "" };
    format!(
        "---\napiVersion: tminus/v1\nkind: PrimingPolicy\nname: {}\nsource: {{urls: ['http://x.example/a']}}\nnodes: [{}]\n\
         poll: {{every: {}m{tighten}}}\ncoverage: {}\n{fresh}{schedule}",
        priming.name,
        nodes.join(", "),
        priming.every_mins,
        priming.coverage
    )
}

fn throttle(options: &Options) -> String {
    let (percent, global) = options.throttle;
    let global = global.map_or(String::new(), |global| format!("global: {{percent: {global}}}\n"));
    format!(
        "---\napiVersion: tminus/v1\nkind: ThrottlePolicy\nname: throttle\nrules:\n  - {{app: Reader, version: 1.5, percent: {percent}}}\n\
         {global}lift: {{roles: [releng], count: {}}}\n",
        options.lift_count
    )
}
