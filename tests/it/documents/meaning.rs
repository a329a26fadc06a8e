//! What documents come to: values as written, defaults, hashes, references.

use std::time::Duration;

use tminus::core::gate::Dispersion;
use tminus::core::release::{Go, OnAbort};
use tminus::core::throttle::NoClientId;
use tminus::core::words::{Name, Percent, VersionRule};
use tminus::shell::settings::{load_alone, load_texts};
use tminus::shell::spec::{NotifyTarget, QuerySpec, SourceSystem};

use super::{document, load, places};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

const RELEASE: &str =
    "app: Reader\nversion: 3.10\nchannels: [release]\nlaunch_at: 2026-12-01T11:00:00-08:00[America/Los_Angeles]\n";

#[test]
fn text_stays_as_it_is_written() {
    let rules = "rules:\n  - {app: no, version: 3.10, percent: 12.5}\n  - {app: 0x1, version: 1.10, percent: 0.0001, salt: 1e3}\n  - {app: true, version: '<2', percent: 100.0, fallback: 2.0}\n";
    let loaded = load(&[("a.yaml", &document("ThrottlePolicy", "1.0", rules))]);
    assert_eq!(places(&loaded), Vec::<String>::new());
    let policy = &loaded.documents.config.throttles[&name("1.0")];
    let rule = |at: usize| &policy.rules[at];
    assert_eq!((rule(0).app.as_str(), rule(0).percent.ppm()), ("no", 125_000));
    assert_eq!(rule(0).version, Some("3.10".parse::<VersionRule>().unwrap()));
    assert_eq!((rule(1).app.as_str(), rule(1).percent.ppm(), rule(1).salt.as_deref()), ("0x1", 1, Some("1e3")));
    assert_eq!((rule(2).app.as_str(), rule(2).percent, rule(2).label.as_str()), ("true", Percent::FULL, "1.0/rules[2]"));
    assert_eq!(rule(2).fallback.as_ref().map(tminus::core::words::Version::as_str), Some("2.0"));
    assert_eq!(policy.no_client_id, NoClientId::HoldBack);
}

#[test]
fn an_absent_key_is_its_default_and_null_is_without() {
    let policies = [
        document("GatePolicy", "defaults", ""),
        document("GatePolicy", "without", "cap: null\nonset: ~\nslo: null\n"),
        document("GatePolicy", "given", "cap: 5\nonset: {horizon: 60}\nslo: {percent: 0.5}\ncalibrate: {over: 60m}\n"),
    ];
    let loaded = load(&[("a.yaml", &policies.join("---\n"))]);
    assert_eq!(places(&loaded), Vec::<String>::new());
    let gate = |text: &str| &loaded.documents.config.gates[&name(text)];
    assert_eq!(
        (gate("defaults").cap, gate("defaults").onset.map(|onset| onset.first), gate("defaults").alpha),
        (Some(10.0), Some(0.5), 0.01)
    );
    assert_eq!((gate("without").cap, gate("without").onset, gate("without").slo), (None, None, None));
    assert_eq!(
        (gate("given").cap, gate("given").onset.and_then(|onset| onset.horizon), gate("given").slo),
        (Some(5.0), Some(60), Some(0.005))
    );
    assert_eq!(gate("defaults").dispersion, Dispersion::Fixed(1.0));
    assert_eq!(gate("given").dispersion, Dispersion::Calibrate { over: Duration::from_hours(1) });
}

#[test]
fn a_release_may_say_little() {
    let text = [
        document("Release", "new", RELEASE),
        document("Release", "old", "app: Reader\nversion: 3.9\nchannels: []\nreleased: true\n"),
    ];
    let loaded = load(&[("a.yaml", &text.join("---\n"))]);
    assert_eq!(places(&loaded), Vec::<String>::new());
    let new = &loaded.documents.config.releases[&name("NEW")];
    assert_eq!((new.version.as_str(), new.launch_at.to_string().as_str()), ("3.10", "2026-12-01T19:00:00Z"));
    assert_eq!(
        (new.time_zone.as_deref(), new.go, new.rollout.on_abort),
        (Some("America/Los_Angeles"), Go::Manual, OnAbort::Halt)
    );
    assert_eq!(new.rollout.steps.iter().map(|step| step.percent).collect::<Vec<_>>(), [Percent::FULL]);
    assert!(loaded.documents.config.releases[&name("old")].released);
}

#[test]
fn paths_start_at_the_folder_of_the_document() {
    let settings = document("Settings", "s", "data: db\nhalt_file: /run/HALT\ndocuments: [policies]\ntime_zone: Asia/Tokyo\n");
    let source = document("MetricsSource", "m", "file: {path: ../counts.csv}\nqueries: {q: {series: value}}\n");
    let notifier = document("Notifier", "n", "to: [{command: [./page.sh, --loud]}, {webhook: {url_env: ROOM}}]\n");
    let release = document("Release", "r", "app: A\nversion: 1\nchannels: [x]\nlaunch_at: 2026-12-01T19:00:00Z\n");
    let loaded = load(&[
        ("/etc/tminus/tminus.yaml", &settings),
        ("/srv/docs/m.yaml", &source),
        ("/srv/docs/n.yaml", &notifier),
        ("r.yaml", &release),
    ]);
    assert_eq!(places(&loaded), Vec::<String>::new());
    let settings = loaded.documents.settings.unwrap();
    assert_eq!((settings.data.to_str(), settings.documents[0].to_str()), (Some("/etc/tminus/db"), Some("/etc/tminus/policies")));
    assert_eq!((settings.halt_file.unwrap().to_str(), settings.control.port()), (Some("/run/HALT"), 8017));
    let source = &loaded.documents.sources[&name("m")];
    assert_eq!(source.system, SourceSystem::File { path: "/srv/docs/../counts.csv".into() });
    assert_eq!(source.queries[&name("q")], QuerySpec::Series("value".into()));
    let command = vec!["/srv/docs/./page.sh".into(), "--loud".into()];
    assert_eq!(loaded.documents.notifiers[0].to, [NotifyTarget::Command(command), NotifyTarget::WebhookEnv("ROOM".into())]);
    // A release that names no zone is thought of in the zone of the installation.
    assert_eq!(loaded.documents.config.releases[&name("r")].time_zone.as_deref(), Some("Asia/Tokyo"));
}

#[test]
fn a_policy_alone_may_refer_to_what_stands_elsewhere() {
    let gate = document("GatePolicy", "g", "slo: {percent: 1}\nmetrics: [{name: m, candidate: {errors: e, requests: r}}]\n");
    let release = document("Release", "r", &format!("{RELEASE}gate: h\n"));
    assert_eq!(places(&load(&[("g.yaml", &gate)])), Vec::<String>::new());
    let both = load(&[("g.yaml", &gate), ("r.yaml", &release)]);
    let found: Vec<_> =
        both.findings.iter().map(|found| (found.file.as_str(), found.path.as_str(), found.code.as_str())).collect();
    assert_eq!(
        found,
        [
            ("g.yaml", "metrics[0].candidate.errors", "TM0301"),
            ("g.yaml", "metrics[0].candidate.requests", "TM0301"),
            ("r.yaml", "gate", "TM0301")
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("g.yaml"), gate).unwrap();
    std::fs::write(folder.path().join("r.yaml"), release).unwrap();
    assert_eq!(places(&load_alone(&[folder.path().to_owned()])), Vec::<String>::new());
}

#[test]
fn aliases_are_read_and_places_are_those_of_the_text() {
    let body = "rules:\n  - &base {app: Reader, version: 1.0, percent: 5}\n  - {app: Other, percent: 10, except_channels: &tests [betatest]}\n  - {app: Third, percent: 101, except_channels: *tests}\n";
    let loaded = load(&[("a.yaml", &document("ThrottlePolicy", "aliases", body))]);
    assert_eq!(places(&loaded), ["7:27 rules[2].percent TM0121"]);
}

#[test]
fn columns_count_characters() {
    let loaded = load(&[(
        "a.yaml",
        "\u{feff}# é\r\napiVersion: tminus/v1\r\nkind: Checklist\r\nname: \"é😀\"\r\nitems: [{id: é, title: \"日本語\", sign_off: {cuont: 1}}]\r\n",
    )]);
    assert_eq!(places(&loaded), ["5:42 items[0].sign_off.cuont TM0103"]);
}

/// Everything that a sign-off on the checklist's items leans on.
fn launch(launch_at: &str, title: &str, alpha: &str) -> Vec<(String, String)> {
    let release =
        format!("app: Reader\nversion: 2.0\nchannels: [release]\nlaunch_at: {launch_at}\nchecklists: [list]\ngate: gate\n");
    let items = format!("items:\n  - {{id: One, title: {title}, sign_off: {{}}}}\n  - {{id: two, title: Two, sign_off: {{}}}}\n");
    vec![
        ("r.yaml".into(), document("Release", "Launch", &release)),
        ("c.yaml".into(), document("Checklist", "list", &items)),
        (
            "g.yaml".into(),
            document(
                "GatePolicy",
                "gate",
                &format!("alpha: {alpha}\nmetrics: [{{name: m, candidate: {{errors: e, requests: r}}}}]\nslo: {{percent: 1}}\n"),
            ),
        ),
        ("m.yaml".into(), document("MetricsSource", "m", "push: {}\nqueries: {e: {series: e}, r: {series: r}}\n")),
    ]
}

#[test]
fn a_signature_binds_to_content_and_not_to_the_date_or_the_file() {
    let base = load_texts(&launch("2026-12-01T19:00:00Z", "One", "0.01")).documents.config;
    assert_eq!(base.contents.keys().collect::<Vec<_>>(), ["launch/one", "launch/two"]);
    let config = |texts: &[(String, String)]| {
        let loaded = load_texts(texts);
        assert_eq!(places(&loaded), Vec::<String>::new());
        loaded.documents.config
    };
    let later = config(&launch("2026-12-08T19:00:00Z", "One", "0.01"));
    assert_eq!(later.contents, base.contents, "a slipped date voids nothing");
    assert_ne!(later.revision, base.revision, "but it is a change");

    let renamed = config(&launch("2026-12-01T19:00:00Z", "Uno", "0.01"));
    assert_ne!(renamed.contents["launch/one"], base.contents["launch/one"]);
    assert_eq!(renamed.contents["launch/two"], base.contents["launch/two"]);
    let policy = config(&launch("2026-12-01T19:00:00Z", "One", "0.02"));
    assert_ne!(policy.contents["launch/two"], base.contents["launch/two"]);

    let mut shuffled = launch("2026-12-01T19:00:00Z", "One", "0.01");
    shuffled.reverse();
    let one_file = shuffled.iter().map(|(_, text)| format!("---\n# moved\n{text}")).collect::<Vec<_>>().concat();
    let moved = config(&[("all.yaml".into(), one_file)]);
    assert_eq!((moved.contents, moved.revision), (base.contents, base.revision), "order, files and comments do not count");
}
