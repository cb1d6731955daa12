//! The binary: command line, configuration, telemetry, wiring, shutdown.
//!
//! This page is the table of contents and the only place that knows process exit codes. It decides nothing about
//! connections: every command is a client of the REST API, over HTTP or in this very process.

mod app;
mod cli;
mod client;
mod clock;
mod commands;
mod config;
mod failure;
mod serve;
mod telemetry;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::ui::Ui;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the process ends with. A script may rely on each of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Keyway itself is at fault.
    Bug = 1,
    /// The command line cannot be understood, or asks for what a script must confirm.
    Usage = 2,
    /// No such connection, user, key or page.
    NotFound = 3,
    /// Not signed in, or the role does not allow it.
    NotAllowed = 4,
    /// A value is not acceptable: in the request, in a file or in the configuration.
    Invalid = 5,
    /// The name is taken, the version moved on, the port is busy.
    Conflict = 6,
    /// The provider or the API behind the connection refused, failed or cannot be reached.
    Upstream = 7,
    /// The database, the disk or the key-encryption key.
    Storage = 8,
    /// The data directory is in use, or the connection needs somebody before it can be used.
    Locked = 9,
}

impl Exit {
    /// What a command ends with that meets a connection in this state: the same as a call would.
    pub(crate) fn of_state(state: &str) -> Exit {
        match state {
            "ok" | "renewing" => Exit::Ok,
            "waiting" | "degraded" => Exit::Upstream,
            "unreadable" => Exit::Storage,
            _ => Exit::Locked,
        }
    }

    /// Judges a problem document by its code first and its HTTP status second.
    pub(crate) fn of_problem(status: u16, code: &str) -> Exit {
        const UPSTREAM: [&str; 5] = [
            "idp.",
            "upstream.",
            "tls.",
            "pagination.",
            "client.unreachable",
        ];
        if code.starts_with("connection.needs_") || code.ends_with(".locked") {
            return Exit::Locked;
        }
        if UPSTREAM.iter().any(|prefix| code.starts_with(prefix)) {
            return Exit::Upstream;
        }
        // what is stored can't be unsealed: the file was damaged, or the key is another one
        let unsealable = ["connection.unreadable", "store.unreadable"].contains(&code);
        if code.starts_with("storage") || unsealable {
            return Exit::Storage;
        }
        match status {
            404 | 410 => Exit::NotFound,
            401 | 403 => Exit::NotAllowed,
            409 | 412 | 428 => Exit::Conflict,
            423 => Exit::Locked,
            429 | 502 | 504 => Exit::Upstream,
            503 => Exit::Storage,
            400..=499 => Exit::Invalid,
            _ => Exit::Bug,
        }
    }
}

impl Exit {
    /// A run in the foreground that did not complete; scripts of other runtimes expect this number.
    pub(crate) const FAULTED: Exit = Exit::Bug;
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

fn main() -> ExitCode {
    set_limits();
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let ui = Ui::new(cli::asks_for_json(&arguments));
    let outcome = match Cli::try_parse_from(arguments) {
        Ok(cli) => start(ui, cli),
        Err(error) => cli::answer_parser(ui, &error),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            ui.failure(&failure);
            failure.exit().into()
        }
    }
}

/// Gives the command a runtime and runs it to its end.
fn start(ui: Ui, cli: Cli) -> Result<Exit, Failure> {
    if matches!(cli.command, Command::ExpressionWorker) {
        return commands::expression_worker::run();
    }
    // One crypto library in the process; a second provider in the tree would otherwise panic at first use.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| Failure::bug("the TLS library was set up twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start the runtime", &error))?;
    // Boxed: the runtime has three places that poll it, and would hold the code of every command three times.
    let outcome = runtime.block_on(Box::pin(run(ui, cli)));
    // What is left are idle connections and readers of a closed terminal: nothing that must be waited for.
    runtime.shutdown_background();
    outcome
}

/// One command, one file.
async fn run(ui: Ui, cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    match cli.command {
        Command::Serve(arguments) => serve::run(ui, &global, arguments).await,
        Command::Demo(arguments) => commands::demo::run(ui, &global, arguments).await,
        Command::Sandbox(arguments) => commands::sandbox::run(ui, &global, arguments).await,
        Command::Connection(arguments) => commands::connection::run(ui, &global, arguments).await,
        Command::Call(arguments) => commands::call::run(ui, &global, *arguments).await,
        Command::Flow(arguments) => commands::flow::run(ui, &global, &arguments).await,
        Command::Run(arguments) => commands::run::run(ui, &global, arguments).await,
        Command::Approval(arguments) => commands::approval::run(ui, &global, arguments).await,
        Command::Event(arguments) => commands::event::run(ui, &global, arguments).await,
        Command::Table(arguments) => commands::table::run(ui, &global, arguments).await,
        Command::Secret(arguments) => commands::secret::run(ui, &global, arguments).await,
        Command::Webhook(arguments) => commands::webhook::run(ui, &global, arguments).await,
        Command::EncryptionKey(arguments) => {
            commands::encryption_key::run(ui, &global, arguments).await
        }
        Command::Retention(arguments) => commands::retention::run(ui, &global, arguments).await,
        Command::Key(arguments) => commands::key::run(ui, &global, arguments).await,
        Command::User(arguments) => commands::user::run(ui, &global, arguments).await,
        Command::Calls(arguments) => commands::calls::run(ui, &global, arguments).await,
        Command::Audit(arguments) => commands::audit::run(ui, &global, arguments).await,
        Command::Version(_) => commands::version::run(ui, &global).await,
        Command::Reference(arguments) => Ok(commands::reference::run(ui, &arguments)),
        Command::ExpressionWorker => commands::expression_worker::run(),
    }
}

/// Settles what the process may do: no core file, whose memory would hold tokens, whatever the shell's limits are; and
/// as many open files as the system allows, since every caller of a server is one.
fn set_limits() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        // Lowering a limit cannot be refused; where the system has no such limit there is no core file either.
        let _ = setrlimit(Resource::Core, none);
        let files = getrlimit(Resource::Nofile);
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: files.maximum,
                ..files
            },
        );
        #[cfg(target_os = "linux")]
        let _ =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
}
