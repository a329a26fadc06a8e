//! `go`, `hold`, `resume`, `advance`, `promote`, `abort`, `clear`, `scrub`: one order to a release, with a reason.

use clap::Args as ClapArgs;
use serde_json::json;

use super::client::{ClientError, Server};
use super::terminal::{Form, plain};
use super::{Exit, Outcome};
use crate::core::decide::Told;

/// An order to a release.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The release
    release: String,
    /// Why; goes into the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Gives the order.
pub async fn run(phase: &str, args: Args) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let path = ["releases", &args.release, "phases", phase];
    let told: Told = client.put(&path, &json!({ "reason": args.reason })).await.map_err(said)?;
    report(args.form, &told)
}

/// Prints what the daemon said.
pub fn report(form: Form, told: &Told) -> Outcome {
    form.print(told, |_| plain(&told.message))?;
    Ok(Exit::Done)
}

/// An error of the client as a sentence for a terminal.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub fn said(error: ClientError) -> String {
    plain(&error.to_string())
}
