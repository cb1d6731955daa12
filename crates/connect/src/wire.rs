//! From an origin to an open connection: the guard's addresses, a socket, TLS where the origin wants it.
//!
//! The address that was judged is the address connected to: no name is resolved a second time.
//! What is said on the connection is not known here (`upstream.rs`).

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Position, Url};

use crate::guard::EgressPolicy;
use crate::http::SendError;

/// How long one address may take before the next one is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);
/// After so long in silence the other side is asked whether it is still there.
const PROBE: Duration = Duration::from_secs(15);
/// Questions without an answer before a connection counts as broken.
const PROBES: u32 = 3;

/// An open connection, with TLS or without.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What connections to one origin have in common.
pub(crate) struct Dial {
    guard: EgressPolicy,
    origin: Url,
    /// None for http.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dial {
    /// The way to a URL's origin, with TLS or without.
    pub(crate) fn new(
        guard: EgressPolicy,
        url: &Url,
        tls: Option<TlsConnector>,
    ) -> Result<Dial, SendError> {
        let mut origin = url.clone();
        origin.set_path("/");
        origin.set_query(None);
        let tls = match tls {
            Some(tls) => Some((tls, server_name(url)?)),
            None => None,
        };
        Ok(Dial { guard, origin, tls })
    }

    /// Host and port as `Host` has them (RFC 9110 §7.2).
    pub(crate) fn authority(&self) -> &str {
        &self.origin[Position::BeforeHost..Position::AfterPort]
    }

    /// Opens a connection; why it could not be opened is somewhere in the error's chain.
    pub(crate) async fn open(&self) -> Result<Box<dyn Wire>, Box<dyn Error + Send + Sync>> {
        let addresses = self.guard.addresses(&self.origin).await?;
        let socket = first_of(&addresses).await?;
        socket.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE);
        #[cfg(unix)]
        let keepalive = keepalive.with_retries(PROBES);
        SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
        match &self.tls {
            None => Ok(Box::new(socket)),
            Some((tls, name)) => Ok(Box::new(tls.connect(name.clone(), socket).await?)),
        }
    }
}

/// Whom the certificate must be for.
fn server_name(url: &Url) -> Result<ServerName<'static>, SendError> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(|error| SendError::Unreachable {
        host: host.to_owned(),
        detail: error.to_string(),
    })
}

/// Connects to whichever address answers first, each with a head start before the next.
async fn first_of(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut left = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let next = left.next();
        attempts.extend(next.map(|address| TcpStream::connect(*address)));
        tokio::select! {
            outcome = attempts.next() => match outcome {
                Some(Ok(socket)) => return Ok(socket),
                Some(Err(error)) => failed = error,
                None => return Err(failed),
            },
            () = tokio::time::sleep(HEAD_START), if next.is_some() => {}
        }
    }
}

/// TLS that believes the machine's trusted certificates and these, for HTTP/1.1 only.
pub(crate) fn tls(trust: Option<&str>) -> Result<TlsConnector, SendError> {
    let unusable = |detail: String| SendError::Certificates { detail };
    let extra: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(trust.unwrap_or_default().as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(error.to_string()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(|error| unusable(error.to_string()))?;
    let mut settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(settings)))
}
