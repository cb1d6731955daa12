//! What goes out and what comes back: the types of a call, and their translation to and from HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use store::ConnectionId;

use crate::attempt::Attempt;
use crate::credential::forbidden_on_call;
use crate::error::{CallError, Named};
use crate::multipart::{FormData, Part, Piece};
use crate::retry::Retries;

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
    /// How often it is sent; `None`: as usual.
    pub retries: Option<Retries>,
    /// Until it must be answered, all its tries together, in place of the usual limits for the first byte and the whole; `None`: as usual.
    pub timeout: Option<Duration>,
    /// The token of whoever it is made for, where the connection calls in the name of others.
    pub on_behalf_of: Option<oauth::Secret>,
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
            retries: None,
            timeout: None,
            on_behalf_of: None,
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
    /// `multipart/form-data`: fields and files.
    Multipart(Vec<Part<Bytes>>),
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
    /// How often it was sent.
    pub attempts: u32,
    /// Which token it carried.
    pub token_generation: Option<i64>,
    /// The connection.
    pub connection: ConnectionId,
    /// Where it was sent, port included unless it is the usual one.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// Each time that it was sent.
    pub trail: Vec<Attempt>,
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

/// JSON if it says so and is, text if it is readable, bytes otherwise.
pub(crate) fn parse_body(content_type: &str, body: Bytes) -> ResponseBody {
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
pub(crate) fn error_of(body: &ResponseBody) -> (Option<String>, Option<String>) {
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

/// A header that a caller may not set, or can't be sent.
#[derive(Debug, thiserror::Error)]
#[error("header {header:?} may not be set on a call: {why}")]
pub(crate) struct HeaderRefused {
    header: String,
    why: &'static str,
}

/// Headers and body of a call through a connection, before the credential is on them.
pub(crate) fn headers_and_body(
    connection: &Named,
    request: &ApiRequest,
) -> Result<(HeaderMap, Bytes), CallError> {
    plain_headers_and_body(request).map_err(|refused| CallError::HeaderForbidden {
        connection: connection.clone(),
        header: refused.header,
        why: refused.why,
    })
}

/// A body as it is sent, and its type.
fn encoded(body: &Body) -> Result<(Option<HeaderValue>, Bytes), HeaderRefused> {
    let typed = |content_type: &str| {
        HeaderValue::from_str(content_type)
            .map_err(|_| forbidden("Content-Type", "its value is not valid"))
    };
    Ok(match body {
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
        Body::Multipart(parts) => {
            for content_type in parts.iter().filter_map(|part| part.content_type.as_deref()) {
                typed(content_type)?;
            }
            let form = FormData::new(parts.clone());
            let content_type = typed(&form.content_type())?;
            let pieces: Vec<Bytes> = form
                .into_pieces()
                .into_iter()
                .map(|piece| match piece {
                    Piece::Frame(bytes) | Piece::Content(bytes) => bytes,
                })
                .collect();
            (Some(content_type), pieces.concat().into())
        }
    })
}

fn forbidden(header: &str, why: &'static str) -> HeaderRefused {
    HeaderRefused {
        header: header.to_owned(),
        why,
    }
}

/// Headers and body as they are sent, before a credential is on them.
pub(crate) fn plain_headers_and_body(
    request: &ApiRequest,
) -> Result<(HeaderMap, Bytes), HeaderRefused> {
    let mut headers = HeaderMap::new();
    let (content_type, body) = encoded(&request.body)?;
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
            if matches!(request.body, Body::Multipart(_))
                && name.eq_ignore_ascii_case(header::CONTENT_TYPE.as_str())
            {
                return Err(forbidden(name, "multipart/form-data brings its own"));
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

/// A status by its first digit, for counting.
pub(crate) fn class_of(status: u16) -> &'static str {
    match status {
        0..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> ResponseBody {
        parse_body("application/json; charset=utf-8", body.to_owned().into())
    }

    #[test]
    fn json_that_is_none_is_text_and_odd_keys_are_data() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for text in [
            "NaN".to_owned(),
            "[Infinity]".to_owned(),
            r#""\ud800""#.to_owned(),
            "9".repeat(1_000_000),
            "1e400".to_owned(),
            deep(129),
            "{\"a\":1} x".to_owned(),
        ] {
            let shown = &text[..text.len().min(20)];
            assert_eq!(parsed(&text), ResponseBody::Text(text.clone()), "{shown}");
        }
        assert!(matches!(parsed(&deep(127)), ResponseBody::Json(_)));
        // Of a key that is there twice the last counts, as in most parsers (RFC 8259 §4).
        let odd = parsed(r#"{"a":1,"__proto__":{"x":1},"constructor":null,"a":2}"#);
        assert_eq!(
            odd,
            ResponseBody::Json(
                serde_json::json!({ "a": 2, "__proto__": { "x": 1 }, "constructor": null })
            )
        );
    }

    #[test]
    fn a_body_is_what_it_says_and_can_be() {
        let body = |kind: &str, bytes: &'static [u8]| parse_body(kind, Bytes::from_static(bytes));
        let text = |text: &str| ResponseBody::Text(text.to_owned());
        assert_eq!(body("application/xml", b"<a/>"), text("<a/>"));
        assert_eq!(body("text/html", b"<script>"), text("<script>"));
        assert_eq!(
            body("image/svg+xml", b"<svg/>"),
            ResponseBody::Bytes("<svg/>".into())
        );
        assert_eq!(
            body("application/xml", b"\xe9"),
            ResponseBody::Bytes(Bytes::from_static(b"\xe9"))
        );
        assert_eq!(body("application/json", b""), ResponseBody::Empty);
        assert_eq!(
            body("application/problem+json", b"1"),
            ResponseBody::Json(1.into())
        );
    }
}
