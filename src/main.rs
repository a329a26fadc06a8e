//! Parses arguments, starts the runtime, runs one verb. Everything else is in the library.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tminus::command::{self, Cli};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return command::usage(&error),
    };
    // One TLS provider for the whole process; a second install would be an error of ours, not of the user.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return command::failed(&format!("the runtime did not start: {error}")),
    };
    let exit = runtime.block_on(command::run(cli));
    // A file system that hangs must not keep the process from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    exit
}
