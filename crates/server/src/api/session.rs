//! `/api/v1/session`: people sign in and out.
//!
//! Unknown user, wrong password, locked account: one answer, after the same time.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{Extensions, HeaderMap, StatusCode};
use oauth::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusals;
use super::schema::Role;
use crate::access::{Viewer, client_address};
use crate::app::App;
use crate::cookie::Cookie;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// Longer passwords are refused unread: hashing them is what an attacker wants.
pub(crate) const PASSWORD_LIMIT: usize = 1024;

/// Name and password of a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    username: String,
    #[schema(value_type = String, format = Password, max_length = 1024)]
    password: Secret,
}

impl RequestBody for SignIn {}

/// A person who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// `usr_…`.
    id: String,
    /// What the person signs in with.
    username: String,
    role: Role,
}

/// Begins a session for a user: the answer with its cookie.
pub(crate) async fn begin(
    app: &App,
    user: &store::User,
    status: StatusCode,
) -> Result<Response, Problem> {
    let (_, token) = app.store().sessions().create(user).await?;
    let body = SignedIn {
        id: user.id.to_string(),
        username: user.name.clone(),
        role: user.role.into(),
    };
    Ok((
        status,
        [(SET_COOKIE, Cookie::Session.set(app, &token, None))],
        Answer(body),
    )
        .into_response())
}

/// Signs a person in; the answer sets the session cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", operation_id = "sign_in", security(()),
    request_body = SignIn, responses((status = 200, body = SignedIn), Refusals))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    app.logins().admit(
        client_address(&app, &headers, &extensions),
        app.clock().now(),
    )?;
    let found = if body.password.expose().len() > PASSWORD_LIMIT {
        None
    } else {
        match app
            .store()
            .users()
            .verify(&body.username, &body.password)
            .await
        {
            Err(store::Error::TooManyAttempts { .. }) => None,
            other => other?,
        }
    };
    let user = found.ok_or_else(|| {
        Problem::new(
            "login.failed",
            "user name or password is wrong, or the account is locked for today",
        )
        .hint("try again with care: an account is locked for a day after 100 attempts")
    })?;
    // a new session at every sign-in; the one that the browser brought along ends
    if let Some(old) = Cookie::Session.read(&app, &headers)
        && let Some(session) = app.store().sessions().find(&old).await?
    {
        app.store()
            .sessions()
            .remove(&session.user.actor(), &session.id)
            .await?;
    }
    begin(&app, &user, StatusCode::OK).await
}

/// Signs a person out; without a session it has nothing to do.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", operation_id = "sign_out", responses((status = 204), Refusals))]
pub(crate) async fn sign_out(viewer: Viewer, headers: HeaderMap) -> Result<Response, Problem> {
    let app = viewer.app();
    if let Some(token) = Cookie::Session.read(app, &headers)
        && let Some(session) = app.store().sessions().find(&token).await?
    {
        app.store()
            .sessions()
            .remove(viewer.actor(), &session.id)
            .await?;
    }
    Ok((
        StatusCode::NO_CONTENT,
        [(SET_COOKIE, Cookie::Session.clear(app))],
    )
        .into_response())
}
