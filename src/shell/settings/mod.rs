//! Documents: files -> node tree with places -> every finding of every file in one run -> validated documents.

mod finding;

pub use finding::{Finding, Severity};

/// What the files say. Stands here only until the loader itself is merged, so that verbs compile.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What was valid.
    pub documents: crate::shell::spec::Documents,
    /// What was not.
    pub findings: Vec<Finding>,
}

/// Refuses to read anything: a loader that returned nothing without a finding would decide from no documents.
pub fn load_alone(paths: &[std::path::PathBuf]) -> Loaded {
    let finding = |path: &std::path::PathBuf| Finding {
        file: path.display().to_string(),
        line: 1,
        column: 1,
        path: String::new(),
        code: "TM0000".into(),
        severity: Severity::Error,
        message: "this build has no loader for documents".into(),
        help: "merge the settings room".into(),
    };
    Loaded { findings: paths.iter().map(finding).collect(), ..Loaded::default() }
}
