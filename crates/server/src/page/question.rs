//! The page of a question that a run asks: what is asked, and two buttons.
//!
//! What a flow shows here is text, whatever it holds. The form goes to this server alone.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, REFERRER_POLICY};
use serde_json::Value;
use store::Approval;

use super::{Escaped, Mark, POLICY, answer, framed, policy};
use crate::frame::TraceId;
use crate::problem::Problem;

/// As for every page, but this one has a form.
static WITH_FORM: LazyLock<HeaderValue> = LazyLock::new(|| policy("'self'"));

/// Asks. Who is signed in is named; nobody else has to be.
pub(crate) fn ask(asked: &Approval, visitor: Option<&str>, trace_id: TraceId) -> Response {
    let mut body = facts(asked);
    body.push_str("<form method=\"post\">\n");
    match visitor {
        Some(name) => {
            let _ = writeln!(body, "<p>You decide as <code>{}</code>.</p>", Escaped(name));
        }
        None => body.push_str(
            "<label for=\"name\">Your name</label><input id=\"name\" name=\"name\" maxlength=\"200\" autocomplete=\"name\">\n",
        ),
    }
    body.push_str(
        "<label for=\"comment\">Comment</label><textarea id=\"comment\" name=\"comment\" rows=\"3\" maxlength=\"2000\"></textarea>\n\
         <button name=\"decision\" value=\"approve\">Approve</button><button name=\"decision\" value=\"reject\">Reject</button>\n</form>\n",
    );
    let mark = Mark {
        text: "Your decision is needed",
        class: "",
    };
    let html = framed(&mark, &asked.title, &body, trace_id);
    let mut response = answer(StatusCode::OK, html, WITH_FORM.clone());
    // with no referrer at all, a browser would not say by whose page the form is sent
    response
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Says that the answer is stored.
pub(crate) fn decided(asked: &Approval, approved: bool, trace_id: TraceId) -> Response {
    let mark = if approved {
        Mark {
            text: "Approved",
            class: "ok",
        }
    } else {
        Mark {
            text: "Rejected",
            class: "bad",
        }
    };
    let body = "<p>Your decision is stored, and the run goes on. You can close this tab.</p>\n";
    let html = framed(&mark, &asked.title, body, trace_id);
    answer(StatusCode::OK, html, POLICY.clone())
}

/// Says why nothing can be decided here.
pub(crate) fn refusal(problem: &Problem, trace_id: TraceId) -> Response {
    let mark = Mark {
        text: "Not decided",
        class: "bad",
    };
    let mut body = format!("<p>{}</p>\n", Escaped(problem.detail()));
    if let Some(hint) = problem.hint_text() {
        let _ = writeln!(body, "<p>{}</p>", Escaped(hint));
    }
    let title = "This question can't be answered here";
    let html = framed(&mark, title, &body, trace_id);
    let mut response = answer(problem.status(), html, POLICY.clone());
    problem.own_headers(response.headers_mut());
    response
}

fn facts(asked: &Approval) -> String {
    let mut body = String::new();
    if let Some(message) = asked.detail.get("message").and_then(Value::as_str) {
        let _ = writeln!(body, "<p>{}</p>", Escaped(message));
    }
    let flow = asked.detail.get("flow").and_then(Value::as_str);
    let flow = flow.unwrap_or_default().replace('/', ".");
    let _ = write!(
        body,
        "<dl>\n<dt>Flow</dt><dd>{}</dd>\n<dt>Run</dt><dd><code>{}</code></dd>\n<dt>Asked</dt><dd>{}</dd>\n",
        Escaped(&flow),
        asked.run,
        moment(asked.created_at),
    );
    if let Some(until) = asked.expires_at {
        let _ = writeln!(body, "<dt>Answer by</dt><dd>{}</dd>", moment(until));
    }
    body.push_str("</dl>\n");
    match asked.detail.get("details") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            let _ = writeln!(body, "<pre>{}</pre>", Escaped(text));
        }
        Some(details) => {
            let text = serde_json::to_string_pretty(details).unwrap_or_default();
            let _ = writeln!(body, "<pre>{}</pre>", Escaped(&text));
        }
    }
    body
}

fn moment(at: jiff::Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}
