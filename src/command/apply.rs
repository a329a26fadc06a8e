//! `apply`: creates or changes documents in the daemon, all files together or nothing; or carries out a saved plan.

use std::io::Read;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use super::client::{ClientError, Server};
use super::orders::said;
use super::plan_file::PlanFile;
use super::terminal::{Colour, Form, paint, plain};
use super::{Exit, Outcome};
use crate::core::decide::Told;
use crate::shell::control::Applied;
use crate::shell::settings::{Finding, Loaded, Source, show};

/// Documents to apply.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Files with documents, or one saved plan; `-` is standard input
    #[arg(required_unless_present = "remove", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Takes a document out of force that was applied, or that vanished from its file and is kept
    #[arg(long, value_name = "KIND/NAME", requires = "reason", conflicts_with = "files")]
    remove: Option<String>,
    /// Why it is removed
    #[arg(long, value_name = "TEXT", requires = "remove")]
    reason: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Files as one stream of documents, and where in it each begins.
#[derive(Default)]
struct Stream {
    text: String,
    /// First line of each file in the stream, from 1, with the file.
    files: Vec<(usize, Source)>,
}

impl Stream {
    fn push(&mut self, name: String, text: &str) {
        let text = text.trim_start_matches('\u{feff}');
        let begins = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let separated = begins.is_none_or(|line| line.starts_with("---") || line.starts_with('%'));
        if !self.text.is_empty() && !separated {
            self.text.push_str("---\n");
        }
        self.files.push((self.text.lines().count() + 1, Source { file: name, text: text.into() }));
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// A finding's place in the file that it is about.
    fn place(&self, finding: Finding) -> Finding {
        match self.files.iter().rev().find(|(first, _)| *first <= finding.line) {
            Some((first, source)) => Finding { file: source.file.clone(), line: finding.line + 1 - first, ..finding },
            None => finding,
        }
    }
}

/// Applies.
pub async fn run(args: Args) -> Outcome {
    if let Some(document) = &args.remove {
        return remove(&args, document).await;
    }
    let mut stream = Stream::default();
    for file in &args.files {
        let text = read(file)?;
        if let Some(plan) = PlanFile::read(&text) {
            let plan = plan.map_err(|error| format!("{}: {error}", file.display()))?;
            return if args.files.len() == 1 { carry_out(&args, plan).await } else { Err(ONE_PLAN.into()) };
        }
        stream.push(file.display().to_string(), &text);
    }
    let client = args.server.client().map_err(said)?;
    let request = client.request(Method::PUT, &["documents"]).header(CONTENT_TYPE, "text/yaml").body(stream.text.clone());
    match client.send::<Applied>(request).await {
        Ok(applied) => {
            args.form.print(&applied, |_| summary(&applied))?;
            Ok(Exit::Done)
        }
        Err(ClientError::Refused(problem)) if !problem.findings.is_empty() => {
            let findings: Vec<Finding> = problem.findings.iter().map(|finding| stream.place(finding.clone())).collect();
            let sources = stream.files.into_iter().map(|(_, source)| source).collect();
            let refused = Loaded { findings, sources, ..Loaded::default() };
            args.form.print(&json!({ "findings": refused.findings }), |_| show::human(&refused))?;
            Err(plain(&problem.detail))
        }
        Err(error) => Err(said(error)),
    }
}

const ONE_PLAN: &str = "a saved plan is applied alone, without other files; nothing was done";

/// The daemon compares what the plan was made from with how things stand, and does what is due by it.
async fn carry_out(args: &Args, PlanFile { plan, .. }: PlanFile) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let body = json!({ "digest": plan.digest, "made_from": plan.made_from });
    let told: Told = client.put(&["plans", plan.release.as_str()], &body).await.map_err(said)?;
    args.form.print(&told, |_| plain(&told.message))?;
    Ok(Exit::Done)
}

async fn remove(args: &Args, document: &str) -> Outcome {
    let names = document.split_once('/').filter(|(kind, name)| !kind.is_empty() && !name.is_empty());
    let (kind, name) = names.ok_or("--remove takes KIND/NAME, such as Release/reader-2.2; nothing was done")?;
    let client = args.server.client().map_err(said)?;
    let reason = args.reason.as_deref().unwrap_or_default();
    match client.delete::<Told>(&["documents", kind, name], &[("reason", reason)]).await {
        Ok(told) => {
            args.form.print(&told, |_| plain(&told.message))?;
            Ok(Exit::Done)
        }
        Err(ClientError::Refused(problem)) if !problem.findings.is_empty() => {
            let findings = problem.findings.iter().map(Finding::brief).collect::<Vec<_>>().join("\n");
            Err(plain(&format!("others lean on {document}; nothing was removed\n{findings}")))
        }
        Err(error) => Err(said(error)),
    }
}

fn read(file: &PathBuf) -> Result<String, String> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| format!("{}: {error}; nothing was applied", file.display()))
}

fn summary(applied: &Applied) -> String {
    let marked = |mark: &str, names: &[String]| names.iter().map(|name| format!("{mark} {}", plain(name))).collect::<Vec<_>>();
    let mut lines = marked(&paint(Colour::Green, "+"), &applied.created);
    lines.extend(marked(&paint(Colour::Yellow, "~"), &applied.changed));
    let (created, changed, unchanged) = (applied.created.len(), applied.changed.len(), applied.unchanged.len());
    lines.extend(applied.voided.iter().map(|signed| {
        paint(Colour::Yellow, &plain(&format!("! the sign-off of {signed} is void: what was signed has changed")))
    }));
    lines.push(format!("Applied: {created} created, {changed} changed, {unchanged} unchanged."));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::settings::Severity;

    #[test]
    fn a_finding_is_placed_in_its_own_file() {
        let mut stream = Stream::default();
        stream.push("one.yaml".into(), "kind: A\nname: a");
        stream.push("two.yaml".into(), "# comment\nkind: B\n");
        stream.push("three.yaml".into(), "\u{feff}---\nkind: C\n");
        assert_eq!(stream.text, "kind: A\nname: a\n---\n# comment\nkind: B\n---\nkind: C\n");
        for (line, file, own) in [(2, "one.yaml", 2), (4, "two.yaml", 1), (5, "two.yaml", 2), (7, "three.yaml", 2)] {
            let finding = Finding {
                file: "apply".into(),
                line,
                column: 1,
                path: String::new(),
                code: "TM0101".into(),
                severity: Severity::Error,
                message: "wrong".into(),
                help: String::new(),
            };
            let placed = stream.place(finding);
            assert_eq!((placed.file.as_str(), placed.line), (file, own), "{line}");
        }
    }
}
