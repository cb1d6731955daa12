//! The way over HTTP, to a server of ours.

use std::time::Duration;

use http_body::Body as _;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use serde_json::{Value, json};
use url::Url;

use super::find::Running;
use super::stream::{Lines, Source, refused};
use super::transfer::{Transfer, Transferred};
use super::{Message, Raw};
use crate::Exit;
use crate::config::{Remote, RemoteKey};
use crate::failure::Failure;
use crate::ui::Ui;
use crate::ui::secret::{Question, Typed};

/// An answer longer than this is not one of ours.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;

/// Longer than anything but a call takes, with a renewal before it.
const TIMEOUT: Duration = Duration::from_mins(3);
/// Longer than the longest call that the server may have been told to wait for.
const CALL_TIMEOUT: Duration = connect::TIMEOUT_LIMIT.saturating_add(TIMEOUT);
/// A list of millions of items takes a while; a server that says nothing for long is gone.
const LINES_TIMEOUT: Duration = Duration::from_hours(24);

/// A server reached over HTTP.
pub(super) struct Http {
    ui: Ui,
    url: Url,
    client: reqwest::Client,
    key: Option<HeaderValue>,
}

impl Http {
    /// A server somebody named.
    pub(super) fn remote(ui: Ui, remote: Remote) -> Result<Http, Failure> {
        let question = Question {
            what: "API key",
            option: "--api-key-file",
        };
        let key = match remote.key {
            RemoteKey::None => None,
            RemoteKey::Variable(key) => Some(Typed::new(key)),
            RemoteKey::File(place) => Some(question.read(&place)?),
        };
        Http::new(ui, remote.url, key, reqwest::Client::builder())
    }

    /// The server of the data directory.
    pub(super) fn announced(ui: Ui, running: &Running) -> Result<Http, Failure> {
        let mut builder = reqwest::Client::builder();
        // Its certificate speaks for the public name, its socket is here.
        if let Some(name) = &running.tls_name {
            builder = builder.resolve(name, running.address);
        }
        // Its authority may be one that only its operator knows; the chain it serves names it.
        if let Some(file) = &running.certificate_file
            && let Ok(pem) = std::fs::read(file)
            && let Ok(chain) = reqwest::Certificate::from_pem_bundle(&pem)
        {
            builder = builder.tls_certs_merge(chain);
        }
        Http::new(
            ui,
            running.url.clone(),
            Some(Typed::new(running.token.expose().to_owned())),
            builder,
        )
    }

    fn new(
        ui: Ui,
        url: Url,
        key: Option<Typed>,
        builder: reqwest::ClientBuilder,
    ) -> Result<Http, Failure> {
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(TIMEOUT)
            .user_agent(concat!("keyway/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::bug(format!("the HTTP client cannot be built: {error}")))?;
        let key = key
            .map(|key| {
                let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
                    .map_err(|_| {
                        Failure::new(
                            Exit::Invalid,
                            "secret.invalid",
                            "the API key holds characters that cannot be sent",
                        )
                    })?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        Ok(Http {
            ui,
            url,
            client,
            key,
        })
    }

    /// Sends a request whose answer may take as long as it comes.
    pub(super) async fn lines(&self, message: Message<'_>) -> Result<Lines, Failure> {
        let response = self
            .request(message)
            .timeout(LINES_TIMEOUT)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        self.compare_versions(response.headers().get("keyway-version"));
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(Lines::new(Source::Http(Box::new(response))));
        }
        let body = response
            .bytes()
            .await
            .map_err(|error| self.unreachable(&error))?;
        Err(refused(status, &body))
    }

    /// Passes a request through; both bodies may take as long as they come.
    pub(super) async fn transfer(&self, transfer: Transfer) -> Result<Transferred, Failure> {
        let mut request = self
            .addressed(transfer.method, &transfer.path)
            .headers(transfer.headers)
            .timeout(LINES_TIMEOUT);
        if !transfer.body.is_end_stream() {
            request = request.body(reqwest::Body::wrap(transfer.body));
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        self.compare_versions(response.headers().get("keyway-version"));
        Ok(Transferred {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: Source::Http(Box::new(response)),
        })
    }

    fn addressed(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let address = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        let request = self.client.request(method, address);
        match &self.key {
            Some(key) => request.header(AUTHORIZATION, key),
            None => request,
        }
    }

    fn request(&self, message: Message<'_>) -> reqwest::RequestBuilder {
        let mut request = self.addressed(message.method, message.path);
        if let Some(tag) = message.if_match {
            request = request.header(IF_MATCH, tag);
        }
        if let Some(body) = message.body {
            request = request
                .header(CONTENT_TYPE, message.media)
                .body(body.to_string());
        }
        request
    }

    pub(super) async fn send(&self, message: Message<'_>) -> Result<Raw, Failure> {
        let is_call = ["/call", "/batch"]
            .iter()
            .any(|end| message.path.ends_with(end));
        let mut request = self.request(message);
        if is_call {
            request = request.timeout(CALL_TIMEOUT);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        self.compare_versions(response.headers().get("keyway-version"));
        let status = response.status().as_u16();
        if response
            .content_length()
            .is_some_and(|length| length > ANSWER_LIMIT)
        {
            return Err(Failure::new(
                Exit::Upstream,
                "client.answer",
                "the server's answer is longer than 64 MiB",
            ));
        }
        let bytes = response
            .bytes()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)))
        };
        if (200..300).contains(&status) && body.is_string() {
            return Err(Failure::new(
                Exit::Upstream,
                "client.answer",
                format!("{} answered something that is not JSON", self.url),
            )
            .hint("is this address really a Keyway server?"));
        }
        Ok(Raw { status, body })
    }

    /// A client and a server of different releases may misunderstand each other: then this line says why.
    fn compare_versions(&self, version: Option<&HeaderValue>) {
        let ours = env!("CARGO_PKG_VERSION");
        if let Some(theirs) = version.and_then(|version| version.to_str().ok())
            && release(theirs) != release(ours)
        {
            let age = if release(theirs) > release(ours) {
                "newer"
            } else {
                "older"
            };
            self.ui.warning(&format!("this is keyway {ours}, the server {} is {age} ({theirs}): use the same release on both sides", self.url));
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let reason = if error.is_timeout() {
            "it did not answer in time".to_owned()
        } else {
            innermost(error)
        };
        Failure::new(
            Exit::Upstream,
            "client.unreachable",
            format!("the server {} cannot be reached: {reason}", self.url),
        )
        .hint("check the address (--server, KEYWAY_SERVER) and that `keyway serve` runs there")
    }
}

/// Major and minor number: patches understand each other.
fn release(version: &str) -> (u64, u64) {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The words at the bottom of a chain of errors, which name the cause.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_are_compared_by_major_and_minor() {
        assert_eq!(release("0.1.9"), release("0.1.0-rc.1"));
        assert!(release("0.10.0") > release("0.9.0"));
    }
}
