//! The listener: TLS if there is a certificate, limits on connections, and a
//! drain at the end.
//!
//! It refuses to speak plain HTTP to the world unless it is told that a proxy
//! in front speaks TLS (`security.md` §4.1).

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use oauth::Secret;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::app::{App, TlsProxy};
use crate::lane::{Counter, Lane};
use crate::{health, outbox};

/// How long to wait when the system gives no more connections, so that some may end.
const PAUSE: Duration = Duration::from_millis(500);

/// The certificate chain and key that a server shows.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain, the server's own certificate first, in PEM.
    pub certificate_pem: Vec<u8>,
    /// Its private key, in PEM.
    pub key_pem: Secret,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Plain HTTP on an address that others can reach.
    #[error(
        "{address} can be reached by others, and the server has no certificate: give it one, listen on 127.0.0.1, or declare the TLS proxy in front of it"
    )]
    PlainHttp {
        /// The listener's address.
        address: SocketAddr,
    },
    /// The public URL promises something else than the listener does.
    #[error("public_url {url} is not https and does not name this machine: use https")]
    PublicUrl {
        /// The public URL.
        url: String,
    },
    /// The certificate or its key can't be used.
    #[error("the server's certificate or key cannot be used: {0}")]
    Certificate(String),
    /// The listener failed.
    #[error("the listener failed")]
    Listener(#[from] io::Error),
}

/// Serves until `stop` is cancelled, then lets running requests end within the drain time.
///
/// Not cancel-safe: dropping the future cuts running requests off.
pub async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let address = listener.local_addr()?;
    check(&app, address, tls.is_some())?;
    let tls = tls.map(|tls| acceptor(&tls)).transpose()?;
    health::install();
    app.tracker()
        .spawn(health::upkeep(app.connector().clone(), stop.clone()));
    app.tracker()
        .spawn(app.connector().clone().watch_devices(stop.clone()));
    app.tracker()
        .spawn(app.connector().clone().watch_troubled(stop.clone()));
    app.tracker().spawn(outbox::run(app.clone(), stop.clone()));
    let closing = app.closing().clone();
    let counter = Arc::new(Counter::new(app, tls, stop.clone()));
    let lanes = std::thread::available_parallelism().map_or(1, NonZero::get);
    let lanes = (0..lanes)
        .map(|_| Lane::start(&counter))
        .collect::<Result<Vec<_>, _>>()?;
    drop(counter);
    stop.run_until_cancelled(accept(&listener, &lanes)).await;
    closing.cancel();
    drop(listener);
    join_all(lanes.into_iter().map(Lane::close)).await;
    Ok(())
}

/// Hands every connection to the lane that has the fewest.
async fn accept(listener: &TcpListener, lanes: &[Lane]) {
    loop {
        let accepted = listener.accept().await;
        let lane = lanes.iter().min_by_key(|lane| lane.load());
        let taken = accepted.and_then(|(socket, peer)| match lane {
            Some(lane) => lane.take(socket, peer),
            None => Err(io::Error::other("there is no lane")),
        });
        if let Err(error) = taken
            && !is_the_clients(&error)
        {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether a connection was given up by its client before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Fails closed on settings that would send credentials in the clear.
fn check(app: &App, address: SocketAddr, has_tls: bool) -> Result<(), Error> {
    let proxied = app.config().tls_proxy == TlsProxy::Present;
    if !has_tls && !proxied && !address.ip().to_canonical().is_loopback() {
        return Err(Error::PlainHttp { address });
    }
    if !app.is_https() && !crate::csrf::is_loopback(app.public_url()) {
        return Err(Error::PublicUrl {
            url: app.public_url().to_string(),
        });
    }
    Ok(())
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, Error> {
    let bad = |error: &dyn std::fmt::Display| Error::Certificate(error.to_string());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&tls.certificate_pem)
        .collect::<Result<_, _>>()
        .map_err(|error| bad(&error))?;
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.expose().as_bytes())
        .map_err(|error| bad(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| bad(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
