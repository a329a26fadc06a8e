//! Documents and folders made to hurt: bombs, devices, loops, and more of everything than anybody has.
//!
//! Times are printed (`cargo test --test it documents::attack -- --nocapture`) and bounded generously: a busy machine and a
//! build that is not optimised are slow, an attack that works takes minutes or all memory.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tminus::shell::settings::{Loaded, load, load_texts};

use super::document;

/// Far beyond what any of these takes, far below what an attack that works does.
const GENEROUS: Duration = Duration::from_secs(30);

/// Address space of the program under attack in KiB: what it maps when idle, and half a gigabyte.
const MEMORY_KIB: u32 = 1_500_000;

#[expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]
fn timed(what: &str, work: impl FnOnce() -> Loaded) -> Loaded {
    let began = Instant::now();
    let loaded = work();
    let took = began.elapsed();
    println!("{what}: {} findings in {took:?}", loaded.findings.len());
    assert!(took < GENEROUS, "{what} takes {took:?}");
    loaded
}

fn text(what: &str, text: String) -> Loaded {
    timed(what, || load_texts(&[("attack.yaml".to_owned(), text)]))
}

/// `line:column code`, and the first words of the message.
fn first(loaded: &Loaded) -> String {
    loaded.findings.first().map(|found| format!("{} {}", found.code, found.message)).unwrap_or_default()
}

/// The program itself, with bounded memory and time.
#[expect(clippy::disallowed_methods, reason = "this is the program under test")]
fn check(arguments: &[&std::ffi::OsStr]) -> Output {
    let script = format!("ulimit -v {MEMORY_KIB}; exec timeout 60 \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_tminus"), "check", "-o", "json"]).args(arguments);
    command.output().unwrap()
}

fn findings(path: &Path) -> Vec<Value> {
    let output = check(&[path.as_os_str()]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}: {:?} {}", path.display(), output.status, String::from_utf8_lossy(&output.stderr)));
    report["findings"].as_array().unwrap().clone()
}

fn codes(findings: &[Value]) -> Vec<(String, String)> {
    let name = |found: &Value| found["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    findings.iter().map(|found| (name(found), found["code"].as_str().unwrap().to_owned())).collect()
}

/// So many lines or parts, one after another.
fn repeated(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().concat()
}

/// Ten values, ten times those, and so on: 10^10 in a few hundred bytes.
fn laughs(open: char, close: char, key: impl Fn(usize) -> String) -> String {
    let list = |of: &str| (0..10).map(|at| format!("{}{of}", key(at))).collect::<Vec<_>>().join(", ");
    let level = |at: usize| {
        let of = if at == 0 { "lol".to_owned() } else { format!("*l{}", at - 1) };
        format!("x{at}: &l{at} {open}{}{close}\n", list(&of))
    };
    document("Checklist", "bomb", &(0..10).map(level).collect::<String>())
}

#[test]
fn bombs_of_aliases_are_refused() {
    let long = "y".repeat(60_000);
    let many = |of: &str, count: usize| vec![of; count].join(", ");
    let chain = repeated(40, |at| format!("{}- &n{at}\n", "  ".repeat(at)));
    for (what, body, expected) in [
        ("billion laughs", laughs('[', ']', |_| String::new()), "TM0111 the document has more than 100000 values"),
        ("nested maps of aliases", laughs('{', '}', |at| format!("k{at}: ")), "TM0111 the document has more than 100000 values"),
        (
            "quadratic blowup",
            document("Checklist", "bomb", &format!("a: &a {long}\nb: [{}]\n", many("*a", 900))),
            "TM0111 the document has more than 4 MiB of text",
        ),
        (
            "long keys by alias",
            document("Checklist", "bomb", &format!("a: &a {long}\nb: [{}]\n", many("{*a : 1}", 900))),
            "TM0111 the document has more than 4 MiB of text",
        ),
        (
            "aliases upon aliases of one long text",
            document("Checklist", "bomb", &format!("a: &a {long}\nb: &b [{}]\nc: [{}]\n", many("*a", 60), many("*b", 900))),
            "TM0111 the document has more than 4 MiB of text",
        ),
        (
            "very many aliases",
            document("Checklist", "bomb", &format!("a: &a x\nb: [{}]\n", many("*a", 50_000))),
            "TM0111 the document uses more than 1000 aliases",
        ),
        ("recursive", document("Checklist", "bomb", "a: &a {b: [*a]}\n"), "TM0102 this alias stands inside the very value"),
        (
            "anchors within anchors",
            document("Checklist", "bomb", &format!("a:\n{chain}")),
            "TM0111 the document is nested deeper",
        ),
        (
            "merge keys",
            document(
                "Checklist",
                "bomb",
                &format!(
                    "a: &a {{{}}}\nb: [{}]\n",
                    (0..500).map(|at| format!("k{at}: 1")).collect::<Vec<_>>().join(", "),
                    many("{<<: *a}", 900)
                ),
            ),
            "TM0111 the document has more than 100000 values",
        ),
    ] {
        let loaded = text(what, body);
        let found = loaded.findings.iter().any(|found| format!("{} {}", found.code, found.message).starts_with(expected));
        assert!(found && loaded.parts.is_empty(), "{what}: {:?}", loaded.findings.first());
    }
}

#[test]
fn more_than_anybody_has_is_refused_at_its_place() {
    let item = |at: usize| format!("  - {{id: i{at}, title: T, sign_off: {{}}}}\n");
    let long = document("Checklist", "long", &format!("items: [{{id: a, title: {}, sign_off: {{}}}}]\n", "t".repeat(65_537)));
    assert!(first(&text("a long value", long)).starts_with("TM0111 the document has a value of more than 64 KiB"));
    let many = document("Checklist", "many", &format!("items:\n{}", (0..20_000).map(item).collect::<String>()));
    assert!(first(&text("many values", many)).starts_with("TM0111 the document has more than 100000 values"));
    let documents = text("many documents", "---\n~\n".repeat(10_001));
    let last = documents.findings.iter().max_by_key(|found| found.line).unwrap();
    assert_eq!((last.line, last.code.as_str()), (20_001, "TM0111"));
    let foreign = text("many documents of others", "---\na: b\n".repeat(9_000));
    assert_eq!((foreign.findings.len(), foreign.findings.last().unwrap().code.as_str()), (5_001, "TM0111"));
    let mistakes = document("Checklist", "mistakes", &repeated(1_000, |at| format!("k{at}: 1\n")));
    let mistakes = text("many mistakes", mistakes);
    assert_eq!((mistakes.findings.len(), mistakes.findings.last().unwrap().code.as_str()), (201, "TM0111"));
    let doubled = text("many doubled keys", document("Checklist", "doubled", &"a: 1\n".repeat(40_000)));
    assert!(doubled.findings.len() <= 201, "{:?}", &doubled.findings[199..]);
    let tied = (0..5_000).map(|_| "  - {app: A, percent: 5}\n").collect::<String>();
    let tied = text("many ties", document("ThrottlePolicy", "tied", &format!("rules:\n{tied}")));
    assert_eq!(tied.findings.len(), 201);
    let large: Vec<(String, String)> = (0..13).map(|at| (format!("{at}.yaml"), "# a comment\n".repeat(340_000))).collect();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in large {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let large = timed("many large files", || load(&[folder.path().to_owned()]));
    assert!(large.findings.iter().any(|found| found.message.contains("larger than 48 MiB")), "{:?}", large.findings);
}

#[test]
fn signatures_over_all_releases_are_bounded() {
    let items = repeated(1_000, |at| format!("  - {{id: i{at}, title: T, sign_off: {{}}}}\n"));
    let release = |at: usize| {
        let body = "app: A\nversion: 1\nchannels: [a]\nlaunch_at: 2026-12-01T19:00:00Z\nchecklists: [list]\n";
        document("Release", &format!("r{at}"), body)
    };
    let releases: Vec<String> = (0..210).map(release).collect();
    let whole = [document("Checklist", "list", &format!("items:\n{items}")), releases.join("---\n")].join("---\n");
    let loaded = text("many items of many releases", whole);
    assert_eq!(loaded.documents.config.releases.len(), 200);
    assert!(first(&loaded).starts_with("TM0111 the releases up to this one"), "{}", first(&loaded));
}

/// Bytes that look quadratic to some readers of YAML.
#[test]
fn long_runs_of_anything_are_read_soon() {
    const LONG: usize = 100_000;
    for piece in [
        "[", "{", "- ", "? ", "\"", "'", "a: ", "&a ", "*a ", "#", "! ", "\t", "\n", "a\n", "a: 1\n", "---\n", "😀", ":", "|\n",
        "-\n", ",", "[],", "x", "\\", "\r", "[{", "? a\n", "!!x ", "a b\n ", "[a, ", " ", "%", "&a", "<<: ", "é: ",
    ] {
        let loaded = text(&format!("{piece:?}"), piece.repeat(LONG / piece.len()));
        assert!(loaded.parts.is_empty(), "{piece:?}");
    }
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe.yaml"), rustix::fs::Mode::RUSR).unwrap();
    symlink("/dev/zero", path("zero.yaml")).unwrap();
    let sparse = fs::File::create(path("sparse.yaml")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    fs::create_dir(path("folder.yaml")).unwrap();
    fs::write(path("folder.yaml/inner.yaml"), document("Checklist", "a", "itemz: []\n")).unwrap();
    let found = codes(&findings(folder.path()));
    let expected = [("inner.yaml", "TM0103"), ("pipe.yaml", "TM0101"), ("sparse.yaml", "TM0101"), ("zero.yaml", "TM0115")];
    assert_eq!(found, expected.map(|(file, code)| (file.to_owned(), code.to_owned())));
    // Named by a person they are not read either.
    for named in
        [Path::new("/dev/zero"), &path("pipe.yaml"), &path("zero.yaml"), Path::new("/dev/tty"), Path::new("/proc/self/mem")]
    {
        let found = findings(named);
        assert_eq!(found.len(), 1, "{}: {found:?}", named.display());
        assert_eq!(found[0]["code"], "TM0101", "{}", named.display());
    }
}

/// A curve is a file that a document names: the same holds for it.
#[test]
fn a_document_cannot_make_it_read_a_device() {
    let folder = tempfile::tempdir().unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    for curve in ["/dev/zero", "pipe", ".", "/nowhere"] {
        let audience = format!("audience: {{clients: 1, adoption: {{curve: {curve}}}, requests_per_client: 1}}\n");
        let body = format!("app: A\nversion: 1\nchannels: [a]\nlaunch_at: 2026-12-01T19:00:00Z\n{audience}");
        fs::write(folder.path().join("a.yaml"), document("Release", "a", &body)).unwrap();
        let found = findings(folder.path());
        assert_eq!(codes(&found), [("a.yaml".to_owned(), "TM0208".to_owned())], "{curve}");
    }
}

#[test]
fn links_that_go_round_end() {
    let folder = tempfile::tempdir().unwrap();
    // Each folder has links to all: without a memory of what was seen the walk would be 8^16 long.
    for at in 0..8 {
        fs::create_dir(folder.path().join(format!("d{at}"))).unwrap();
        fs::write(folder.path().join(format!("d{at}/a.yaml")), document("Checklist", &format!("c{at}"), "itemz: []\n")).unwrap();
    }
    for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
        symlink(format!("../d{to}"), folder.path().join(format!("d{from}/to{to}"))).unwrap();
    }
    let loaded = timed("links that go round", || load(&[folder.path().to_owned()]));
    assert_eq!(loaded.findings.len(), 8, "each file once: {:?}", loaded.findings);
    let file = tempfile::tempdir().unwrap();
    fs::write(file.path().join("a.yaml"), document("Checklist", "a", "itemz: []\n")).unwrap();
    symlink(file.path(), folder.path().join("named")).unwrap();
    let ways = [folder.path().join("named"), file.path().join("./a.yaml"), file.path().to_owned()];
    assert_eq!(load(&ways).findings.len(), 1, "one file by three ways is read once");
}

#[test]
fn folders_too_deep_or_too_full_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join(vec!["d"; 40].join("/"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("a.yaml"), "").unwrap();
    let loaded = load(&[folder.path().to_owned()]);
    assert_eq!(first(&loaded), "TM0101 cannot be read: it is more than 16 folders deep");
    let full = tempfile::tempdir().unwrap();
    (0..10_002).for_each(|at| drop(fs::File::create(full.path().join(format!("{at:05}.yaml"))).unwrap()));
    let loaded = timed("ten thousand files", || load(&[full.path().to_owned()]));
    let told: Vec<_> =
        loaded.findings.iter().filter(|found| found.code == "TM0111").map(|found| found.message.as_str()).collect();
    assert!(told.iter().any(|told| told.starts_with("there are more than 10000 files")), "{told:?}");
}

#[test]
fn a_file_that_may_not_be_read_is_told_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), document("Checklist", "a", "itemz: []\n")).unwrap();
    fs::write(folder.path().join("secret.yaml"), document("Checklist", "b", "itemz: []\n")).unwrap();
    fs::set_permissions(folder.path().join("secret.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    let expected = if fs::read(folder.path().join("secret.yaml")).is_ok() { "TM0103" } else { "TM0101" };
    let found = codes(&findings(folder.path()));
    assert_eq!(found, [("a.yaml", "TM0103"), ("secret.yaml", expected)].map(|(file, code)| (file.to_owned(), code.to_owned())));
}

/// Names of files are the attacker's too.
#[test]
#[expect(clippy::disallowed_methods, reason = "this is the program under test")]
fn no_form_prints_what_moves_a_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let names: [&[u8]; 4] = [
        "a\n::error::b\u{1b}[2J.yaml".as_bytes(),
        "c]]>,\"'&<\u{202e}.yaml".as_bytes(),
        b"\xff\xfe.yaml",
        "\u{9b}1A.yaml".as_bytes(),
    ];
    let body = document(
        "ThrottlePolicy",
        "\"\\u001b[2J\\u202e\"",
        "\"\\u001b]0;x\\u0007\\u009b\": 1\nrules: [{app: \"a\\nb\\u2066\", percnt: 1}]\n",
    );
    for name in names {
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), &body).unwrap();
    }
    for form in ["human", "json", "yaml", "github", "junit", "sarif"] {
        let output = Command::new(env!("CARGO_BIN_EXE_tminus")).args(["check", "-o", form]).arg(folder.path()).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let odd = shown
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        assert_eq!((odd, output.status.code()), (None, Some(1)), "{form}: {shown}");
        let begun = shown.lines().filter(|line| line.starts_with("::")).count();
        let commands = if form == "github" { shown.lines().count() } else { 0 };
        assert_eq!(begun, commands, "{form} begins commands of its own: {shown}");
    }
}

/// Who reads only the beginning has read what they wanted: no panic, no noise.
#[test]
#[expect(clippy::disallowed_methods, reason = "this is the program under test")]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let body = repeated(190, |at| format!("k{at}: 1\n"));
    (0..20).for_each(|at| fs::write(folder.path().join(format!("{at}.yaml")), document("Checklist", "a", &body)).unwrap());
    let script = "\"$0\" check \"$1\" -o json | head -c 100 >/dev/null";
    let output = Command::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_tminus")]).arg(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
