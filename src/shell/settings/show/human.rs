//! Findings for people: the line, an underline, what is wrong and the likely fix.

use std::collections::BTreeMap;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use super::super::hidden::one_line;
use super::excerpt::Excerpt;
use crate::shell::settings::{Finding, Loaded, Severity};

/// Most findings that are shown with their lines; the rest is a line each, so that the last ones are still on the screen.
const MOST_SHOWN: usize = 100;

/// All findings with their lines.
pub fn human(loaded: &Loaded) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode()).with_links(false).with_context_lines(1).with_width(120);
    let sources: BTreeMap<&str, &str> =
        loaded.sources.iter().map(|source| (source.file.as_str(), source.text.as_str())).collect();
    let mut text = String::new();
    for (at, finding) in loaded.findings.iter().enumerate() {
        if at >= MOST_SHOWN {
            let Finding { file, line, column, code, message, .. } = finding;
            text.push_str(&one_line(&format!("{file}:{line}:{column}: {code}: {message}\n")));
            continue;
        }
        let shown = Shown::new(finding, sources.get(finding.file.as_str()).copied());
        if handler.render_report(&mut text, &shown).is_err() {
            text.push_str(&one_line(&format!("{}:{}:{}: {}", finding.file, finding.line, finding.column, finding.message)));
        }
        text.push('\n');
    }
    text
}

/// `2 errors and 1 warning in 3 files`.
pub fn counted(loaded: &Loaded) -> String {
    let count = |severity| loaded.findings.iter().filter(|finding| finding.severity == severity).count();
    let number = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let place = format!("{} in {}", number(loaded.documents_read, "document"), number(loaded.sources.len(), "file"));
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) if loaded.documents_read == 0 => format!("{place}: nothing was checked"),
        (0, 0) => format!("{place}: nothing to complain of"),
        (errors, 0) => format!("{place}: {}", number(errors, "error")),
        (0, warnings) => format!("{place}: {}", number(warnings, "warning")),
        (errors, warnings) => format!("{place}: {} and {}", number(errors, "error"), number(warnings, "warning")),
    }
}

/// A finding as miette wants it.
#[derive(Debug)]
struct Shown<'f> {
    finding: &'f Finding,
    excerpt: Option<Excerpt>,
}

impl<'f> Shown<'f> {
    fn new(finding: &'f Finding, text: Option<&str>) -> Self {
        // What stands where a hash should may be the secret itself, and this may be read by everybody who sees a build.
        let text = text.filter(|_| finding.code != "TM0131");
        let excerpt = text.and_then(|text| Excerpt::new(&finding.file, text, (finding.line, finding.column)));
        Self { finding, excerpt }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { file, line, column, message, .. } = self.finding;
        // Without the snippet the place would be lost.
        if self.excerpt.is_none() {
            write!(f, "{}:{line}:{column}: {}", one_line(file), one_line(message))
        } else {
            write!(f, "{}", one_line(message))
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(one_line(&self.finding.help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.finding.path.is_empty()).then(|| one_line(&self.finding.path));
        let spans = self.excerpt.iter().map(move |excerpt| LabeledSpan::new(label.clone(), excerpt.span.0, excerpt.span.1));
        Some(Box::new(spans))
    }
}
