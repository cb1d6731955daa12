//! `/approve/{token}`: a person with the link of a question looks at it, and answers it once.
//!
//! The link is the credential: whoever has it may answer, signed in or not. Looking changes nothing, so that previews
//! of links do no harm; the answer comes from our own page only.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use engine::{Decision, Verdict};
use http::header::CONTENT_TYPE;
use store::{Actor, Approval, Role};
use url::form_urlencoded;

use crate::app::App;
use crate::csrf;
use crate::frame::TraceId;
use crate::page::question;
use crate::problem::Problem;
use crate::session::visitor;

/// How many bytes an answer has at most.
const FORM: usize = 16 * 1024;
/// How many characters a comment has at most.
pub(crate) const COMMENT: usize = 2_000;
/// How many characters a name has at most.
const NAME: usize = 200;

/// What stands in the address; a token is plain text.
type Token = Result<Path<String>, PathRejection>;

pub(crate) fn router() -> Router<App> {
    Router::new().route("/approve/{token}", get(show).post(decide))
}

async fn show(State(app): State<App>, token: Token, request: Request) -> Response {
    let trace_id = TraceId::of(&request);
    let (parts, _) = request.into_parts();
    let asked = async {
        let asked = open(&app, token).await?;
        let visitor = visitor(&app, &parts.headers).await?;
        Ok((asked, visitor))
    };
    match asked.await {
        Ok((asked, visitor)) => {
            let name = visitor.as_ref().map(|visitor| visitor.name.as_str());
            question::ask(&asked, name, trace_id)
        }
        Err(problem) => question::refusal(&problem, trace_id),
    }
}

async fn decide(State(app): State<App>, token: Token, request: Request) -> Response {
    let trace_id = TraceId::of(&request);
    match answered(&app, token, request).await {
        Ok((asked, verdict)) => question::decided(&asked, verdict == Verdict::Approved, trace_id),
        Err(problem) => question::refusal(&problem, trace_id),
    }
}

async fn answered(
    app: &App,
    token: Token,
    request: Request,
) -> Result<(Approval, Verdict), Problem> {
    let (parts, body) = request.into_parts();
    csrf::require_own(app, &parts.method, &parts.headers)?;
    let asked = open(app, token).await?;
    let form = form(&parts.headers, body).await?;
    let visitor = visitor(app, &parts.headers).await?;
    let by = visitor.is_none().then_some(form.name).flatten();
    let actor = visitor.unwrap_or_else(|| Actor {
        id: asked.id.to_string(),
        name: "holder of the link".to_owned(),
        role: Role::Viewer,
    });
    let decision = Decision {
        approved: form.verdict,
        by,
        comment: form.comment,
    };
    let decided = app.engine().decide(&actor, &asked, decision).await;
    decided.map_err(|error| closed_or(error, &asked))?;
    Ok((asked, form.verdict))
}

/// The question of a link, if it still waits for an answer.
async fn open(app: &App, token: Token) -> Result<Approval, Problem> {
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let found = app.store().approvals().find_by_token(&token).await?;
    let asked = found.ok_or_else(|| {
        Problem::new(
            "approval.not_found",
            "there is no question at this address, or it was taken back",
        )
    })?;
    let over = asked
        .expires_at
        .is_some_and(|until| until <= app.clock().now());
    if over || asked.decided_at.is_some() {
        return Err(closed(&asked));
    }
    Ok(asked)
}

fn closed(asked: &Approval) -> Problem {
    let detail = format!(
        "\"{}\" was answered before, or its time is over",
        asked.title
    );
    Problem::new("approval.closed", detail)
}

/// What the store says when somebody else was faster.
pub(crate) fn closed_or(error: engine::Error, asked: &Approval) -> Problem {
    match error {
        engine::Error::Store(store::Error::Busy { .. }) => closed(asked),
        other => other.into(),
    }
}

struct Form {
    verdict: Verdict,
    comment: Option<String>,
    name: Option<String>,
}

async fn form(headers: &http::HeaderMap, body: Body) -> Result<Form, Problem> {
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if declared.trim() != "application/x-www-form-urlencoded" {
        let detail = "the answer is not the form of this page";
        return Err(Problem::new("body.media_type", detail).hint("open the link in a browser"));
    }
    let body = to_bytes(body, FORM)
        .await
        .map_err(|_| Problem::new("body.too_large", "the answer is too long, or broke off"))?;
    let mut found = Form {
        verdict: Verdict::Rejected,
        comment: None,
        name: None,
    };
    let mut decisions = 0;
    for (name, value) in form_urlencoded::parse(&body) {
        match (name.as_ref(), value.as_ref()) {
            ("decision", "approve") => {
                found.verdict = Verdict::Approved;
                decisions += 1;
            }
            ("decision", "reject") => decisions += 1,
            ("comment", text) => found.comment = short(text, COMMENT, "comment")?,
            ("name", text) => found.name = short(text, NAME, "name")?,
            _ => {
                return Err(Problem::new(
                    "body.invalid",
                    "the answer is not the form of this page",
                ));
            }
        }
    }
    if decisions != 1 {
        let detail = "the answer must say once whether it is yes or no";
        return Err(Problem::new("body.invalid", detail));
    }
    Ok(found)
}

/// A text within its limit; an empty one is none.
pub(crate) fn short(
    text: &str,
    limit: usize,
    field: &'static str,
) -> Result<Option<String>, Problem> {
    let text = text.trim();
    if text.chars().count() > limit {
        let detail = format!("the {field} is longer than {limit} characters");
        return Err(Problem::new("body.invalid", detail).field(format!("/{field}")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
