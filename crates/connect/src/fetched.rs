//! An answer that was taken in: what is decided upon, and what may be shown of it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use oauth::Secret;
use url::Url;

use crate::attempt::Attempt;
use crate::credential::{redact_bytes, redact_text};
use crate::http::{Incoming, host_of};
use crate::known::Loaded;
use crate::message::{ApiResponse, ResponseBody, parse_body, request_id};
use crate::refresh::Held;

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) incoming: Incoming,
    /// Where it came from, without the credential.
    pub(crate) url: Url,
}

/// An answer that was taken in, with what it takes to show it without our secrets.
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    /// As they came: to be decided upon, not to be shown.
    pub(crate) headers: HeaderMap,
    /// Without our secrets.
    pub(crate) body: Bytes,
    /// Where it came from, without the credential.
    pub(crate) url: Url,
    pub(crate) loaded: Arc<Loaded>,
    held: Option<Arc<Held>>,
    trail: Vec<Attempt>,
}

impl Fetched {
    pub(crate) fn new(
        answer: Answer,
        loaded: Arc<Loaded>,
        held: Option<Arc<Held>>,
        trail: Vec<Attempt>,
    ) -> Fetched {
        let Incoming {
            status,
            headers,
            body,
        } = answer.incoming;
        let mut fetched = Fetched {
            status,
            headers,
            body,
            url: answer.url,
            loaded,
            held,
            trail,
        };
        fetched.body = redact_bytes(std::mem::take(&mut fetched.body), &fetched.echoes());
        fetched
    }

    fn echoes(&self) -> Vec<&Secret> {
        match &self.loaded.credential {
            Ok(credential) => credential.echoes(self.held.as_deref().map(|held| &held.token)),
            Err(_) => Vec::new(),
        }
    }

    pub(crate) fn request_id(&self) -> Option<String> {
        request_id(&self.headers).map(|id| redact_text(id, &self.echoes()))
    }

    pub(crate) fn parsed(&self) -> ResponseBody {
        let content_type = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        parse_body(&content_type, self.body.clone())
    }

    pub(crate) fn into_response(self) -> ApiResponse {
        let body = self.parsed();
        ApiResponse {
            body,
            ..self.into_head()
        }
    }

    /// The answer without its body.
    pub(crate) fn into_head(mut self) -> ApiResponse {
        let trail = std::mem::take(&mut self.trail);
        let echoes = self.echoes();
        let headers = self
            .headers
            .iter()
            .filter(|(name, _)| **name != header::SET_COOKIE)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), redact_text(value, &echoes))
            })
            .collect();
        ApiResponse {
            status: self.status.as_u16(),
            headers,
            body: ResponseBody::Empty,
            request_id: self.request_id(),
            attempts: u32::try_from(trail.len()).unwrap_or(u32::MAX),
            token_generation: self.held.as_deref().map(|held| held.generation),
            connection: self.loaded.connection.id.clone(),
            host: host_of(&self.url),
            path: self.url.path().to_owned(),
            trail: trail
                .into_iter()
                .map(|attempt| attempt.redacted(&echoes))
                .collect(),
        }
    }
}
