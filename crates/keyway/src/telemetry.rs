//! Logs: lines on stderr, as text or JSON.
//!
//! The rooms log ids and decisions; bodies, headers and query values never reach a span. Libraries stay quiet below
//! `warn`, because an HTTP library's debug lines would hold headers.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::{Log, LogFormat};

/// Rooms of Keyway: a plain level in the filter means theirs.
const ROOMS: [&str; 6] = ["keyway", "server", "connect", "store", "oauth", "sandbox"];

/// How much a process says when nobody configured it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verbosity {
    /// A server tells of its life.
    Server,
    /// A command says only what went wrong.
    Command,
}

/// Starts logging; a second start in one process changes nothing.
pub(crate) fn start(log: &Log, verbosity: Verbosity) {
    let filter = filter(log.filter.as_deref(), verbosity);
    let writer = BoxMakeWriter::new(std::io::stderr);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false);
    let started = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    drop(started);
}

fn filter(text: Option<&str>, verbosity: Verbosity) -> EnvFilter {
    let level = match verbosity {
        Verbosity::Server => "info",
        Verbosity::Command => "error",
    };
    let text = text.unwrap_or(level);
    let directives: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .flat_map(|directive| {
            // A bare level speaks of our rooms only.
            if directive.parse::<tracing::Level>().is_ok() {
                ROOMS
                    .iter()
                    .map(|room| format!("{room}={directive}"))
                    .collect()
            } else {
                vec![directive.to_owned()]
            }
        })
        .collect();
    EnvFilter::builder().parse_lossy(format!("warn,{}", directives.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_does_not_make_libraries_talk() {
        let text = filter(Some("trace"), Verbosity::Server).to_string();
        assert!(
            text.contains("connect=trace") && text.contains("warn"),
            "{text}"
        );
        assert!(
            !text.split(',').any(|directive| directive == "trace"),
            "{text}"
        );
        assert!(
            filter(None, Verbosity::Command)
                .to_string()
                .contains("server=error")
        );
    }
}
