//! Rules about the tree itself: what the core may not name, headers, sizes, the dependency tree, documents that drift.
//!
//! Each rule is an absence that an architect would otherwise have to look for.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with one of these endings, sorted.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { walk(&entry, found) } else { found.push(entry) }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.retain(|path| path.extension().is_some_and(|end| endings.iter().any(|wanted| end == *wanted)));
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The code of a file without comments and without its test module: tests may print and panic.
fn code(path: &Path) -> Vec<(usize, String)> {
    let source = text(path);
    let body = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = body.lines().enumerate().map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default().to_owned()));
    lines.collect()
}

#[test]
fn core_is_pure() {
    let refused = [
        "crate::shell",
        "crate::command",
        "crate::lab",
        "tokio",
        "reqwest",
        "hyper",
        "axum",
        "rusqlite",
        "aws_",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "async fn",
        "async move",
        "tracing",
        "println!",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "rand::",
        "HashMap<",
        "HashSet<",
        "static mut",
    ];
    let mut found = Vec::new();
    for path in files("src/core", &["rs"]) {
        for (number, line) in code(&path) {
            found.extend(
                refused.iter().filter(|word| line.contains(**word)).map(|word| format!("{}:{number}: {word}", shown(&path))),
            );
        }
    }
    assert!(found.is_empty(), "the core does no I/O and names no shell:\n{}", found.join("\n"));
}

/// What the standard library leaves to the host, whose last bit may be another (I12); `core/words/real.rs` has them all.
const OF_THE_HOST: [&str; 28] = [
    "ln", "log", "log2", "log10", "ln_1p", "exp", "exp2", "exp_m1", "powf", "powi", "cbrt", "hypot", "sin", "cos", "tan", "asin",
    "acos", "atan", "atan2", "sin_cos", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "gamma", "ln_gamma",
];

#[test]
fn real_functions_of_the_core_are_not_the_hosts() {
    let mut found = Vec::new();
    for path in files("src/core", &["rs"]).into_iter().filter(|path| !shown(path).contains("/tests/")) {
        for (number, line) in code(&path) {
            let called = |name: &&&str| line.contains(&format!(".{name}(")) || names_it(&line, &format!("f64::{name}"));
            found.extend(OF_THE_HOST.iter().filter(called).map(|name| format!("{}:{number}: {name}", shown(&path))));
            found.extend(line.contains("statrs").then(|| format!("{}:{number}: statrs", shown(&path))));
        }
    }
    assert!(found.is_empty(), "use core::words::real, which has the same bits on every host:\n{}", found.join("\n"));
}

/// Whether a line has the path, and not only the beginning of a longer one.
fn names_it(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| !line[at + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn rooms_of_the_shell_meet_only_in_the_daemon() {
    // Shared by all: how AWS is reached, running a user's program, the clock, the lock on a folder, plain data, validated
    // documents, and the table of metrics.
    let shared = ["aws", "child", "clock", "data", "lock", "spec", "telemetry"];
    let mut found = Vec::new();
    for path in files("src/shell", &["rs"]) {
        let room = shown(&path).split('/').nth(2).unwrap().trim_end_matches(".rs").to_owned();
        if room == "daemon" {
            continue;
        }
        // So many times `super` leaves the room; other rooms are named in full, so that this test sees them.
        let levels = shown(&path).trim_end_matches("/mod.rs").split('/').count() - 2;
        let (out, grouped) = ("super::".repeat(levels.max(1)), "use crate::{");
        for (number, line) in code(&path) {
            let named = line.split_once("crate::shell::").map(|(_, named)| named);
            let other = named.and_then(|named| named.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            let elsewhere = other.is_some_and(|other| other != room && !shared.contains(&other));
            if elsewhere || line.contains(&out) || line.contains(grouped) {
                found.push(format!("{}:{number}: {}", shown(&path), line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "two rooms of the shell call each other:\n{}", found.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let all = files("src", &["rs"]).into_iter().chain(files("tests", &["rs"]));
    let bare: Vec<_> = all.filter(|path| !text(path).starts_with("//!")).map(|path| shown(&path)).collect();
    assert!(bare.is_empty(), "files without a header: {bare:?}");
}

#[test]
fn files_stay_below_600_lines() {
    let all = files("src", &["rs"]).into_iter().chain(files("tests", &["rs"]));
    let long: Vec<_> = all.map(|path| (text(&path).lines().count(), shown(&path))).filter(|(lines, _)| *lines > 600).collect();
    assert!(long.is_empty(), "files over 600 lines: {long:?}");
}

#[test]
fn mod_files_hold_no_logic() {
    let mut found = Vec::new();
    for path in files("src", &["rs"]).into_iter().filter(|path| path.ends_with("mod.rs") && shown(path) != "src/command/mod.rs") {
        found.extend(
            code(&path)
                .into_iter()
                .filter(|(_, line)| line.contains("fn "))
                .map(|(number, _)| format!("{}:{number}", shown(&path))),
        );
    }
    assert!(found.is_empty(), "logic in mod.rs: {found:?}");
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("dbg", "!("),
    ];
    let mut found = Vec::new();
    for path in files("src", &["rs"]).into_iter().chain(files("tests", &["rs"])) {
        for (index, line) in text(&path).lines().enumerate() {
            found.extend(
                marks.iter().filter(|mark| line.contains(**mark)).map(|mark| format!("{}:{}: {mark}", shown(&path), index + 1)),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    let mut found = Vec::new();
    for path in files("src", &["rs"]) {
        let lines = text(&path);
        let allowed = lines.lines().enumerate().filter(|(_, line)| line.contains("#[allow(") || line.contains("#![allow("));
        found.extend(allowed.map(|(index, _)| format!("{}:{}", shown(&path), index + 1)));
    }
    assert!(found.is_empty(), "use #[expect(lint, reason = ...)]: {found:?}");
}

/// The names of the packages in Cargo.lock, one per version.
fn packages() -> Vec<String> {
    let lock = text(&root().join("Cargo.lock"));
    lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"').map(str::to_owned)).collect()
}

#[test]
fn one_hyper_one_rustls_and_no_other_tls() {
    let packages = packages();
    let count = |name: &str| packages.iter().filter(|package| *package == name).count();
    assert_eq!((count("hyper"), count("rustls")), (1, 1), "hyper and rustls");
    for refused in ["aws-lc-sys", "aws-lc-rs", "openssl-sys", "openssl", "native-tls"] {
        assert_eq!(count(refused), 0, "{refused}");
    }
    // The lock file holds every platform and the test tools too; the host's build is smaller.
    assert!(packages.len() <= 450, "{} packages", packages.len());
}

#[test]
fn every_dependency_is_used() {
    let manifest = text(&root().join("Cargo.toml"));
    let section = manifest.split_once("[dependencies]").unwrap().1.split_once("[lints").unwrap().0;
    let names = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim().replace('-', "_"));
    let sources: String = ["src", "tests"].iter().flat_map(|folder| files(folder, &["rs"])).map(|path| text(&path)).collect();
    let used = |name: &String| sources.contains(&format!("{name}::")) || sources.contains(&format!("{name}!"));
    let unused: Vec<String> = names.filter(|name| !used(name)).collect();
    assert!(unused.is_empty(), "dependencies that nothing names: {unused:?}");
}

#[test]
fn every_long_script_is_named_in_the_docs() {
    let folder = root().join("tests/long");
    let docs: String = files("docs", &["md"]).iter().map(|path| text(path)).collect();
    let scripts = fs::read_dir(&folder).map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>());
    for script in scripts.unwrap_or_default() {
        let name = script.to_string_lossy().into_owned();
        assert!(docs.contains(&format!("tests/long/{name}")), "docs/ does not name tests/long/{name}");
    }
}
