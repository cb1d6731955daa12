//! The device authorization grant (RFC 8628): a person types a short code on a page of the provider's, wherever a browser is.
//!
//! The request is [`crate::Client::device_authorization_request`]; here are its answer, and what an answer to a poll means.
//! When to poll is the caller's business.

use bytes::Bytes;
use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::token::{answer, refusal};
use crate::{Remedy, Secret, TokenError, Unsealable};

/// Between two polls, where the provider says nothing (RFC 8628 §3.2).
const USUAL_INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// What `slow_down` adds (RFC 8628 §3.5).
const SLOWER: SignedDuration = SignedDuration::from_secs(5);
/// The longest interval that is kept to.
const LONGEST_INTERVAL: SignedDuration = SignedDuration::from_mins(1);
/// The longest life that is believed.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// The most characters of a code that a person types.
const USER_CODE_LIMIT: usize = 64;

/// A sign-in that waits for a person to type its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// What the client polls with.
    pub device_code: Secret,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: Url,
    /// The same place with the code filled in, if the provider has one.
    pub verification_uri_complete: Option<Url>,
    /// When the answer came.
    pub begun_at: Timestamp,
    /// When the code ends.
    pub expires_at: Timestamp,
    /// How long to wait between two polls, at least.
    pub interval: SignedDuration,
}

/// The form in which it is sealed into the store: written with `T` = `&str`, read with `T` = [`Secret`].
#[derive(Serialize, Deserialize)]
struct Record<T> {
    device_code: T,
    user_code: String,
    verification_uri: Url,
    verification_uri_complete: Option<Url>,
    begun_at: Timestamp,
    expires_at: Timestamp,
    interval: i64,
}

/// Reads the answer of a device authorization endpoint that came at `now`.
pub fn device_authorization(
    response: &Response<Bytes>,
    now: Timestamp,
) -> Result<DeviceAuthorization, TokenError> {
    let object = answer(response);
    if let Some(error) = refusal(response, object.as_ref().ok(), now) {
        return Err(error);
    }
    let status = response.status().as_u16();
    object
        .and_then(|object| read(&object, now))
        .map_err(|detail| TokenError::BadResponse { status, detail })
}

fn read(object: &Map<String, Value>, now: Timestamp) -> Result<DeviceAuthorization, &'static str> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let device_code = text("device_code")
        .filter(|code| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or("it has no device_code that can be sent")?;
    let user_code = text("user_code")
        .filter(|code| is_typable(code))
        .ok_or("it has no user_code that can be typed")?;
    // Google's name for it is older than the standard.
    let verification_uri = text("verification_uri")
        .or_else(|| text("verification_url"))
        .and_then(page)
        .ok_or("it has no verification_uri that is a safe web page")?;
    let seconds = |name: &str| {
        let value = object.get(name)?;
        let seconds = match value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        (seconds >= 1.0).then(|| SignedDuration::from_secs_f64(seconds.min(86_400.0)))
    };
    let life = seconds("expires_in").ok_or("it does not say how long the code lives")?;
    Ok(DeviceAuthorization {
        device_code: Secret::new(device_code),
        user_code: user_code.to_owned(),
        verification_uri,
        verification_uri_complete: text("verification_uri_complete").and_then(page),
        begun_at: now,
        expires_at: add(now, life.min(LONGEST_LIFE)),
        interval: seconds("interval")
            .unwrap_or(USUAL_INTERVAL)
            .min(LONGEST_INTERVAL),
    })
}

/// A code is copied by eye, so it has nothing but visible ASCII and single blanks.
fn is_typable(code: &str) -> bool {
    let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    !code.is_empty()
        && code.len() <= USER_CODE_LIMIT
        && code.trim() == code
        && code.bytes().all(visible)
}

/// A page that a person may be sent to: https, or http on this very machine.
fn page(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let own = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let safe = match url.scheme() {
        "https" => true,
        "http" => own,
        _ => false,
    };
    (safe && url.username().is_empty() && url.password().is_none()).then_some(url)
}

impl DeviceAuthorization {
    /// What a poll that brought no token means: the sign-in still waits, perhaps to be asked less often, or it is over.
    pub fn after(self, error: TokenError) -> Result<Self, TokenError> {
        match error.provider().map(|refusal| refusal.error.as_str()) {
            Some("authorization_pending") => Ok(self),
            Some("slow_down") => Ok(self.slower(SLOWER)),
            _ if error.remedy() == Remedy::Retry => Ok(self.after_silence()),
            _ => Err(error),
        }
    }

    /// What a poll without any answer means: ask half as often (RFC 8628 §3.5).
    #[must_use]
    pub fn after_silence(self) -> Self {
        let interval = self.interval;
        self.slower(interval)
    }

    fn slower(mut self, by: SignedDuration) -> Self {
        // A provider may ask for more than the limit by saying it often; nobody gets past it by being silent.
        self.interval = self.interval.saturating_add(by).min(LONGEST_INTERVAL);
        self
    }

    /// When the next poll is due, after one at `now`.
    pub fn next_poll(&self, now: Timestamp) -> Timestamp {
        add(now, self.interval)
    }

    /// Whether the code has ended.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// The page to open: with the code filled in, if there is one.
    pub fn page(&self) -> &Url {
        self.verification_uri_complete
            .as_ref()
            .unwrap_or(&self.verification_uri)
    }

    #[expect(
        clippy::missing_panics_doc,
        reason = "texts, URLs and times always are JSON"
    )]
    /// The text to be sealed into the store.
    pub fn to_sealable(&self) -> Zeroizing<String> {
        let record = Record {
            device_code: self.device_code.expose(),
            user_code: self.user_code.clone(),
            verification_uri: self.verification_uri.clone(),
            verification_uri_complete: self.verification_uri_complete.clone(),
            begun_at: self.begun_at,
            expires_at: self.expires_at,
            interval: self.interval.as_secs(),
        };
        Zeroizing::new(serde_json::to_string(&record).expect("texts and times are JSON"))
    }

    /// Reads what [`DeviceAuthorization::to_sealable`] wrote.
    pub fn from_sealed(text: &str) -> Result<Self, Unsealable> {
        let record: Record<Secret> = serde_json::from_str(text).map_err(Unsealable)?;
        Ok(Self {
            device_code: record.device_code,
            user_code: record.user_code,
            verification_uri: record.verification_uri,
            verification_uri_complete: record.verification_uri_complete,
            begun_at: record.begun_at,
            expires_at: record.expires_at,
            interval: SignedDuration::from_secs(record.interval),
        })
    }
}

fn add(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn answered(status: u16, body: &str) -> Response<Bytes> {
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    fn begun() -> DeviceAuthorization {
        let body = r#"{"device_code":"fake-device-code","user_code":"ABCD-EFGH","verification_uri":"https://login.contoso.example/device",
            "verification_uri_complete":"https://login.contoso.example/device?user_code=ABCD-EFGH","expires_in":900,"interval":5}"#;
        device_authorization(&answered(200, body), now()).unwrap()
    }

    fn seconds(secs: i64) -> SignedDuration {
        SignedDuration::from_secs(secs)
    }

    #[test]
    fn an_answer_is_read() {
        let device = begun();
        assert_eq!(device.user_code, "ABCD-EFGH");
        assert_eq!(device.expires_at, now() + seconds(900));
        assert_eq!(device.interval, seconds(5));
        assert_eq!(
            device.page().as_str(),
            "https://login.contoso.example/device?user_code=ABCD-EFGH"
        );
        let sealed = device.to_sealable();
        assert_eq!(DeviceAuthorization::from_sealed(&sealed).unwrap(), device);
        assert!(!format!("{device:?}").contains("fake-device-code"));
    }

    #[test]
    fn what_is_left_out_or_strange() {
        let with = |fields: &str| {
            let body = format!(
                r#"{{"device_code":"d","user_code":"U","verification_uri":"https://contoso.example","expires_in":"600",{fields}}}"#
            );
            device_authorization(&answered(200, &body), now())
        };
        // duplicate members: the last one counts
        assert_eq!(with(r#""x":1"#).unwrap().interval, seconds(5));
        assert_eq!(with(r#""interval":0"#).unwrap().interval, seconds(5));
        assert_eq!(with(r#""interval":-3"#).unwrap().interval, seconds(5));
        assert_eq!(
            with(r#""interval":"7"#).map_err(|error| error.code()),
            Err("idp.bad_response")
        );
        assert_eq!(with(r#""interval":"7""#).unwrap().interval, seconds(7));
        assert_eq!(with(r#""interval":9999"#).unwrap().interval, seconds(60));
        let long = with(r#""expires_in":1e9"#).unwrap();
        assert_eq!(long.expires_at, now() + seconds(3600));
        for fields in [
            r#""expires_in":0"#,
            r#""expires_in":null"#,
            r#""device_code":"""#,
            r#""device_code":"a b""#,
            r#""user_code":" U""#,
            r#""user_code":"\u001b[2J""#,
            r#""user_code":"\u0430""#,
            r#""verification_uri":"javascript:alert(1)""#,
            r#""verification_uri":"http://contoso.example""#,
            r#""verification_uri":"https://user@contoso.example""#,
        ] {
            let seen = with(fields).map_err(|error| error.code());
            assert_eq!(seen, Err("idp.bad_response"), "{fields}");
        }
        let unsafe_complete = with(r#""verification_uri_complete":"javascript:alert(1)""#).unwrap();
        assert_eq!(unsafe_complete.page(), &unsafe_complete.verification_uri);
        let google = r#"{"device_code":"d","user_code":"U","verification_url":"https://contoso.example/device","expires_in":600}"#;
        assert!(device_authorization(&answered(200, google), now()).is_ok());
    }

    #[test]
    fn refusals_of_the_endpoint() {
        for (status, body, code) in [
            (400, r#"{"error":"unauthorized_client"}"#, "idp.refused"),
            (401, "", "idp.refused"),
            (302, "", "idp.redirect"),
            (503, "", "idp.unavailable"),
            (404, "{}", "idp.bad_response"),
            (200, "<html>", "idp.bad_response"),
        ] {
            let seen = device_authorization(&answered(status, body), now());
            assert_eq!(
                seen.map_err(|error| error.code()),
                Err(code),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn polls_as_rfc_8628_has_them() {
        let poll = |status: u16, body: &str| {
            let error = crate::token_response(&answered(status, body), now()).unwrap_err();
            begun().after(error)
        };
        let interval = |status, body: &str| poll(status, body).unwrap().interval;
        assert_eq!(
            interval(400, r#"{"error":"authorization_pending"}"#),
            seconds(5)
        );
        assert_eq!(
            interval(428, r#"{"error":"authorization_pending"}"#),
            seconds(5)
        );
        assert_eq!(interval(400, r#"{"error":"slow_down"}"#), seconds(10));
        assert_eq!(interval(429, r#"{"error":"slow_down"}"#), seconds(10));
        assert_eq!(interval(503, ""), seconds(10));
        assert_eq!(interval(200, "<html>"), seconds(10));
        for word in [
            "expired_token",
            "access_denied",
            "authorization_declined",
            "bad_verification_code",
            "invalid_grant",
            "invalid_client",
        ] {
            let body = format!(r#"{{"error":"{word}"}}"#);
            let ended = poll(400, &body).unwrap_err();
            assert_eq!(ended.provider().unwrap().error, word);
        }
        let mut device = begun();
        for _ in 0..20 {
            device = device.after_silence();
        }
        assert_eq!(device.interval, seconds(60));
        assert!(!device.is_expired(now() + seconds(899)));
        assert!(device.is_expired(now() + seconds(900)));
        assert_eq!(begun().next_poll(now()), now() + seconds(5));
    }
}
