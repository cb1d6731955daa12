//! The command line as a whole: global options, the list of commands, and what the parser has to say.
//!
//! The options of a command sit in its own file under `commands`; nothing here runs anything.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::Exit;
use crate::commands;
use crate::failure::Failure;
use crate::serve;
use crate::ui::Ui;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "keyway",
    version,
    about = "Named connections to OAuth 2.0 APIs with tokens that are always fresh",
    after_help = "Exit codes: 0 ok, 2 usage, 3 not found, 4 not allowed, 5 invalid, 6 conflict, 7 provider or API, \
                  8 storage, 9 locked or needs somebody.",
    max_term_width = 80,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = false
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that stand before or after the command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where Keyway keeps its data (`KEYWAY_DATA_DIR`) [default: ~/.local/share/keyway]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file (`KEYWAY_CONFIG`) [default: keyway.toml in the data directory, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Ask this server instead of the data directory (`KEYWAY_SERVER`; key in `KEYWAY_API_KEY`)
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// A 0600 file with the API key for --server, or - for stdin (`KEYWAY_API_KEY_FILE`)
    #[arg(long, global = true, value_name = "FILE|-")]
    pub(crate) api_key_file: Option<String>,
    /// Print exactly one JSON document on stdout, also for errors
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Every command, in the order a newcomer needs them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: REST API, OAuth callback, proxy
    Serve(serve::Arguments),
    /// Walk the whole way against the sandbox: register, connect both ways, list users
    Demo(commands::demo::Arguments),
    /// A stand-in for Entra ID and Microsoft Graph on this machine
    Sandbox(commands::sandbox::Arguments),
    /// Create, prove, explain and remove connections
    Connection(commands::connection::Arguments),
    /// Call an API through a connection
    Call(Box<commands::call::Arguments>),
    /// List what was called, newest first, and how it went
    Calls(commands::calls::Arguments),
    /// Check, draw, deploy and start flows
    Flow(commands::flow::Arguments),
    /// What flows did and do: look at runs, stop them, let them go on
    Run(commands::run::Arguments),
    /// Answer the questions that runs ask
    Approval(commands::approval::Arguments),
    /// Send events to the runs that wait for them
    Event(commands::event::Arguments),
    /// The small tables of flows
    Table(commands::table::Arguments),
    /// Secrets that flows read by name
    Secret(commands::secret::Arguments),
    /// Where events are sent: states of connections, secrets that end soon
    Webhook(commands::webhook::Arguments),
    /// The keys that seal all secrets, and their rotation
    EncryptionKey(commands::encryption_key::Arguments),
    /// For how many days finished runs and the call log are kept
    Retention(commands::retention::Arguments),
    /// API keys for programs
    Key(commands::key::Arguments),
    /// People who may sign in
    User(commands::user::Arguments),
    /// What was changed, when, by whom
    Audit(commands::audit::Arguments),
    /// Print the version
    Version(commands::version::Arguments),
    /// Evaluate heavy expressions for a server or a run
    #[command(hide = true)]
    ExpressionWorker,
    /// Print a generated reference page
    #[command(hide = true)]
    Reference(commands::reference::Arguments),
}

/// Whether the arguments ask for JSON, told before (and although) they may not parse.
pub(crate) fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json")
}

/// Turns what the parser says (help, version, a mistake) into an answer.
pub(crate) fn answer_parser(ui: Ui, error: &clap::Error) -> Result<Exit, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render().to_string();
            if ui.json() {
                ui.document(&serde_json::json!({ "text": text }));
            } else {
                ui.text(&text);
            }
            Ok(Exit::Ok)
        }
        _ => {
            let rendered = error.render().to_string();
            let (what, how) = split_parser_message(&rendered);
            Err(Failure::usage(what, how))
        }
    }
}

/// Separates the sentence from the usage lines that follow it.
fn split_parser_message(rendered: &str) -> (String, String) {
    let text = rendered
        .strip_prefix("error: ")
        .unwrap_or(rendered)
        .trim_end();
    let (what, how) = text.split_once("\n\n").unwrap_or((text, ""));
    (what.trim().to_owned(), how.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for arguments in [
            &["keyway", "--json", "--data-dir", "d", "connection", "list"][..],
            &["keyway", "connection", "--json", "list", "--data-dir", "d"],
            &["keyway", "connection", "list", "--data-dir", "d", "--json"],
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            assert!(cli.global.json, "{arguments:?}");
            assert_eq!(
                cli.global.data_dir,
                Some(PathBuf::from("d")),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn json_is_noticed_in_arguments_that_do_not_parse() {
        let arguments = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(asks_for_json(&arguments(&["keyway", "nonsense", "--json"])));
        assert!(!asks_for_json(&arguments(&[
            "keyway", "nonsense", "--", "--json"
        ])));
    }
}
