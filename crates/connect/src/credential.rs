//! The one place where a secret is put on a request, and where it is taken out of an answer.
//!
//! `Credential::attach` is called by `follow.rs` and `forward.rs` after the last origin check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use memchr::memmem::find;
use oauth::Secret;
use store::{Authentication, Secrets};
use url::Url;

use crate::digest::Login;
use crate::known::Unusable;

/// What takes the place of a secret that an API echoed.
const REDACTED: &str = "[redacted]";
/// Shorter secrets are not searched for: they would blot out ordinary text.
const SHORTEST_REDACTED: usize = 8;

/// What proves who is calling, ready to be attached.
pub(crate) enum Credential {
    /// Nothing.
    None,
    /// Headers, marked sensitive; the secrets as they might be echoed.
    Headers(Vec<(HeaderName, HeaderValue)>, Vec<Secret>),
    /// A query parameter; its value as it is and as it stands in the URL.
    Query(String, Secret, Secret),
    /// The token of the slot.
    Token,
    /// A name and a password that answer a challenge; `follow.rs` puts the answer on the request that it is for.
    Digest(Login),
}

impl Credential {
    /// Joins settings and secrets.
    pub(crate) fn new(
        authentication: &Authentication,
        secrets: Option<&Secrets>,
    ) -> Result<Credential, Unusable> {
        let secrets = match (authentication, secrets) {
            (Authentication::None, _) => return Ok(Credential::None),
            // An unreadable client secret does not take away a token that still lives.
            (Authentication::OAuth(_), _) => return Ok(Credential::Token),
            (_, None) => return Err(Unusable::Unreadable),
            (_, Some(secrets)) => secrets,
        };
        let slot = |name: &str| secrets.get(name).ok_or(Unusable::Missing);
        match authentication {
            Authentication::None => Ok(Credential::None),
            Authentication::OAuth(_) => Ok(Credential::Token),
            Authentication::Basic { username } => Credential::basic(username, slot("password")?),
            Authentication::Bearer => Credential::bearer(slot("token")?),
            Authentication::Headers { names } => {
                let mut headers = Vec::with_capacity(names.len());
                let mut echoes = Vec::with_capacity(names.len());
                for name in names {
                    let secret = slot(&format!("header:{name}"))?;
                    let name =
                        HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unusable::Missing)?;
                    headers.push((name, sensitive(secret.expose())?));
                    echoes.push(secret.clone());
                }
                Ok(Credential::Headers(headers, echoes))
            }
            Authentication::QueryKey { name } => {
                let key = slot("query_key")?;
                let encoded = url::form_urlencoded::byte_serialize(key.expose().as_bytes());
                let encoded = Secret::new(encoded.collect::<String>());
                Ok(Credential::Query(name.clone(), key.clone(), encoded))
            }
        }
    }

    /// A name and a password (RFC 7617).
    pub(crate) fn basic(username: &str, password: &Secret) -> Result<Credential, Unusable> {
        let plain = Secret::new(format!("{username}:{}", password.expose()));
        let encoded = Secret::new(STANDARD.encode(plain.expose()));
        let value = sensitive(&format!("Basic {}", encoded.expose()))?;
        Ok(Credential::Headers(
            vec![(header::AUTHORIZATION, value)],
            vec![encoded, password.clone()],
        ))
    }

    /// A token that somebody gave (RFC 6750).
    pub(crate) fn bearer(token: &Secret) -> Result<Credential, Unusable> {
        Ok(Credential::Headers(
            vec![(header::AUTHORIZATION, bearer(token)?)],
            vec![token.clone()],
        ))
    }

    /// Puts the credential on a request whose URL has passed the origin check.
    pub(crate) fn attach(
        &self,
        token: Option<&HeaderValue>,
        url: &mut Url,
        headers: &mut HeaderMap,
    ) {
        match self {
            Credential::None | Credential::Digest(_) => {}
            Credential::Headers(own, _) => {
                for (name, value) in own {
                    headers.insert(name.clone(), value.clone());
                }
            }
            Credential::Query(name, key, _) => {
                url.query_pairs_mut().append_pair(name, key.expose());
            }
            Credential::Token => {
                if let Some(token) = token {
                    headers.insert(header::AUTHORIZATION, token.clone());
                }
            }
        }
    }

    /// Whether there is anything to protect.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Credential::None)
    }

    /// The secrets that an API might echo.
    pub(crate) fn echoes<'a>(&'a self, token: Option<&'a Secret>) -> Vec<&'a Secret> {
        let own = match self {
            Credential::None => Vec::new(),
            Credential::Headers(_, echoes) => echoes.iter().collect(),
            Credential::Query(_, key, encoded) => vec![key, encoded],
            Credential::Token => token.into_iter().collect(),
            Credential::Digest(login) => vec![&login.password],
        };
        own.into_iter()
            .filter(|secret| secret.expose().len() >= SHORTEST_REDACTED)
            .collect()
    }
}

/// An `Authorization` header with a bearer token (RFC 6750), kept out of debug output and h2 tables.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, Unusable> {
    sensitive(&format!("Bearer {}", token.expose()))
}

fn sensitive(text: &str) -> Result<HeaderValue, Unusable> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Unusable::Missing)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Replaces our own secrets wherever a text holds them.
pub(crate) fn redact_text(text: String, secrets: &[&Secret]) -> String {
    secrets
        .iter()
        .filter(|secret| text.contains(secret.expose()))
        .copied()
        .collect::<Vec<_>>()
        .into_iter()
        .fold(text, |text, secret| text.replace(secret.expose(), REDACTED))
}

/// Replaces our own secrets wherever bytes hold them.
pub(crate) fn redact_bytes(bytes: Bytes, secrets: &[&Secret]) -> Bytes {
    let mut bytes = bytes;
    for secret in secrets {
        let needle = secret.expose().as_bytes();
        if find(&bytes, needle).is_none() {
            continue;
        }
        let mut clean = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_ref();
        while let Some(at) = find(rest, needle) {
            clean.extend_from_slice(&rest[..at]);
            clean.extend_from_slice(REDACTED.as_bytes());
            rest = &rest[at + needle.len()..];
        }
        clean.extend_from_slice(rest);
        bytes = clean.into();
    }
    bytes
}

/// Says why a caller may not set a header on a call, or nothing if that is fine.
pub fn forbidden_on_call(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "authorization" => Some("the connection brings its own credential"),
        "cookie" => Some("connections send no cookies"),
        _ => forbidden_everywhere(&name),
    }
}

/// Says why not even a connection may have a header as its own, or nothing if that is fine.
pub(crate) fn forbidden_on_connection(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "cookie" => Some("connections send no cookies"),
        _ => forbidden_everywhere(&name),
    }
}

fn forbidden_everywhere(name: &str) -> Option<&'static str> {
    match name {
        "host" => Some("the URL says which host is meant"),
        "content-length" | "transfer-encoding" | "te" | "trailer" | "connection" | "keep-alive"
        | "upgrade" | "expect" | "http2-settings" => Some("it belongs to the transport"),
        _ if name.starts_with("proxy-") => Some("it belongs to proxies"),
        _ if name.starts_with(':') => Some("it is no header name"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_bytes_and_text() {
        let secret = Secret::new("fake-token-0123456789");
        let secrets = [&secret];
        let text = "a fake-token-0123456789 and fake-token-0123456789fake-token-012345678";
        assert_eq!(
            redact_text(text.to_owned(), &secrets),
            "a [redacted] and [redacted]fake-token-012345678"
        );
        assert_eq!(
            redact_bytes(Bytes::from_static(text.as_bytes()), &secrets),
            "a [redacted] and [redacted]fake-token-012345678".as_bytes()
        );
        let clean = Bytes::from_static(b"nothing here");
        assert_eq!(
            redact_bytes(clean.clone(), &secrets).as_ptr(),
            clean.as_ptr()
        );
    }

    #[test]
    fn headers_that_nobody_may_set() {
        for name in [
            "Host",
            "HOST",
            "content-length",
            "Transfer-Encoding",
            "Cookie",
            "Proxy-Authorization",
            "proxy-connection",
            "Connection",
            "Upgrade",
            "TE",
            "Trailer",
            "Keep-Alive",
            "Expect",
        ] {
            assert!(forbidden_on_call(name).is_some(), "{name}");
            assert!(forbidden_on_connection(name).is_some(), "{name}");
        }
        assert!(forbidden_on_call("Authorization").is_some());
        assert!(forbidden_on_connection("Authorization").is_none());
        for name in [
            "Accept",
            "ConsistencyLevel",
            "Prefer",
            "X-Api-Key",
            "Content-Type",
            "If-Match",
        ] {
            assert!(forbidden_on_call(name).is_none(), "{name}");
        }
    }
}
