//! What the sender of a message is answered: that it is stored, or what the run says.
//!
//! A flow chooses status, body and some headers. It can't set cookies of this address, nor take off what keeps a
//! browser from running its answer.

use axum::body::Body;
use axum::response::Response;
use engine::{Outcome, Reply, Started};
use flow::definition::catalog::BODILESS;
use http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::problem::Problem;

/// What a flow answers is data: a browser that opens it neither runs nor embeds it.
const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");
/// Header fields that a flow may set, beside those that begin with `x-`, `ce-` or `webhook-`.
const HEADERS: [&str; 10] = [
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "retry-after",
];
/// Among those that begin so: what browsers and proxies act on.
const KEPT: [&str; 3] = [
    "x-content-type-options",
    "x-frame-options",
    "x-accel-redirect",
];

/// The message is stored, now or before.
pub(super) fn accepted(started: &Started) -> Response {
    let (status, said) = match started {
        Started::Now(_) => (StatusCode::ACCEPTED, "accepted"),
        Started::Before(_) => (StatusCode::OK, "duplicate"),
    };
    data(status, &json!({ "run": started.run(), "status": said }))
}

/// What became of the run within the time that its hook waits.
pub(super) fn of(started: &Started, outcome: Outcome) -> Result<Response, Problem> {
    match outcome {
        Outcome::Pending => Ok(accepted(started)),
        Outcome::Completed(output) => Ok(data(StatusCode::OK, &output)),
        Outcome::Replied(reply) => Ok(replied(reply)),
        // what went wrong inside is for those who may see the run
        Outcome::Faulted(_) | Outcome::Cancelled => Err(Problem::new(
            "webhook.run_failed",
            format!("run {} did not come to its end", started.run()),
        )),
    }
}

fn data(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    guard(response.headers_mut());
    response
}

fn replied(reply: Reply) -> Response {
    let (content_type, body) = match reply.body {
        _ if BODILESS.contains(&reply.status) => (None, Body::empty()),
        Value::Null => (None, Body::empty()),
        Value::String(text) => (Some("text/plain; charset=utf-8"), Body::from(text)),
        body => (Some("application/json"), Body::from(body.to_string())),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value))
            && is_allowed(name.as_str())
        {
            headers.insert(name, value);
        }
    }
    guard(headers);
    response
}

fn guard(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    headers
        .entry(CONTENT_DISPOSITION)
        .or_insert(HeaderValue::from_static("attachment"));
}

fn is_allowed(name: &str) -> bool {
    let own = ["x-", "ce-", "webhook-"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    HEADERS.contains(&name) || (own && !KEPT.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_sets_what_describes_its_answer_only() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let response = replied(Reply {
            status: 201,
            headers: vec![
                header("Content-Type", "text/html"),
                header("X-Ticket", "7"),
                header("Set-Cookie", "keyway-session=x"),
                header("Content-Security-Policy", "default-src *"),
                header("X-Frame-Options", "ALLOWALL"),
                header("Transfer-Encoding", "chunked"),
                header("Strict-Transport-Security", "max-age=0"),
            ],
            body: Value::from("<script>alert(1)</script>"),
        });
        assert_eq!(response.status(), 201);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "text/html");
        assert_eq!(headers["x-ticket"], "7");
        assert_eq!(headers[CONTENT_SECURITY_POLICY], SANDBOX);
        assert_eq!(headers[CONTENT_DISPOSITION], "attachment");
        assert_eq!(headers.len(), 4, "{headers:?}");
    }

    #[test]
    fn what_has_no_content_is_sent_without() {
        for status in [204, 205, 304] {
            let response = replied(Reply {
                status,
                headers: Vec::new(),
                body: Value::from("gone"),
            });
            assert_eq!(response.status(), status);
            assert!(!response.headers().contains_key(CONTENT_TYPE));
            let size = axum::body::HttpBody::size_hint(response.body()).exact();
            assert_eq!(size, Some(0));
        }
    }

    #[test]
    fn a_body_is_text_json_or_nothing() {
        for (body, expected) in [
            (Value::Null, None),
            (Value::from("a"), Some("text/plain; charset=utf-8")),
            (json!({ "a": 1 }), Some("application/json")),
            (json!(1), Some("application/json")),
        ] {
            let response = replied(Reply {
                status: 200,
                headers: Vec::new(),
                body,
            });
            let found = response.headers().get(CONTENT_TYPE);
            assert_eq!(found.map(|value| value.to_str().unwrap()), expected);
        }
    }
}
