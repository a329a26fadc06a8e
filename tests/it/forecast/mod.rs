//! `tminus forecast` from the outside: the real program over files.

mod answer;
mod hostile;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// A history file in a folder of its own.
pub struct History {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl History {
    /// A file of these bytes.
    pub fn of(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.csv");
        std::fs::write(&file, text).unwrap();
        Self { _folder: folder, file }
    }

    /// Hours from the start of 2026 (a Thursday), by a function of the hour.
    pub fn hours(count: i64, load: impl Fn(i64) -> f64) -> Self {
        let rows = (0..count).map(|hour| format!("{},{}\n", at(hour * 3_600), load(hour)));
        Self::of(std::iter::once("timestamp,value\n".to_owned()).chain(rows).collect::<String>())
    }

    /// Runs the program over it.
    #[expect(clippy::disallowed_methods, reason = "the program under test is started here")]
    pub fn forecast(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tminus"));
        command.args(["forecast", "--history"]).arg(&self.file).args(more).output().unwrap()
    }

    /// The JSON of it.
    pub fn json(&self, more: &[&str]) -> Value {
        let output = self.forecast(&[more, &["-o", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A file beside it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.file.with_file_name(name)
    }
}

/// Seconds after the start of 2026.
pub fn at(second: i64) -> String {
    jiff::Timestamp::from_second(1_767_225_600 + second).unwrap().to_string()
}

/// Every figure of points and peaks is finite, not negative and in order.
#[track_caller]
pub fn sound(answer: &Value) {
    for entry in answer["points"].as_array().unwrap().iter().chain(answer["peaks"].as_array().unwrap()) {
        let [p50, p90, p95] = ["p50", "p90", "p95"].map(|key| entry[key].as_f64().unwrap());
        assert!(0.0 <= p50 && p50 <= p90 && p90 <= p95 && p95.is_finite(), "{entry}");
    }
}
