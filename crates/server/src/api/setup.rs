//! `/api/v1/setup`: the first administrator, by the one-time token that the first start prints.
//!
//! Once there is a user this address is not there.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use http::{Extensions, HeaderMap, StatusCode};
use oauth::Secret;
use serde::{Deserialize, Serialize};
use store::Store;
use utoipa::ToSchema;

use super::Refusals;
use super::session::{SignedIn, begin};
use super::users::{check_password, refused};
use crate::access::client_address;
use crate::app::App;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUp {
    /// The one-time token that `keyway serve` printed.
    #[schema(value_type = String)]
    token: Secret,
    username: String,
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 1024)]
    password: Secret,
}

impl RequestBody for SetUp {}

/// Whether there is nobody yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetupNeeded {
    needed: bool,
}

/// Makes a new setup token for whoever starts the server to print; `None` once there is a user.
///
/// The token before it no longer works.
pub async fn setup_token(store: &Store) -> Result<Option<Secret>, store::Error> {
    store.setup().issue().await
}

/// Tells whether the first administrator is still to be made.
#[utoipa::path(get, path = "/api/v1/setup", tag = "session", operation_id = "setup_needed", security(()),
    responses((status = 200, body = SetupNeeded), Refusals))]
pub(crate) async fn needed(State(app): State<App>) -> Result<Answer<SetupNeeded>, Problem> {
    let needed = !app.store().users().any().await?;
    Ok(Answer(SetupNeeded { needed }))
}

/// Makes the first administrator and signs that person in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "session", operation_id = "set_up", security(()),
    request_body = SetUp, responses((status = 201, body = SignedIn), Refusals))]
pub(crate) async fn set_up(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Json(body): Json<SetUp>,
) -> Result<Response, Problem> {
    if app.store().users().any().await? {
        return Err(gone());
    }
    app.logins().admit(
        client_address(&app, &headers, &extensions),
        app.clock().now(),
    )?;
    check_password(&body.password)?;
    match app
        .store()
        .setup()
        .redeem(&body.token, &body.username, &body.password)
        .await
        .map_err(refused)?
    {
        Some(user) => begin(&app, &user, StatusCode::CREATED).await,
        None if app.store().users().any().await? => Err(gone()),
        None => {
            Err(Problem::new("setup.token_invalid", "this is not the setup token").field("/token"))
        }
    }
}

fn gone() -> Problem {
    Problem::new("route.not_found", "there is nothing at this address")
}
