//! How a call went, told on stderr: never a body, a header or a secret.

use serde_json::{Value, json};

use crate::ui::{Ui, plain};

/// Prints the attempts of a call that was just made.
pub(super) fn print(ui: Ui, method: &str, answer: &Value) {
    for line in lines(method, answer) {
        ui.note(&plain(&line));
    }
}

/// The attempts of a call in the log. One that was sent once, with a token that was there, is told by its row alone.
pub(super) fn of_row(row: &Value) -> Vec<String> {
    let mut row = row.clone();
    if row["trail"].is_null() && row["attempts"] == 1 {
        row["trail"] = json!([{
            "why": "called", "begun_ms": 0, "took_ms": row["took_ms"], "status": row["status"], "code": row["code"],
            "token_generation": row["token_generation"], "request_id": row["request_id"],
        }]);
    }
    let mut lines = lines(row["method"].as_str().unwrap_or_default(), &row);
    if row["trail"].is_null() {
        let code = row["code"].as_str().unwrap_or("passed through");
        lines.push(format!("  {code} after {} ms", row["took_ms"]));
    }
    lines
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
            _ if attempt["token_renewed"] == true => {
                "called; none of its tokens was still good, a new one came"
            }
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
            let until = attempt["token_expires_at"].as_str();
            let until = until.map_or_else(String::new, |until| format!(", good until {until}"));
            parts.push(format!("token {generation}{until}"));
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

    #[test]
    fn every_attempt_has_its_line() {
        let answer = json!({ "host": "graph.contoso.example", "path": "/v1.0/users", "trail": [
            { "why": "called", "token_renewed": true, "begun_ms": 2, "took_ms": 40, "status": 401, "code": null, "token_generation": 7,
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
                "  1. after 2 ms: called; none of its tokens was still good, a new one came; answered 401 in 40 ms; token 7, good until 2026-03-01T12:00:00Z; request id a",
                "  2. after 60 ms: the API refused the token, it was renewed; answered 401 (upstream.unauthorized) in 20 ms; token 8, good until 2026-03-01T13:00:00Z",
                "  3. after 90 ms: the API refused the token, it was renewed; upstream.timeout in 30 ms",
            ]
        );
    }

    #[test]
    fn a_row_of_the_log_tells_of_itself_where_it_has_no_trail() {
        let row = |attempts: u32, code: Option<&str>| {
            let status = code.is_none().then_some(200);
            json!({ "method": "GET", "host": "graph.contoso.example", "path": "/v1.0/users", "took_ms": 9, "trail": null,
                    "attempts": attempts, "status": status, "code": code, "token_generation": 7, "request_id": "a" })
        };
        assert_eq!(
            of_row(&row(1, None))[1],
            "  1. after 0 ms: called; answered 200 in 9 ms; token 7; request id a"
        );
        let refused = row(0, Some("connection.origin_forbidden"));
        assert_eq!(
            of_row(&refused)[1],
            "  connection.origin_forbidden after 9 ms"
        );
    }
}
