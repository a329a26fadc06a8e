//! `sign-off` and `waive`: a person's word on an item of a release.

use clap::Args as ClapArgs;
use serde_json::json;

use super::Outcome;
use super::client::Server;
use super::orders::{report, said};
use super::terminal::Form;
use crate::core::decide::Told;

/// A signature.
#[derive(Debug, ClapArgs)]
pub struct SignOff {
    /// The release
    release: String,
    /// The item
    item: String,
    /// A remark for the audit
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// A waiver.
#[derive(Debug, ClapArgs)]
pub struct Waive {
    /// The release
    release: String,
    /// The item
    item: String,
    /// Why; goes into the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it lasts, such as 2d
    #[arg(long = "for", value_name = "DURATION")]
    lasting: String,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// Signs.
pub async fn sign_off(args: SignOff) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let path = ["releases", &args.release, "sign-offs", &args.item];
    let told: Told = client.put(&path, &json!({ "reason": args.reason })).await.map_err(said)?;
    report(args.form, &told)
}

/// Waives.
pub async fn waive(args: Waive) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let path = ["releases", &args.release, "waivers", &args.item];
    let body = json!({ "reason": args.reason, "for": args.lasting });
    let told: Told = client.put(&path, &body).await.map_err(said)?;
    report(args.form, &told)
}
