//! The reference pages in docs/: what they list is what the program has.
//!
//! The prose of a page is written by hand; what stands between its two marks is drawn here from the table that the
//! program itself uses. `TMINUS_BLESS=1 cargo test pages` draws it anew; without it, a page that differs fails.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use tminus::command::{Cli, Exit};
use tminus::shell::control::{ROUTES, Route, Takes};
use tminus::shell::settings::codes::CODES;
use tminus::shell::telemetry::Metric;

const BEGIN: &str = "<!-- drawn by tests/it/pages.rs: TMINUS_BLESS=1 cargo test pages -->\n";
const END: &str = "<!-- end of what is drawn -->";

/// Compares what stands between the marks of a page with what it should be, or writes it there.
fn check(page: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("docs/{page} has no line {BEGIN}"));
    let (stands, after) = rest.split_once(END).unwrap_or_else(|| panic!("docs/{page} has no line {END}"));
    let drawn = format!("\n{}\n\n", drawn.trim());
    if std::env::var_os("TMINUS_BLESS").is_some() {
        return fs::write(path, [before, BEGIN, &drawn, END, after].concat()).unwrap();
    }
    assert_eq!(stands, drawn, "docs/{page} differs from the program: TMINUS_BLESS=1 cargo test pages draws it anew");
}

/// Words as code, or a dash where there are none.
fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    if words.is_empty() { "-".into() } else { words.join(", ") }
}

#[test]
fn metrics_page_lists_the_table_of_telemetry() {
    let mut drawn = String::from("| metric | kind | labels | what it says |\n|---|---|---|---|\n");
    for metric in Metric::ALL {
        let (name, kind, help) = metric.row();
        writeln!(drawn, "| `{name}` | {} | {} | {help} |", kind.word(), listed(metric.labels())).unwrap();
    }
    check("METRICS.md", &drawn);
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/METRICS.md")).unwrap();
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("tminus_"));
    let unknown: Vec<&str> = words.filter(|word| Metric::ALL.iter().all(|metric| metric.name() != *word)).collect();
    assert!(unknown.is_empty(), "docs/METRICS.md names what there is not: {unknown:?}");
}

fn taken(route: &Route) -> String {
    let body = match route.takes {
        Takes::Nothing => "-",
        Takes::Json => "JSON",
        Takes::OptionalJson => "JSON or nothing",
        Takes::Yaml => "YAML",
    };
    if route.query.is_empty() { body.into() } else { format!("{body}; query {}", listed(route.query)) }
}

#[test]
fn api_page_lists_the_routes() {
    let mut drawn = String::from("| request | role | takes | what it does |\n|---|---|---|---|\n");
    for route in ROUTES {
        let (method, path, role) = (&route.method, route.path, route.least.word());
        writeln!(drawn, "| `{method} {path}` | {role} | {} | {} |", taken(route), route.does).unwrap();
        assert!(!route.does.is_empty(), "{method} {path} does not say what it does");
    }
    check("API.md", &drawn);
}

#[test]
fn findings_page_lists_every_code() {
    let mut drawn = String::new();
    for code in CODES {
        writeln!(drawn, "## {}: {}\n\n{}\n", code.code, code.title, code.text).unwrap();
    }
    check("FINDINGS.md", &drawn);
}

/// What is between the bars of a table: no bar, no line end.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn spelt(argument: &Arg) -> String {
    let names: Vec<String> = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
    let value = if argument.get_action().takes_values() { names.join(" ") } else { String::new() };
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    let flag: Vec<String> = short.into_iter().chain(long).collect();
    [flag.join(", "), value].join(" ").trim().to_owned()
}

fn explained(argument: &Arg) -> String {
    let help = argument.get_help().map(|help| cell(&help.to_string())).unwrap_or_default();
    let possible = argument.get_possible_values();
    let values: Vec<&str> = possible.iter().map(clap::builder::PossibleValue::get_name).collect();
    let default: Vec<_> = argument.get_default_values().iter().map(|one| one.to_string_lossy()).collect();
    let (takes, variable) = (argument.get_action().takes_values(), argument.get_env().map(|one| one.to_string_lossy()));
    let remarks = [
        (takes && !values.is_empty()).then(|| format!("one of {}", values.join(", "))),
        (takes && !default.is_empty()).then(|| format!("default {}", default.join(", "))),
        variable.map(|variable| format!("variable {variable}")),
    ];
    let remarks: Vec<String> = remarks.into_iter().flatten().collect();
    if remarks.is_empty() { help } else { format!("{help} ({})", remarks.join("; ")) }
}

/// A verb with its arguments, or the verbs below it.
fn verb(drawn: &mut String, command: &mut Command) {
    if command.has_subcommands() {
        command.get_subcommands_mut().filter(|one| is_ours(one)).for_each(|one| verb(drawn, one));
        return;
    }
    let usage = command.render_usage().to_string().replace("Usage: ", "");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let name = command.get_bin_name().unwrap();
    writeln!(drawn, "### {name}\n\n{about}.\n\n```\n{}\n```\n", usage.trim()).unwrap();
    let ours: Vec<&Arg> = command.get_arguments().filter(|one| !one.is_hide_set() && one.get_id() != "help").collect();
    if ours.is_empty() {
        return;
    }
    drawn.push_str("| argument | |\n|---|---|\n");
    for argument in ours {
        writeln!(drawn, "| `{}` | {} |", spelt(argument), explained(argument)).unwrap();
    }
    drawn.push('\n');
}

fn is_ours(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

#[test]
fn cli_page_lists_every_verb_and_exit_code() {
    let mut command = Cli::command();
    command.build();
    let mut drawn = String::from("## Exit codes\n\n| code | when |\n|---|---|\n");
    for exit in Exit::ALL {
        writeln!(drawn, "| {} | {} |", exit as u8, exit.meaning()).unwrap();
    }
    drawn.push_str("\n## Verbs\n\n");
    for command in command.get_subcommands_mut().filter(|one| is_ours(one)) {
        verb(&mut drawn, command);
    }
    check("CLI.md", &drawn);
}
