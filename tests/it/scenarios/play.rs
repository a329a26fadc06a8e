//! Plays every script of `tests/scenarios/` and compares it with its golden output.
//!
//! `TMINUS_BLESS=1 cargo test scenarios` writes the outputs instead; what they say is then reviewed like code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::difference::difference;
use super::script::Script;
use super::stage::Stage;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What came of one script: what is wrong with it, and the documents it read.
struct Played {
    wrong: Vec<String>,
    read: BTreeSet<PathBuf>,
}

fn play(path: &Path) -> Played {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let script = match Script::read(&text) {
        Ok(script) => script,
        Err(wrong) => return Played { wrong: vec![format!("{name}: {wrong}")], read: BTreeSet::new() },
    };
    let (mut stage, mut outputs, mut wrong) = (Stage::default(), Vec::new(), Vec::new());
    for step in &script.steps {
        let place = format!("{name}:{}: > {}", step.line, step.command);
        let output = match stage.carry_out(&step.command) {
            Ok(output) => output,
            Err(error) => {
                // What follows stands on what failed.
                let before = outputs
                    .iter()
                    .rev()
                    .find(|output: &&Vec<String>| !output.is_empty())
                    .map_or(String::new(), |output| output.join("\n"));
                wrong.push(format!("{place}\n{error}\nprinted last:\n{before}"));
                break;
            }
        };
        if !is_blessing() {
            wrong.extend(difference(&step.golden, &output).map(|lines| format!("{place}\n{}", lines.join("\n"))));
        }
        outputs.push(output);
    }
    if wrong.is_empty() && outputs.iter().all(Vec::is_empty) {
        wrong.push(format!("{name} prints nothing, so it tells nothing"));
    }
    if is_blessing() && wrong.is_empty() {
        fs::write(path, script.with_outputs(&outputs)).unwrap();
    }
    Played { wrong, read: stage.files }
}

/// Whether outputs are to be written instead of compared.
fn is_blessing() -> bool {
    std::env::var_os("TMINUS_BLESS").is_some_and(|value| value == "1")
}

#[test]
fn scenarios_read_as_written() {
    let all = files(&folder());
    let scripts: Vec<_> = all.iter().filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    assert!(!scripts.is_empty(), "no scripts in {}", folder().display());
    let played: Vec<Played> = std::thread::scope(|scope| {
        let running: Vec<_> = scripts.iter().map(|path| scope.spawn(|| play(path))).collect();
        running.into_iter().map(|script| script.join().unwrap()).collect()
    });
    let read: BTreeSet<_> = played.iter().flat_map(|played| played.read.clone()).collect();
    let unread = |path: &&PathBuf| path.extension().is_none_or(|end| end != "txt") && !read.contains(*path);
    let unreferenced: Vec<_> = all.iter().filter(unread).map(|path| format!("{}: no script loads it", path.display())).collect();
    let wrong: Vec<String> = played.into_iter().flat_map(|played| played.wrong).chain(unreferenced).collect();
    let hint = "`TMINUS_BLESS=1 cargo test scenarios` writes what is printed now; read it before you commit it";
    assert!(wrong.is_empty(), "{}\n\n{hint}", wrong.join("\n\n"));
}
