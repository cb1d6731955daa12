//! Answers that go back to the client through the browser: query, fragment or form post.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::errors::Refusal;
use super::{Exchange, pages};

/// How an answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    /// Reads `response_mode`; the default for a code is the query.
    pub(crate) fn parse(text: Option<&str>) -> Option<ResponseMode> {
        match text {
            None | Some("query") => Some(ResponseMode::Query),
            Some("fragment") => Some(ResponseMode::Fragment),
            Some("form_post") => Some(ResponseMode::FormPost),
            Some(_) => None,
        }
    }
}

/// Where an answer goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Destination {
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
}

impl Destination {
    /// Sends parameters and the state to the client.
    pub(crate) fn send(
        &self,
        exchange: &Exchange,
        mut parameters: Vec<(&str, String)>,
    ) -> Response {
        parameters.extend(self.state.clone().map(|state| ("state", state)));
        if self.mode == ResponseMode::FormPost {
            return pages::form_post(exchange, &self.redirect_uri, &parameters);
        }
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&parameters)
            .finish();
        let uri = &self.redirect_uri;
        let location = match self.mode {
            ResponseMode::Fragment => format!("{uri}#{text}"),
            // Real redirects end with a lone `#`.
            _ if uri.contains('?') => format!("{uri}&{text}#"),
            _ => format!("{uri}?{text}#"),
        };
        found(exchange, &location)
    }

    /// Sends a refusal to the client.
    pub(crate) fn refuse(&self, exchange: &Exchange, refusal: &Refusal) -> Response {
        self.send(exchange, refusal_parameters(exchange, refusal))
    }
}

/// `error`, `error_description` and `error_uri`.
pub(crate) fn refusal_parameters(
    exchange: &Exchange,
    refusal: &Refusal,
) -> Vec<(&'static str, String)> {
    vec![
        ("error", refusal.error.to_owned()),
        ("error_description", refusal.description(exchange)),
        ("error_uri", refusal.uri(exchange)),
    ]
}

/// A redirect, never cached.
pub(crate) fn found(exchange: &Exchange, location: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    exchange.add_headers(response.headers_mut());
    pages::forbid_caching(response.headers_mut());
    // The URI was checked when it was registered; what is not header text is percent-encoded.
    let location: String = location
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() {
                c.to_string()
            } else {
                percent_encoding::utf8_percent_encode(
                    &c.to_string(),
                    percent_encoding::NON_ALPHANUMERIC,
                )
                .to_string()
            }
        })
        .collect();
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}
