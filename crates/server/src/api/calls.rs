//! `POST /api/v1/connections/{name}/call`: one call through a connection, request and answer as JSON.
//!
//! Whatever the API answers, a 4xx or 5xx too, is a 200 here with its status
//! inside; a problem means that there was no answer. For streaming there is
//! `/proxy`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::Json as Answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use connect::{
    ATTEMPTS_LIMIT, ApiRequest, ApiResponse, Begun, Body, Part, Redirects, ResponseBody, Retried,
    Retries, TIMEOUT_LIMIT,
};
use http::Method;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use store::ConnectionName;
use utoipa::ToSchema;

use super::{Name, Refusals, schema};
use crate::access::Operator;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// A call to make. At most one of `body`, `form`, `text`, `bytes` and `multipart`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// Any HTTP method; the standard ones in capitals or not.
    #[schema(example = "GET")]
    method: String,
    /// A path below the base URL, one that begins with the API's version, or an absolute URL of an allowed origin.
    #[schema(example = "/users")]
    path: String,
    /// Added to the query of `path`: an object of texts or lists of texts, or a list of pairs.
    #[serde(default)]
    #[schema(value_type = Object)]
    query: Pairs,
    /// Request headers; those that belong to the connection or the wire are refused.
    #[serde(default)]
    #[schema(value_type = Object)]
    headers: Pairs,
    /// Sent as JSON: any value, `null` included.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    body: Option<Value>,
    /// Sent as `application/x-www-form-urlencoded`.
    #[schema(value_type = Option<Object>)]
    form: Option<Pairs>,
    /// Sent as text, of the given content type or `text/plain`.
    text: Option<String>,
    /// Base64, sent as bytes, of the given content type or `application/octet-stream`.
    #[schema(format = Byte)]
    bytes: Option<String>,
    /// Sent as `multipart/form-data`: fields, and files where there is a file name.
    multipart: Option<Vec<FormPart>>,
    /// The token of whoever the call is made for, where the connection calls in the name of others (`on_behalf_of`, `token_exchange`).
    #[schema(format = Password)]
    on_behalf_of: Option<String>,
    /// Whether to follow redirects (at most five, with the credential only on the same origin).
    #[serde(default)]
    follow: bool,
    /// Seconds until the call must be answered, all its tries together; left out: as the server is configured (30 s to the first byte, 120 s in all).
    #[schema(minimum = 1, maximum = 3600)]
    timeout: Option<u64>,
    /// How often to send; left out: three times, and only what may be sent twice.
    retry: Option<Retry>,
}

/// A field or file of a form. One of `text` and `bytes`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FormPart {
    /// The field's name.
    name: String,
    /// What the file is called; left out: it is a field.
    filename: Option<String>,
    /// The content's type; left out: none for a field, `application/octet-stream` for a file.
    content_type: Option<String>,
    /// The content.
    text: Option<String>,
    /// The content, in base64.
    #[schema(format = Byte)]
    bytes: Option<String>,
}

/// When a call is sent again: after 429, 503, 504 and trouble on the wire.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Retry {
    /// How often it is sent at most.
    #[schema(minimum = 1, maximum = 10)]
    attempts: u32,
    /// Which methods are sent again; left out: `idempotent`.
    #[serde(default)]
    methods: RetriedMethods,
}

/// Which methods are sent again.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RetriedMethods {
    /// Those that mean the same when they are sent twice.
    #[default]
    Idempotent,
    /// All: twice does no harm.
    All,
}

impl RequestBody for Call {
    const FREE: Option<&'static str> = Some("body");
    const OBJECTS: &'static [&'static str] = &["retry"];
}

/// A field that is there, even if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What the API answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallAnswer {
    /// The API's HTTP status.
    status: u16,
    /// The API's headers; repeated ones are joined by a comma.
    headers: BTreeMap<String, String>,
    /// The body, as `body_encoding` says.
    body: Value,
    /// `json`: as it is; `text`: a string; `base64`: bytes as a string; `empty`: null.
    body_encoding: BodyEncoding,
    /// The API's own name for the request.
    request_id: Option<String>,
    /// How often it was sent.
    attempts: u32,
    /// Which token of the connection it carried.
    token_generation: Option<i64>,
    /// Where it was sent, port included unless it is the usual one.
    host: String,
    /// The path that was asked for there, without the query.
    path: String,
    /// Each time that it was sent.
    trail: Vec<Attempt>,
}

/// One time that a call was sent.
#[derive(Serialize, ToSchema)]
pub(super) struct Attempt {
    /// `called`, or why it was sent again: `token_refused`, `throttled`, `unavailable` or `network`.
    why: Why,
    /// Milliseconds from the beginning of the call until this time began.
    begun_ms: u64,
    /// Milliseconds until it had ended, waiting in line included.
    took_ms: u64,
    /// The API's HTTP status, if it answered.
    status: Option<u16>,
    /// What went wrong if it did not.
    code: Option<&'static str>,
    /// Which token it carried.
    token_generation: Option<i64>,
    /// Until when that token is good.
    token_expires_at: Option<Timestamp>,
    /// Whether that token came while the call waited: there was none that was still good, or it was refused.
    token_renewed: bool,
    /// The API's own name for the request.
    request_id: Option<String>,
}

/// Why a call was sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Why {
    /// Somebody called.
    Called,
    /// The token was refused and renewed.
    TokenRefused,
    /// The API said that it was too much.
    Throttled,
    /// The API was in trouble.
    Unavailable,
    /// No answer came.
    Network,
}

impl From<connect::Attempt> for Attempt {
    fn from(attempt: connect::Attempt) -> Attempt {
        Attempt {
            why: match attempt.why {
                connect::Why::Called => Why::Called,
                connect::Why::TokenRefused => Why::TokenRefused,
                connect::Why::Throttled => Why::Throttled,
                connect::Why::Unavailable => Why::Unavailable,
                connect::Why::Network => Why::Network,
            },
            begun_ms: attempt.begun_ms,
            took_ms: attempt.took_ms,
            status: attempt.status,
            code: attempt.code,
            token_generation: attempt.token_generation,
            token_expires_at: attempt.token_expires_at,
            token_renewed: attempt.token_renewed,
            request_id: attempt.request_id,
        }
    }
}

/// How a body stands in JSON.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BodyEncoding {
    Json,
    Text,
    Base64,
    Empty,
}

impl From<ApiResponse> for CallAnswer {
    fn from(response: ApiResponse) -> CallAnswer {
        let (body_encoding, body) = match response.body {
            ResponseBody::Json(value) => (BodyEncoding::Json, value),
            ResponseBody::Text(text) => (BodyEncoding::Text, Value::String(text)),
            ResponseBody::Bytes(bytes) => {
                (BodyEncoding::Base64, Value::String(STANDARD.encode(bytes)))
            }
            ResponseBody::Empty => (BodyEncoding::Empty, Value::Null),
        };
        let mut headers = BTreeMap::new();
        for (name, value) in response.headers {
            headers
                .entry(name)
                .and_modify(|all: &mut String| *all = format!("{all}, {value}"))
                .or_insert(value);
        }
        CallAnswer {
            status: response.status,
            headers,
            body,
            body_encoding,
            request_id: response.request_id,
            attempts: response.attempts,
            token_generation: response.token_generation,
            host: response.host,
            path: response.path,
            trail: response.trail.into_iter().map(Attempt::from).collect(),
        }
    }
}

/// Names with values, in order: from `{"a": "1", "b": ["2", "3"]}` or `[["a", "1"], ["b", "2"]]`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        deserializer.deserialize_any(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts or lists of texts, or a list of pairs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            let Texts(values) = entries.next_value()?;
            pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
        }
        Ok(Pairs(pairs))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = items.next_element()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// One text or a list of texts.
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }
}

/// A method as it is sent: the standard's (RFC 9110 §9, RFC 5789) in capitals however they are written, as the command
/// line does; any other to the letter.
fn method(text: &str) -> Option<Method> {
    let standard = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    standard
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(text))
        .or_else(|| Method::from_bytes(text.as_bytes()).ok())
}

impl Call {
    pub(super) fn into_request(self) -> Result<ApiRequest, Problem> {
        let method = method(&self.method)
            .filter(|method| *method != Method::CONNECT)
            .ok_or_else(|| invalid("/method", "this is not an HTTP method that can be called"))?;
        let mut headers = self.headers.0;
        let given = (self.body, self.form, self.text, self.bytes, self.multipart);
        let body = body(given, &mut headers)?;
        let retries = self
            .retry
            .map(|retry| {
                if !(1..=ATTEMPTS_LIMIT).contains(&retry.attempts) {
                    return Err(invalid("/retry/attempts", "it must be from 1 to 10"));
                }
                let methods = match retry.methods {
                    RetriedMethods::Idempotent => Retried::Idempotent,
                    RetriedMethods::All => Retried::All,
                };
                Ok(Retries {
                    attempts: retry.attempts,
                    methods,
                })
            })
            .transpose()?;
        let timeout = self.timeout.map(Duration::from_secs);
        if timeout.is_some_and(|given| given.is_zero() || given > TIMEOUT_LIMIT) {
            return Err(invalid("/timeout", "it must be from 1 to 3600 seconds"));
        }
        let redirects = if self.follow {
            Redirects::Follow
        } else {
            Redirects::Show
        };
        Ok(ApiRequest {
            method,
            target: self.path,
            query: self.query.0,
            headers,
            body,
            redirects,
            retries,
            timeout,
            on_behalf_of: self.on_behalf_of.map(oauth::Secret::new),
        })
    }
}

fn invalid(field: &str, detail: &str) -> Problem {
    Problem::new("body.invalid", detail).field(field)
}

/// The five ways to give a body.
type Given = (
    Option<Value>,
    Option<Pairs>,
    Option<String>,
    Option<String>,
    Option<Vec<FormPart>>,
);

/// The one body that was given; the content type moves from the headers to a text or bytes.
fn body(given: Given, headers: &mut Vec<(String, String)>) -> Result<Body, Problem> {
    let mut content_type = || {
        let is_type =
            |(name, _): &(String, String)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
        headers
            .iter()
            .position(is_type)
            .map(|index| headers.remove(index).1)
    };
    match given {
        (None, None, None, None, None) => Ok(Body::Empty),
        (Some(value), None, None, None, None) => Ok(Body::Json(value)),
        (None, Some(form), None, None, None) => Ok(Body::Form(form.0)),
        (None, None, Some(text), None, None) => Ok(Body::Text {
            content_type: content_type(),
            text,
        }),
        (None, None, None, Some(text), None) => Ok(Body::Bytes {
            content_type: content_type(),
            bytes: decoded(&text, "/bytes")?,
        }),
        (None, None, None, None, Some(parts)) => parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| part.into_part(at))
            .collect::<Result<_, _>>()
            .map(Body::Multipart),
        _ => Err(invalid(
            "",
            "a call has at most one of `body`, `form`, `text`, `bytes` and `multipart`",
        )),
    }
}

fn decoded(text: &str, field: &str) -> Result<Bytes, Problem> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| invalid(field, "this is not base64"))?;
    Ok(bytes.into())
}

impl FormPart {
    fn into_part(self, at: usize) -> Result<Part<Bytes>, Problem> {
        let content = match (self.text, self.bytes) {
            (Some(text), None) => Bytes::from(text),
            (None, Some(text)) => decoded(&text, &format!("/multipart/{at}/bytes"))?,
            _ => {
                return Err(invalid(
                    &format!("/multipart/{at}"),
                    "a part has one of `text` and `bytes`",
                ));
            }
        };
        Ok(Part {
            name: self.name,
            filename: self.filename,
            content_type: self.content_type,
            content,
        })
    }
}

impl Operator {
    async fn call(
        &self,
        name: &ConnectionName,
        request: ApiRequest,
    ) -> Result<ApiResponse, Problem> {
        let app = self.app();
        let begun = Begun::new(
            app.clock().now(),
            self.actor(),
            &request.method,
            &request.target,
        );
        let answered = app.connector().call(self.actor(), name, request).await;
        let record = match &answered {
            Ok(response) => Some(begun.answered(response)),
            Err(error) => begun.failed(error),
        };
        app.connector().calls().record(record);
        answered.map_err(|error| Problem::from_call(app, name, &error))
    }
}

/// Calls an API through a connection.
#[utoipa::path(post, path = "/api/v1/connections/{name}/call", tag = "calls", operation_id = "call", params(schema::NameParameter),
    request_body = Call, responses((status = 200, body = CallAnswer), Refusals))]
pub(crate) async fn call(
    operator: Operator,
    Name(name): Name,
    Json(call): Json<Call>,
) -> Result<Answer<CallAnswer>, Problem> {
    let response = operator.call(&name, call.into_request()?).await?;
    Ok(Answer(response.into()))
}

#[cfg(test)]
mod tests;
