//! Findings of many files in one run.

use std::fs;

use tminus::shell::settings::load;

use super::document;

#[test]
fn a_file_that_cannot_be_read_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), b"name: \xff").unwrap();
    fs::write(folder.path().join("b.yml"), document("Checklist", "b", "itemz: []\n")).unwrap();
    fs::write(folder.path().join("c.txt"), "not a document: [").unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(folder.path().join("d/e.yaml"), vec![b'#'; (4 << 20) + 1]).unwrap();
    let loaded = load(&[folder.path().to_owned()]);
    let found: Vec<_> = loaded
        .findings
        .iter()
        .map(|found| (found.file.rsplit('/').next().unwrap(), found.line, found.column, found.code.as_str()))
        .collect();
    assert_eq!(found, [("a.yaml", 1, 7, "TM0101"), ("b.yml", 4, 1, "TM0103"), ("e.yaml", 1, 1, "TM0101")]);
}

#[test]
fn three_mistakes_among_three_hundred_documents_are_named_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let checklist = document("Checklist", &format!("list-{number}"), "items: [{id: a, title: A, sign_off: {count: 1}}]\n");
        let gate = document(
            "GatePolicy",
            &format!("gate-{number}"),
            "slo: {percent: 0.5}\nmetrics: [{name: m, candidate: {errors: e, requests: r}}]\n",
        );
        let body = format!(
            "app: App{number}\nversion: 1.0\nchannels: [release]\nlaunch_at: 2026-12-01T19:00:00Z\nchecklists: [list-{number}]\ngate: gate-{number}\n"
        );
        let release = document("Release", &format!("release-{number}"), &body);
        for (kind, text) in [("list", checklist), ("gate", gate), ("release", release)] {
            fs::write(folder.path().join(format!("{kind}-{number}.yaml")), text).unwrap();
        }
    }
    let source = document("MetricsSource", "counts", "push: {}\nqueries: {e: {series: e}, r: {series: r}}\n");
    fs::write(folder.path().join("source.yaml"), source).unwrap();
    assert!(load(&[folder.path().to_owned()]).findings.is_empty());

    let replace = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    replace("list-7.yaml", "title", "titel");
    replace("gate-42.yaml", "0.5", "105");
    replace("release-99.yaml", "gate-99", "gate-999");
    let loaded = load(&[folder.path().to_owned()]);
    let found: Vec<_> = loaded
        .findings
        .iter()
        .map(|found| {
            (found.file.rsplit('/').next().unwrap(), (found.line, found.column), found.path.as_str(), found.help.as_str())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("gate-42.yaml", (4, 16), "slo.percent", "100 is everybody"),
            ("list-7.yaml", (4, 17), "items[0].titel", "did you mean `title`?"),
            ("release-99.yaml", (9, 7), "gate", "did you mean `gate-99`?"),
        ]
    );
    assert_eq!(loaded.documents.config.releases.len(), 99, "what is valid is there");
}
