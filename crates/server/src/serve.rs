//! The listener: TLS if there is a certificate, limits on connections, and a
//! drain at the end.
//!
//! It refuses to speak plain HTTP to the world unless it is told that a proxy
//! in front speaks TLS (`security.md` §4.1).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use axum::{BoxError, Router, ServiceExt};
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use bytes::Bytes;
use oauth::Secret;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::app::{App, TlsProxy, router};
use crate::{health, proxy};

/// How long a client may take to send its headers, and a connection to be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

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
    let tls = tls.map(|tls| rustls_config(&tls)).transpose()?;
    health::install();
    app.tracker().spawn(health::upkeep(stop.clone()));
    let handle = Handle::new();
    let drain = Duration::from_secs(app.config().limits.drain_seconds);
    app.tracker().spawn({
        let (handle, stop) = (handle.clone(), stop.clone());
        async move {
            stop.cancelled().await;
            handle.graceful_shutdown(Some(drain));
        }
    });
    let limits = app.config().limits.clone();
    let front = Front {
        router: router(app.clone()),
        app,
    };
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(front);
    let mut server = axum_server::from_tcp(listener.into_std()?)?.handle(handle);
    limit(&mut server, &limits);
    let plain = NoDelayAcceptor::new();
    if let Some(config) = tls {
        let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).acceptor(plain);
        server.acceptor(acceptor).serve(service).await?;
    } else {
        server.acceptor(plain).serve(service).await?;
    }
    Ok(())
}

/// The router, past which the pass-through takes a short cut: finding a route among
/// forty costs more than passing a small request on may.
#[derive(Clone)]
struct Front {
    app: App,
    router: Router,
}

impl<B> Service<http::Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // a router is always ready
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let request = request.map(Body::new);
        if request.uri().path().starts_with(proxy::PREFIX) {
            let app = self.app.clone();
            return Box::pin(async move { Ok(proxy::answer(&app, request).await) });
        }
        Box::pin(Service::<Request>::call(&mut self.router, request))
    }
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

/// Limits on connections; hyper answers what exceeds them before anybody else sees it.
fn limit<A: axum_server::Address, Acc>(server: &mut Server<A, Acc>, limits: &crate::app::Limits) {
    let http = server.http_builder();
    http.http1().header_read_timeout(HEADER_TIMEOUT);
    http.http2()
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(256);
}

fn rustls_config(tls: &Tls) -> Result<Arc<ServerConfig>, Error> {
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
    Ok(Arc::new(config))
}
