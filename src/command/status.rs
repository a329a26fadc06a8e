//! `status`: how releases stand; with `--exit-code` the answer is in the exit code too.

use clap::Args as ClapArgs;

use super::board;
use super::client::Server;
use super::orders::said;
use super::terminal::Form;
use super::{Exit, Outcome};
use crate::core::checklist::Word;
use crate::shell::control::status::{Status, StatusList};

/// What to show.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The release; all of them without it
    release: Option<String>,
    /// Exit 5 on HOLD, 6 on NO-GO or ABORT
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Shows.
pub async fn run(args: Args) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let worst = if let Some(release) = &args.release {
        let status: Status = client.get(&["releases", release]).await.map_err(said)?;
        args.form.print(&status, |_| board::board(&status))?;
        verdict(&status)
    } else {
        let list: StatusList = client.get(&["releases"]).await.map_err(said)?;
        let shown = || board::documents(&list.documents).chain([board::list(&list)]).collect::<Vec<_>>().join("\n");
        args.form.print(&list, |_| shown())?;
        list.releases.iter().map(verdict).max_by_key(|exit| *exit as u8).unwrap_or(Exit::Done)
    };
    Ok(if args.exit_code { worst } else { Exit::Done })
}

/// Before the launch readiness speaks, afterwards the gate; a person's hold is a HOLD.
fn verdict(status: &Status) -> Exit {
    let gate = status.gate.as_ref().map(|gate| gate.verdict.as_str());
    match status.phase.as_str() {
        "aborted" | "scrubbed" => Exit::NoGo,
        "complete" => Exit::Done,
        _ if gate == Some("ABORT") => Exit::NoGo,
        "held" => Exit::Hold,
        "rolling" => {
            if gate == Some("HOLD") {
                Exit::Hold
            } else {
                Exit::Done
            }
        }
        "baking" => Exit::Done,
        _ => match status.readiness.word {
            Word::Go => Exit::Done,
            Word::Hold => Exit::Hold,
            Word::NoGo => Exit::NoGo,
        },
    }
}
