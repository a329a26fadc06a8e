//! `override add|list|extend|clear`: what on-call imposes on a group for a while, with its cost shown first.

use std::io::{BufRead, IsTerminal, stderr, stdin};

use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Server};
use super::orders::{report, said};
use super::override_show::{list, preview};
use super::terminal::{Form, plain};
use super::{Exit, Outcome};
use crate::core::decide::Told;
use crate::shell::control::status::{OverrideList, Preview};

/// What to do with overrides.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Imposes a floor, ceiling, pin or freeze on a group, and ends it by itself; shows what it costs first
    Add(Add),
    /// Shows what is in force: whose, why and how long still
    List(List),
    /// Lets an override end later
    Extend(Change),
    /// Ends an override now; what it raised is given back by the ramp
    Clear(Clear),
}

/// An override.
#[derive(Debug, ClapArgs)]
pub struct Add {
    /// The group, by the name of its scaling policy
    group: String,
    #[command(flatten)]
    what: What,
    /// How long it lasts, such as 2h
    #[arg(long = "for", value_name = "DURATION")]
    lasting: String,
    /// Why; goes into the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Shows what it would do and cost, and does nothing
    #[arg(long)]
    dry_run: bool,
    /// Does not ask before it is imposed
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
struct What {
    /// At least so many instances
    #[arg(long, value_name = "N")]
    floor: Option<u32>,
    /// Automation raises to at most so many
    #[arg(long, value_name = "N")]
    ceiling: Option<u32>,
    /// Exactly so many
    #[arg(long, value_name = "N")]
    pin: Option<u32>,
    /// Nothing of the group is changed by automation
    #[arg(long)]
    freeze: bool,
    /// A floor of so many percent more than there are now, such as 50%
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    more: Option<f64>,
}

/// A look.
#[derive(Debug, ClapArgs)]
pub struct List {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// A later end.
#[derive(Debug, ClapArgs)]
pub struct Change {
    #[command(flatten)]
    which: Which,
    /// How much longer it lasts, such as 2h
    #[arg(long = "for", value_name = "DURATION")]
    lasting: String,
}

/// An end now.
#[derive(Debug, ClapArgs)]
pub struct Clear {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, ClapArgs)]
struct Which {
    /// The group
    group: String,
    /// Which; may be left out while there is one on the group
    #[arg(value_parser = ["floor", "ceiling", "pin", "freeze"])]
    kind: Option<String>,
    /// Why; goes into the audit
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Runs it.
pub async fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Add(args) => add(args).await,
        Verb::List(args) => {
            let found: OverrideList = args.server.client().map_err(said)?.get(&["overrides"]).await.map_err(said)?;
            args.form.print(&found, |_| list(&found.overrides))?;
            Ok(Exit::Done)
        }
        Verb::Extend(args) => {
            let (client, kind) = found(&args.which).await?;
            let body = json!({ "for": args.lasting, "reason": args.which.reason });
            let path = ["overrides", &args.which.group, &kind, "end"];
            report(args.which.form, &client.put(&path, &body).await.map_err(said)?)
        }
        Verb::Clear(args) => {
            let (client, kind) = found(&args.which).await?;
            let query: Vec<_> = args.which.reason.iter().map(|reason| ("reason", reason.as_str())).collect();
            report(args.which.form, &client.delete(&["overrides", &args.which.group, &kind], &query).await.map_err(said)?)
        }
    }
}

async fn add(args: Add) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let (kind, body) = args.what.body(&args.lasting, &args.reason);
    let path = ["overrides", args.group.as_str(), kind];
    let shown: Preview = client.preview(&path, &body).await.map_err(said)?;
    if args.dry_run {
        args.form.print(&shown, |_| preview(&shown))?;
        return Ok(Exit::Done);
    }
    anstream::eprintln!("{}", preview(&shown));
    if !args.yes && !agreed() {
        return Err("nothing was imposed; --yes does not ask".into());
    }
    // What was shown is what is ordered, whatever the group does meanwhile.
    let exact = json!({ "instances": shown.instances, "for": args.lasting, "reason": args.reason });
    let told: Told = client.put(&path, &exact).await.map_err(said)?;
    report(args.form, &told)
}

/// People are asked; programs know what they do.
fn agreed() -> bool {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return true;
    }
    anstream::eprint!("Impose it? [y/N] ");
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer).is_ok();
    read && matches!(answer.trim(), "y" | "Y" | "yes")
}

impl What {
    fn body(&self, lasting: &str, reason: &str) -> (&'static str, Value) {
        let (kind, instances) = match self {
            Self { ceiling: Some(ceiling), .. } => ("ceiling", Some(*ceiling)),
            Self { pin: Some(pin), .. } => ("pin", Some(*pin)),
            Self { freeze: true, .. } => ("freeze", None),
            Self { floor, .. } => ("floor", *floor),
        };
        (kind, json!({ "instances": instances, "more_percent": self.more, "for": lasting, "reason": reason }))
    }
}

/// The kind of the override that is meant: as said, or the only one of the group.
async fn found(which: &Which) -> Result<(Client, String), String> {
    let client = which.server.client().map_err(said)?;
    if let Some(kind) = &which.kind {
        return Ok((client, kind.clone()));
    }
    let all: OverrideList = client.get(&["overrides"]).await.map_err(said)?;
    let own = all.overrides.into_iter().filter(|one| one.group.eq_ignore_ascii_case(&which.group));
    let kinds: Vec<String> = own.map(|one| one.kind).collect();
    match kinds.as_slice() {
        [only] => Ok((client, only.clone())),
        [] => Err(format!("no override is in force on {}; `tminus override list` shows all", plain(&which.group))),
        several => Err(format!("on {} there are {}; say which", plain(&which.group), several.join(" and "))),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    let fits = number.filter(|percent| *percent > 0.0 && *percent <= 1_000.0);
    fits.ok_or_else(|| "a percent above 0 and at most 1000, such as 50%".into())
}
