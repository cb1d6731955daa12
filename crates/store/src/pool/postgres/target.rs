//! Where the PostgreSQL server is, and TLS to it.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::{
    Client, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use super::{CONNECT, STATEMENT, describe};
use crate::Error;

/// Where the server is and how it is reached.
#[derive(Clone)]
pub(in crate::pool) struct Target {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Option<MakeRustlsConnect>,
}

impl Target {
    /// Reads a URL; a server on another machine is spoken to by TLS unless the URL says `sslmode=disable`.
    pub(in crate::pool) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |detail: String| Error::Config {
            detail: format!("the PostgreSQL URL is not valid: {detail}"),
        };
        let mut text = text.to_owned();
        let mut roots = None;
        if let Ok(mut url) = Url::parse(&text) {
            let mut kept: Vec<(String, String)> = Vec::new();
            for (key, value) in url.query_pairs() {
                match (key.as_ref(), value.as_ref()) {
                    ("sslrootcert", file) => roots = Some(file.to_owned()),
                    // Certificates are always checked in full.
                    ("sslmode", "verify-full" | "verify-ca") => {
                        kept.push(("sslmode".to_owned(), "require".to_owned()));
                    }
                    (key, value) => kept.push((key.to_owned(), value.to_owned())),
                }
            }
            url.query_pairs_mut().clear().extend_pairs(kept);
            text = url.to_string();
        }
        let mut config: tokio_postgres::Config = text
            .parse()
            .map_err(|error: tokio_postgres::Error| invalid(describe(&error)))?;
        if config.get_application_name().is_none() {
            config.application_name("keyway");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.tcp_user_timeout(STATEMENT);
        if config.get_ssl_mode() == SslMode::Prefer {
            let local = config.get_hosts().iter().all(is_local);
            config.ssl_mode(if local {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls_config(roots.as_deref())?)),
        };
        Ok(Self { config, tls })
    }

    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let runtime = tokio::runtime::Handle::current();
        // The task ends with the client; nothing has to wait for it.
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                runtime.spawn(connection);
                Ok(client)
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                runtime.spawn(connection);
                Ok(client)
            }
        }
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

fn tls_config(roots: Option<&str>) -> Result<ClientConfig, Error> {
    let failed = |detail: String| Error::Config {
        detail: format!("TLS to PostgreSQL can't be set up: {detail}"),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let Some(file) = roots else {
        let builder = builder
            .with_platform_verifier()
            .map_err(|error| failed(error.to_string()))?;
        return Ok(builder.with_no_client_auth());
    };
    let mut store = RootCertStore::empty();
    let unreadable = |error: String| failed(format!("sslrootcert {file}: {error}"));
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        store
            .add(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}
