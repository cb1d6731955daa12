//! How often a call was sent, why, and how each time ended: what "explain this call" is made of.
//!
//! Never a body, a header's value or a query.

use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::credential::redact_text;
use crate::http::Incoming;
use crate::message::request_id;
use crate::refresh::Held;

/// One time that a call was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Why it was sent.
    pub why: Why,
    /// Milliseconds from the beginning of the call until this time began.
    pub begun_ms: u64,
    /// Milliseconds until it had ended, waiting in line included.
    pub took_ms: u64,
    /// The status that came back.
    pub status: Option<u16>,
    /// What went wrong, where none came or a renewed token was refused too.
    pub code: Option<&'static str>,
    /// Which token it carried.
    pub token_generation: Option<i64>,
    /// Until when that token is good.
    pub token_expires_at: Option<Timestamp>,
    /// Whether that token came while the call waited: there was none that was still good, or it was refused.
    pub token_renewed: bool,
    /// The API's id for this request.
    pub request_id: Option<String>,
}

/// Why a call was sent, or sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
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

impl Attempt {
    /// Takes out what an API has echoed of our secrets.
    pub(crate) fn redacted(mut self, echoes: &[&Secret]) -> Attempt {
        self.request_id = self.request_id.map(|id| redact_text(id, echoes));
        self
    }
}

/// What the attempts say beyond the call's own row, as a JSON list: nothing, where it was sent once with a token that was there.
pub(crate) fn told(attempts: &[Attempt]) -> Option<Value> {
    let plain = matches!(
        attempts,
        [] | [Attempt {
            token_renewed: false,
            ..
        }]
    );
    if plain {
        None
    } else {
        serde_json::to_value(attempts).ok()
    }
}

/// The attempts of a call under way.
pub(crate) struct Trail {
    call: Instant,
    attempts: Vec<Attempt>,
    why: Why,
    begun: Instant,
}

impl Trail {
    pub(crate) fn new(call: Instant) -> Trail {
        Trail {
            call,
            attempts: Vec::with_capacity(1),
            why: Why::Called,
            begun: call,
        }
    }

    /// Says why the next attempt is made.
    pub(crate) fn next(&mut self, why: Why) {
        self.why = why;
    }

    /// Begins an attempt with this token, at this time.
    pub(crate) fn begin(&mut self, held: Option<&Held>, now: Timestamp) {
        self.begun = Instant::now();
        let waited = SignedDuration::try_from(self.begun - self.call).unwrap_or_default();
        self.attempts.push(Attempt {
            why: self.why,
            begun_ms: millis(self.call, self.begun),
            took_ms: 0,
            status: None,
            code: None,
            token_generation: held.map(|held| held.generation),
            token_expires_at: held.map(|held| held.expires_at),
            token_renewed: held.is_some_and(|held| now.duration_since(held.received_at) <= waited),
            request_id: None,
        });
    }

    pub(crate) fn answered(&mut self, incoming: &Incoming) {
        let took = millis(self.begun, Instant::now());
        if let Some(last) = self.attempts.last_mut() {
            last.took_ms = took;
            last.status = Some(incoming.status.as_u16());
            last.request_id = request_id(&incoming.headers);
        }
    }

    pub(crate) fn failed(&mut self, code: &'static str) {
        let took = millis(self.begun, Instant::now());
        if let Some(last) = self.attempts.last_mut() {
            last.took_ms = took;
            last.code = Some(code);
        }
    }

    /// The API refused the renewed token too: another renewal would change nothing.
    pub(crate) fn refused_again(&mut self) {
        if let Some(last) = self.attempts.last_mut() {
            last.code = Some("upstream.unauthorized");
        }
    }

    /// How often it was sent but for a renewed token.
    pub(crate) fn tries(&self) -> u32 {
        let tries = self
            .attempts
            .iter()
            .filter(|attempt| attempt.why != Why::TokenRefused)
            .count();
        u32::try_from(tries).unwrap_or(u32::MAX)
    }

    /// Whether a token was renewed on the way.
    pub(crate) fn renewed(&self) -> bool {
        self.attempts
            .iter()
            .any(|attempt| attempt.why == Why::TokenRefused)
    }

    pub(crate) fn into_attempts(self) -> Vec<Attempt> {
        self.attempts
    }
}

fn millis(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}
