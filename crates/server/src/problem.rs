//! Problem documents (RFC 9457): the only error that becomes a response, and
//! the only place that knows HTTP statuses.
//!
//! Every code of every room is mapped here to a status, a title and, where the
//! room below has no better one, a hint. A problem never carries a secret, a
//! stack trace or text of an upstream as anything but a JSON string.
//!
//! A handler's `Problem` becomes an empty response that carries the problem;
//! `frame` (the outermost layer) writes the document, because only there the
//! trace id of the request is known.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::app::App;
use crate::frame::TraceId;

/// What a problem's `type` begins with; the code follows.
const TYPE_PREFIX: &str = "https://keyway.example/problems/";

/// One known problem code: its status, its title and the usual way out.
struct Kind {
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    hint: Option<&'static str>,
}

const fn kind(code: &'static str, status: StatusCode, title: &'static str) -> Kind {
    Kind {
        code,
        status,
        title,
        hint: None,
    }
}

const fn hinted(
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    hint: &'static str,
) -> Kind {
    Kind {
        code,
        status,
        title,
        hint: Some(hint),
    }
}

/// Codes with a status of their own. A name ending in a dot speaks for every
/// code below it that has no row; exact rows win, then the longest prefix.
const KINDS: &[Kind] = &[
    // the request itself
    kind(
        "body.invalid",
        StatusCode::BAD_REQUEST,
        "The request body is not valid",
    ),
    kind(
        "body.too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The request body is too large",
    ),
    hinted(
        "body.media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The request body has the wrong media type",
        "send JSON with `Content-Type: application/json`",
    ),
    kind(
        "query.",
        StatusCode::BAD_REQUEST,
        "The query string is not valid",
    ),
    hinted(
        "key.in_query",
        StatusCode::BAD_REQUEST,
        "An API key does not belong in a URL",
        "send it as `Authorization: Bearer kw_…`, and revoke this key: URLs end up in logs",
    ),
    kind(
        "request.invalid",
        StatusCode::BAD_REQUEST,
        "The request is not valid",
    ),
    kind(
        "request.uri_too_long",
        StatusCode::URI_TOO_LONG,
        "The URL is too long",
    ),
    kind(
        "request.headers_too_large",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The request has too many or too large headers",
    ),
    hinted(
        "precondition.required",
        StatusCode::PRECONDITION_REQUIRED,
        "A change must say which version it changes",
        "read the connection, then send its `ETag` as `If-Match`",
    ),
    kind(
        "precondition.invalid",
        StatusCode::BAD_REQUEST,
        "The If-Match header is not valid",
    ),
    hinted(
        "route.not_found",
        StatusCode::NOT_FOUND,
        "There is nothing at this address",
        "the routes are listed in /api/v1/openapi.json",
    ),
    kind(
        "route.method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This address does not know this method",
    ),
    // who is asking
    hinted(
        "unauthenticated",
        StatusCode::UNAUTHORIZED,
        "Not signed in",
        "sign in, or send an API key as `Authorization: Bearer kw_…`",
    ),
    kind("forbidden", StatusCode::FORBIDDEN, "Not allowed"),
    hinted(
        "csrf",
        StatusCode::FORBIDDEN,
        "The request does not come from Keyway's own pages",
        "a browser may change things only from pages of Keyway's public URL; programs use an API key",
    ),
    kind(
        "login.failed",
        StatusCode::UNAUTHORIZED,
        "The sign-in failed",
    ),
    kind(
        "login.throttled",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many sign-ins",
    ),
    hinted(
        "setup.token_invalid",
        StatusCode::FORBIDDEN,
        "The setup token is wrong",
        "the one-time setup token is printed by `keyway serve` at its first start",
    ),
    // things by name
    kind(
        "conflict.version",
        StatusCode::CONFLICT,
        "Somebody else changed it in the meantime",
    ),
    kind(
        "connection.not_found",
        StatusCode::NOT_FOUND,
        "No such connection",
    ),
    kind(
        "connection.name_taken",
        StatusCode::CONFLICT,
        "This name is taken",
    ),
    kind(
        "connection.in_use",
        StatusCode::CONFLICT,
        "The connection is in use",
    ),
    kind(
        "connection.needs_",
        StatusCode::CONFLICT,
        "The connection must be cured first",
    ),
    kind(
        "connection.never_authorized",
        StatusCode::CONFLICT,
        "Nobody has signed in to this connection yet",
    ),
    kind(
        "connection.unreadable",
        StatusCode::CONFLICT,
        "The connection's secrets cannot be unsealed",
    ),
    kind(
        "connection.waiting",
        StatusCode::SERVICE_UNAVAILABLE,
        "The provider asked to wait",
    ),
    kind(
        "connection.",
        StatusCode::BAD_REQUEST,
        "The connection's settings are not valid",
    ),
    kind(
        "secret.",
        StatusCode::BAD_REQUEST,
        "The secret is not valid",
    ),
    kind("scope.", StatusCode::BAD_REQUEST, "The scope is not valid"),
    kind(
        "client_id.",
        StatusCode::BAD_REQUEST,
        "The client id is not valid",
    ),
    kind(
        "header.",
        StatusCode::BAD_REQUEST,
        "A header is not allowed",
    ),
    kind("call.", StatusCode::BAD_REQUEST, "The call is not valid"),
    kind(
        "egress.",
        StatusCode::BAD_REQUEST,
        "Keyway may not speak to this address",
    ),
    kind("key.not_found", StatusCode::NOT_FOUND, "No such API key"),
    kind("key.name_taken", StatusCode::CONFLICT, "This name is taken"),
    kind("user.not_found", StatusCode::NOT_FOUND, "No such user"),
    kind(
        "user.name_taken",
        StatusCode::CONFLICT,
        "This name is taken",
    ),
    kind(
        "user.last_admin",
        StatusCode::CONFLICT,
        "The last administrator cannot be disabled",
    ),
    kind("user.", StatusCode::BAD_REQUEST, "The user is not valid"),
    kind("conflict.", StatusCode::CONFLICT, "This is taken"),
    // the OAuth callback
    kind(
        "oauth.",
        StatusCode::BAD_REQUEST,
        "The sign-in was not accepted",
    ),
    kind(
        "oauth.refused",
        StatusCode::BAD_REQUEST,
        "The provider refused the sign-in",
    ),
    kind(
        "oauth.exchange_failed",
        StatusCode::BAD_GATEWAY,
        "The code could not be exchanged for a token",
    ),
    // others' servers
    kind(
        "idp.",
        StatusCode::BAD_GATEWAY,
        "The authorization server could not be used",
    ),
    kind(
        "idp.timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "The authorization server did not answer in time",
    ),
    kind(
        "upstream.",
        StatusCode::BAD_GATEWAY,
        "The API could not be reached",
    ),
    kind(
        "upstream.timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "The API did not answer in time",
    ),
    kind("tls.", StatusCode::BAD_GATEWAY, "No trusted TLS connection"),
    kind(
        "discovery.",
        StatusCode::BAD_GATEWAY,
        "The issuer could not be discovered",
    ),
    kind(
        "pagination.",
        StatusCode::BAD_GATEWAY,
        "The next page is not acceptable",
    ),
    // ourselves
    kind(
        "audit.broken",
        StatusCode::SERVICE_UNAVAILABLE,
        "The audit log cannot be written",
    ),
    kind(
        "input.invalid",
        StatusCode::BAD_REQUEST,
        "A value is not valid",
    ),
    kind(
        "auth.too_many_attempts",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many sign-ins",
    ),
    kind(
        "request.",
        StatusCode::BAD_REQUEST,
        "The request is not valid",
    ),
    kind(
        "store.unreadable",
        StatusCode::CONFLICT,
        "A secret cannot be unsealed",
    ),
    kind("store.not_found", StatusCode::NOT_FOUND, "No such thing"),
    kind(
        "store.",
        StatusCode::SERVICE_UNAVAILABLE,
        "The store cannot be used",
    ),
    hinted(
        "storage_full",
        StatusCode::SERVICE_UNAVAILABLE,
        "The store is full",
        "free space on the disk of the data directory; Keyway goes on by itself",
    ),
    hinted(
        "storage_error",
        StatusCode::SERVICE_UNAVAILABLE,
        "The store cannot be used",
        "look at the server's log and at the database",
    ),
    kind(
        "storage",
        StatusCode::SERVICE_UNAVAILABLE,
        "The store cannot be used",
    ),
    kind(
        "overloaded",
        StatusCode::SERVICE_UNAVAILABLE,
        "Too much at once",
    ),
    hinted(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong inside Keyway",
        "this is a bug: please report it with the trace id",
    ),
];

/// Finds what is known about a code: the exact row, else the longest prefix.
fn find_kind(code: &str) -> Option<&'static Kind> {
    let prefix = |kind: &&Kind| {
        matches!(kind.code.as_bytes().last(), Some(b'.' | b'_')) && code.starts_with(kind.code)
    };
    KINDS.iter().find(|kind| kind.code == code).or_else(|| {
        KINDS
            .iter()
            .filter(prefix)
            .max_by_key(|kind| kind.code.len())
    })
}

/// One thing that went wrong, on its way to being an `application/problem+json` answer.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Cow<'static, str>,
    status: StatusCode,
    title: &'static str,
    detail: String,
    field: Option<String>,
    hint: Option<Cow<'static, str>>,
    connection: Option<String>,
    diagnosis: Option<Box<oauth::Diagnosis>>,
    retry_after: Option<u64>,
}

/// The document as it goes over the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// `https://keyway.example/problems/<code>`.
    r#type: String,
    /// The same for every problem of this code.
    title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, to which named thing.
    detail: &'a str,
    /// Stable: programs decide on this.
    code: &'a str,
    /// JSON pointer into the request body, or the name of a query field or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// Names this one request in the server's log.
    trace_id: String,
    /// The connection it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    /// For failures of a provider: what, why, who can cure it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    diagnosis: Option<&'a oauth::Diagnosis>,
}

impl Problem {
    /// Makes a problem of a known code. A code without a row is our bug, and answered as one.
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Problem {
        let code = code.into();
        let found = find_kind(&code);
        if found.is_none() {
            tracing::error!(%code, "problem code without a status");
        }
        Problem(Box::new(Inner {
            status: found.map_or(StatusCode::INTERNAL_SERVER_ERROR, |kind| kind.status),
            title: found.map_or("Something went wrong inside Keyway", |kind| kind.title),
            hint: found.and_then(|kind| kind.hint).map(Cow::Borrowed),
            code,
            detail: detail.into(),
            field: None,
            connection: None,
            diagnosis: None,
            retry_after: None,
        }))
    }

    /// A bug: the cause goes to the log, the answer says only that there was one.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Problem {
        tracing::error!(error = %chain(cause), "internal error");
        Problem::new("internal", "an unexpected error stopped this request")
    }

    /// What was asked for is not there; the same words for what never was and what is another's.
    pub(crate) fn not_found(kind: &str, name: &str) -> Problem {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        match kind {
            "connection" => Problem::new(
                "connection.not_found",
                format!("there is no connection \"{shown}\""),
            )
            .hint("`keyway connection list` shows all of them"),
            "key" => Problem::new("key.not_found", format!("there is no API key {shown}")),
            _ => Problem::new("user.not_found", format!("there is no user {shown}")),
        }
    }

    /// Names the field, as a JSON pointer into the body or the name of a query field.
    #[must_use]
    pub(crate) fn field(mut self, field: impl Into<String>) -> Problem {
        self.0.field = Some(field.into());
        self
    }

    /// Says what to do next, in place of the code's usual hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Problem {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the connection that the problem is about.
    #[must_use]
    pub(crate) fn connection(mut self, name: impl Into<String>) -> Problem {
        self.0.connection = Some(name.into());
        self
    }

    /// Adds what a provider's failure means and who can cure it.
    #[must_use]
    pub(crate) fn diagnosis(mut self, diagnosis: oauth::Diagnosis) -> Problem {
        self.0.diagnosis = Some(Box::new(diagnosis));
        self
    }

    /// Says after how many seconds to try again.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Problem {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The status this code is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    /// What happened, in one sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What to do next, if known.
    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What a provider's failure means, if it is one.
    pub(crate) fn diagnosis_ref(&self) -> Option<&oauth::Diagnosis> {
        self.0.diagnosis.as_deref()
    }

    /// The connection it is about, if any.
    pub(crate) fn connection_name(&self) -> Option<&str> {
        self.0.connection.as_deref()
    }

    /// Writes the document.
    pub(crate) fn render(&self, trace_id: TraceId) -> Response {
        let inner = &*self.0;
        let document = ProblemDocument {
            r#type: format!("{TYPE_PREFIX}{}", inner.code),
            title: inner.title,
            status: inner.status.as_u16(),
            detail: &inner.detail,
            code: &inner.code,
            field: inner.field.as_deref(),
            hint: inner.hint.as_deref(),
            trace_id: trace_id.to_string(),
            connection: inner.connection.as_deref(),
            diagnosis: inner.diagnosis.as_deref(),
        };
        let body = serde_json::to_vec(&document).expect("a problem document is plain strings");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = inner.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        self.own_headers(headers);
        response
    }

    /// The headers that belong to some problems, whatever the body looks like.
    pub(crate) fn own_headers(&self, headers: &mut HeaderMap) {
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"keyway\""),
            );
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        if matches!(
            error.code(),
            "storage_error" | "store.database" | "store.unavailable" | "store.corrupt"
        ) {
            tracing::error!(%error, "the store failed");
        }
        let detail = error.to_string();
        match error {
            store::Error::Version { current } => Problem::new("conflict.version", detail)
                .hint(format!("the stored version is {current}")),
            // what the database said is for the log, not for a client
            store::Error::Database(_) => {
                Problem::new("internal", "the store could not answer this request")
            }
            store::Error::Storage { .. }
            | store::Error::Unavailable(_)
            | store::Error::Corrupt { .. } => Problem::new(
                error.code(),
                "the store can't be used at present: nothing was changed",
            ),
            other => Problem::new(other.code(), detail),
        }
    }
}

impl From<connect::Error> for Problem {
    fn from(error: connect::Error) -> Problem {
        let error = match error {
            connect::Error::Store(error) => return error.into(),
            connect::Error::NotFound { name } => return Problem::not_found("connection", &name),
            other => other,
        };
        let mut problem = Problem::new(error.code(), error.to_string());
        if let Some(field) = error.field() {
            problem = problem.field(field);
        }
        if let Some(hint) = error.hint() {
            problem = problem.hint(hint);
        }
        match error.diagnosis() {
            Some(diagnosis) => problem.diagnosis(diagnosis.clone()),
            None => problem,
        }
    }
}

impl From<&connect::CallbackError> for Problem {
    fn from(error: &connect::CallbackError) -> Problem {
        if let connect::CallbackError::Store(error) = error {
            return error.clone().into();
        }
        let mut problem = Problem::new(error.code(), error.to_string());
        if let Some(name) = error.connection() {
            problem = problem.connection(name.to_string());
        }
        match error.diagnosis() {
            Some(diagnosis) => problem.diagnosis(diagnosis.clone()),
            None => problem,
        }
    }
}

impl Problem {
    /// A call that got no answer of the API.
    pub(crate) fn from_call(
        app: &App,
        name: &store::ConnectionName,
        error: &connect::CallError,
    ) -> Problem {
        match error {
            connect::CallError::Store(error) => return error.clone().into(),
            connect::CallError::NotFound { name } => {
                return Problem::not_found("connection", name);
            }
            _ => {}
        }
        let mut problem =
            Problem::new(error.code(), error.to_string()).connection(name.to_string());
        if let Some(hint) = error.hint() {
            problem = problem.hint(hint);
        }
        if let Some(at) = error.retry_at() {
            let wait = at.duration_since(app.clock().now()).as_secs();
            problem = problem.retry_after(u64::try_from(wait).unwrap_or(0) + 1);
        }
        match error.diagnosis() {
            Some(diagnosis) => problem.diagnosis(diagnosis.clone()),
            None => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error with its causes in one line, for the log.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn exact_rows_win_then_the_longest_prefix() {
        for (code, status) in [
            ("connection.not_found", 404),
            ("connection.name_invalid", 400),
            ("connection.needs_secret", 409),
            ("connection.needs_user", 409),
            ("idp.timeout", 504),
            ("idp.refused", 502),
            ("upstream.timeout", 504),
            ("conflict.version", 409),
            ("nonsense", 500),
        ] {
            assert_eq!(Problem::new(code, "x").status(), status, "{code}");
        }
    }

    #[test]
    fn no_row_twice() {
        let codes: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
    }

    /// The codes that stand in quotes in a room's error enums.
    fn codes_in(source: &Path) -> Vec<String> {
        let text = fs::read_to_string(source).unwrap();
        let is_code = |text: &&str| {
            let mut words = text.split('.');
            let word = |word: &str| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            };
            words.clone().count() == 2 && words.all(word)
        };
        text.split('"')
            .skip(1)
            .step_by(2)
            .filter(is_code)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_code_of_the_rooms_below_has_a_status() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut seen = 0;
        for source in [
            "connect/src/error.rs",
            "connect/src/check.rs",
            "connect/src/http.rs",
            "store/src/error.rs",
            "oauth/src/callback.rs",
            "oauth/src/token.rs",
        ] {
            for code in codes_in(&crates.join(source)) {
                // those of the key file are for whoever starts the server
                if !code.starts_with("key.") {
                    assert!(find_kind(&code).is_some(), "{code} of {source}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 60, "{seen}");
    }
}
