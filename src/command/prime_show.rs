//! What `tminus prime` shows: a progress line at a terminal, and the outcome.
//!
//! Not here: the exit code. Writing into a text cannot fail, so those results are dropped.
//! Invariant: text of others never moves the cursor of a terminal.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::terminal::plain;
use crate::core::priming::Policy;
use crate::shell::primer::{PrimeReport, Progress};

/// Shorter runs show their outcome only.
const SHOWN_AFTER: Duration = Duration::from_secs(2);
/// Entries of a list on a page for people; json has them all.
const MOST_SHOWN: usize = 10;

/// Draws progress on stderr until the run drops its sender.
pub async fn follow(mut seen: watch::Receiver<Progress>) {
    let ended = tokio::time::timeout(SHOWN_AFTER, async { while seen.changed().await.is_ok() {} }).await.is_ok();
    if ended || !std::io::stderr().is_terminal() {
        return;
    }
    let bar = ProgressBar::new(0);
    // The template is a constant; should it not parse, the default bar still shows how far the run is.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} targets, {msg}, {elapsed}") {
        bar.set_style(style);
    }
    while seen.changed().await.is_ok() {
        let now = *seen.borrow_and_update();
        bar.set_length(now.targets);
        bar.set_position(now.done);
        bar.set_message(format!("{} proven{}", now.covered, if now.is_read { "" } else { ", still reading" }));
    }
    bar.finish_and_clear();
}

/// The outcome for people.
pub fn human(report: &PrimeReport, policy: &Policy) -> String {
    let mut text = String::new();
    for (node, ratio) in &report.coverage {
        // Rounded down: 100 % means every target.
        let _ = writeln!(text, "{node}: {:.3} % proven", (ratio * 100_000.0).floor() / 1_000.0);
    }
    let classes: Vec<String> = report.classes.iter().map(|(class, count)| format!("{count} {class}")).collect();
    let _ = writeln!(
        text,
        "{} objects, {} requests in {:.1} s: {}",
        report.objects,
        report.requested,
        report.seconds,
        if classes.is_empty() { "no targets".into() } else { classes.join(", ") }
    );
    if let Some(error) = &report.source_error {
        let _ = writeln!(text, "The source was not read to its end, so nothing counts as proven: {}", plain(error));
    }
    let wrong = report
        .mismatches
        .iter()
        .map(|entry| format!("{} at {}: {} instead of {}", entry.url, entry.node, entry.actual, entry.expected));
    list(&mut text, "Wrong bytes", wrong, report.omitted.mismatches);
    let failed = report.failed.iter().map(|entry| format!("{} at {}: {}", entry.url, entry.node, entry.reason));
    list(&mut text, "Failed", failed, report.omitted.failed);
    let not_stored = report.not_stored.iter().map(|entry| format!("{} at {}: {}", entry.url, entry.node, entry.reason));
    list(&mut text, "Not kept by the cache", not_stored, report.omitted.not_stored);
    let findings = report.findings.iter().map(|entry| format!("{} at {}: {}", entry.url, entry.node, entry.message));
    list(&mut text, "Findings", findings, report.omitted.findings);
    let coverage = policy.coverage;
    let _ = if report.reached {
        write!(text, "Every node is proven warm to {coverage} % and more.")
    } else {
        write!(
            text,
            "Not every node reaches {coverage} %: a launch would miss there. Mend what is listed above and run this again; it only fills gaps."
        )
    };
    text
}

fn list(text: &mut String, title: &str, entries: impl ExactSizeIterator<Item = String>, omitted: u64) {
    let count = entries.len() as u64 + omitted;
    if count == 0 {
        return;
    }
    let _ = writeln!(text, "{title} ({count}):");
    for entry in entries.take(MOST_SHOWN) {
        let _ = writeln!(text, "  {}", plain(&entry));
    }
    if count > MOST_SHOWN as u64 {
        let _ = writeln!(text, "  and {} more; -o json lists them", count - MOST_SHOWN as u64);
    }
}
