//! The sandbox's own certificate authority and the certificate of its one https origin.
//!
//! The authority is made once per data directory (`ca.pem`, `ca-key.pem`); the leaf
//! (`server.pem`, `server-key.pem`) is renewed at every start.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};

use crate::Error;
use crate::files::{self, Readers};

/// What serving needs: the listener's TLS configuration and the authority to trust.
pub(crate) struct Tls {
    /// For the listener.
    pub(crate) server: Arc<rustls::ServerConfig>,
    /// The authority's certificate, PEM.
    pub(crate) ca_pem: String,
}

/// Makes or loads the authority and issues the certificate for this start.
pub(crate) fn open_or_create(
    directory: &Path,
    listen: IpAddr,
    now: Timestamp,
) -> Result<Tls, Error> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (key, ca_pem) = authority(directory, today)?;
    let issuer = Issuer::new(authority_params(today), key);
    let leaf_key = KeyPair::generate().map_err(key_error)?;
    let leaf = leaf_params(listen, today)
        .map_err(key_error)?
        .signed_by(&leaf_key, &issuer)
        .map_err(key_error)?;
    save(directory, "server.pem", &leaf.pem(), Readers::Everybody)?;
    save(
        directory,
        "server-key.pem",
        &leaf_key.serialize_pem(),
        Readers::Owner,
    )?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![leaf.der().clone()], private)
        })
        .map_err(|error| Error::Key(error.to_string()))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls {
        server: Arc::new(server),
        ca_pem,
    })
}

/// Completes one TLS handshake with the listener, as a client that trusts the authority.
pub(crate) fn handshake(address: SocketAddr, ca_pem: &str) -> io::Result<()> {
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(io::Error::other)?;
    roots.add(authority).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let reachable = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let mut connection =
        rustls::ClientConnection::new(Arc::new(client), ServerName::from(reachable))
            .map_err(io::Error::other)?;
    let mut socket = TcpStream::connect((reachable, address.port()))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    connection.send_close_notify();
    connection.complete_io(&mut socket).map(|_| ())
}

fn authority(directory: &Path, today: Date) -> Result<(KeyPair, String), Error> {
    let certificate_path = directory.join("ca.pem");
    let key_path = directory.join("ca-key.pem");
    let read = |path: &Path| files::read(path).map_err(|source| Error::file(path, source));
    if let (Some(certificate), Some(key)) = (read(&certificate_path)?, read(&key_path)?) {
        let key = KeyPair::from_pem(&key)
            .map_err(|error| Error::unreadable(&key_path, error.to_string()))?;
        return Ok((key, certificate));
    }
    let key = KeyPair::generate().map_err(key_error)?;
    let certificate = authority_params(today)
        .self_signed(&key)
        .map_err(key_error)?
        .pem();
    save(
        directory,
        "ca-key.pem",
        &key.serialize_pem(),
        Readers::Owner,
    )?;
    save(directory, "ca.pem", &certificate, Readers::Everybody)?;
    Ok((key, certificate))
}

fn authority_params(today: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(
        DnType::CommonName,
        "Keyway SANDBOX authority (not for production)",
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, today, 10.years());
    params
}

fn leaf_params(listen: IpAddr, today: Date) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Keyway SANDBOX");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    if !listen.is_unspecified()
        && !params
            .subject_alt_names
            .contains(&SanType::IpAddress(listen))
    {
        params.subject_alt_names.push(SanType::IpAddress(listen));
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, today, 1.year());
    Ok(params)
}

/// Valid from yesterday (clocks differ) for a span from today.
fn set_validity(params: &mut CertificateParams, today: Date, span: Span) {
    let midnight = |date: Date| {
        let part = |value: i8| u8::try_from(value).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    params.not_before = midnight(today.saturating_sub(1.day()));
    params.not_after = midnight(today.saturating_add(span));
}

fn save(directory: &Path, name: &str, text: &str, readers: Readers) -> Result<(), Error> {
    let path = directory.join(name);
    files::write(&path, text.as_bytes(), readers).map_err(|source| Error::file(&path, source))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn key_error(error: rcgen::Error) -> Error {
    Error::Key(error.to_string())
}
