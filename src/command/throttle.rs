//! `throttle halt|lift|get`: the brake.

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::client::Server;
use super::orders::{report, said};
use super::terminal::{Colour, Form, paint, plain};
use super::{Exit, Outcome};
use crate::core::decide::Told;
use crate::shell::control::status::{HaltList, HaltStatus, Status, StatusList};

/// What to do with the throttle.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Halts an app, one of its channels or one of its versions; takes effect on the next request, force included
    Halt(Halt),
    /// Lifts a halt, or adds a voice to lifting it
    Lift(Lift),
    /// Shows what is halted and what is on offer
    Get(Get),
}

#[derive(Debug, ClapArgs)]
struct Target {
    /// The app
    app: String,
    /// Only this channel
    #[arg(long, conflicts_with = "version")]
    channel: Option<String>,
    /// Only this version: as if it were not on offer
    #[arg(long)]
    version: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// A halt.
#[derive(Debug, ClapArgs)]
pub struct Halt {
    #[command(flatten)]
    target: Target,
    /// Why; goes into the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// The lifting of a halt.
#[derive(Debug, ClapArgs)]
pub struct Lift {
    #[command(flatten)]
    target: Target,
    /// Why; goes into the audit
    #[arg(long, value_name = "TEXT", required_if_eq("break_glass", "true"))]
    reason: Option<String>,
    /// Lifts it alone where the policy wants more people; everybody hears of it
    #[arg(long)]
    break_glass: bool,
}

/// A look at the throttle.
#[derive(Debug, ClapArgs)]
pub struct Get {
    /// The app
    app: String,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Runs it.
pub async fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Halt(args) => halt(args).await,
        Verb::Lift(args) => lift(args).await,
        Verb::Get(args) => get(args).await,
    }
}

async fn halt(Halt { target, reason }: Halt) -> Outcome {
    let client = target.server.client().map_err(said)?;
    let body = json!({ "channel": target.channel, "version": target.version, "reason": reason });
    let told: Told = client.put(&["halts", &target.app], &body).await.map_err(said)?;
    report(target.form, &told)
}

async fn lift(Lift { target, reason, break_glass }: Lift) -> Outcome {
    let client = target.server.client().map_err(said)?;
    let glass = break_glass.then(|| "true".to_owned());
    let pairs = [("channel", &target.channel), ("version", &target.version), ("break_glass", &glass), ("reason", &reason)];
    let query: Vec<(&str, &str)> = pairs.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).collect();
    let told: Told = client.delete(&["halts", &target.app], &query).await.map_err(said)?;
    report(target.form, &told)
}

async fn get(args: Get) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let halts: HaltList = client.get(&["halts"]).await.map_err(said)?;
    let list: StatusList = client.get(&["releases"]).await.map_err(said)?;
    let is_own = |app: &String| app.eq_ignore_ascii_case(&args.app);
    let halts: Vec<HaltStatus> = halts.halts.into_iter().filter(|halt| halt.app.as_ref().is_none_or(is_own)).collect();
    let releases: Vec<Status> = list.releases.into_iter().filter(|release| is_own(&release.app)).collect();
    let offers = releases.iter().map(|release| {
        json!({ "release": release.release, "version": release.version, "channels": release.channels,
                "phase": release.phase, "percent": release.percent })
    });
    let data = json!({ "app": args.app, "halts": halts, "releases": offers.collect::<Vec<_>>() });
    args.form.print(&data, |_| human(&halts, &releases))?;
    Ok(Exit::Done)
}

fn human(halts: &[HaltStatus], releases: &[Status]) -> String {
    let offers = releases.iter().map(|release| {
        plain(&format!(
            "{} {}: {} at {} % of {}",
            release.app,
            release.version,
            release.phase,
            release.percent,
            release.channels.join(", ")
        ))
    });
    let mut lines: Vec<String> = halts.iter().map(halt_line).chain(offers).collect();
    if halts.is_empty() {
        lines.insert(0, format!("{} nothing is halted", paint(Colour::Green, "✔")));
    }
    lines.join("\n")
}

/// A halt on one line.
pub fn halt_line(halt: &HaltStatus) -> String {
    let what = match (&halt.app, &halt.channel, &halt.version) {
        (None, _, _) => "everything".to_owned(),
        (Some(app), Some(channel), _) => format!("{app} on {channel}"),
        (Some(app), None, Some(version)) => format!("{app} {version}"),
        (Some(app), None, None) => format!("all of {app}"),
    };
    let text = format!("HALT {what}, by {}: {}", halt.by, halt.reason);
    format!("{} {}", paint(Colour::Red, "✖"), plain(&text))
}
