//! What a message is to a flow: `{hook, id, method, headers, query, body}`.
//!
//! The flow says how the body is read, never the sender. Of the headers it sees those that describe the message;
//! credentials and what proxies add stay out of the history.

use axum::body::Body;
use axum::response::Response;
use flow::definition::schedule::{Webhook, WebhookAuthentication};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::problem::Problem;

/// How long the token of Graph's handshake may be.
const LONGEST_TOKEN: usize = 1024;
/// Header fields that a flow sees, beside those that begin with one of [`PREFIXES`].
const HEADERS: [&str; 5] = [
    "content-type",
    "idempotency-key",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
];
const PREFIXES: [&str; 2] = ["ce-", "x-"];
/// What a header's name never holds that a flow sees: credentials, and what says who came by which proxy.
const HIDDEN: [&str; 9] = [
    "auth",
    "cookie",
    "forwarded",
    "key",
    "password",
    "real-ip",
    "secret",
    "signature",
    "token",
];

/// Graph's question whether the address is ours: its token goes back as plain text, and nothing else happens.
pub(super) fn validation(query: Option<&str>) -> Result<Option<Response>, Problem> {
    let mut given = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(name, _)| name == "validationToken");
    let Some((_, token)) = given.next() else {
        return Ok(None);
    };
    if token.is_empty() || token.len() > LONGEST_TOKEN || given.next().is_some() {
        let detail =
            format!("a validation token has 1 to {LONGEST_TOKEN} bytes, and stands there once");
        return Err(Problem::new("webhook.validation_token", detail).field("validationToken"));
    }
    let mut response = Response::new(Body::from(token.into_owned()));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(Some(response))
}

/// Whether a message is declared as what the flow reads, in UTF-8.
pub(super) fn is_of_type(declared: &HeaderValue, wanted: &str) -> bool {
    let mut parts = declared.to_str().unwrap_or_default().split(';');
    let named = parts
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted));
    named
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// The input of the run that a message starts.
pub(super) fn input(
    webhook: &Webhook,
    parts: &Parts,
    id: Option<&str>,
    body: &[u8],
) -> Result<Value, Problem> {
    let mut body = if body.is_empty() && !parts.headers.contains_key(CONTENT_TYPE) {
        Value::Null
    } else {
        read(&webhook.content_type, body)?
    };
    if let WebhookAuthentication::GraphNotification(_) = webhook.authentication {
        without_client_state(&mut body);
    }
    Ok(json!({
        "hook": webhook.name,
        "id": id,
        "method": parts.method.as_str(),
        "headers": headers(&parts.headers),
        "query": pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        "body": body,
    }))
}

fn read(content_type: &str, body: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::new("body.invalid", "the message is not UTF-8"))?;
    match content_type {
        "text/plain" => Ok(Value::from(text)),
        "application/x-www-form-urlencoded" => Ok(pairs(body)),
        _ => serde_json::from_str(text).map_err(|error| {
            let detail = format!(
                "the message is not acceptable JSON: line {} column {}",
                error.line(),
                error.column()
            );
            Problem::new("body.invalid", detail)
        }),
    }
}

/// Names and values; what is there more than once becomes a list.
fn pairs(text: &[u8]) -> Value {
    let mut found = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        let value = Value::from(value.into_owned());
        match found.get_mut(name.as_ref()) {
            None => {
                found.insert(name.into_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(found)
}

fn headers(headers: &HeaderMap) -> Value {
    let shown = headers.keys().filter(|name| is_shown(name.as_str()));
    let shown = shown.filter_map(|name| {
        let values = headers.get_all(name).iter();
        let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| (name.to_string(), Value::from(values.join(", "))))
    });
    Value::Object(shown.collect())
}

fn is_shown(name: &str) -> bool {
    HEADERS.contains(&name)
        || (PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            && !HIDDEN.iter().any(|hidden| name.contains(hidden)))
}

/// It proved where the message comes from; from here on it is a secret that nobody needs.
fn without_client_state(body: &mut Value) {
    let notifications = body.get_mut("value").and_then(Value::as_array_mut);
    for notification in notifications.into_iter().flatten() {
        if let Some(members) = notification.as_object_mut() {
            members.remove("clientState");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_of_the_declared_type_or_not() {
        for (declared, wanted, good) in [
            ("application/json", "application/json", true),
            ("Application/JSON; charset=UTF-8", "application/json", true),
            (
                "application/json; charset=utf-16",
                "application/json",
                false,
            ),
            ("application/json-seq", "application/json", false),
            ("multipart/form-data; boundary=x", "application/json", false),
            ("application/json", "text/plain", false),
            ("", "application/json", false),
            ("text/plain;charset=\"utf-8\"", "text/plain", true),
        ] {
            let declared = HeaderValue::from_static(declared);
            assert_eq!(is_of_type(&declared, wanted), good, "{declared:?}");
        }
    }

    #[test]
    fn a_flow_sees_what_describes_the_message() {
        for (name, shown) in [
            ("content-type", true),
            ("webhook-id", true),
            ("x-github-event", true),
            ("ce-type", true),
            ("x-request-id", true),
            ("authorization", false),
            ("cookie", false),
            ("webhook-signature", false),
            ("x-hub-signature-256", false),
            ("x-api-key", false),
            ("x-gitlab-token", false),
            ("x-forwarded-for", false),
            ("x-real-ip", false),
            ("host", false),
        ] {
            assert_eq!(is_shown(name), shown, "{name}");
        }
    }

    #[test]
    fn bodies_are_read_as_the_flow_says() {
        let form = "application/x-www-form-urlencoded";
        for (content_type, body, expected) in [
            (
                "application/json",
                &b"{\"a\":[1]}"[..],
                Some(json!({ "a": [1] })),
            ),
            ("application/json", b"", None),
            ("application/json", b"{\"a\":1} x", None),
            ("application/json", b"a=1", None),
            ("application/json", b"\xff", None),
            (
                form,
                b"a=1&b=2&a=%C3%B6&a=3",
                Some(json!({ "a": ["1", "\u{f6}", "3"], "b": "2" })),
            ),
            (form, b"", Some(json!({}))),
            ("text/plain", b"{}", Some(json!("{}"))),
            ("text/plain", b"", Some(json!(""))),
        ] {
            let shown = String::from_utf8_lossy(body);
            assert_eq!(
                read(content_type, body).ok(),
                expected,
                "{content_type} {shown}"
            );
        }
    }

    #[test]
    fn deep_nesting_ends_before_the_stack_does() {
        let deep = "[".repeat(100_000);
        assert!(read("application/json", deep.as_bytes()).is_err());
    }
}
