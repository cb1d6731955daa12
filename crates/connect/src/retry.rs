//! Which calls are sent again, and after what pause. Pure: it is told what happened and handed chance.
//!
//! Only what may pass by itself: 429, 503, 504 and trouble on the wire. How long an API asked to wait is
//! remembered for all callers in `budget.rs`; waiting itself is `call.rs`.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use oauth::Timestamp;
use serde::{Deserialize, Serialize};

use crate::http::SendError;

/// The most that anybody may choose.
pub const ATTEMPTS_LIMIT: u32 = 10;
/// Pauses longer than this are the caller's: the answer says how long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause is at most this long, the next twice that, and so on.
const FIRST: Duration = Duration::from_millis(500);
/// No pause that the API did not ask for is longer.
const LONGEST: Duration = Duration::from_secs(20);
/// On top of what an API asked for, so that waiting callers do not come back in step.
const SPREAD: f64 = 0.1;

/// How often a call is sent, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// How often it is sent at most; 1: never again.
    pub attempts: u32,
    /// Which methods are sent again.
    #[serde(default)]
    pub methods: Retried,
}

/// Which methods are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retried {
    /// Those that mean the same when they are sent twice (RFC 9110 §9.2.2).
    #[default]
    Idempotent,
    /// All: the caller knows that twice does no harm.
    All,
}

impl Retries {
    /// Never again.
    pub const NONE: Retries = Retries {
        attempts: 1,
        methods: Retried::Idempotent,
    };
}

impl Default for Retries {
    fn default() -> Retries {
        Retries {
            attempts: 3,
            methods: Retried::Idempotent,
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy)]
pub(crate) enum Ended<'a> {
    Answered(StatusCode, &'a HeaderMap),
    Failed(&'a SendError),
}

impl Retries {
    /// The pause before the next try; `None` if there is none.
    ///
    /// `sent` counts the tries so far, `left` is the time until the deadline, `chance` lies in 0..1.
    pub(crate) fn pause(
        self,
        method: &Method,
        sent: u32,
        ended: Ended<'_>,
        (left, now): (Duration, Timestamp),
        chance: f64,
    ) -> Option<Duration> {
        if sent >= self.attempts.min(ATTEMPTS_LIMIT) || !self.may_repeat(method) {
            return None;
        }
        let asked = match ended {
            Ended::Failed(error) if !passes(error) => return None,
            Ended::Failed(_) => None,
            Ended::Answered(status, _) if !matches!(status.as_u16(), 429 | 503 | 504) => {
                return None;
            }
            Ended::Answered(_, headers) => retry_after(headers, now),
        };
        let pause = match asked {
            Some(asked) => asked + asked.min(FIRST.mul_f64(10.0)).mul_f64(SPREAD * chance),
            None => (FIRST * 2_u32.saturating_pow(sent - 1))
                .min(LONGEST)
                .mul_f64(chance),
        };
        (pause <= PATIENCE && pause < left).then_some(pause)
    }

    fn may_repeat(self, method: &Method) -> bool {
        self.methods == Retried::All || method.is_idempotent()
    }
}

/// Trouble that may be over a moment later.
fn passes(error: &SendError) -> bool {
    matches!(
        error,
        SendError::Unreachable { .. } | SendError::Timeout { .. } | SendError::Malformed { .. }
    )
}

/// How long an API asks to wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Duration::try_from(oauth::retry_after(value, now)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-01T12:00:00Z";

    fn answered(
        retries: Retries,
        method: &Method,
        sent: u32,
        status: u16,
        after: Option<&str>,
        left: u64,
    ) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, after.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        let now = NOW.parse().unwrap();
        retries.pause(
            method,
            sent,
            Ended::Answered(status, &headers),
            (Duration::from_secs(left), now),
            0.5,
        )
    }

    #[test]
    fn which_answers_are_asked_for_again() {
        for status in 200..600 {
            let again = answered(Retries::default(), &Method::GET, 1, status, None, 60).is_some();
            assert_eq!(again, matches!(status, 429 | 503 | 504), "{status}");
        }
    }

    #[test]
    fn only_what_may_be_sent_twice_unless_told() {
        let all = Retries {
            attempts: 3,
            methods: Retried::All,
        };
        for (method, idempotent) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::OPTIONS, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::POST, false),
            (Method::PATCH, false),
            (Method::from_bytes(b"PURGE").unwrap(), false),
        ] {
            let again = |retries| answered(retries, &method, 1, 503, None, 60).is_some();
            assert_eq!(again(Retries::default()), idempotent, "{method}");
            assert!(again(all) && !again(Retries::NONE), "{method}");
        }
    }

    #[test]
    fn attempts_at_their_edges() {
        let again = |attempts, sent| {
            let retries = Retries {
                attempts,
                methods: Retried::Idempotent,
            };
            answered(retries, &Method::GET, sent, 503, None, 600).is_some()
        };
        assert!(again(3, 2) && !again(3, 3) && !again(3, 4));
        assert!(!again(0, 1) && !again(1, 1) && again(2, 1));
        assert!(
            again(11, 9) && !again(11, 10) && !again(u32::MAX, 10),
            "nobody may choose more than ten"
        );
    }

    #[test]
    fn pauses() {
        let check = |sent, after: Option<&str>, left, expected: Option<u64>| {
            let retries = Retries {
                attempts: 10,
                methods: Retried::Idempotent,
            };
            let pause = answered(retries, &Method::GET, sent, 503, after, left);
            assert_eq!(
                pause.map(|pause| pause.as_millis()),
                expected.map(u128::from),
                "{sent} {after:?} {left}"
            );
        };
        // full jitter: half of 500 ms, 1 s, 2 s …, never more than half of 20 s
        for (sent, millis) in [
            (1, 250),
            (2, 500),
            (3, 1_000),
            (6, 8_000),
            (7, 10_000),
            (9, 10_000),
        ] {
            check(sent, None, 60, Some(millis));
        }
        check(1, Some("2"), 60, Some(2_100));
        check(1, Some("0.5"), 60, Some(525));
        check(1, Some("0"), 60, Some(0));
        check(1, Some("-3"), 60, Some(0));
        check(1, Some("Sun, 01 Mar 2026 12:00:04 GMT"), 60, Some(4_200));
        check(1, Some("soon"), 60, Some(250));
        check(1, Some("29.75"), 60, Some(30_000));
        check(1, Some("29.8"), 60, None);
        check(1, Some("3600"), 7_200, None);
        check(1, Some("10"), 10, None);
        check(1, Some("10"), 11, Some(10_250));
    }

    #[test]
    fn trouble_on_the_wire() {
        let host = "api.contoso.example".to_owned();
        let detail = String::new();
        let unreachable = SendError::Unreachable {
            host: host.clone(),
            detail: detail.clone(),
        };
        let crowded = SendError::Crowded { host: host.clone() };
        let tls = SendError::Tls {
            code: "tls.wrong_name",
            host: host.clone(),
            detail,
        };
        let large = SendError::TooLarge { host, limit: 1 };
        for (error, again) in [
            (unreachable, true),
            (crowded, false),
            (tls, false),
            (large, false),
        ] {
            let left = (Duration::from_mins(1), NOW.parse().unwrap());
            let pause = Retries::default().pause(&Method::GET, 1, Ended::Failed(&error), left, 0.5);
            assert_eq!(pause.is_some(), again, "{error}");
        }
    }
}
