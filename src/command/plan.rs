//! `plan`: everything a release will do, when, why and at what cost. Asks the daemon, or reads documents offline.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::client::Server;
use super::orders::said;
use super::plan_file::PlanFile;
use super::plan_show::human;
use super::terminal::{Form, plain};
use super::{Exit, Outcome};
use crate::core::decide::{Observations, PlanView, Snapshot, State, decide, plan_view};
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
    /// Saves the plan: `apply FILE` carries out exactly this, or says what moved since
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Plans.
pub async fn run(args: Args) -> Outcome {
    let plan = if args.config.is_empty() { asked(&args).await? } else { offline(&args)? };
    args.form.print(&plan, |_| human(&plan))?;
    if let Some(file) = &args.out {
        PlanFile::write(file, &plan)?;
    }
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
