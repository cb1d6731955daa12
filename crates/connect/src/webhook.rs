//! One signed message to a webhook (Standard Webhooks 1.0, symmetric signatures), through the egress guard.
//!
//! When to send and when to send again is not known here.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use url::Url;

use crate::Connector;
use crate::error::Error;
use crate::http::{Limits, Outgoing, SendError, USER_AGENT};

/// How long a receiver has to take a message (the specification suggests 15 to 30 seconds).
const DEADLINE: Duration = Duration::from_secs(15);
/// What a receiver answers is not read beyond this.
const ANSWER_LIMIT: usize = 64 * 1024;

/// A message that is ready to be signed.
#[derive(Debug, Clone)]
pub struct WebhookMessage<'a> {
    /// Where to.
    pub url: &'a Url,
    /// The same each time that it is sent.
    pub id: &'a str,
    /// What signs it, the newest first.
    pub secrets: Vec<&'a Secret>,
    /// JSON.
    pub body: Bytes,
}

/// What a receiver said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// How long it asks to wait.
    pub retry_after: Option<SignedDuration>,
}

impl Connector {
    /// Reads the address of a webhook, refusing what may not be connected to.
    pub async fn webhook_url(&self, text: &str) -> Result<Url, Error> {
        self.url("/url", text).await
    }

    /// Sends a message once, signed with the time of now; redirects are not followed.
    pub async fn send_webhook(
        &self,
        message: WebhookMessage<'_>,
    ) -> Result<WebhookAnswer, SendError> {
        let now = self.clock().now();
        let outgoing = Outgoing {
            method: Method::POST,
            url: message.url.clone(),
            headers: headers(&message, now),
            body: message.body.clone(),
        };
        let limits = Limits {
            total: DEADLINE,
            first_byte: None,
            body: ANSWER_LIMIT,
        };
        let incoming = self.inner.http.exchange(&None, outgoing, limits).await?;
        let retry_after = incoming
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| oauth::retry_after(value, now));
        Ok(WebhookAnswer {
            status: incoming.status.as_u16(),
            retry_after,
        })
    }
}

fn headers(message: &WebhookMessage<'_>, now: Timestamp) -> HeaderMap {
    let at = now.as_second().to_string();
    let signatures: Vec<String> = message
        .secrets
        .iter()
        .filter_map(|secret| signature(secret, message.id, &at, &message.body))
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    for (name, value) in [
        ("webhook-id", message.id),
        ("webhook-timestamp", &at),
        ("webhook-signature", &signatures.join(" ")),
    ] {
        let value = HeaderValue::from_str(value).expect("ids, digits and base64 are header text");
        headers.insert(name, value);
    }
    headers
}

/// `v1,<base64>` over `id.timestamp.body`; `None` if the secret is not one of ours (`whsec_<base64>`).
fn signature(secret: &Secret, id: &str, at: &str, body: &[u8]) -> Option<String> {
    let bytes = STANDARD
        .decode(secret.expose().strip_prefix("whsec_")?)
        .ok()?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        context.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(context.sign())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn a_message_is_signed_as_the_specification_shows() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body).as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn while_a_secret_is_rotated_both_sign() {
        let secrets = [
            Secret::new(format!("whsec_{}", STANDARD.encode([1; 32]))),
            Secret::new(format!("whsec_{}", STANDARD.encode([2; 32]))),
        ];
        let url = Url::parse("https://hooks.contoso.example/").unwrap();
        let message = WebhookMessage {
            url: &url,
            id: "dlv_a",
            secrets: secrets.iter().collect(),
            body: Bytes::from_static(b"{}"),
        };
        let headers = headers(&message, Timestamp::UNIX_EPOCH);
        let given = headers["webhook-signature"].to_str().unwrap();
        let expected: Vec<String> = secrets
            .iter()
            .map(|secret| signature(secret, "dlv_a", "0", b"{}").unwrap())
            .collect();
        assert_eq!(given, expected.join(" "));
        assert_ne!(expected[0], expected[1]);
        assert_eq!(headers["webhook-timestamp"], "0");
    }
}
