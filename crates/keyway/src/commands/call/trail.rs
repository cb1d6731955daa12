//! How a call went, told on stderr: never a body, a header or a secret.

use serde_json::Value;

use crate::ui::{Ui, plain};

/// Prints the attempts of a call.
pub(super) fn print(ui: Ui, method: &str, answer: &Value) {
    for line in lines(method, answer) {
        ui.note(&plain(&line));
    }
}

fn lines(method: &str, answer: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!(
        "{method} {}{}",
        text(&answer["host"]),
        text(&answer["path"])
    )];
    let attempts = answer["trail"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for (at, attempt) in attempts.iter().enumerate() {
        let why = match attempt["why"].as_str() {
            Some("token_refused") => "the API refused the token, it was renewed",
            Some("throttled") => "the API had asked to wait",
            Some("unavailable") => "the API was in trouble",
            Some("network") => "no answer had come",
            _ => "called",
        };
        let ended = match (attempt["status"].as_u64(), attempt["code"].as_str()) {
            (Some(status), Some(code)) => format!("answered {status} ({code})"),
            (Some(status), None) => format!("answered {status}"),
            (None, _) => text(&attempt["code"]),
        };
        let mut parts = vec![format!(
            "  {}. after {} ms: {why}; {ended} in {} ms",
            at + 1,
            attempt["begun_ms"],
            attempt["took_ms"]
        )];
        if let Some(generation) = attempt["token_generation"].as_i64() {
            let until = text(&attempt["token_expires_at"]);
            parts.push(format!("token {generation}, good until {until}"));
        }
        if let Some(id) = attempt["request_id"].as_str() {
            parts.push(format!("request id {id}"));
        }
        lines.push(parts.join("; "));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_attempt_has_its_line() {
        let answer = json!({ "host": "graph.contoso.example", "path": "/v1.0/users", "trail": [
            { "why": "called", "begun_ms": 2, "took_ms": 40, "status": 401, "code": null, "token_generation": 7,
              "token_expires_at": "2026-03-01T12:00:00Z", "request_id": "a" },
            { "why": "token_refused", "begun_ms": 60, "took_ms": 20, "status": 401, "code": "upstream.unauthorized",
              "token_generation": 8, "token_expires_at": "2026-03-01T13:00:00Z", "request_id": null },
            { "why": "token_refused", "begun_ms": 90, "took_ms": 30, "status": null, "code": "upstream.timeout",
              "token_generation": null, "token_expires_at": null, "request_id": null },
        ]});
        assert_eq!(
            lines("GET", &answer),
            [
                "GET graph.contoso.example/v1.0/users",
                "  1. after 2 ms: called; answered 401 in 40 ms; token 7, good until 2026-03-01T12:00:00Z; request id a",
                "  2. after 60 ms: the API refused the token, it was renewed; answered 401 (upstream.unauthorized) in 20 ms; token 8, good until 2026-03-01T13:00:00Z",
                "  3. after 90 ms: the API refused the token, it was renewed; upstream.timeout in 30 ms",
            ]
        );
    }
}
