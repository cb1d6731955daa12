//! Configuration: what was typed (file, `KEYWAY_…` variables, options) and what it means, in two steps.
//!
//! All complaints are listed at once; unknown keys are errors with the nearest known name. The same table of keys makes
//! the reference page. Nothing here opens a database or a socket, and no other file reads the environment.

mod keys;
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
use typed::Typed;

pub(crate) use keys::reference;
pub(crate) use remote::{Remote, RemoteKey};

/// The address served when nobody says otherwise.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:8800";

/// Everything Keyway needs to know before it starts, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    /// As configured; without it the address really served decides.
    pub(crate) public_url: Option<Url>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) kek_file: PathBuf,
    pub(crate) database: Database,
    pub(crate) egress: connect::EgressPolicy,
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
    /// A `PostgreSQL` server; the address may hold a password.
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
            Some(config) if complaints.is_empty() => Ok(config),
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

/// The second step: from text to meaning.
struct Meaning<'a> {
    typed: &'a Typed,
    /// Relative paths in the file start here.
    base: PathBuf,
    home: Option<&'a str>,
    complaints: &'a mut Vec<String>,
    warnings: Vec<String>,
}

impl Meaning<'_> {
    fn config(mut self) -> Option<Config> {
        let data_dir = self.data_dir();
        let tls = self.tls();
        let listen = self.listen();
        let public_url = self.public_url();
        let trusted_proxies = self.trusted_proxies();
        self.check_exposure(listen, tls.is_some(), &trusted_proxies, public_url.as_ref());
        let database = self.database();
        let egress = self.egress();
        let clouds = self.clouds();
        let log = self.log();
        let data_dir = data_dir?;
        let kek_file = self
            .path("kek_file")
            .unwrap_or_else(|| data_dir.join("kek"));
        Some(Config {
            kek_file,
            data_dir,
            listen: listen?,
            public_url,
            trusted_proxies,
            database,
            egress: egress?,
            clouds,
            tls,
            log,
            warnings: self.warnings,
        })
    }

    fn complain(&mut self, key: &str, what: &str) {
        let source = self.typed.source(key).unwrap_or(key);
        self.complaints.push(format!("{source}: {what}"));
    }

    /// A path; relative ones in the file are relative to the file.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.typed.text(key)?;
        Some(if self.typed.is_from_file(key) {
            self.base.join(text)
        } else {
            PathBuf::from(text)
        })
    }

    fn data_dir(&mut self) -> Option<PathBuf> {
        let directory = self
            .path("data_dir")
            .or_else(|| self.home.map(default_data_dir));
        if directory.is_none() {
            self.complaints.push(
                "data_dir: neither set nor is there a home directory: give --data-dir".to_owned(),
            );
        }
        // Absolute, so that the files named in answers can be found from anywhere.
        directory.map(|directory| std::path::absolute(&directory).unwrap_or(directory))
    }

    fn listen(&mut self) -> Option<SocketAddr> {
        let text = self
            .typed
            .text("listen")
            .unwrap_or(DEFAULT_LISTEN)
            .to_owned();
        let address = text
            .parse()
            .or_else(|_| text.replacen("localhost:", "127.0.0.1:", 1).parse());
        if address.is_err() {
            self.complain(
                "listen",
                &format!("{text:?} is not an address with a port, such as {DEFAULT_LISTEN}"),
            );
        }
        address.ok()
    }

    fn public_url(&mut self) -> Option<Url> {
        let text = self.typed.text("public_url")?.to_owned();
        let Some(url) = Url::parse(&text)
            .ok()
            .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
        else {
            self.complain(
                "public_url",
                &format!("{text:?} is not an address such as https://keyway.contoso.example"),
            );
            return None;
        };
        if url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            self.complain("public_url", "must be scheme, host and port only");
        } else if url.scheme() == "http" && !is_loopback(&url) {
            self.complain(
                "public_url",
                &format!(
                    "{text} would carry sign-ins in the clear: http is for loopback only, use https"
                ),
            );
        }
        Some(url)
    }

    fn trusted_proxies(&mut self) -> Vec<IpAddr> {
        let mut proxies = Vec::new();
        for text in self.typed.list("trusted_proxies").to_vec() {
            match text.parse() {
                Ok(address) => proxies.push(address),
                Err(_) => {
                    self.complain("trusted_proxies", &format!("{text:?} is not an IP address"));
                }
            }
        }
        proxies
    }

    /// An address that others can reach needs TLS here or in a proxy that somebody vouches for.
    fn check_exposure(
        &mut self,
        listen: Option<SocketAddr>,
        tls: bool,
        proxies: &[IpAddr],
        public_url: Option<&Url>,
    ) {
        let Some(address) = listen.filter(|address| !address.ip().is_loopback()) else {
            return;
        };
        if !tls && proxies.is_empty() {
            self.complain(
                "listen",
                &format!("{address} can be reached from outside: set tls.certificate_file and tls.key_file, or trusted_proxies if a TLS proxy stands in front"),
            );
        }
        if public_url.is_none() {
            self.complain("listen", &format!("{address} can be reached from outside: set public_url to the address people use"));
        }
    }

    fn database(&mut self) -> Database {
        match self.typed.text("store.database") {
            None | Some("sqlite") => Database::Sqlite,
            Some(text) if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                let text = text.to_owned();
                let holds_password = Url::parse(&text).is_ok_and(|url| url.password().is_some());
                if holds_password
                    && self.typed.is_from_file("store.database")
                    && self.typed.is_readable_by_others()
                {
                    self.warnings.push("the configuration file holds a database password and others may read it: chmod 600".to_owned());
                }
                Database::Postgres(text)
            }
            // The text may hold a password: it is not repeated.
            Some(_) => {
                self.complain(
                    "store.database",
                    "is neither \"sqlite\" nor an address that begins with postgres://",
                );
                Database::Sqlite
            }
        }
    }

    fn egress(&mut self) -> Option<connect::EgressPolicy> {
        let allowed = self.typed.list("egress.allow").to_vec();
        match connect::EgressPolicy::parse(&allowed) {
            Ok(policy) => Some(policy),
            Err(errors) => {
                for error in errors {
                    self.complain("egress.allow", &error.to_string());
                }
                None
            }
        }
    }

    fn clouds(&mut self) -> Vec<connect::Cloud> {
        let mut clouds: Vec<connect::Cloud> = Vec::new();
        for (index, cloud) in self.typed.clouds.iter().enumerate() {
            let place = format!("[[cloud]] number {}", index + 1);
            let (Some(name), Some(origin)) = (cloud.text("name"), cloud.text("origin")) else {
                self.complaints
                    .push(format!("{place}: needs name and origin"));
                continue;
            };
            if ["global", "us-gov", "china"].contains(&name)
                || clouds.iter().any(|known| known.name == name)
            {
                self.complaints
                    .push(format!("{place}: the name {name:?} is taken"));
            }
            let parsed = Url::parse(origin).ok().filter(|url| {
                url.scheme() == "https"
                    && url.has_host()
                    && url.path() == "/"
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty()
            });
            let Some(url) = parsed else {
                self.complaints.push(format!(
                    "{place}: origin {origin:?} is not https://host:port"
                ));
                continue;
            };
            let ca_certificate = match cloud.text("ca_file").map(|file| self.base.join(file)) {
                None => None,
                Some(file) => match std::fs::read_to_string(&file) {
                    Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => Some(pem),
                    Ok(_) => {
                        self.complaints.push(format!(
                            "{place}: ca_file {} holds no PEM certificate",
                            file.display()
                        ));
                        None
                    }
                    Err(error) => {
                        self.complaints
                            .push(format!("{place}: ca_file {}: {error}", file.display()));
                        None
                    }
                },
            };
            clouds.push(connect::Cloud {
                name: name.to_owned(),
                origin: url,
                ca_certificate,
            });
        }
        clouds
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        match (self.path("tls.certificate_file"), self.path("tls.key_file")) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            _ => {
                self.complaints
                    .push("tls: certificate_file and key_file belong together".to_owned());
                None
            }
        }
    }

    fn log(&mut self) -> Log {
        let format = match self.typed.text("log.format") {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                let what = format!("{other:?} is neither \"text\" nor \"json\"");
                self.complain("log.format", &what);
                LogFormat::Text
            }
        };
        let filter = self.typed.text("log.filter").map(str::to_owned);
        if let Some(text) = &filter
            && tracing_subscriber::EnvFilter::builder()
                .parse(text)
                .is_err()
        {
            self.complain(
                "log.filter",
                &format!("{text:?} is not a filter such as \"info\" or \"info,connect=debug\""),
            );
        }
        Log { format, filter }
    }
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
