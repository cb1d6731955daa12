//! Configuration: what was typed (file, `KEYWAY_…` variables, options) and what it means, in two steps.
//!
//! All complaints are listed at once; unknown keys are errors with the nearest known name. The same table of keys makes
//! the reference page. Nothing here opens a database or a socket, and no other file reads the environment.

mod keys;
mod meaning;
mod remote;
mod typed;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::json;
use url::{Host, Url};

use crate::Exit;
use crate::cli::Global;
use crate::failure::Failure;
use meaning::Meaning;
use typed::Typed;

pub(crate) use keys::reference;
pub(crate) use remote::{Remote, RemoteKey};

/// The address served when nobody says otherwise.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:8800";

/// Everything Keyway needs to know before it starts, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file that `--config` names.
    pub(crate) file: Option<PathBuf>,
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    /// As configured; without it the address really served decides.
    pub(crate) public_url: Option<Url>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) kek_file: PathBuf,
    pub(crate) database: Database,
    pub(crate) egress: connect::EgressPolicy,
    pub(crate) timeouts: connect::Timeouts,
    pub(crate) clouds: Vec<connect::Cloud>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) log: Log,
    /// What deserves a line on stderr but stops nothing.
    pub(crate) warnings: Vec<String>,
}

/// Where records are kept.
#[derive(Clone)]
pub(crate) enum Database {
    /// A file in the data directory.
    Sqlite,
    /// A PostgreSQL server; the address may hold a password.
    Postgres(String),
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Database::Sqlite => "Sqlite",
            Database::Postgres(_) => "Postgres(…)",
        })
    }
}

/// The files of a TLS listener.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// How much is logged, in which shape.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) filter: Option<String>,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Reads a variable of the environment; empty counts as unset.
#[expect(
    clippy::disallowed_methods,
    reason = "the one file that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables of the process whose names begin with `KEYWAY_`.
fn keyway_variables() -> BTreeMap<String, String> {
    std::env::vars()
        .filter(|(name, value)| name.starts_with("KEYWAY_") && !value.is_empty())
        .collect()
}

/// The names of those variables, for a process that must not inherit them.
pub(crate) fn keyway_variable_names() -> impl Iterator<Item = String> {
    keyway_variables().into_keys()
}

/// What the options of a command decide over file and environment.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) listen: Option<String>,
    pub(crate) public_url: Option<String>,
}

impl Config {
    /// Reads, merges and checks everything; the failure lists every complaint.
    pub(crate) fn load(global: &Global, overrides: Overrides) -> Result<Config, Failure> {
        let variables = keyway_variables();
        Config::from_parts(global, overrides, &variables, variable("HOME").as_deref())
    }

    fn from_parts(
        global: &Global,
        overrides: Overrides,
        variables: &BTreeMap<String, String>,
        home: Option<&str>,
    ) -> Result<Config, Failure> {
        let mut complaints = Vec::new();
        let file = file_to_read(global, variables, home);
        let mut typed = match &file {
            Some((path, named)) => Typed::read(path, *named, &mut complaints)?,
            None => Typed::default(),
        };
        typed.merge_variables(variables, &mut complaints);
        if let Some(directory) = &global.data_dir {
            typed.set(
                "data_dir",
                directory.to_string_lossy().into_owned(),
                "--data-dir",
            );
        }
        if let Some(listen) = overrides.listen {
            typed.set("listen", listen, "--listen");
        }
        if let Some(url) = overrides.public_url {
            typed.set("public_url", url, "--public-url");
        }
        let base = file
            .as_ref()
            .and_then(|(path, _)| path.parent())
            .map(Path::to_path_buf)
            .unwrap_or_default();
        let config = Meaning {
            typed: &typed,
            base,
            home,
            complaints: &mut complaints,
            warnings: Vec::new(),
        }
        .config();
        match config {
            Some(config) if complaints.is_empty() => Ok(Config {
                file: global.config.clone(),
                ..config
            }),
            _ => Err(refuse(
                file.as_ref().map(|(path, _)| path.as_path()),
                &complaints,
            )),
        }
    }

    /// The address people reach this server at, given the port it serves.
    pub(crate) fn public_url_at(&self, port: u16) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            Url::parse(&format!("{scheme}://localhost:{port}"))
                .expect("a host and a port make an address")
        })
    }
}

/// The file to read, and whether somebody named it (then it must exist).
fn file_to_read(
    global: &Global,
    variables: &BTreeMap<String, String>,
    home: Option<&str>,
) -> Option<(PathBuf, Named)> {
    let named = global
        .config
        .clone()
        .or_else(|| variables.get("KEYWAY_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        return Some((path, Named::Yes));
    }
    let directory = global
        .data_dir
        .clone()
        .or_else(|| variables.get("KEYWAY_DATA_DIR").map(PathBuf::from))
        .or_else(|| home.map(default_data_dir))?;
    let path = directory.join("keyway.toml");
    path.exists().then_some((path, Named::No))
}

/// Whether a file was asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

fn default_data_dir(home: &str) -> PathBuf {
    Path::new(home).join(".local/share/keyway")
}

fn refuse(file: Option<&Path>, complaints: &[String]) -> Failure {
    let source = file.map_or_else(
        || "the environment and options".to_owned(),
        |path| path.display().to_string(),
    );
    let mut detail = format!("the configuration ({source}) cannot be used:");
    for complaint in complaints {
        write!(detail, "\n  - {complaint}").expect("writing to a string cannot fail");
    }
    Failure::new(Exit::Invalid, "config.invalid", detail)
        .with("complaints", json!(complaints))
        .hint("keyway reference config prints every key with its meaning")
}

/// Whether an address names this machine only.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests;
