//! Shipped documents, broken at random: whatever comes of it is findings, at places that exist, the same each time, soon.
//!
//! A seed gives the same texts on any machine and is printed with every failure. `TMINUS_SEED` tries one again,
//! `TMINUS_CASES` any number of further ones (tests/long/documents).

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tminus::shell::settings::{Finding, Loaded, load_texts, show};

use super::shipped::shipped;

/// Texts that are tried by `cargo test`.
const CASES: u64 = 3_000;

/// Longest time for one text on a busy machine with a build that is not optimised; a usual one takes 5 ms. It is here for
/// what would take minutes.
const SOON: Duration = Duration::from_secs(20);

/// SplitMix64 (Steele, Lea and Flood 2014): a seed is a whole case.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Pieces that mean something to YAML, to documents or to terminals.
const PIECES: &[&str] = &[
    "---\n",
    "...\n",
    ": ",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!int ",
    "!x ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    " #",
    "\t",
    "\r",
    "\r\n",
    "\0",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "é",
    "😀",
    "~",
    "null",
    "1e999",
    ".inf",
    "0x10",
    "-1",
    "101",
    "5m",
    "T-1h",
    "%YAML 1.1\n",
    "apiVersion: tminus/v1\n",
    "kind: Release\n",
    "name: x\n",
    ",",
    "\\",
    "@",
    "`",
    "%",
    "   ",
];

fn broken(random: &mut Random, files: &[String]) -> String {
    let mut text = files[random.below(files.len())].clone();
    for _ in 0..=random.below(4) {
        text = step(random, text, files);
    }
    text
}

/// One way to break a text.
fn step(random: &mut Random, text: String, files: &[String]) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (at, way) = (random.below(lines.len()), random.below(10));
    let other = &files[random.below(files.len())];
    match way {
        _ if lines.is_empty() => other.clone(),
        0 | 1 => flipped(random, text),
        2 => {
            lines.remove(at);
            lines.concat()
        }
        3 => {
            lines.insert(at, lines[at]);
            lines.concat()
        }
        4 | 5 => {
            let (before, after) = (lines[..at].concat(), lines[at + 1..].concat());
            let spaces = " ".repeat(random.below(7));
            [before, format!("{spaces}{}", lines[at].trim_start_matches(' ')), after].concat()
        }
        6 => {
            let swap = random.below(lines.len());
            lines.swap(at, swap);
            lines.concat()
        }
        7 => [lines[..at].concat(), other.split_inclusive('\n').skip(random.below(9)).collect()].concat(),
        _ => {
            let mut at = random.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            [&text[..at], PIECES[random.below(PIECES.len())], &text[at..]].concat()
        }
    }
}

/// A bit of a byte turned over; what is no UTF-8 then never reaches the parser, so it is made into some.
fn flipped(random: &mut Random, text: String) -> String {
    let mut bytes = text.into_bytes();
    if !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether there is such a place: a character of the file, or the end of a line.
fn exists(found: &Finding, text: &str) -> bool {
    let line = found.line.checked_sub(1).map(|before| text.split('\n').nth(before));
    // The end of a file is on a line of its own, where the last one ends with a line end.
    let line = line.map(|line| line.or((found.line == text.split('\n').count() + 1).then_some("")));
    matches!(line, Some(Some(line)) if found.column >= 1 && found.column <= line.chars().count() + 1)
}

fn judge(loaded: &Loaded, text: &str) -> Result<(), String> {
    for found in &loaded.findings {
        if !exists(found, text.strip_prefix('\u{feff}').unwrap_or(text)) {
            return Err(format!("no such place: {found:?}"));
        }
        let told = found.code.len() == 6 && !found.message.is_empty() && !found.help.is_empty();
        if !told || found.message.starts_with("cannot be read: invalid type") {
            return Err(format!("says nothing: {found:?}"));
        }
        if [&found.message, &found.help, &found.path].iter().any(|text| text.contains(|c: char| c.is_control())) {
            return Err(format!("moves a cursor: {found:?}"));
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a text takes is measured, and switches choose the texts")]
fn try_case(seed: u64, files: &[String]) -> Result<Duration, String> {
    let text = broken(&mut Random(seed), files);
    let texts = [("broken.yaml".to_owned(), text.clone())];
    let began = Instant::now();
    let read = || {
        let loaded = load_texts(&texts);
        let shown = [show::human(&loaded), show::github(&loaded.findings), show::junit(&loaded)].concat();
        (loaded, shown)
    };
    let told = |reason: String| format!("seed {seed}: {reason}\n--- the text\n{text}\n---");
    let first = catch_unwind(AssertUnwindSafe(read)).map_err(|_| told("it panics".into()))?;
    let took = began.elapsed();
    judge(&first.0, &text).map_err(told)?;
    if seed.is_multiple_of(16) && (read().0.findings != first.0.findings || read().1 != first.1) {
        return Err(told("the second time it is told otherwise".into()));
    }
    if took > SOON { Err(told(format!("it takes {took:?}"))) } else { Ok(took) }
}

#[expect(clippy::disallowed_methods, reason = "how long a text takes is measured, and switches choose the texts")]
#[test]
fn broken_documents_are_findings_at_places_that_exist() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let files: Vec<String> = shipped().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let first = number("TMINUS_SEED").unwrap_or(0);
    let cases = number("TMINUS_CASES").unwrap_or(if number("TMINUS_SEED").is_some() { 1 } else { CASES });
    let mut longest = (Duration::ZERO, 0);
    let mut failed = Vec::new();
    for seed in first..first + cases {
        match try_case(seed, &files) {
            Ok(took) => longest = longest.max((took, seed)),
            Err(reason) => failed.push(reason),
        }
        assert!(failed.len() < 5, "{}", failed.join("\n"));
    }
    println!("{cases} broken documents from seed {first}; the longest took {:?} (seed {})", longest.0, longest.1);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
