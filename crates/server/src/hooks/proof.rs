//! Where a message comes from: Standard Webhooks signatures, API keys, and the `clientState` of Graph's notifications.
//!
//! Every refusal is the same 401 in the same words, whatever was wrong: whoever forges learns nothing from it.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flow::definition::schedule::{Webhook, WebhookAuthentication};
use http::HeaderMap;
use http::request::Parts;
use oauth::Secret;
use serde_json::Value;
use store::{Actor, Role};

use crate::access::{Caller, InProcess, Kind, bearer};
use crate::app::App;
use crate::problem::Problem;

/// How far a message's time may be from ours, in seconds.
const TOLERANCE: u64 = 300;
/// How long a message's id may be.
const LONGEST_ID: usize = 256;
/// How many signatures of one message are looked at.
const SIGNATURES: usize = 16;
/// How many bytes a signing secret has (Standard Webhooks, "Signature scheme").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What is known of a message that may come in.
pub(super) struct Proof {
    /// Its own id, under which no second run is started.
    pub(super) message: Option<String>,
    /// Who sent it, where that has a name.
    pub(super) caller: Option<Arc<Actor>>,
}

/// Lets a message in, or not.
pub(super) async fn prove(
    app: &App,
    webhook: &Webhook,
    parts: &Parts,
    body: &[u8],
) -> Result<Proof, Problem> {
    match &webhook.authentication {
        WebhookAuthentication::Signature(names) => {
            let secrets = signing_secrets(app, names).await?;
            let now = app.clock().now().as_second();
            let message = signed(&parts.headers, body, &secrets, now).ok_or_else(unproven)?;
            Ok(Proof {
                message: Some(message.to_owned()),
                caller: None,
            })
        }
        WebhookAuthentication::ApiKey => Ok(Proof {
            caller: Some(key_holder(app, parts).await?),
            message: told_id(&parts.headers)?,
        }),
        WebhookAuthentication::Public => Ok(Proof {
            message: told_id(&parts.headers)?,
            caller: None,
        }),
        WebhookAuthentication::GraphNotification(name) => {
            let secret = app.engine().hook_secret(name).await?;
            let known = secret.is_some_and(|secret| is_from_graph(body, &secret));
            if !known {
                return Err(unproven());
            }
            Ok(Proof {
                message: None,
                caller: None,
            })
        }
    }
}

fn unproven() -> Problem {
    Problem::new(
        "webhook.signature",
        "the message does not prove that it comes from who may send it",
    )
}

/// The secrets that may have signed; without a single usable one nothing is let in.
async fn signing_secrets(app: &App, names: &[String]) -> Result<Vec<hmac::Key>, Problem> {
    let mut keys = Vec::with_capacity(names.len());
    for name in names {
        match app.engine().hook_secret(name).await?.as_deref().map(key) {
            Some(Some(key)) => keys.push(key),
            Some(None) => {
                tracing::warn!(secret = %name, "not a signing secret: whsec_ and then 24 to 64 bytes in base64 are");
            }
            None => tracing::warn!(secret = %name, "a hook's secret is missing or no text"),
        }
    }
    Ok(keys)
}

/// `whsec_<base64>`.
fn key(secret: &Secret) -> Option<hmac::Key> {
    let text = secret.expose().trim().strip_prefix("whsec_")?;
    let bytes = STANDARD.decode(text).ok()?;
    SECRET_BYTES
        .contains(&bytes.len())
        .then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// The one value of a header; none if it is missing, repeated or no plain text.
fn single<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

/// The id of a message that one of the secrets has signed of late.
fn signed<'h>(
    headers: &'h HeaderMap,
    body: &[u8],
    keys: &[hmac::Key],
    now: i64,
) -> Option<&'h str> {
    let id = single(headers, "webhook-id").filter(|id| is_id(id))?;
    // the dot ends the id in what is signed
    if id.contains('.') {
        return None;
    }
    let sent = single(headers, "webhook-timestamp")?;
    // seconds in plain digits: no sign, no exponent, and no year that we don't live to see
    if sent.is_empty() || sent.len() > 12 || !sent.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if sent.parse::<i64>().ok()?.abs_diff(now) > TOLERANCE {
        return None;
    }
    let given = single(headers, "webhook-signature")?;
    let mut content = Vec::with_capacity(id.len() + sent.len() + 2 + body.len());
    for part in [id.as_bytes(), b".", sent.as_bytes(), b".", body] {
        content.extend_from_slice(part);
    }
    // all of them against all keys: how long that takes says nothing about which one was right
    let mut good = false;
    for signature in given.split(' ').take(SIGNATURES) {
        let tag = signature
            .strip_prefix("v1,")
            .and_then(|tag| STANDARD.decode(tag).ok())
            .unwrap_or_default();
        for key in keys {
            good |= hmac::verify(key, &content, &tag).is_ok();
        }
    }
    good.then_some(id)
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_graphic())
}

/// The id that a message without a signature calls its own.
fn told_id(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    for name in ["webhook-id", "idempotency-key"] {
        if headers.contains_key(name) {
            let id = single(headers, name)
                .filter(|id| is_id(id))
                .ok_or_else(|| {
                    let detail = format!(
                        "an id has 1 to {LONGEST_ID} visible characters, and stands there once"
                    );
                    Problem::new("request.invalid", detail).field(name)
                })?;
            return Ok(Some(id.to_owned()));
        }
    }
    Ok(None)
}

/// The holder of an API key with the operator's role. A browser's session opens nothing here.
async fn key_holder(app: &App, parts: &Parts) -> Result<Arc<Actor>, Problem> {
    let caller = match (parts.extensions.get::<InProcess>(), bearer(&parts.headers)?) {
        (Some(InProcess(actor)), _) => Caller {
            actor: Arc::clone(actor),
            kind: Kind::Local,
        },
        (None, Some(token)) => {
            Caller::of_key(app, token, &parts.headers, &parts.extensions).await?
        }
        (None, None) => {
            let detail = "this hook needs an API key";
            return Err(Problem::new("unauthenticated", detail)
                .hint("send `Authorization: Bearer kw_…` of a key with the role operator"));
        }
    };
    Ok(caller.at_least(Role::Operator, app, parts).await?.actor)
}

/// Whether every notification of a message has the `clientState` that the subscription was made with.
fn is_from_graph(body: &[u8], secret: &Secret) -> bool {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let Some(notifications) = message.get("value").and_then(Value::as_array) else {
        return false;
    };
    // digests are of one length, whatever is compared
    let expected = digest(&SHA256, secret.expose().as_bytes());
    let mut good = !notifications.is_empty();
    for notification in notifications {
        let given = notification.get("clientState").and_then(Value::as_str);
        let given = digest(&SHA256, given.unwrap_or_default().as_bytes());
        good &= verify_slices_are_equal(given.as_ref(), expected.as_ref()).is_ok();
    }
    good && !secret.expose().is_empty()
}

#[cfg(test)]
mod tests;
