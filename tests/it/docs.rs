//! The pages that are written by hand: what they name exists, what they tell people to type is understood.
//!
//! They are checked for that alone; whether their sentences are true is for people to say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use tminus::command::Cli;
use tminus::shell::settings::load_texts;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder with this ending, as a path from the root.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == ending) {
                found.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

fn pages() -> Vec<String> {
    let docs = files("docs", "md").into_iter();
    docs.chain(["README.md", "CHANGELOG.md"].map(String::from)).collect()
}

/// What stands in backticks, outside of code blocks.
fn quoted(page: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Tests by the name that the page gives them: the module's path without `tests`, then the function.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files("src", "rs").into_iter().chain(files("tests/it", "rs")) {
        let module = path.trim_start_matches("src/").trim_start_matches("tests/it/").trim_end_matches(".rs");
        let parts = module.split('/').filter(|part| !matches!(*part, "mod" | "tests" | "main"));
        let module: String = parts.map(|part| format!("{part}::")).collect::<Vec<_>>().concat();
        let source = text(&path);
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let marked = line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let function = lines[index..].iter().find_map(|line| line.split_once("fn ")).filter(|_| marked);
            found.extend(function.and_then(|(_, rest)| rest.split('(').next()).map(|name| format!("{module}{name}")));
        }
    }
    found
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let (page, tests) = (text("docs/ARCHITECTURE.md"), tests());
    for number in 1..=12 {
        let row = page.lines().find(|line| line.starts_with(&format!("| I{number} |")));
        let checked_by = row.and_then(|row| row.split('|').nth(3)).unwrap_or_else(|| panic!("I{number} has no row"));
        let named: Vec<&str> = checked_by.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || checked_by.contains("Not in this version"), "I{number} names no test");
    }
    let named = quoted(&page).into_iter().filter(|name| name.contains("::") && !is_code(name));
    let missing: Vec<String> = named.filter(|name| !tests.contains(name)).collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names tests that are not there: {missing:?}");
}

/// `core::check` and the like: a module, not a test.
fn is_code(name: &str) -> bool {
    let path = name.replace("::", "/");
    [format!("src/{path}"), format!("src/{path}.rs"), format!("src/{path}/mod.rs")].iter().any(|path| root().join(path).exists())
}

#[test]
fn the_code_map_has_every_room() {
    let page = text("docs/ARCHITECTURE.md");
    let map: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split('`').next()).collect();
    for layer in ["core", "shell", "lab"] {
        for entry in fs::read_dir(root().join("src").join(layer)).unwrap().map(|entry| entry.unwrap().path()) {
            let room = entry.file_stem().unwrap().to_string_lossy().into_owned();
            // Small parts of the lab that more than one of its rooms uses.
            if room == "mod" || layer == "lab" && ["dice", "documents", "http", "objects", "server"].contains(&room.as_str()) {
                continue;
            }
            assert!(map.contains(format!("{layer}/{room}").as_str()), "the code map has no {layer}/{room}");
        }
    }
    for room in map.iter().filter(|room| room.contains('/') && !room.starts_with("src/")) {
        let path = PathBuf::from("src").join(room);
        assert!(root().join(&path).exists() || root().join(path.with_extension("rs")).exists(), "there is no {room}");
    }
}

#[test]
fn files_that_pages_name_exist() {
    let mut missing = Vec::new();
    for page in pages() {
        let content = text(&page);
        let folder = Path::new(&page).parent().unwrap();
        for link in content.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.contains("://") && !link.is_empty() && !root().join(folder).join(link).exists() {
                missing.push(format!("{page}: {link}"));
            }
        }
        for name in quoted(&content) {
            let file = ["src/", "shell/", "core/", "lab/", "docs/", "tests/", "checklists/", "policies/", "releases/"];
            let is_path = file.iter().any(|start| name.starts_with(start)) && !name.contains([' ', '*', '{', '<']);
            let places = [name.clone(), format!("src/{name}"), format!("src/{name}.rs")];
            if is_path && !places.iter().any(|place| root().join(place).exists()) && !is_later(&content, &name) {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "pages name what is not there:\n{}", missing.join("\n"));
}

/// Rooms that the last section of the page announces.
fn is_later(page: &str, name: &str) -> bool {
    page.split("## Where later rooms will grow").nth(1).is_some_and(|later| later.contains(name))
}

#[test]
fn pages_that_the_program_names_exist() {
    let mut missing = Vec::new();
    for path in files("src", "rs").into_iter().chain(files("tests/it", "rs")) {
        let source = text(&path);
        for rest in source.split("docs/").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_/.".contains(*c)).collect();
            let named = name.trim_end_matches('.');
            if std::path::Path::new(named).extension().is_some_and(|end| end == "md") && !root().join("docs").join(named).exists()
            {
                missing.push(format!("{path}: docs/{named}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// The words of a line as a shell takes them: quotes hold together, what follows a pipe or a hash is left out.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|' | '#' | '>' | '&') => break,
            (None, ' ') => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            (_, c) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[test]
fn commands_of_the_pages_are_understood() {
    let mut seen = 0;
    for page in pages() {
        // Usage lines of the reference page are not for typing.
        let content = if page == "docs/CLI.md" { String::new() } else { text(&page) };
        for line in content.split("```").skip(1).step_by(2).flat_map(str::lines) {
            let line = line.trim_start_matches("$ ");
            let line =
                line.strip_prefix("cargo run --release -- ").map_or_else(|| line.to_owned(), |rest| format!("tminus {rest}"));
            if !line.starts_with("tminus ") {
                continue;
            }
            seen += 1;
            Cli::try_parse_from(words(&line)).unwrap_or_else(|error| panic!("{page}: {line}\n{error}"));
        }
    }
    assert!(seen > 10, "only {seen} commands were found");
}

#[test]
fn documents_of_the_readme_are_valid() {
    let readme = text("README.md");
    let texts: Vec<(String, String)> = readme
        .split("cat > ")
        .skip(1)
        .filter_map(|rest| {
            let (head, body) = rest.split_once('\n')?;
            let name = head.split(' ').next()?.to_owned();
            let body = body.split("\nEOF").next()?;
            Some((name, body.replace("$(date -u -d '+10 minutes' +%FT%TZ)", "2030-01-01T12:00:00Z")))
        })
        .collect();
    assert!(texts.len() >= 3, "documents in README.md: {}", texts.len());
    let loaded = load_texts(&texts);
    assert!(loaded.findings.is_empty(), "{:#?}", loaded.findings);
}
