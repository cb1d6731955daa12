//! JSON batching of Graph (`$batch`): independent calls, up to twenty in one request, each with an answer of its own.
//!
//! The request that carries them is a call like any other: token, budget and room are `call.rs`. What is throttled or in
//! trouble is sent again with others of its kind, after the time that its own answer names.

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use store::{Actor, ConnectionName, Origin, PresetName};
use tokio::time::Instant;

use crate::Connector;
use crate::attempt::{Attempt, Why};
use crate::call::chance;
use crate::error::CallError;
use crate::http::{SendError, host_of};
use crate::known::Loaded;
use crate::message::{
    ApiRequest, ApiResponse, Body, Redirects, ResponseBody, headers_and_body, request_id,
};
use crate::preset::entra;
use crate::retry::{Ended, Retried, Retries};

/// How many calls Graph takes in one request.
pub const BATCH_SIZE: usize = 20;

/// What became of one call of a batch.
type Answered = Result<ApiResponse, CallError>;

/// A call that is still to be answered.
struct Waiting {
    /// Its place among the calls.
    at: usize,
    method: Method,
    version: &'static str,
    url: String,
    headers: HeaderMap,
    body: Option<Value>,
    retries: Retries,
    why: Why,
    trail: Vec<Attempt>,
}

impl Connector {
    /// Makes independent calls, twenty in one request, and answers them in their order.
    ///
    /// A call that can't be sent, or whose request got no answer, has an error of its own.
    pub async fn batch(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        requests: Vec<ApiRequest>,
    ) -> Result<Vec<Answered>, CallError> {
        let loaded = self.loaded(actor, name).await?;
        if loaded.connection.settings.preset != PresetName::MicrosoftGraph {
            return Err(CallError::BatchUnsupported {
                connection: loaded.named.clone(),
            });
        }
        let begun = Instant::now();
        let mut answers: Vec<Option<Answered>> = requests.iter().map(|_| None).collect();
        let mut round = Vec::with_capacity(requests.len());
        for (at, request) in requests.into_iter().enumerate() {
            match waiting(&loaded, at, &request) {
                Ok(waiting) => round.push(waiting),
                Err(error) => {
                    self.audit_call(actor, &error).await;
                    answers[at] = Some(Err(error));
                }
            }
        }
        while !round.is_empty() {
            let mut again = Vec::new();
            let mut pause = Duration::ZERO;
            // What is under one version goes into one request.
            round.sort_by_key(|waiting| waiting.version);
            while let Some(version) = round.first().map(|waiting| waiting.version) {
                let size = round
                    .iter()
                    .take(BATCH_SIZE)
                    .take_while(|waiting| waiting.version == version)
                    .count();
                let calls: Vec<Waiting> = round.drain(..size).collect();
                for (waiting, outcome) in self.send_batch(actor, name, begun, calls).await {
                    match self.pause_of(&loaded, &waiting, &outcome) {
                        Some((longer, why)) => {
                            pause = pause.max(longer);
                            again.push(Waiting { why, ..waiting });
                        }
                        None => answers[waiting.at] = Some(outcome),
                    }
                }
            }
            if !again.is_empty() {
                tokio::time::sleep(pause).await;
            }
            round = again;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Sends calls in one request, and finds each its answer.
    async fn send_batch(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        begun: Instant,
        mut calls: Vec<Waiting>,
    ) -> Vec<(Waiting, Answered)> {
        let Some(first) = calls.first() else {
            return Vec::new();
        };
        let mut request = ApiRequest::new(Method::POST, format!("{}/$batch", first.version));
        let entries: Vec<Value> = calls.iter().map(Waiting::entry).collect();
        request.body = Body::Json(json!({ "requests": entries }));
        let repeatable = calls.iter().all(Waiting::may_repeat);
        request.retries = Some(Retries {
            attempts: if repeatable {
                first.retries.attempts
            } else {
                1
            },
            methods: Retried::All,
        });
        let offset = begun.elapsed();
        let fetched = match self.fetch(actor, name, request).await {
            Ok(fetched) => fetched,
            Err(error) => {
                let failed = |waiting| (waiting, Err(error.clone()));
                return calls.into_iter().map(failed).collect();
            }
        };
        let loaded = std::sync::Arc::clone(&fetched.loaded);
        let body = fetched.parsed();
        let head = fetched.into_head();
        let mut responses = responses(&body);
        calls
            .drain(..)
            .map(|mut waiting| {
                let part = if head.status == 200 {
                    responses.remove(&waiting.at.to_string())
                } else {
                    // The batch was refused as a whole: so was each of its calls.
                    Some(PartAnswer {
                        status: StatusCode::from_u16(head.status).unwrap_or_default(),
                        headers: header_map(
                            head.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())),
                        ),
                        body: body.clone(),
                    })
                };
                let outcome = match part {
                    Some(part) => Ok(waiting.answered(&loaded, &head, part, offset)),
                    None => Err(loaded.upstream(SendError::Malformed {
                        host: head.host.clone(),
                        detail: "a call of the batch has no answer".to_owned(),
                    })),
                };
                (waiting, outcome)
            })
            .collect()
    }

    /// How long to pause before a call is sent again, and why; `None`: its answer stands.
    fn pause_of(
        &self,
        loaded: &Loaded,
        waiting: &Waiting,
        outcome: &Answered,
    ) -> Option<(Duration, Why)> {
        let answer = outcome.as_ref().ok()?;
        let status = StatusCode::from_u16(answer.status).ok()?;
        let fields = answer.headers.iter();
        let headers = header_map(fields.map(|(name, value)| (name.as_str(), value.as_str())));
        loaded.heed(status, &headers, self.clock());
        let pause = waiting.retries.pause(
            &waiting.method,
            u32::try_from(waiting.trail.len()).unwrap_or(u32::MAX),
            Ended::Answered(status, &headers),
            (self.inner.http.timeouts.total, self.clock().now()),
            chance(),
        )?;
        let why = if status == StatusCode::TOO_MANY_REQUESTS {
            Why::Throttled
        } else {
            Why::Unavailable
        };
        Some((pause, why))
    }
}

/// An answer of a part, as the batch has it.
struct PartAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: ResponseBody,
}

impl Waiting {
    /// The call as Graph takes it.
    fn entry(&self) -> Value {
        let mut entry = json!({
            "id": self.at.to_string(),
            "method": self.method.as_str(),
            "url": self.url,
        });
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
            .collect();
        entry["headers"] = Value::Object(headers);
        if let Some(body) = &self.body {
            entry["body"] = body.clone();
        }
        entry
    }

    fn may_repeat(&self) -> bool {
        self.retries.methods == Retried::All || self.method.is_idempotent()
    }

    /// The answer of this call, with what is known of the request that carried it.
    fn answered(
        &mut self,
        loaded: &Loaded,
        head: &ApiResponse,
        part: PartAnswer,
        offset: Duration,
    ) -> ApiResponse {
        let carried = head.trail.last();
        let id = request_id(&part.headers);
        let begun = carried.map_or(0, |attempt| attempt.begun_ms);
        let attempt = Attempt {
            why: self.why,
            begun_ms: begun + u64::try_from(offset.as_millis()).unwrap_or(u64::MAX),
            took_ms: carried.map_or(0, |attempt| attempt.took_ms),
            status: Some(part.status.as_u16()),
            code: None,
            token_generation: head.token_generation,
            token_expires_at: carried.and_then(|attempt| attempt.token_expires_at),
            token_renewed: carried.is_some_and(|attempt| attempt.token_renewed),
            request_id: id.clone(),
        };
        self.trail.push(attempt);
        let base = loaded.connection.settings.base_url.as_ref();
        ApiResponse {
            status: part.status.as_u16(),
            headers: part
                .headers
                .iter()
                .filter(|(name, _)| **name != http::header::SET_COOKIE)
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.to_string(), value)
                })
                .collect(),
            body: part.body,
            request_id: id,
            attempts: u32::try_from(self.trail.len()).unwrap_or(u32::MAX),
            token_generation: head.token_generation,
            connection: head.connection.clone(),
            host: base.map_or_else(|| head.host.clone(), host_of),
            path: format!(
                "{}{}",
                self.version,
                self.url.split('?').next().unwrap_or_default()
            ),
            trail: self.trail.clone(),
        }
    }
}

/// A call ready for a batch, or why it can't be in one.
fn waiting(loaded: &Loaded, at: usize, request: &ApiRequest) -> Result<Waiting, CallError> {
    let refused = |why: &str| CallError::TargetInvalid {
        connection: loaded.named.clone(),
        why: why.to_owned(),
    };
    let url = loaded.reach().resolve(&request.target, &request.query)?;
    let base = loaded.connection.settings.base_url.as_ref();
    let version = entra::VERSIONS
        .into_iter()
        .find(|version| {
            url.path()
                .strip_prefix(version)
                .is_some_and(|rest| rest.starts_with('/'))
        })
        .filter(|_| base.is_some_and(|base| Origin::of(base) == Origin::of(&url)))
        .ok_or_else(|| refused("a batch goes to /v1.0 or /beta of the connection's own cloud"))?;
    if request.redirects == Redirects::Follow {
        return Err(refused("redirects are not followed in a batch"));
    }
    if request.on_behalf_of.is_some() {
        return Err(refused(
            "all calls of a batch carry one token: make calls in somebody's name one by one",
        ));
    }
    if request.timeout.is_some() {
        return Err(refused("the calls of a batch have no timeout of their own"));
    }
    let body = match &request.body {
        Body::Empty => None,
        Body::Json(value) => Some(value.clone()),
        _ => return Err(refused("a batch carries JSON bodies alone")),
    };
    let (headers, _) = headers_and_body(&loaded.named, request)?;
    Ok(Waiting {
        at,
        method: request.method.clone(),
        version,
        url: url[url::Position::BeforePath..url::Position::AfterQuery]
            .trim_start_matches(version)
            .to_owned(),
        headers,
        body,
        retries: request.retries.unwrap_or_default(),
        why: Why::Called,
        trail: Vec::new(),
    })
}

/// The answers of a batch by the ids of their calls.
fn responses(body: &ResponseBody) -> HashMap<String, PartAnswer> {
    let ResponseBody::Json(value) = body else {
        return HashMap::new();
    };
    let responses = value["responses"].as_array().into_iter().flatten();
    responses
        .filter_map(|response| {
            let status = u16::try_from(response["status"].as_u64()?).ok()?;
            let fields = response["headers"].as_object().into_iter().flatten();
            let fields = fields.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
            let answer = PartAnswer {
                status: StatusCode::from_u16(status).ok()?,
                headers: header_map(fields),
                body: match &response["body"] {
                    Value::Null => ResponseBody::Empty,
                    Value::String(text) => ResponseBody::Text(text.clone()),
                    value => ResponseBody::Json(value.clone()),
                },
            };
            Some((response["id"].as_str()?.to_owned(), answer))
        })
        .collect()
}

/// Fields that were written as JSON; what is no header is left out.
fn header_map<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    fields
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}
