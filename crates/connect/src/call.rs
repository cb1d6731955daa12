//! One call through a connection, answered in whole.
//!
//! Resolve the target, judge it, get a token, attach the credential, send, renew once on 401,
//! follow redirects if asked, take our own secrets out of the answer. Streaming is `forward.rs`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use oauth::{Finding, Secret};
use serde_json::Value;
use store::{Actor, CallFailure, ConnectionId, ConnectionName, Origin, Stamp};
use tokio::time::Instant;
use url::Url;

use crate::Connector;
use crate::credential::{Credential, forbidden_on_call, redact_bytes, redact_text};
use crate::error::{CallError, Named};
use crate::http::{
    CALL_BODY_LIMIT, Incoming, Limits, Outgoing, SendError, accept_encodings, host_of,
};
use crate::known::{self, Loaded, Memory, Parts, Unusable};
use crate::preset;
use crate::refresh::{Held, Need};
use crate::target::Reach;

/// How many redirects are followed, if any.
const REDIRECT_LIMIT: u32 = 5;
/// How often the same refusal of an API is noted in the standing.
const NOTE_AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// A request to an API, before it has a credential.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// Any method.
    pub method: Method,
    /// A path below the base URL, or a whole URL on an allowed origin.
    pub target: String,
    /// Added to the query that the target has.
    pub query: Vec<(String, String)>,
    /// Added to Keyway's own.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Body,
    /// Whether redirects are followed.
    pub redirects: Redirects,
}

impl ApiRequest {
    /// A request without query, headers and body.
    pub fn new(method: Method, target: impl Into<String>) -> ApiRequest {
        ApiRequest {
            method,
            target: target.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            redirects: Redirects::Show,
        }
    }
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// Any JSON value.
    Json(Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Text.
    Text {
        /// Its type; the default is `text/plain; charset=utf-8`.
        content_type: Option<String>,
        /// The text.
        text: String,
    },
    /// Bytes.
    Bytes {
        /// Their type; the default is `application/octet-stream`.
        content_type: Option<String>,
        /// The bytes.
        bytes: Bytes,
    },
}

/// What happens to a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// It is the answer.
    #[default]
    Show,
    /// It is followed, at most five times and with the credential on the same origin only.
    Follow,
}

/// An API's answer, whatever its status.
#[derive(Debug, Clone)]
pub struct ApiResponse {
    /// The status.
    pub status: u16,
    /// The headers, without `Set-Cookie` and without our secrets.
    pub headers: Vec<(String, String)>,
    /// The body, without our secrets.
    pub body: ResponseBody,
    /// The API's id for this request.
    pub request_id: Option<String>,
    /// How often it was sent: 2 after a renewal.
    pub attempts: u32,
    /// Which token it carried.
    pub token_generation: Option<i64>,
    /// The connection.
    pub connection: ConnectionId,
    /// Where it was sent, port included unless it is the usual one.
    pub host: String,
    /// The path, without the query.
    pub path: String,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseBody {
    /// JSON.
    Json(Value),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Bytes),
    /// None.
    Empty,
}

impl Connector {
    /// Calls an API through a connection; every answer with a status is `Ok`.
    pub async fn call(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<ApiResponse, CallError> {
        let outcome = self.call_inner(actor, name, request).await;
        let label = match &outcome {
            Ok(answer) => class_of(answer.status),
            Err(error) => error.code(),
        };
        metrics::counter!("keyway_calls_total", "outcome" => label).increment(1);
        outcome
    }

    async fn call_inner(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<ApiResponse, CallError> {
        let loaded = self.loaded(actor, name).await?;
        let reach = loaded.reach();
        let url = reach.resolve(&request.target, &request.query)?;
        self.inner
            .http
            .policy()
            .check(&url)
            .map_err(|refused| loaded.upstream(refused.into()))?;
        let (mut headers, body) = headers_and_body(&loaded.named, &request)?;
        accept_encodings(&mut headers);
        let bare = Outgoing {
            method: request.method.clone(),
            url,
            headers,
            body,
        };
        let deadline = Instant::now() + self.inner.http.timeouts.total;
        let mut held = self.token_for_call(&loaded, Need::Valid).await?;
        let mut attempts = 1;
        let mut answer = self
            .send(
                &loaded,
                held.as_deref(),
                bare.clone(),
                request.redirects,
                deadline,
            )
            .await?;
        if answer.incoming.status == StatusCode::UNAUTHORIZED
            && let Some(newer) = self.after_refusal(&loaded, held.as_deref()).await
        {
            attempts = 2;
            held = Some(newer);
            answer = self
                .send(&loaded, held.as_deref(), bare, request.redirects, deadline)
                .await?;
            if answer.incoming.status == StatusCode::UNAUTHORIZED {
                loaded.slot.rest();
            }
        }
        let echoes = match &loaded.credential {
            Ok(credential) => credential.echoes(held.as_deref().map(|held| &held.token)),
            Err(_) => Vec::new(),
        };
        let generation = held.as_deref().map(|held| held.generation);
        let answer = answer.into_response(&loaded, &echoes, attempts, generation);
        self.note_call(&loaded, &request.method, &answer).await;
        Ok(answer)
    }

    /// The token for a connection that needs one.
    pub(crate) async fn token_for_call(
        &self,
        loaded: &Arc<Loaded>,
        need: Need,
    ) -> Result<Option<Arc<Held>>, CallError> {
        match &loaded.credential {
            Ok(Credential::Token) => self
                .token(loaded, need)
                .await
                .map(Some)
                .map_err(|failed| failed.into_call_error(loaded)),
            Ok(_) => Ok(None),
            Err(unusable) => {
                let finding = match unusable {
                    Unusable::Unreadable => Finding::Unreadable,
                    Unusable::Missing => Finding::SecretMissing,
                };
                let diagnosis =
                    oauth::diagnose_finding(finding, loaded.rules, &oauth::Scope::default());
                Err(CallError::Needs {
                    connection: loaded.named.clone(),
                    diagnosis: Box::new(diagnosis),
                })
            }
        }
    }

    /// After a 401 for a token thought fresh: one renewal, unless that did not help a moment ago.
    pub(crate) async fn after_refusal(
        &self,
        loaded: &Arc<Loaded>,
        held: Option<&Held>,
    ) -> Option<Arc<Held>> {
        let held = held?;
        if !loaded.slot.may_renew_after_refusal() {
            return None;
        }
        // A failed renewal leaves its diagnosis in the standing; the caller sees the API's own 401.
        self.token(loaded, Need::NewerThan(held.generation))
            .await
            .ok()
    }

    async fn send(
        &self,
        loaded: &Loaded,
        held: Option<&Held>,
        bare: Outgoing,
        redirects: Redirects,
        deadline: Instant,
    ) -> Result<Answer, CallError> {
        let credential = loaded.credential.as_ref().map_err(|_| {
            loaded.upstream(SendError::Malformed {
                host: host_of(&bare.url),
                detail: "no credential".to_owned(),
            })
        })?;
        let mut next = bare;
        let mut followed = 0;
        let home = Origin::of(&next.url);
        let mut away = false;
        loop {
            let mut outgoing = next.clone();
            if away {
                credential.detach(&mut outgoing.headers);
            } else {
                loaded.reach().check_origin(&outgoing.url)?;
                credential.attach(
                    held.map(|held| &held.header),
                    &mut outgoing.url,
                    &mut outgoing.headers,
                );
            }
            let limits = Limits {
                total: deadline
                    .saturating_duration_since(Instant::now())
                    .max(Duration::from_millis(1)),
                body: CALL_BODY_LIMIT,
            };
            let incoming = self
                .inner
                .http
                .exchange(&loaded.trust, outgoing, limits)
                .await
                .map_err(|error| loaded.upstream(error))?;
            let target = match redirects {
                Redirects::Follow => location(&incoming, &next.url),
                Redirects::Show => None,
            };
            let Some(target) = target else {
                return Ok(Answer {
                    incoming,
                    url: next.url,
                });
            };
            followed += 1;
            let blocked = |why| CallError::RedirectBlocked {
                connection: loaded.named.clone(),
                host: host_of(&target),
                why,
            };
            if followed > REDIRECT_LIMIT {
                return Err(blocked("there were more than five in a row"));
            }
            away = Origin::of(&target) != home;
            if away && !credential.is_none() {
                return Err(blocked("the credential must not go to another origin"));
            }
            if away
                && !loaded
                    .origins
                    .iter()
                    .any(|origin| Some(origin) == Origin::of(&target).as_ref())
            {
                return Err(blocked("it is not one of the connection's origins"));
            }
            next = redirected(next, incoming.status, target);
        }
    }

    /// Keeps what an API refused, so that it can be explained; forgets it once calls succeed.
    pub(crate) async fn note_call(&self, loaded: &Loaded, method: &Method, answer: &ApiResponse) {
        let known = loaded.connection.standing.last_failure.as_ref();
        let failure = match answer.status {
            401 | 403 => {
                let (code, message) = error_of(&answer.body);
                Some(CallFailure {
                    at: self.clock().now(),
                    method: method.to_string(),
                    host: answer.host.clone(),
                    path: answer.path.clone(),
                    status: answer.status,
                    code,
                    message,
                    request_id: answer.request_id.clone(),
                })
            }
            200..=399 if known.is_some() => None,
            _ => return,
        };
        if let (Some(new), Some(known)) = (&failure, known) {
            let same =
                new.status == known.status && new.code == known.code && new.path == known.path;
            if same && new.at.duration_since(known.at) < NOTE_AGAIN {
                return;
            }
        }
        let noted = self
            .stand(&loaded.connection, |standing, _| {
                standing.last_failure = failure;
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "a refused call could not be noted");
        }
    }

    /// The connection as calls need it, from memory where memory may be believed.
    pub(crate) async fn loaded(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Arc<Loaded>, CallError> {
        let key = known::key(name);
        let epoch = |id: &ConnectionId| self.inner.store.epoch(id);
        match self.inner.known.get(&key, epoch) {
            Memory::Yes(loaded) => return Ok(loaded),
            Memory::Compare(loaded) => {
                let stamp = self.stamp(&loaded.connection.id).await?;
                if loaded.is(stamp) {
                    return Ok(loaded);
                }
            }
            Memory::No => {}
        }
        let not_found = || CallError::NotFound {
            name: name.to_string(),
        };
        let connections = self.inner.store.connections();
        let found = connections.find(actor, name).await?.ok_or_else(not_found)?;
        let slot = self.inner.known.slot(&found.id);
        let _one_reads = slot.loading.lock().await;
        if let Memory::Yes(loaded) = self.inner.known.get(&key, epoch) {
            return Ok(loaded);
        }
        // Epoch and stamp first: what changes while reading makes the entry outdated, not wrong.
        let epoch = self.inner.store.epoch(&found.id);
        let stamp = self.stamp(&found.id).await?;
        let connection = connections
            .find_by_id(actor, &found.id)
            .await?
            .ok_or_else(not_found)?;
        let row = self.inner.store.tokens().read(&found.id).await?;
        let token = row.token.as_ref().and_then(Held::of);
        if let Some(held) = &token {
            slot.learn(held);
        }
        let settings = &connection.settings;
        let loaded = Arc::new(self.inner.known.entry(Parts {
            origins: origins(settings),
            trust: self.inner.clouds.trust(settings),
            rules: preset::rules(settings),
            credential: Credential::new(&settings.authentication, connection.secrets.as_ref()),
            generation: row.generation,
            token,
            epoch,
            stamp,
            connection,
        }));
        self.inner.known.put(&loaded);
        Ok(loaded)
    }

    async fn stamp(&self, id: &ConnectionId) -> Result<Option<Stamp>, store::Error> {
        self.inner
            .store
            .connections()
            .stamp(&Actor::system(), id)
            .await
    }
}

impl Loaded {
    pub(crate) fn reach(&self) -> Reach<'_> {
        Reach {
            connection: &self.named,
            settings: &self.connection.settings,
            origins: &self.origins,
        }
    }

    pub(crate) fn upstream(&self, error: SendError) -> CallError {
        CallError::Upstream {
            connection: self.named.clone(),
            error,
        }
    }
}

/// All origins that a credential may go to: the base URL's and the listed ones.
pub(crate) fn origins(settings: &store::Settings) -> Vec<Origin> {
    let mut origins: Vec<Origin> = settings.base_url.iter().filter_map(Origin::of).collect();
    for origin in &settings.origins {
        if !origins.contains(origin) {
            origins.push(origin.clone());
        }
    }
    origins
}

struct Answer {
    incoming: Incoming,
    url: Url,
}

impl Answer {
    fn into_response(
        self,
        loaded: &Loaded,
        echoes: &[&Secret],
        attempts: u32,
        token_generation: Option<i64>,
    ) -> ApiResponse {
        let Incoming {
            status,
            headers,
            body,
        } = self.incoming;
        let request_id = request_id(&headers);
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let body = parse_body(&content_type, redact_bytes(body, echoes));
        let headers = headers
            .iter()
            .filter(|(name, _)| **name != header::SET_COOKIE)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), redact_text(value, echoes))
            })
            .collect();
        ApiResponse {
            status: status.as_u16(),
            headers,
            body,
            request_id: request_id.map(|id| redact_text(id, echoes)),
            attempts,
            token_generation,
            connection: loaded.connection.id.clone(),
            host: host_of(&self.url),
            path: self.url.path().to_owned(),
        }
    }
}

/// JSON if it says so and is, text if it is readable, bytes otherwise.
fn parse_body(content_type: &str, body: Bytes) -> ResponseBody {
    if body.is_empty() {
        return ResponseBody::Empty;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if (essence == "application/json" || essence.ends_with("+json") || essence == "text/json")
        && let Ok(value) = serde_json::from_slice(&body)
    {
        return ResponseBody::Json(value);
    }
    let binary = [
        "image/",
        "audio/",
        "video/",
        "font/",
        "application/octet-stream",
        "application/zip",
        "application/pdf",
    ]
    .iter()
    .any(|kind| essence.starts_with(kind));
    match String::from_utf8(body.to_vec()) {
        Ok(text) if !binary => ResponseBody::Text(text),
        _ => ResponseBody::Bytes(body),
    }
}

/// The API's id for a request, by the names in use.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    [
        "request-id",
        "x-request-id",
        "x-ms-request-id",
        "x-correlation-id",
    ]
    .iter()
    .find_map(|name| headers.get(*name))
    .and_then(|value| value.to_str().ok())
    .map(str::to_owned)
}

/// Code and message of an error body, as Graph and many others write it.
fn error_of(body: &ResponseBody) -> (Option<String>, Option<String>) {
    let ResponseBody::Json(value) = body else {
        return (None, None);
    };
    let text = |value: &Value| {
        value.as_str().map(|text| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(500)
                .collect::<String>()
        })
    };
    let error = value.get("error").unwrap_or(value);
    (
        error.get("code").and_then(text).or_else(|| text(error)),
        error.get("message").and_then(text),
    )
}

/// Where an answer redirects to, if it does.
fn location(incoming: &Incoming, from: &Url) -> Option<Url> {
    if !matches!(incoming.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = incoming.headers.get(header::LOCATION)?.to_str().ok()?;
    let mut to = from.join(to).ok()?;
    to.set_fragment(None);
    Some(to)
}

/// The request that follows a redirect (RFC 9110 §15.4): 307 and 308 keep method and body.
fn redirected(mut request: Outgoing, status: StatusCode, target: Url) -> Outgoing {
    request.url = target;
    let keeps = matches!(status.as_u16(), 307 | 308)
        || matches!(request.method, Method::GET | Method::HEAD);
    if !keeps {
        request.method = Method::GET;
        request.body = Bytes::new();
        request.headers.remove(header::CONTENT_TYPE);
    }
    request
}

fn headers_and_body(
    connection: &Named,
    request: &ApiRequest,
) -> Result<(HeaderMap, Bytes), CallError> {
    let mut headers = HeaderMap::new();
    let forbidden = |header: &str, why| CallError::HeaderForbidden {
        connection: connection.clone(),
        header: header.to_owned(),
        why,
    };
    let typed = |content_type: &str| {
        HeaderValue::from_str(content_type)
            .map_err(|_| forbidden("Content-Type", "its value is not valid"))
    };
    let (content_type, body) = match &request.body {
        Body::Empty => (None, Bytes::new()),
        Body::Json(value) => (
            Some(HeaderValue::from_static("application/json")),
            Bytes::from(value.to_string()),
        ),
        Body::Form(pairs) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs);
            (
                Some(HeaderValue::from_static(
                    "application/x-www-form-urlencoded",
                )),
                Bytes::from(form.finish()),
            )
        }
        Body::Text { content_type, text } => (
            Some(typed(
                content_type
                    .as_deref()
                    .unwrap_or("text/plain; charset=utf-8"),
            )?),
            Bytes::from(text.clone()),
        ),
        Body::Bytes {
            content_type,
            bytes,
        } => (
            Some(typed(
                content_type
                    .as_deref()
                    .unwrap_or("application/octet-stream"),
            )?),
            bytes.clone(),
        ),
    };
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, */*;q=0.5"),
    );
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    let own: Vec<(HeaderName, HeaderValue)> = request
        .headers
        .iter()
        .map(|(name, value)| {
            if let Some(why) = forbidden_on_call(name) {
                return Err(forbidden(name, why));
            }
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| forbidden(name, "it is no header name (RFC 9110 token)"))?;
            let value = HeaderValue::from_str(value).map_err(|_| {
                forbidden(name, "its value holds line breaks or control characters")
            })?;
            Ok((parsed, value))
        })
        .collect::<Result<_, _>>()?;
    for (name, _) in &own {
        headers.remove(name);
    }
    for (name, value) in own {
        headers.append(name, value);
    }
    Ok((headers, body))
}

pub(crate) fn class_of(status: u16) -> &'static str {
    match status {
        0..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
