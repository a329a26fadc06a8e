//! `wait`: until a release is so far, for scripts. Exit 4 when it takes too long, 6 when it is aborted or scrubbed.

use std::time::{Duration, Instant};

use clap::{Args as ClapArgs, ValueEnum};

use super::client::{ClientError, Server};
use super::orders::said;
use super::terminal::{Form, plain};
use super::{Exit, Outcome};
use crate::core::checklist::Word;
use crate::core::words::{format_duration, parse_duration};
use crate::shell::clock;
use crate::shell::control::status::{Status, StatusList};

/// What to wait for.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The release; may be left out while only one has not ended
    release: Option<String>,
    /// How far it must be; a phase that comes later will do
    #[arg(long = "for", value_enum, default_value = "complete", value_name = "STATE")]
    state: State,
    /// Gives up after this long, with exit code 4
    #[arg(long, default_value = "30m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    form: Form,
}

/// How far a release can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    /// Work has begun
    Preparing,
    /// Every item that blocks the launch is green
    Ready,
    /// Launched
    Rolling,
    /// At 100 %
    Baking,
    /// Baked; final
    Complete,
    /// Readiness is GO
    Go,
    /// A person holds it
    Held,
    /// Aborted
    Aborted,
    /// Scrubbed; final
    Scrubbed,
}

/// Often enough that scripts do not feel it, seldom enough that a hundred of them are nothing to the daemon.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The phases in their order.
const ORDER: [&str; 6] = ["planned", "preparing", "ready", "rolling", "baking", "complete"];

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

/// Waits.
pub async fn run(args: Args) -> Outcome {
    let client = args.server.client().map_err(said)?;
    let release = match args.release {
        Some(release) => release,
        None => only(&client.get::<StatusList>(&["releases"]).await.map_err(said)?.releases)?,
    };
    let path = ["releases", release.as_str()];
    let started = clock::monotonic();
    let mut last: Status = client.get(&path).await.map_err(said)?;
    loop {
        if let Some(exit) = verdict(args.state, &last) {
            args.form.print(&last, |_| plain(&format!("{}: {} ({})", last.release, last.phase, last.clock)))?;
            return Ok(exit);
        }
        let left = args.timeout.saturating_sub(elapsed(started));
        if left.is_zero() {
            anstream::eprintln!("{}", plain(&late(&last, args.timeout)));
            return Ok(Exit::TimedOut);
        }
        tokio::time::sleep(LOOK_EVERY.min(left)).await;
        last = match client.get(&path).await {
            Ok(status) => status,
            // The daemon may be restarting; what it was doing goes on when it is back.
            Err(ClientError::Absent(..)) => last,
            Err(ClientError::Refused(problem)) if problem.status().is_server_error() => last,
            Err(error) => return Err(said(error)),
        };
    }
}

/// The one release that has not ended.
fn only(releases: &[Status]) -> Result<String, String> {
    let ended = |status: &&Status| matches!(status.phase.as_str(), "complete" | "scrubbed" | "aborted");
    let live: Vec<&str> = releases.iter().filter(|status| !ended(status)).map(|status| status.release.as_str()).collect();
    match live.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err("no release is ahead or going on; name the one to wait for".into()),
        several => Err(format!("name the release to wait for: {}", several.join(", "))),
    }
}

fn elapsed(started: Instant) -> Duration {
    clock::monotonic().duration_since(started)
}

/// The exit code, once it is known.
fn verdict(wanted: State, status: &Status) -> Option<Exit> {
    let rank = |phase: &str| ORDER.iter().position(|known| *known == phase);
    let phase = status.phase.as_str();
    let stands = status.phase_before.as_deref().filter(|_| phase == "held").unwrap_or(phase);
    let at_least = |wanted: &str| rank(stands) >= rank(wanted) && rank(stands).is_some();
    let reached = match wanted {
        State::Preparing => at_least("preparing"),
        State::Ready => at_least("ready"),
        State::Rolling => at_least("rolling"),
        State::Baking => at_least("baking"),
        State::Complete => at_least("complete"),
        State::Go => status.readiness.word == Word::Go,
        State::Held => phase == "held",
        State::Aborted => phase == "aborted",
        State::Scrubbed => phase == "scrubbed",
    };
    match phase {
        _ if reached => Some(Exit::Done),
        "aborted" | "scrubbed" => Some(Exit::NoGo),
        // Final: nothing else will come.
        "complete" => Some(Exit::Error),
        _ => None,
    }
}

fn late(status: &Status, timeout: Duration) -> String {
    let why = status.waiting.first().or(status.readiness.reasons.first()).map(|why| format!(": {why}")).unwrap_or_default();
    format!("gave up after {}; {} is {}{why}", format_duration(timeout), status.release, status.phase)
}
