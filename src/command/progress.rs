//! A progress bar for verbs that may take long.
//!
//! Invariant: it is drawn on stderr, at a terminal, and only once the work takes longer than a glance.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::shell::clock;

/// Work shorter than this shows no bar: it would only flicker.
const QUIET: Duration = Duration::from_secs(2);

/// Shows itself once it takes long, and goes when it is dropped.
pub(super) struct Progress {
    begun: Instant,
    shown: Option<(&'static str, ProgressBar)>,
}

impl Progress {
    /// Nothing is shown yet.
    pub(super) fn new() -> Self {
        Self { begun: clock::monotonic(), shown: None }
    }

    /// So much of so much is done, counted in `unit`.
    pub(super) fn show(&mut self, unit: &'static str, (done, all): (u64, u64)) {
        if self.shown.as_ref().is_none_or(|(shown, _)| *shown != unit) && self.begun.elapsed() > QUIET {
            let form = format!("{{bar:40}} {{human_pos}} of {{human_len}} {unit}, {{eta}} left");
            let style = ProgressStyle::with_template(&form).unwrap_or_else(|_| ProgressStyle::default_bar());
            self.clear();
            self.shown = Some((unit, ProgressBar::new(all).with_style(style)));
        }
        if let Some((_, bar)) = self.shown.as_ref().filter(|(shown, _)| *shown == unit) {
            bar.set_length(all);
            bar.set_position(done);
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.shown.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
