//! `plan`: everything a release will do, when, why and at what cost. Asks the daemon, or reads documents offline.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::board::readiness_word;
use super::client::Server;
use super::orders::said;
use super::terminal::{Colour, Form, paint, plain};
use super::{Exit, Outcome};
use crate::core::decide::{Action, Amount, Change, Observations, PlanView, Snapshot, State, decide, plan_view};
use crate::core::words::Name;
use crate::shell::clock;
use crate::shell::settings::{self, show};

/// What to plan.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The release
    release: String,
    /// Files or folders with documents: plans offline, from the state before anything was done
    #[arg(long, num_args = 1.., value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Exit 2 when there is something to do
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Plans.
pub async fn run(args: Args) -> Outcome {
    let plan = if args.config.is_empty() { asked(&args).await? } else { offline(&args)? };
    args.form.print(&plan, |_| human(&plan))?;
    let differs = args.detailed_exitcode && !plan.actions.is_empty();
    Ok(if differs { Exit::Differences } else { Exit::Done })
}

async fn asked(args: &Args) -> Result<PlanView, String> {
    let client = args.server.client().map_err(said)?;
    client.get(&["plans", &args.release]).await.map_err(said)
}

/// Decides once on a world of which nothing is known but the documents: what is not measured reads so.
fn offline(args: &Args) -> Result<PlanView, String> {
    let loaded = settings::load(&args.config);
    // Findings are prose here, warnings too: the data is the plan.
    anstream::eprint!("{}", show::human(&loaded));
    if loaded.has_errors() {
        return Err("nothing was planned, since documents with errors are not used; correct what is named above".into());
    }
    let config = loaded.documents.config;
    let name = Name::new(&args.release).map_err(|error| error.to_string())?;
    let known: Vec<String> = config.releases.keys().map(|release| plain(release.as_str())).collect();
    let release = config.releases.get(&name).cloned();
    let release = release.ok_or_else(|| format!("the documents have no release {name}; they have: {}", known.join(", ")))?;
    let snapshot =
        Snapshot { config, state: State::default(), observed: Observations::default(), commands: Vec::new(), now: clock::now() };
    Ok(plan_view(&snapshot, &decide(&snapshot), &release))
}

fn human(plan: &PlanView) -> String {
    let mut lines = vec![format!("{}  {}", paint(Colour::Bold, &plain(plan.release.as_str())), readiness_word(plan.readiness))];
    lines.extend(plan.reasons.iter().map(|reason| format!("  → {}", plain(reason))));
    lines.push(String::new());
    lines.extend(plan.actions.iter().map(line));
    lines.push(String::new());
    lines.extend(plan.load.p95.map(|p95| format!("Load: p50 {:.0}/s, p95 {p95:.0}/s", plan.load.p50.unwrap_or(p95))));
    lines.extend(
        plan.instances.iter().map(|(group, instances)| format!("Needs: {instances} instances of {}", plain(group.as_str()))),
    );
    lines.extend(plan.cost.map(|cost| format!("Cost: {cost:.2} {}", plain(plan.currency.as_deref().unwrap_or_default()))));
    let count = |change: Change| plan.actions.iter().filter(|action| action.change == change).count();
    let (add, change, remove) = (count(Change::Add), count(Change::Change), count(Change::Remove));
    lines.push(format!("Plan: {add} to add, {change} to change, {remove} to remove"));
    lines.join("\n")
}

fn line(action: &Action) -> String {
    let (mark, colour) = match action.change {
        Change::Add => ("+", Colour::Green),
        Change::Change => ("~", Colour::Yellow),
        Change::Remove => ("-", Colour::Red),
    };
    let unit = if matches!(action.kind.as_str(), "step" | "prime") { " %" } else { "" };
    let side = |amount: Option<&Amount>| match amount {
        None => "none".into(),
        Some(Amount::Whole(whole)) => format!("{whole}{unit}"),
        Some(Amount::Fraction(fraction)) => format!("{fraction}{unit}"),
        Some(Amount::Text(text)) => text.clone(),
    };
    let sides = format!("{} -> {}", side(action.from.as_ref()), side(action.to.as_ref()));
    let what = format!("{} {}: {sides}", action.kind, action.target);
    let why = paint(Colour::Grey, &plain(&action.why));
    format!("  {} {}  {}\n      {why}", paint(colour, mark), action.at.strftime("%Y-%m-%d %H:%M:%SZ"), plain(&what))
}
