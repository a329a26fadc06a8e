//! `tminus serve`: the daemon, until SIGTERM or SIGINT.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::data_folder::SETTINGS;
use super::{Exit, Outcome};
use crate::lab::leash;
use crate::shell::daemon::{self, Options, StartError};
use crate::shell::settings::show;
use crate::shell::telemetry;

/// Runs the daemon.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The settings file; without it ./tminus.yaml is used if it exists and no documents are given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files and folders with documents, instead of those of the settings.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    documents: Vec<PathBuf>,
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The control listener; port 0 picks one.
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
    /// The decision listener; port 0 picks one.
    #[arg(long, value_name = "ADDR")]
    decision: Option<SocketAddr>,
    /// Ends with the demo that started it.
    #[arg(long, hide = true)]
    leash: Option<SocketAddr>,
    /// Ends by SIGKILL at a step of the journal, such as after-commit:7.
    #[arg(long, hide = true, value_name = "STEP:N")]
    die_at: Option<daemon::DieAt>,
    /// How logs are written on stderr.
    #[arg(long, value_enum, default_value_t)]
    log: telemetry::LogFormat,
}

pub(super) async fn run(serve: Args) -> Outcome {
    telemetry::log_to_stderr(serve.log);
    telemetry::start_metrics();
    let tied = serve.leash.map_or(Ok(()), leash::follow);
    tied.map_err(|error| format!("there is no leash to follow: {error}"))?;
    serve.die_at.into_iter().for_each(daemon::die_at);
    let default = PathBuf::from(SETTINGS);
    let config = serve.config.or_else(|| (serve.documents.is_empty() && default.is_file()).then_some(default));
    let options =
        Options { config, documents: serve.documents, data: serve.data, control: serve.control, decision: serve.decision };
    let (stop, stopping) = watch::channel(false);
    let (ready, running) = oneshot::channel::<daemon::Running>();
    let stopper = tokio::spawn(async move {
        asked_to_stop().await;
        let _ = stop.send(true);
    });
    let printer = tokio::spawn(async move {
        if let Ok(at) = running.await {
            anstream::println!("control: http://{}\ndecision: http://{}", at.control, at.decision);
        }
    });
    let ended = Box::pin(daemon::serve(options, ready, stopping)).await;
    stopper.abort();
    let _ = printer.await;
    match ended {
        Ok(()) => Ok(Exit::Done),
        Err(StartError::Documents(loaded)) => {
            anstream::eprint!("{}", show::human(&loaded));
            Err("the documents have errors; nothing was started".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// SIGTERM or SIGINT. Where a signal cannot be listened to, the other one still counts.
async fn asked_to_stop() {
    let wait = async |kind| match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}
