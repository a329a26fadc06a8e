//! `watch`: the board of releases, drawn again every other second, until the release has ended.
//!
//! Not here: the board itself, which is that of `status`. Invariant: a look that fails is told and looked again; the
//! daemon may restart under it.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use clap::Args as ClapArgs;

use super::board;
use super::client::{Client, ClientError, Server};
use super::orders::said;
use super::terminal::Form;
use super::{Exit, Outcome};
use crate::shell::control::status::{Status, StatusList};

/// Often enough to see a minute's runway shrink, seldom enough for a slow link.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Moves the cursor home and clears what is below.
const HOME: &str = "\x1b[H\x1b[J";

/// What to watch.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The release; all of them without it
    release: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Draws until the release has ended; all releases are watched until somebody stops it.
pub async fn run(args: Args) -> Outcome {
    let client = args.server.client().map_err(said)?;
    loop {
        match look(&client, &args).await {
            Ok(Some(exit)) => return Ok(exit),
            Ok(None) => {}
            // A release that is not there, or a token that is refused, does not mend itself.
            Err(ClientError::Absent(server, why)) => {
                anstream::eprintln!("{}", said(ClientError::Absent(server, why)));
            }
            Err(error) => return Err(said(error)),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(client: &Client, args: &Args) -> Result<Option<Exit>, ClientError> {
    let home = if stdout().is_terminal() { HOME } else { "" };
    let printed = |result: Result<(), String>| result.map_err(ClientError::Setting);
    let Some(release) = &args.release else {
        let list: StatusList = client.get(&["releases"]).await?;
        printed(args.form.print(&list, |_| format!("{home}{}", board::list(&list))))?;
        return Ok(None);
    };
    let status: Status = client.get(&["releases", release]).await?;
    printed(args.form.print(&status, |_| format!("{home}{}", board::board(&status))))?;
    Ok(match status.phase.as_str() {
        "complete" => Some(Exit::Done),
        "aborted" | "scrubbed" => Some(Exit::NoGo),
        _ => None,
    })
}
