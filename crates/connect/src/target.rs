//! From what a caller names (a path or a URL) to the URL that is sent, inside the allowed origins.
//!
//! The order matters: allowed origins first, then scheme and address (`guard.rs`), then the
//! credential. A path can only ever end up below the base URL or, for Graph, below a version.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::{Origin, PresetName, Settings};
use url::Url;

use crate::error::{CallError, Named};
use crate::preset::entra;

/// Longest URL that is sent.
const URL_LIMIT: usize = 8 * 1024;

/// Kept as they are in query parameters: unreserved characters and those that `OData` writes a lot.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b'\'')
    .remove(b':')
    .remove(b'/')
    .remove(b'@')
    .remove(b'*')
    .remove(b'!');

/// Where a connection may send its credential.
pub(crate) struct Reach<'a> {
    pub(crate) connection: &'a Named,
    pub(crate) settings: &'a Settings,
    pub(crate) origins: &'a [Origin],
}

impl Reach<'_> {
    /// Resolves a path or URL with further query parameters.
    pub(crate) fn resolve(
        &self,
        target: &str,
        query: &[(String, String)],
    ) -> Result<Url, CallError> {
        self.check_text(target)?;
        let mut url = if is_absolute(target) {
            let text = if target.starts_with("//") {
                format!("https:{target}")
            } else {
                target.to_owned()
            };
            let url = Url::parse(&text)
                .map_err(|error| self.invalid(format!("the URL is not valid: {error}")))?;
            self.check_origin(&url)?;
            if url.fragment().is_some() {
                return Err(self.invalid("a URL to call has no #fragment; write # as %23"));
            }
            url
        } else {
            self.below_base(target)?
        };
        if !query.is_empty() {
            let added: Vec<String> = query
                .iter()
                .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
                .collect();
            let all = match url.query() {
                Some(kept) if !kept.is_empty() => format!("{kept}&{}", added.join("&")),
                _ => added.join("&"),
            };
            url.set_query(Some(&all));
        }
        if url.as_str().len() > URL_LIMIT {
            return Err(self.invalid("the URL is longer than 8 KiB"));
        }
        Ok(url)
    }

    /// A URL outside the allowed origins is refused, whatever its scheme or address.
    pub(crate) fn check_origin(&self, url: &Url) -> Result<(), CallError> {
        let origin = Origin::of(url);
        if let Some(origin) = &origin
            && self.origins.contains(origin)
        {
            return Ok(());
        }
        Err(CallError::OriginForbidden {
            connection: self.connection.clone(),
            origin: origin
                .map_or_else(|| format!("{}:", url.scheme()), |origin| origin.to_string()),
            why: self.why(url),
        })
    }

    fn why(&self, url: &Url) -> String {
        let graph = self.settings.preset == PresetName::MicrosoftGraph;
        if graph && entra::is_graph(url) && matches!(url.scheme(), "https" | "http") {
            return format!(
                "this connection speaks to {}: use {}",
                self.speaks_to(),
                url.path()
            );
        }
        match self.origins {
            [] => "it has no base URL and no origins, so it can't call anything".to_owned(),
            origins => {
                let origins: Vec<String> = origins.iter().map(Origin::to_string).collect();
                format!("its credential goes to {} only", origins.join(", "))
            }
        }
    }

    /// The other side in a word: a cloud on this machine is a sandbox.
    fn speaks_to(&self) -> String {
        let loopback = self
            .settings
            .base_url
            .as_ref()
            .is_some_and(|url| match url.host() {
                Some(url::Host::Ipv4(v4)) => v4.is_loopback(),
                Some(url::Host::Ipv6(v6)) => v6.is_loopback(),
                Some(url::Host::Domain(name)) => name == "localhost",
                None => false,
            });
        match self.settings.cloud.as_deref() {
            Some("sandbox") => "the sandbox".to_owned(),
            _ if loopback => "the sandbox".to_owned(),
            Some(cloud) => format!("cloud {cloud}"),
            None => "another cloud".to_owned(),
        }
    }

    fn below_base(&self, target: &str) -> Result<Url, CallError> {
        let Some(base) = &self.settings.base_url else {
            return Err(
                self.invalid("the connection has no base URL: give a whole URL, or set --base-url")
            );
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        if target.contains('#') {
            return Err(self.invalid("a path to call has no #fragment; write # as %23"));
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.split('/').any(is_dots) {
            return Err(self.invalid("the path must not hold . or .. as a segment"));
        }
        let from_origin = self.settings.preset == PresetName::MicrosoftGraph
            && entra::VERSIONS.iter().any(|version| {
                let version = version.trim_start_matches('/');
                path == version
                    || path
                        .strip_prefix(version)
                        .is_some_and(|rest| rest.starts_with('/'))
            });
        let prefix = if from_origin {
            ""
        } else {
            base.path().trim_end_matches('/')
        };
        let mut url = base.clone();
        url.set_query(None);
        url.set_fragment(None);
        if path.is_empty() {
            url.set_path(if prefix.is_empty() { "/" } else { prefix });
        } else {
            url.set_path(&format!("{prefix}/{path}"));
        }
        // Whatever the parser made of it: still the same server, still below the base.
        let below = url.path() == prefix
            || url
                .path()
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('/'));
        if Origin::of(&url) != Origin::of(base) || !below {
            return Err(self.invalid("the path leaves the base URL"));
        }
        url.set_query(query.or_else(|| base.query()));
        Ok(url)
    }

    fn check_text(&self, target: &str) -> Result<(), CallError> {
        if target
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            return Err(
                self.invalid("a path or URL must not hold control characters or line breaks")
            );
        }
        if target.trim() != target {
            return Err(self.invalid("there is white space around the path or URL"));
        }
        if target.contains('\\') {
            return Err(self.invalid("a path or URL must not hold a backslash; write / or %5C"));
        }
        if target.len() > URL_LIMIT {
            return Err(self.invalid("the URL is longer than 8 KiB"));
        }
        Ok(())
    }

    fn invalid(&self, why: impl Into<String>) -> CallError {
        CallError::TargetInvalid {
            connection: self.connection.clone(),
            why: why.into(),
        }
    }
}

/// A URL has a scheme (RFC 3986 §3.1); `//host` is taken for one too, so that its origin is judged.
fn is_absolute(target: &str) -> bool {
    if target.starts_with("//") {
        return true;
    }
    let Some((scheme, _)) = target.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// A segment that a parser may read as "here" or "up", however it is written.
pub(crate) fn is_dots(segment: &str) -> bool {
    if !segment.starts_with(['.', '%']) {
        return false;
    }
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

#[cfg(test)]
mod tests;
