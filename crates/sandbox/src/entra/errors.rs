//! Entra's refusals: code, HTTP status, RFC 6749 error, words; as JSON, as a page's text, or
//! as the parameters of a redirect. The list is `entra-and-graph.md` §8.

mod asked;
mod client;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

pub(crate) use asked::*;
pub(crate) use client::*;

use super::Exchange;
use crate::activity::Failure;
use crate::guid::Guid;

/// One refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u32,
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) suberror: Option<&'static str>,
    pub(crate) message: String,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: Guid,
    correlation_id: Guid,
    error_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'a str>,
}

/// A moment as Entra writes it.
pub(crate) fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

impl Refusal {
    pub(super) fn new(
        code: u32,
        status: u16,
        error: &'static str,
        message: impl Into<String>,
    ) -> Refusal {
        Refusal {
            code,
            status,
            error,
            suberror: None,
            message: message.into(),
        }
    }

    pub(super) fn with_suberror(self, suberror: &'static str) -> Refusal {
        Refusal {
            suberror: Some(suberror),
            ..self
        }
    }

    /// What the portal shows of it.
    pub(crate) fn failure(&self) -> Failure {
        Failure {
            code: self.code,
            message: self.message.clone(),
        }
    }

    /// `AADSTSnnn: …` with the ids, as `error_description` has it.
    pub(crate) fn description(&self, exchange: &Exchange) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code,
            self.message,
            exchange.trace_id,
            exchange.correlation_id,
            timestamp(exchange.now)
        )
    }

    /// Where more is told.
    pub(crate) fn uri(&self, exchange: &Exchange) -> String {
        format!("{}/error?code={}", exchange.base, self.code)
    }

    /// The answer of an endpoint that speaks JSON.
    pub(crate) fn json(&self, exchange: &Exchange) -> Response {
        let body = Body {
            error: self.error,
            error_description: self.description(exchange),
            error_codes: [self.code],
            timestamp: timestamp(exchange.now),
            trace_id: exchange.trace_id,
            correlation_id: exchange.correlation_id,
            error_uri: self.uri(exchange),
            suberror: self.suberror,
        };
        json_response(exchange, self.status, &body)
    }
}

/// A JSON answer of the token endpoint, never cached.
pub(crate) fn json_response(exchange: &Exchange, status: u16, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).expect("answers are plain structs");
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (CONTENT_TYPE, "application/json; charset=utf-8"),
        (CACHE_CONTROL, "no-store, no-cache"),
        (PRAGMA, "no-cache"),
        (EXPIRES, "-1"),
    ];
    let mut response = (status, headers, text).into_response();
    exchange.add_headers(response.headers_mut());
    response
}
