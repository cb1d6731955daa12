//! From what was typed to what it means; every complaint is collected, none stops the others.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use url::Url;

use super::typed::Typed;
use super::{
    Config, DEFAULT_LISTEN, Database, Log, LogFormat, TlsFiles, default_data_dir, is_loopback,
};

/// No limit on the time of a call is shorter: nothing would be answered.
const SHORTEST: Duration = Duration::from_millis(100);

/// The second step.
pub(super) struct Meaning<'a> {
    pub(super) typed: &'a Typed,
    /// Relative paths in the file start here.
    pub(super) base: PathBuf,
    pub(super) home: Option<&'a str>,
    pub(super) complaints: &'a mut Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Meaning<'_> {
    pub(super) fn config(mut self) -> Option<Config> {
        let data_dir = self.data_dir();
        let tls = self.tls();
        let listen = self.listen();
        let public_url = self.public_url();
        let trusted_proxies = self.trusted_proxies();
        self.check_exposure(listen, tls.is_some(), &trusted_proxies, public_url.as_ref());
        let database = self.database();
        let egress = self.egress();
        let timeouts = self.timeouts();
        let clouds = self.clouds();
        let log = self.log();
        let data_dir = data_dir?;
        let kek_file = self
            .path("kek_file")
            .unwrap_or_else(|| data_dir.join("kek"));
        Some(Config {
            file: None,
            kek_file,
            data_dir,
            listen: listen?,
            public_url,
            trusted_proxies,
            database,
            egress: egress?,
            timeouts,
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

    /// An address that others can reach needs TLS here or in a proxy that somebody vouches for. Where people come by
    /// https, that is so even if only this machine is listened to: through an unknown proxy everybody would look local.
    fn check_exposure(
        &mut self,
        listen: Option<SocketAddr>,
        tls: bool,
        proxies: &[IpAddr],
        public_url: Option<&Url>,
    ) {
        let Some(address) = listen.filter(|address| !address.ip().is_loopback()) else {
            if !tls && proxies.is_empty() && public_url.is_some_and(|url| url.scheme() == "https") {
                self.complain(
                    "public_url",
                    "is https, but nothing says where TLS ends: set tls.certificate_file and tls.key_file, or, if a TLS proxy on this machine stands in front, trusted_proxies = [\"127.0.0.1\"] (KEYWAY_TRUSTED_PROXIES=127.0.0.1), the address that it comes from",
                );
            }
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

    fn timeouts(&mut self) -> connect::Timeouts {
        let usual = connect::Timeouts::default();
        let connect_limit = Duration::from_mins(1);
        let limit = connect::TIMEOUT_LIMIT;
        let timeouts = connect::Timeouts {
            connect: self.length("timeouts.connect", usual.connect, connect_limit),
            first_byte: self.length("timeouts.first_byte", usual.first_byte, limit),
            total: self.length("timeouts.total", usual.total, limit),
            ..usual
        };
        for (key, part) in [
            ("timeouts.connect", timeouts.connect),
            ("timeouts.first_byte", timeouts.first_byte),
        ] {
            if part > timeouts.total && self.typed.source(key).is_some() {
                let what = format!(
                    "is longer than timeouts.total ({:#}), which ends every call before it",
                    SignedDuration::try_from(timeouts.total).unwrap_or_default()
                );
                self.complain(key, &what);
            }
        }
        timeouts
    }

    /// A length of time such as `500ms`, `30s`, `2m`, from a tenth of a second to a limit.
    fn length(&mut self, key: &str, usual: Duration, limit: Duration) -> Duration {
        let Some(text) = self.typed.text(key).map(str::to_owned) else {
            return usual;
        };
        let read = text.parse::<SignedDuration>();
        let Some(length) = read.ok().and_then(|length| Duration::try_from(length).ok()) else {
            let what =
                format!("{text:?} is not a length of time such as \"500ms\", \"30s\" or \"2m\"");
            self.complain(key, &what);
            return usual;
        };
        if length < SHORTEST || length > limit {
            let longest = SignedDuration::try_from(limit).unwrap_or_default();
            let what = format!("{text:?} must be from \"100ms\" to \"{longest:#}\"");
            self.complain(key, &what);
            return usual;
        }
        length
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
