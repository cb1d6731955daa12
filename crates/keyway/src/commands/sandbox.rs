//! `keyway sandbox`: a stand-in for Entra ID and Microsoft Graph on this machine, in a folder of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::Exit;
use crate::cli::Global;
use crate::config::{Config, Log, LogFormat, Overrides, variable};
use crate::failure::Failure;
use crate::serve::Signals;
use crate::telemetry::{self, Verbosity};
use crate::ui::Ui;

/// What to do with the sandbox.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the sandbox; --data-dir is its own folder [default: `sandbox` in the data directory]
    Serve(Serve),
}

#[derive(Args, Debug)]
struct Serve {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Seed of the people in it: the same seed makes the same people
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many people there are
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    users: u32,
    /// Together with another --listen: let other machines reach it
    #[arg(long)]
    expose: bool,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let Command::Serve(options) = arguments.command;
    let data_dir = data_dir(global)?;
    telemetry::start(
        &Log {
            format: LogFormat::Text,
            filter: variable("KEYWAY_LOG"),
        },
        Verbosity::Command,
    );
    let config = sandbox::Config {
        data_dir: Some(data_dir.clone()),
        listen: options.listen,
        seed: options.seed,
        users: options.users,
        exposure: if options.expose {
            sandbox::Exposure::Anywhere
        } else {
            sandbox::Exposure::Loopback
        },
    };
    let stop = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let ready = |facts: &sandbox::Facts| {
        let file = data_dir.join("sandbox.json");
        let portal = format!("{}/portal", facts.origin);
        if ui.json() {
            ui.document(
                &json!({ "ready": true, "origin": facts.origin, "portal": portal, "file": file }),
            );
        } else {
            ui.text(&format!(
                "sandbox is ready at {} (portal {portal}, facts in {})",
                facts.origin,
                file.display()
            ));
        }
    };
    let ended = async {
        signals.next().await;
        stop.cancel();
        signals.next().await;
    };
    tokio::select! {
        served = sandbox::serve(config, stop.clone(), ready) => served.map_err(|error| refused(&error))?,
        () = ended => {}
    }
    Ok(Exit::Ok)
}

/// Words why the sandbox does not run, with the cause at the end.
fn refused(error: &sandbox::Error) -> Failure {
    let (exit, code) = match error {
        sandbox::Error::Listen { .. } => (Exit::Conflict, "listen.busy"),
        sandbox::Error::NotLoopback(_) | sandbox::Error::Users(_) => (Exit::Usage, "cli.usage"),
        sandbox::Error::OtherSeed(_) => (Exit::Conflict, "sandbox.other_seed"),
        sandbox::Error::Key(_) => (Exit::Bug, "internal"),
        _ => (Exit::Storage, "storage_error"),
    };
    let cause = std::error::Error::source(error)
        .map(|source| format!(" ({source})"))
        .unwrap_or_default();
    Failure::new(exit, code, format!("{error}{cause}"))
}

/// The sandbox's own folder: the one given, else one inside the data directory of the server.
fn data_dir(global: &Global) -> Result<PathBuf, Failure> {
    match &global.data_dir {
        Some(directory) => Ok(std::path::absolute(directory).unwrap_or_else(|_| directory.clone())),
        None => Ok(Config::load(global, Overrides::default())?
            .data_dir
            .join("sandbox")),
    }
}
