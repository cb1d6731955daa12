//! The streaming pass-through of `/proxy`: the hot path.
//!
//! Connection, client and token come from memory; bodies stream in both directions, and of
//! answers our secrets are taken out on the way (`redact.rs`). Who may use it is the server's business, how the other side is reached
//! that of `upstream.rs`.

mod body;

use std::sync::Arc;

use http::uri::InvalidUri;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use hyper::body::Body;
use store::{Actor, ConnectionId, ConnectionName};
use tokio::time::Instant;
use url::{Position, Url};

use crate::Connector;
use crate::call::Refusal;
use crate::error::CallError;
use crate::http::{SendError, USER_AGENT, host_of};
use crate::known::Loaded;
use crate::message::{class_of, request_id};
use crate::redact::Redactor;
use crate::refresh::{Held, Need};
use crate::upstream::{AnswerBody, Upstream};

pub use body::StreamBody;

/// What takes the place of a secret that an API echoes in a header.
const REDACTED: HeaderValue = HeaderValue::from_static("[redacted]");

/// The only encoding in which an answer can be looked into.
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// What a caller that does not say what it wants gets (RFC 9110 §12.5.1).
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// Headers that mean one hop (RFC 9110 §7.6.1), and those that the connection decides.
const STRIPPED: [HeaderName; 14] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    header::EXPECT,
    header::HOST,
    header::AUTHORIZATION,
    header::COOKIE,
];

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request to pass on.
pub struct ProxyRequest {
    /// Any method.
    pub method: Method,
    /// Path below the base URL, with its query, as it came.
    pub path_and_query: String,
    /// As they came; what must not be passed on is taken off here.
    pub headers: HeaderMap,
    /// As it comes.
    pub body: StreamBody,
}

/// An answer to pass back.
pub struct ProxyResponse {
    /// The status.
    pub status: StatusCode,
    /// Without those of the hop, `Set-Cookie`, and our secrets.
    pub headers: HeaderMap,
    /// As it comes.
    pub body: StreamBody,
    /// The connection.
    pub connection: ConnectionId,
    /// Where it was sent.
    pub host: Arc<str>,
    /// How often it was sent: 2 after a renewal.
    pub attempts: u32,
    /// Which token it carried.
    pub token_generation: Option<i64>,
    /// The API's id for this request.
    pub request_id: Option<String>,
}

impl Connector {
    /// Passes a request on with the connection's credential and streams the answer back.
    pub async fn forward(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ProxyRequest,
    ) -> Result<ProxyResponse, CallError> {
        let outcome = self.forward_inner(actor, name, request).await;
        let count = |label| metrics::counter!("keyway_calls_total", "outcome" => label);
        match &outcome {
            // Looked up once: the registry costs more than passing a small request on may.
            Ok(answer) if answer.status.is_success() => {
                self.inner.passed.get_or_init(|| count("2xx")).increment(1);
            }
            Ok(answer) => count(class_of(answer.status.as_u16())).increment(1),
            Err(error) => {
                Box::pin(self.audit_call(actor, error)).await;
                count(error.code()).increment(1);
            }
        }
        outcome
    }

    async fn forward_inner(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ProxyRequest,
    ) -> Result<ProxyResponse, CallError> {
        let loaded = self.loaded(actor, name).await?;
        let url = loaded.reach().resolve(&request.path_and_query, &[])?;
        let upstream = self.upstream_for(&loaded, &url)?;
        let mut headers = request.headers;
        strip(&mut headers);
        headers.remove(header::CONTENT_LENGTH);
        let broken = |error: BoxError| {
            loaded.upstream(SendError::Malformed {
                host: "the caller".to_owned(),
                detail: error.to_string(),
            })
        };
        let body = request.body.settled().await.map_err(broken)?;
        let again = body.again().map(|body| (body, headers.clone()));
        let mut held = self.token_for_call(&loaded, Need::Valid, None).await?;
        let method = request.method;
        let mut attempts = 1;
        let first = Passing {
            method: method.clone(),
            url: url.clone(),
            headers,
            body,
        };
        let mut answer = self
            .pass(&loaded, &upstream, held.as_deref(), first)
            .await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let Some(newer) = self
                .after_refusal(
                    &loaded,
                    held.as_deref(),
                    Refusal {
                        person: None,
                        headers: Some(answer.headers()),
                    },
                )
                .await
            && let Some((body, headers)) = again
        {
            held = Some(newer);
            attempts = 2;
            let second = Passing {
                method,
                url: url.clone(),
                headers,
                body,
            };
            answer = self
                .pass(&loaded, &upstream, held.as_deref(), second)
                .await?;
            if answer.status() == StatusCode::UNAUTHORIZED {
                loaded.slot.rest();
            }
        }
        Ok(passed(&loaded, &url, answer, held.as_deref(), attempts))
    }

    /// The way to a URL; the guard has judged the base URL's host when it was first made.
    fn upstream_for(&self, loaded: &Loaded, url: &Url) -> Result<Arc<Upstream>, CallError> {
        if let Some(upstream) = loaded.upstream.get()
            && loaded.is_base(url)
        {
            return Ok(Arc::clone(upstream));
        }
        let upstream = self
            .inner
            .http
            .upstream(&loaded.trust, url)
            .map_err(|error| loaded.upstream(error))?;
        if loaded.is_base(url) {
            // Another task may have been first; its way is the same.
            let _ = loaded.upstream.set(Arc::clone(&upstream));
        }
        Ok(upstream)
    }

    async fn pass(
        &self,
        loaded: &Loaded,
        upstream: &Arc<Upstream>,
        held: Option<&Held>,
        passing: Passing,
    ) -> Result<Response<AnswerBody>, CallError> {
        let Passing {
            method,
            mut url,
            mut headers,
            body,
        } = passing;
        loaded.reach().check_origin(&url)?;
        // Room is kept until the head of the answer is there; a long stream takes none.
        let _room = loaded
            .turn(Instant::now() + self.inner.http.timeouts.total)
            .await?;
        headers.insert(header::HOST, upstream.authority.clone());
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        headers.entry(header::ACCEPT).or_insert(ANYTHING);
        if let Ok(credential) = &loaded.credential {
            if !credential.is_none() {
                // What is compressed can't be searched for the secret on its way back.
                headers.insert(header::ACCEPT_ENCODING, IDENTITY);
            }
            credential.attach(held.map(|held| &held.header), &mut url, &mut headers);
        }
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path_and_query(&url).map_err(|error| loaded.upstream(error))?;
        *request.headers_mut() = headers;
        let answer = upstream
            .send(request)
            .await
            .map_err(|error| loaded.upstream(error))?;
        loaded.heed(answer.status(), answer.headers(), self.clock());
        Ok(answer)
    }
}

/// What a URL asks of its server (RFC 9112 §3.2.1).
fn path_and_query(url: &Url) -> Result<Uri, SendError> {
    let target = &url[Position::BeforePath..Position::AfterQuery];
    target
        .parse()
        .map_err(|error: InvalidUri| SendError::Malformed {
            host: "the caller".to_owned(),
            detail: error.to_string(),
        })
}

struct Passing {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: StreamBody,
}

impl Loaded {
    /// Whether a URL is on the base URL's server: then what was judged once still holds.
    fn is_base(&self, url: &Url) -> bool {
        self.connection
            .settings
            .base_url
            .as_ref()
            .is_some_and(|base| {
                base.host() == url.host()
                    && base.port_or_known_default() == url.port_or_known_default()
                    && base.scheme() == url.scheme()
            })
    }
}

/// Takes off what belongs to one hop, the caller's own credential included.
fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &STRIPPED {
        headers.remove(name);
    }
}

fn passed(
    loaded: &Loaded,
    url: &Url,
    answer: Response<AnswerBody>,
    held: Option<&Held>,
    attempts: u32,
) -> ProxyResponse {
    let (mut parts, body) = answer.into_parts();
    strip(&mut parts.headers);
    parts.headers.remove(header::SET_COOKIE);
    let echoes = match &loaded.credential {
        Ok(credential) => credential.echoes(held.map(|held| &held.token)),
        Err(_) => Vec::new(),
    };
    for value in parts.headers.values_mut() {
        let ours = echoes.iter().any(|secret| {
            let secret = secret.expose().as_bytes();
            value.len() >= secret.len()
                && value
                    .as_bytes()
                    .windows(secret.len())
                    .any(|part| part == secret)
        });
        if ours {
            *value = REDACTED;
        }
    }
    // A body that is compressed although nobody asked for that is passed on as it is.
    let plain = !parts.headers.contains_key(header::CONTENT_ENCODING);
    let redactor = (plain && !body.is_end_stream())
        .then(|| Redactor::new(&echoes).map(Box::new))
        .flatten();
    ProxyResponse {
        status: parts.status,
        request_id: request_id(&parts.headers),
        headers: parts.headers,
        body: StreamBody::answer(body, redactor),
        connection: loaded.connection.id.clone(),
        host: loaded.base_host(url),
        attempts,
        token_generation: held.map(|held| held.generation),
    }
}

impl Loaded {
    fn base_host(&self, url: &Url) -> Arc<str> {
        if self.is_base(url) {
            Arc::clone(&self.host)
        } else {
            Arc::from(host_of(url))
        }
    }
}
