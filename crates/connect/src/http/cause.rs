//! What is really behind an error of the HTTP client: a refusal of the guard, TLS, time, or the other side.

use std::error::Error as StdError;

use super::{SendError, Timeouts};
use crate::guard::Refused;

/// Finds the real cause in the client's chain of errors.
pub(crate) fn classify(error: &reqwest::Error, host: &str, timeouts: Timeouts) -> SendError {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        match (known_cause(current, host), error.url()) {
            (Some(SendError::Refused(refused)), Some(url)) => {
                return SendError::Refused(refused.of_url(url));
            }
            (Some(found), _) => return found,
            (None, _) => {}
        }
        cause = current.source();
    }
    let host = host.to_owned();
    let detail = innermost(error);
    if error.is_timeout() && error.is_connect() {
        let seconds = timeouts.connect.as_secs();
        return SendError::Timeout {
            host,
            phase: "connection",
            seconds,
        };
    }
    if error.is_connect() {
        return SendError::Unreachable { host, detail };
    }
    if error.is_body() || error.is_decode() {
        return SendError::Malformed { host, detail };
    }
    SendError::Unreachable { host, detail }
}

/// Finds the real cause in a chain of errors that the pass-through met.
pub(crate) fn cause(error: &(dyn StdError + 'static), host: &str) -> SendError {
    let mut current = Some(error);
    while let Some(this) = current {
        if let Some(found) = known_cause(this, host) {
            return found;
        }
        current = this.source();
    }
    SendError::Unreachable {
        host: host.to_owned(),
        detail: innermost(error),
    }
}

fn known_cause(current: &(dyn StdError + 'static), host: &str) -> Option<SendError> {
    if let Some(refused) = current.downcast_ref::<Refused>() {
        return Some(SendError::Refused(refused.clone()));
    }
    if let Some(tls) = current.downcast_ref::<rustls::Error>() {
        return Some(tls_error(tls, host));
    }
    if let Some(hyper) = current.downcast_ref::<hyper::Error>()
        && hyper.is_parse()
    {
        return Some(SendError::Malformed {
            host: host.to_owned(),
            detail: innermost(hyper),
        });
    }
    // An io::Error hides what it wraps from `source()`.
    let inner = current.downcast_ref::<std::io::Error>()?.get_ref()?;
    known_cause(inner, host)
}

fn tls_error(error: &rustls::Error, host: &str) -> SendError {
    use rustls::CertificateError as C;
    let (code, detail) = match error {
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            ("tls.certificate_expired", "its certificate has expired".to_owned())
        }
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            ("tls.certificate_not_yet_valid", "its certificate is not valid yet; compare the clocks".to_owned())
        }
        rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            ("tls.wrong_name", "its certificate is for another name".to_owned())
        }
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => (
            "tls.unknown_issuer",
            "its certificate was issued by nobody this machine trusts; a private CA is given by the CA file of the connection or cloud".to_owned(),
        ),
        rustls::Error::InvalidCertificate(other) => ("tls.certificate_invalid", format!("{other:?}")),
        rustls::Error::PeerIncompatible(why) => ("tls.version", format!("no protocol in common: {why:?}")),
        rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion) => {
            ("tls.version", "it speaks neither TLS 1.3 nor 1.2".to_owned())
        }
        other => ("tls.handshake_failed", other.to_string()),
    };
    SendError::Tls {
        code,
        host: host.to_owned(),
        detail,
    }
}

/// The last error of the chain: the one that knows.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut current = error;
    while let Some(next) = current.source() {
        current = next;
    }
    current.to_string()
}
