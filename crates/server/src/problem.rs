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

mod from;
mod kinds;

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::frame::TraceId;

/// What a problem's `type` begins with; the code follows.
const TYPE_PREFIX: &str = "https://keyway.example/problems/";

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
    findings: Vec<Finding>,
}

/// What is wrong in a text.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    #[serde(flatten)]
    diagnostic: flow::Diagnostic,
    /// Which text, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
}

impl Finding {
    /// What is wrong in the text of this name.
    pub(crate) fn of(diagnostic: flow::Diagnostic, document: &str) -> Finding {
        Finding {
            diagnostic,
            document: Some(document.to_owned()),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flow::Diagnostic {
            line,
            column,
            message,
            ..
        } = &self.diagnostic;
        let document = self.document.as_deref().unwrap_or("the text");
        write!(f, "{document}:{line}:{column}: {message}")
    }
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
    /// For texts of flows and connections: each finding with its code, pointer, line and column, and its document where there are several.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>)]
    findings: &'a [Finding],
}

impl Problem {
    /// Makes a problem of a known code. A code without a row is our bug, and answered as one.
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Problem {
        let code = code.into();
        let found = kinds::find(&code);
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
            findings: Vec::new(),
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
            "flow" => Problem::new("flow.not_found", format!("there is no flow {shown}"))
                .hint("`keyway flow list` shows all of them"),
            "run" => Problem::new("run.not_found", format!("there is no run {shown}"))
                .hint("`keyway run list` shows the newest; finished runs are deleted after their flow's retention"),
            "secret" => Problem::new("secret.not_found", format!("there is no secret \"{shown}\"")),
            "approval" => Problem::new("approval.not_found", format!("there is no approval {shown}")),
            "table" => Problem::new("table.not_found", format!("there is no row {shown}")),
            "webhook" => Problem::new("webhook.endpoint_not_found", format!("there is no webhook \"{shown}\""))
                .hint("`keyway webhook list` shows all of them"),
            "delivery" => Problem::new("webhook.delivery_not_found", format!("there is no delivery {shown}"))
                .hint("`keyway webhook deliveries NAME` shows those of the last 30 days"),
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

    /// Adds what is wrong with a flow's text, each finding with its place.
    #[must_use]
    pub(crate) fn findings(mut self, findings: Vec<flow::Diagnostic>) -> Problem {
        self.0.findings = findings
            .into_iter()
            .map(|diagnostic| Finding {
                diagnostic,
                document: None,
            })
            .collect();
        self
    }

    /// Says what is wrong in several texts.
    #[must_use]
    pub(crate) fn findings_in(mut self, findings: Vec<Finding>) -> Problem {
        self.0.findings = findings;
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

    /// The document, for one request.
    pub(crate) fn document(&self, trace_id: TraceId) -> ProblemDocument<'_> {
        let inner = &*self.0;
        ProblemDocument {
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
            findings: &inner.findings,
        }
    }

    /// Writes the document as an answer.
    pub(crate) fn render(&self, trace_id: TraceId) -> Response {
        let document = self.document(trace_id);
        let body = serde_json::to_vec(&document).expect("a problem document is plain strings");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
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
