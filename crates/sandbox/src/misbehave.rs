//! Faults on demand: what the token endpoint or Graph shall do wrong the next times.
//!
//! A fault that brings no body answers in the shape that the route has for that status.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which part of the origin a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Route {
    /// The token endpoint.
    Token,
    /// Everything under `/v1.0`.
    Graph,
}

/// A fault as it is ordered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) route: Route,
    /// Text that must occur in `METHOD path?query client_id=… grant_type=… user=…`.
    #[serde(rename = "match")]
    pub(crate) matching: Option<String>,
    pub(crate) status: Option<u16>,
    /// Seconds, whole or decimal, or any text such as an HTTP date.
    pub(crate) retry_after: Option<Value>,
    pub(crate) delay_ms: Option<u64>,
    /// As `delay_ms`, but after the route has done its work and before it answers.
    pub(crate) hold_ms: Option<u64>,
    /// JSON, or text that is sent as it stands.
    pub(crate) body: Option<Value>,
    /// Graph only: claims that a 401 demands (continuous access evaluation), as an object.
    pub(crate) challenge: Option<Value>,
    #[serde(default = "once")]
    pub(crate) times: u64,
}

fn once() -> u64 {
    1
}

/// What a fault does to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Misbehaviour {
    /// Waits this long first.
    pub(crate) delay: Option<Duration>,
    /// Then answers this in place of the route; `None`: the route answers as usual.
    pub(crate) answer: Option<Answer>,
    /// Waits this long at last, with everything done that the request asks for.
    pub(crate) hold: Option<Duration>,
}

/// An answer in place of the route's own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Option<Value>,
    pub(crate) challenge: Option<Value>,
}

/// An order that makes no sense, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Senseless(pub(crate) &'static str);

/// A fault in force.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) route: Route,
    pub(crate) matching: Option<String>,
    pub(crate) misbehaviour: Misbehaviour,
    /// How many requests it is still for.
    pub(crate) left: u64,
}

/// The faults in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Mutex<Vec<Active>>,
}

impl Faults {
    /// Adds a fault; tells how many are in force now.
    pub(crate) fn add(&self, order: Order) -> Result<usize, Senseless> {
        if order.times == 0 {
            return Err(Senseless("times must be at least 1"));
        }
        if order
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Err(Senseless("status must be from 200 to 599"));
        }
        let retry_after = match order.retry_after {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(text)) if http::HeaderValue::from_str(&text).is_ok() => Some(text),
            Some(_) => return Err(Senseless("retry_after must be a number or header text")),
        };
        if let Some(challenge) = &order.challenge
            && (order.route != Route::Graph || !challenge.is_object())
        {
            return Err(Senseless("a challenge is an object, for the route graph"));
        }
        let answers = order.status.is_some()
            || retry_after.is_some()
            || order.body.is_some()
            || order.challenge.is_some();
        if !answers && order.delay_ms.is_none() && order.hold_ms.is_none() {
            return Err(Senseless(
                "give at least one of status, retry_after, delay_ms, hold_ms, body and challenge",
            ));
        }
        let misbehaviour = Misbehaviour {
            delay: order.delay_ms.map(Duration::from_millis),
            answer: answers.then(|| Answer {
                status: order.status.unwrap_or(match order.challenge {
                    Some(_) => 401,
                    None => 429,
                }),
                retry_after,
                body: order.body,
                challenge: order.challenge,
            }),
            hold: order.hold_ms.map(Duration::from_millis),
        };
        let mut active = self.lock();
        active.push(Active {
            route: order.route,
            matching: order.matching,
            misbehaviour,
            left: order.times,
        });
        Ok(active.len())
    }

    /// The faults in force, in the order in which they are taken.
    pub(crate) fn list(&self) -> Vec<Active> {
        self.lock().clone()
    }

    /// Ends all faults.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The fault for a request, if one is due; its count goes down.
    pub(crate) fn take(&self, route: Route, request: &str) -> Option<Misbehaviour> {
        let mut active = self.lock();
        let index = active.iter().position(|fault| {
            fault.route == route
                && fault
                    .matching
                    .as_deref()
                    .is_none_or(|text| request.contains(text))
        })?;
        let fault = &mut active[index];
        fault.left -= 1;
        let misbehaviour = fault.misbehaviour.clone();
        if fault.left == 0 {
            active.remove(index);
        }
        Some(misbehaviour)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: &str) -> Order {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn faults_match_count_down_and_end() {
        let faults = Faults::default();
        faults
            .add(order(
                r#"{"route":"graph","match":"/users","status":503,"times":2}"#,
            ))
            .unwrap();
        assert_eq!(faults.take(Route::Token, "POST /t/oauth2/v2.0/token"), None);
        assert_eq!(faults.take(Route::Graph, "GET /v1.0/me"), None);
        for _ in 0..2 {
            let fault = faults.take(Route::Graph, "GET /v1.0/users").unwrap();
            assert_eq!(fault.answer.unwrap().status, 503);
        }
        assert_eq!(faults.take(Route::Graph, "GET /v1.0/users"), None);
        faults
            .add(order(r#"{"route":"token","delay_ms":5}"#))
            .unwrap();
        faults.clear();
        assert_eq!(faults.take(Route::Token, ""), None);
    }

    #[test]
    fn retry_after_may_be_whole_decimal_or_text() {
        let faults = Faults::default();
        for (given, expected) in [
            ("7", "7"),
            ("2.128", "2.128"),
            (
                r#""Wed, 21 Oct 2026 07:28:00 GMT""#,
                "Wed, 21 Oct 2026 07:28:00 GMT",
            ),
        ] {
            faults
                .add(order(&format!(
                    r#"{{"route":"token","retry_after":{given}}}"#
                )))
                .unwrap();
            let answer = faults.take(Route::Token, "").unwrap().answer.unwrap();
            assert_eq!(
                (answer.status, answer.retry_after.as_deref()),
                (429, Some(expected))
            );
        }
    }

    #[test]
    fn senseless_orders_are_refused() {
        for text in [
            r#"{"route":"token"}"#,
            r#"{"route":"token","status":7}"#,
            r#"{"route":"token","status":429,"times":0}"#,
            r#"{"route":"token","retry_after":[]}"#,
            r#"{"route":"token","challenge":{}}"#,
            r#"{"route":"graph","challenge":"x"}"#,
        ] {
            assert!(Faults::default().add(order(text)).is_err(), "{text}");
        }
    }
}
