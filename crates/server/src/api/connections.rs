//! `/api/v1/connections`: named connections, from making one to finding out what ails it.

use axum::Json as Answer;
use axum::extract::RawQuery;
use axum::response::Response;
use connect::{Card, Change, Explanation, NewConnection, Proof, RedirectUri, Revocation};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use store::ConnectionName;
use utoipa::{IntoParams, ToSchema};

use super::{Name, Refusals, answer, etag, expected_version, schema};
use crate::access::{Admin, Operator, Viewer};
use crate::json::{Json, RequestBody};
use crate::problem::Problem;
use crate::query::Query;

impl RequestBody for NewConnection {
    const OBJECTS: &'static [&'static str] = &["query_key"];
}

/// All connections.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    #[schema(value_type = Vec<schema::Card>)]
    items: Vec<Card>,
}

/// A changed connection, and what the change took away.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedConnection {
    #[schema(value_type = schema::Card)]
    connection: Card,
    /// The secrets and tokens that the change wiped, by name.
    wiped: Vec<String>,
}

/// What to type on the page of a sign-in by device code (RFC 8628).
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the standard's words")]
pub(crate) struct UserCode {
    /// What to type; to be shown as it is.
    user_code: String,
    /// Where.
    verification_uri: String,
    /// The same place with the code filled in, if the provider has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    /// Seconds until the code ends.
    expires_in: i64,
    /// Seconds between two of the server's own polls; to know how it goes, ask `explain`.
    interval: i64,
}

impl From<connect::UserCode> for UserCode {
    fn from(code: connect::UserCode) -> UserCode {
        UserCode {
            user_code: code.user_code,
            verification_uri: code.verification_uri.to_string(),
            verification_uri_complete: code.verification_uri_complete.map(String::from),
            expires_in: code.expires_in,
            interval: code.interval,
        }
    }
}

/// A sign-in that was begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartedAuthorization {
    /// To be opened in a browser, once; with `device_code` the provider's page, in any browser.
    url: String,
    /// Until when.
    expires_at: Timestamp,
    /// What the provider's page already says against it; the same as the connection's card then has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    diagnosis: Option<oauth::Diagnosis>,
    /// What to type there; with the grant `device_code` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<UserCode>,
}

/// Whether a connection that flows name is deleted all the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Force {
    No,
    Yes,
}

/// How a connection is deleted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documentation only; the value is read by itself")]
pub(crate) struct ForceQuery {
    /// Deletes it although flows name it: their calls fail then.
    #[param(default = false)]
    force: Option<bool>,
}

/// A connection that is gone, and what became of its token at the provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedConnection {
    deleted: String,
    /// `result`: `revoked`, `not_offered`, `no_token` or `failed`; then `why`.
    #[schema(value_type = Object)]
    revocation: Revocation,
}

impl Viewer {
    async fn connections(&self) -> Result<Vec<Card>, Problem> {
        Ok(self.app().connector().list(self.actor()).await?)
    }

    async fn connection(&self, name: &ConnectionName) -> Result<Card, Problem> {
        Ok(self.app().connector().card(self.actor(), name).await?)
    }

    async fn explain(&self, name: &ConnectionName) -> Result<Explanation, Problem> {
        Ok(self.app().connector().explain(self.actor(), name).await?)
    }

    async fn redirect_uri(&self, name: &ConnectionName) -> Result<RedirectUri, Problem> {
        Ok(self
            .app()
            .connector()
            .redirect_uri(self.actor(), name)
            .await?)
    }
}

impl Operator {
    async fn authorize(&self, name: &ConnectionName) -> Result<StartedAuthorization, Problem> {
        let started = self.app().connector().authorize(self.actor(), name).await?;
        Ok(StartedAuthorization {
            url: started.url.to_string(),
            expires_at: started.expires_at,
            diagnosis: started.diagnosis,
            device: started.device.map(UserCode::from),
        })
    }

    async fn test_connection(&self, name: &ConnectionName) -> Result<Card, Problem> {
        Ok(self.app().connector().test(self.actor(), name).await?)
    }
}

impl Admin {
    async fn create_connection(&self, new: NewConnection) -> Result<Card, Problem> {
        let proof = if new.prove.unwrap_or(true) {
            Proof::Now
        } else {
            Proof::Later
        };
        Ok(self
            .app()
            .connector()
            .create(self.actor(), new, proof)
            .await?)
    }

    async fn change_connection(
        &self,
        name: &ConnectionName,
        version: Option<i64>,
        change: Change,
    ) -> Result<ChangedConnection, Problem> {
        let changed = self
            .app()
            .connector()
            .change(self.actor(), name, version, change)
            .await?;
        Ok(ChangedConnection {
            connection: changed.card,
            wiped: changed.wiped,
        })
    }

    async fn remove_connection(
        &self,
        name: &ConnectionName,
        version: Option<i64>,
        force: Force,
    ) -> Result<Revocation, Problem> {
        let (app, actor) = (self.app(), self.actor());
        if force == Force::No {
            let flows = app.engine().flows_with(actor, name.as_str()).await?;
            if !flows.is_empty() {
                let detail = format!(
                    "connection \"{name}\" is named by the flows {}",
                    flows.join(", ")
                );
                return Err(Problem::new("connection.in_use", detail)
                    .connection(name.to_string())
                    .hint("change or delete these flows first, or delete it all the same (`?force=true`, `--force`): their calls fail then"));
            }
        }
        Ok(app.connector().remove(actor, name, version).await?)
    }
}

/// Lists the connections.
#[utoipa::path(get, path = "/api/v1/connections", tag = "connections", operation_id = "list_connections",
    responses((status = 200, body = ConnectionList), Refusals))]
pub(crate) async fn list(viewer: Viewer) -> Result<Answer<ConnectionList>, Problem> {
    Ok(Answer(ConnectionList {
        items: viewer.connections().await?,
    }))
}

/// Makes a connection, saves it, then proves it; what the provider answers is in the card's state.
#[utoipa::path(post, path = "/api/v1/connections", tag = "connections", operation_id = "create_connection",
    request_body = schema::NewConnection,
    responses((status = 201, body = schema::Card, headers(("ETag" = String, description = "The version, for `If-Match`"))), Refusals))]
pub(crate) async fn create(
    admin: Admin,
    Json(new): Json<NewConnection>,
) -> Result<Response, Problem> {
    let card = admin.create_connection(new).await?;
    Ok(answer(StatusCode::CREATED, etag(card.version), card))
}

/// Shows a connection's card: settings without secrets, state, token facts, what to do next.
#[utoipa::path(get, path = "/api/v1/connections/{name}", tag = "connections", operation_id = "show_connection", params(schema::NameParameter),
    responses((status = 200, body = schema::Card, headers(("ETag" = String, description = "The version, for `If-Match`"))), Refusals))]
pub(crate) async fn show(viewer: Viewer, Name(name): Name) -> Result<Response, Problem> {
    let card = viewer.connection(&name).await?;
    Ok(answer(StatusCode::OK, etag(card.version), card))
}

/// Changes a connection; a change of where or how a secret is sent wipes it, and says so.
#[utoipa::path(patch, path = "/api/v1/connections/{name}", tag = "connections", operation_id = "change_connection",
    params(schema::NameParameter, schema::IfMatch), request_body = schema::Change,
    responses((status = 200, body = ChangedConnection), Refusals))]
pub(crate) async fn change(
    admin: Admin,
    Name(name): Name,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Result<Response, Problem> {
    let changed = admin
        .change_connection(&name, expected_version(&headers)?, change)
        .await?;
    Ok(answer(
        StatusCode::OK,
        etag(changed.connection.version),
        changed,
    ))
}

/// Deletes a connection with its secrets and tokens, and has its token revoked where the provider offers that (RFC 7009).
#[utoipa::path(delete, path = "/api/v1/connections/{name}", tag = "connections", operation_id = "delete_connection",
    params(schema::NameParameter, schema::IfMatch, ForceQuery), responses((status = 200, body = DeletedConnection), Refusals))]
pub(crate) async fn delete(
    admin: Admin,
    Name(name): Name,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Answer<DeletedConnection>, Problem> {
    let version = expected_version(&headers)?;
    let force = match Query(query.as_deref()).get("force", "true or false")? {
        Some(true) => Force::Yes,
        Some(false) | None => Force::No,
    };
    let revocation = admin.remove_connection(&name, version, force).await?;
    Ok(Answer(DeletedConnection {
        deleted: name.to_string(),
        revocation,
    }))
}

/// Begins a sign-in; the answer's URL binds the browser that opens it and leads to the provider, or comes with a code to type there.
#[utoipa::path(post, path = "/api/v1/connections/{name}/authorize", tag = "connections", operation_id = "authorize_connection", params(schema::NameParameter),
    responses((status = 200, body = StartedAuthorization), Refusals))]
pub(crate) async fn authorize(
    operator: Operator,
    Name(name): Name,
) -> Result<Answer<StartedAuthorization>, Problem> {
    Ok(Answer(operator.authorize(&name).await?))
}

/// Proves a connection again, without any effect at the API.
#[utoipa::path(post, path = "/api/v1/connections/{name}/test", tag = "connections", operation_id = "test_connection", params(schema::NameParameter),
    responses((status = 200, body = schema::Card), Refusals))]
pub(crate) async fn test(operator: Operator, Name(name): Name) -> Result<Answer<Card>, Problem> {
    Ok(Answer(operator.test_connection(&name).await?))
}

/// Explains a connection's state: what, why, who can cure it, what to do.
#[utoipa::path(get, path = "/api/v1/connections/{name}/explain", tag = "connections", operation_id = "explain_connection", params(schema::NameParameter),
    responses((status = 200, body = schema::Explanation), Refusals))]
pub(crate) async fn explain(
    viewer: Viewer,
    Name(name): Name,
) -> Result<Answer<Explanation>, Problem> {
    Ok(Answer(viewer.explain(&name).await?))
}

/// Tells the redirect URI to register at the provider.
#[utoipa::path(get, path = "/api/v1/connections/{name}/redirect-uri", tag = "connections", operation_id = "show_redirect_uri", params(schema::NameParameter),
    responses((status = 200, body = schema::RedirectUri), Refusals))]
pub(crate) async fn redirect_uri(
    viewer: Viewer,
    Name(name): Name,
) -> Result<Answer<RedirectUri>, Problem> {
    Ok(Answer(viewer.redirect_uri(&name).await?))
}
