//! Origins (RFC 6454): the exact scheme, host and port that a secret may be sent to. No wildcards.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::Error;

/// Scheme, host and port; two are equal only if all three are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: String,
    host: Host<String>,
    port: u16,
}

impl Origin {
    /// Reads an origin such as `https://graph.microsoft.com` or `https://127.0.0.1:8443`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::Invalid {
            what: "origin",
            why: format!(
                "{why}; an origin is a scheme, a host and, if it is not the usual one, a port: https://api.example.com"
            ),
        };
        // The URL parser would quietly drop these.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid("it holds white space"));
        }
        let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it holds a user name"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it holds a path"));
        }
        if text.contains('*') {
            return Err(invalid("it holds a wildcard"));
        }
        Self::of(&url).ok_or_else(|| invalid("it is neither http nor https"))
    }

    /// The origin of a URL; `None` for schemes without a host.
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, in the URL standard's form (lower case, punycode, brackets left out).
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The port, given or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The origin as a URL with the path `/`.
    ///
    /// # Panics
    /// Never: an origin was read from a URL.
    pub fn url(&self) -> Url {
        Url::parse(&self.to_string()).expect("an origin is a URL")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> String {
        origin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact() {
        let graph = Origin::parse("https://graph.microsoft.com").unwrap();
        for same in [
            "https://GRAPH.microsoft.com/",
            "https://graph.microsoft.com:443",
        ] {
            assert_eq!(Origin::parse(same).unwrap(), graph);
        }
        for other in [
            "http://graph.microsoft.com",
            "https://graph.microsoft.com:8443",
            "https://graph.microsoft.com.",
            "https://graph.microsoft.com.contoso.example",
        ] {
            assert_ne!(Origin::parse(other).unwrap(), graph, "{other}");
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for bad in [
            "graph.microsoft.com",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://user@graph.microsoft.com",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com?x",
            "https://*.microsoft.com",
            "https://graph.micro soft.com",
            "https://graph.microsoft.com\n",
            "https://",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_prints_as_it_is_typed() {
        for text in [
            "https://graph.microsoft.com",
            "http://127.0.0.1:8080",
            "https://[::1]:8443",
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Origin::parse("https://[::1]:8443").unwrap().url().as_str(),
            "https://[::1]:8443/"
        );
    }
}
