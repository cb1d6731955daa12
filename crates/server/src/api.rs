//! The REST API under `/api/v1`: one file per resource, and the `OpenAPI` document of it all.
//!
//! A handler parses, calls one method of its handle, maps the answer.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod call_log;
pub(crate) mod calls;
pub(crate) mod connection_documents;
pub(crate) mod connection_secrets;
pub(crate) mod connections;
pub(crate) mod discovery;
pub(crate) mod encryption_keys;
pub(crate) mod events;
pub(crate) mod flow_secrets;
pub(crate) mod flows;
pub(crate) mod keys;
pub(crate) mod me;
pub(crate) mod overview;
pub(crate) mod pages;
pub(crate) mod permissions;
pub(crate) mod presets;
pub(crate) mod redirect_uris;
pub(crate) mod retention;
pub(crate) mod runs;
pub mod schema;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod tables;
pub(crate) mod users;
pub(crate) mod watch;
pub(crate) mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use store::ConnectionName;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Viewer;
use crate::app::App;
use crate::problem::{Problem, ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Keyway",
        description = "Named connections to OAuth 2.0 APIs with tokens that are always fresh.\n\nEvery failure is a problem document (RFC 9457) with a stable `code`. Programs send an API key as `Authorization: Bearer kw_…`; people have a session cookie, which unsafe methods accept from Keyway's own pages only.",
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Credentials),
    security(("api_key" = []), ("session" = []))
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "api_key",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("kw_…")
                    .build(),
            ),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-keyway-session"))),
        );
    }
}

/// The API's routes with their documentation.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(connections::list, connections::create))
        .routes(routes!(
            connections::show,
            connections::change,
            connections::delete
        ))
        .routes(routes!(
            connection_documents::export,
            connection_documents::apply
        ))
        .routes(routes!(connection_secrets::add))
        .routes(routes!(connection_secrets::remove))
        .routes(routes!(connection_secrets::generate))
        .routes(routes!(connection_secrets::certificate))
        .routes(routes!(connections::authorize))
        .routes(routes!(connections::test))
        .routes(routes!(connections::explain))
        .routes(routes!(connections::redirect_uri))
        .routes(routes!(calls::call))
        .routes(routes!(batch::batch))
        .routes(routes!(pages::pages))
        .routes(routes!(call_log::list))
        .routes(routes!(discovery::discover))
        .routes(routes!(redirect_uris::reserve))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::disable))
        .routes(routes!(audit::list))
        .routes(routes!(me::me))
        .routes(routes!(overview::overview))
        .routes(routes!(overview::about))
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(setup::needed, setup::set_up))
        .routes(routes!(presets::list))
        .merge(operation_router())
        .routes(routes!(permissions::judge))
        .routes(routes!(permissions::list))
        .merge(flow_router())
}

/// The routes of what an installation is run with: webhooks, encryption keys, how long things are kept.
fn operation_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::show, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(encryption_keys::list))
        .routes(routes!(encryption_keys::rotate))
        .routes(routes!(retention::show, retention::change))
}

/// The routes of flows and what belongs to them.
fn flow_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(flows::list, flows::deploy))
        .routes(routes!(flows::show, flows::delete))
        .routes(routes!(flows::source))
        .routes(routes!(flows::enable))
        .routes(routes!(flows::disable))
        .routes(routes!(flows::roll_back))
        .routes(routes!(runs::start::start))
        .routes(routes!(runs::list, runs::start::once))
        .routes(routes!(runs::show, runs::delete))
        .routes(routes!(watch::watch))
        .routes(routes!(watch::list::watch))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::suspend))
        .routes(routes!(runs::resume))
        .routes(routes!(runs::retry))
        .routes(routes!(runs::resolve))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::decide))
        .routes(routes!(events::deliver))
        .routes(routes!(flow_secrets::list))
        .routes(routes!(flow_secrets::save, flow_secrets::delete))
        .routes(routes!(tables::list))
        .routes(routes!(tables::rows))
        .routes(routes!(tables::row, tables::put, tables::delete))
}

/// The `OpenAPI` 3.1 document of the REST API, pretty-printed, ending with a line feed.
pub fn openapi() -> String {
    document(&router().split_for_parts().1)
}

fn document(openapi: &utoipa::openapi::OpenApi) -> String {
    let mut text = openapi
        .to_pretty_json()
        .expect("the document is plain data");
    text.push('\n');
    text
}

/// Serves the document to anybody with a key.
pub(crate) fn document_router(openapi: &utoipa::openapi::OpenApi) -> Router<App> {
    let text: Arc<str> = document(openapi).into();
    let handler = move |_: Viewer| {
        let text = text.to_string();
        async move { ([(CONTENT_TYPE, "application/json")], text) }
    };
    Router::new().route("/api/v1/openapi.json", get(handler))
}

/// The connection's name in a path; one that no connection can have is simply not found.
pub(crate) struct Name(pub(crate) ConnectionName);

impl FromRequestParts<App> for Name {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Name, Problem> {
        let text = path(parts, app).await.unwrap_or_default();
        ConnectionName::parse(&text)
            .map(Name)
            .map_err(|_| Problem::not_found("connection", &text))
    }
}

/// The one parameter of a path, decoded; `None` if it is not UTF-8.
pub(crate) async fn path(parts: &mut Parts, app: &App) -> Option<String> {
    Path::<String>::from_request_parts(parts, app)
        .await
        .ok()
        .map(|Path(text)| text)
}

/// The version that a change is based on (`If-Match`); `None` stands for whatever there is (`*`).
pub(crate) fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let Some(value) = values.next() else {
        return Err(
            Problem::new("precondition.required", "the If-Match header is missing")
                .field("If-Match"),
        );
    };
    if value == "*" && values.next().is_none() {
        return Ok(None);
    }
    let version = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    match version {
        Some(version) if values.next().is_none() => Ok(Some(version)),
        _ => Err(Problem::new(
            "precondition.invalid",
            "If-Match must be one version as the ETag has it, such as \"3\"",
        )
        .field("If-Match")),
    }
}

/// A version as an `ETag`.
pub(crate) fn etag(version: i64) -> [(HeaderName, HeaderValue); 1] {
    [(
        ETAG,
        HeaderValue::from_str(&format!("\"{version}\"")).expect("a number in quotes"),
    )]
}

/// An answer with a status, headers and a JSON body.
pub(crate) fn answer(
    status: StatusCode,
    headers: impl axum::response::IntoResponseParts,
    body: impl serde::Serialize,
) -> axum::response::Response {
    (status, headers, axum::Json(body)).into_response()
}

/// The problems that any address may answer with.
pub(crate) struct Refusals;

impl utoipa::IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = |(status, description): (&str, &str)| {
            let schema = Ref::from_schema_name("Problem");
            let content = Content::new(Some(schema));
            let response = ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content)
                .build();
            (status.to_owned(), RefOr::T(response))
        };
        [
            ("400", "The request is not valid."),
            ("401", "Not signed in."),
            (
                "403",
                "The role is not enough, or a page of another site asks.",
            ),
            ("404", "There is no such thing."),
            ("default", "Any other failure."),
        ]
        .map(problem)
        .into()
    }
}
