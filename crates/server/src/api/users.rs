//! `/api/v1/users`: the people who sign in.

use axum::Json as Answer;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use oauth::Secret;
use serde::{Deserialize, Serialize};
use store::{User, UserId};
use utoipa::ToSchema;

use super::schema::Role;
use super::session::PASSWORD_LIMIT;
use super::{Refusals, answer};
use crate::access::Admin;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// Shorter passwords are refused.
const PASSWORD_MINIMUM: usize = 12;

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// What the person will sign in with.
    username: String,
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 1024)]
    password: Secret,
    role: Role,
}

impl RequestBody for NewUser {}

/// A user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserCard {
    /// `usr_…`.
    id: String,
    username: String,
    role: Role,
    created_at: Timestamp,
    /// Since when the user can't sign in.
    disabled_at: Option<Timestamp>,
}

/// All users.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    items: Vec<UserCard>,
}

impl From<User> for UserCard {
    fn from(user: User) -> UserCard {
        UserCard {
            id: user.id.to_string(),
            username: user.name,
            role: user.role.into(),
            created_at: user.created_at,
            disabled_at: user.disabled_at,
        }
    }
}

impl Admin {
    async fn users(&self) -> Result<Vec<User>, Problem> {
        Ok(self.app().store().users().list(self.actor()).await?)
    }

    async fn add_user(&self, new: &NewUser) -> Result<User, Problem> {
        check_password(&new.password)?;
        let users = self.app().store().users();
        users
            .add(self.actor(), &new.username, &new.password, new.role.into())
            .await
            .map_err(refused)
    }

    async fn disable_user(&self, id: &str) -> Result<User, Problem> {
        let unknown = || Problem::not_found("user", id);
        let parsed = UserId::parse(id).map_err(|_| unknown())?;
        self.app()
            .store()
            .users()
            .disable(self.actor(), &parsed)
            .await
            .map_err(|error| match error {
                store::Error::NotFound { .. } => unknown(),
                other => other.into(),
            })
    }
}

/// What the store has against a new user, with the field.
pub(crate) fn refused(error: store::Error) -> Problem {
    let field = match &error {
        store::Error::Conflict { .. } => {
            let detail = "a user with this name exists already";
            return Problem::new("user.name_taken", detail).field("/username");
        }
        store::Error::Invalid {
            what: "user name", ..
        } => "/username",
        store::Error::Invalid {
            what: "password", ..
        } => "/password",
        _ => return error.into(),
    };
    Problem::new("user.invalid", error.to_string()).field(field)
}

/// Refuses passwords that are too short to be one or too long to be hashed.
pub(crate) fn check_password(password: &Secret) -> Result<(), Problem> {
    let length = password.expose().chars().count();
    if length < PASSWORD_MINIMUM || password.expose().len() > PASSWORD_LIMIT {
        let detail = format!("a password has {PASSWORD_MINIMUM} to {PASSWORD_LIMIT} characters");
        return Err(Problem::new("user.password_invalid", detail).field("/password"));
    }
    Ok(())
}

/// Lists the users.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users", responses((status = 200, body = UserList), Refusals))]
pub(crate) async fn list(admin: Admin) -> Result<Answer<UserList>, Problem> {
    let items = admin
        .users()
        .await?
        .into_iter()
        .map(UserCard::from)
        .collect();
    Ok(Answer(UserList { items }))
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", operation_id = "create_user",
    request_body = NewUser, responses((status = 201, body = UserCard), Refusals))]
pub(crate) async fn create(admin: Admin, Json(body): Json<NewUser>) -> Result<Response, Problem> {
    let user = admin.add_user(&body).await?;
    Ok(answer(StatusCode::CREATED, (), UserCard::from(user)))
}

/// Disables a user: sign-in and sessions end at once.
#[utoipa::path(post, path = "/api/v1/users/{id}/disable", tag = "users", operation_id = "disable_user", params(("id" = String, Path, description = "`usr_…`")),
    responses((status = 200, body = UserCard), Refusals))]
pub(crate) async fn disable(
    admin: Admin,
    path: Option<Path<String>>,
) -> Result<Answer<UserCard>, Problem> {
    let id = path.map(|Path(id)| id).unwrap_or_default();
    Ok(Answer(admin.disable_user(&id).await?.into()))
}
