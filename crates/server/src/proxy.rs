//! `ANY /proxy/{name}/{path…}`: the streaming pass-through.
//!
//! The caller's API key is taken off, the connection's credential is attached
//! by `connect`, everything else streams both ways. API keys only: a session
//! cookie opens nothing here, so no page of any site can, and what an API
//! answers is never a page of ours.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use connect::{Begun, ProxyRequest, StreamBody};
use http::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, COOKIE, HeaderValue, SET_COOKIE,
    VIA,
};
use store::{ConnectionName, Role};

use crate::access::{Caller, InProcess, Kind, bearer};
use crate::app::App;
use crate::frame::around;
use crate::problem::Problem;

/// What comes from an API is data: a browser that opens it neither runs nor embeds it.
const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");

/// On every answer of an API and on none of ours (RFC 9110 §7.6.3): a client tells them apart by it.
const BY: HeaderValue = HeaderValue::from_static("1.1 keyway");

/// The prefix of every address here.
pub(crate) const PREFIX: &str = "/proxy/";
/// The route's name in metrics.
const ROUTE: &str = "/proxy/{name}/{*path}";

/// For the router; the listener comes to [`answer`] without it.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/proxy/{name}", any(proxy))
        .route("/proxy/{name}/", any(proxy))
        .route("/proxy/{name}/{*path}", any(proxy))
}

async fn proxy(State(app): State<App>, request: Request) -> Response {
    answer(&app, request).await
}

/// Answers a request below [`PREFIX`], frame included.
pub(crate) async fn answer(app: &App, request: Request) -> Response {
    around(app, ROUTE, request, async |request| {
        forward(app, request)
            .await
            .unwrap_or_else(IntoResponse::into_response)
    })
    .await
}

/// Passes one request on.
async fn forward(app: &App, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let caller = caller(app, &parts).await?;
    let target = parts
        .uri
        .path_and_query()
        .map_or("/proxy", |target| target.as_str());
    let (name, target) = split(target)?;
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove(COOKIE);
    let begun = Begun::new(app.clock().now(), &caller.actor, &parts.method, target);
    let request = ProxyRequest {
        method: parts.method,
        path_and_query: target.to_owned(),
        headers: parts.headers,
        body: StreamBody::new(body),
    };
    let answered = app.connector().forward(&caller.actor, &name, request).await;
    app.connector().calls().record(match &answered {
        Ok(answer) => Some(begun.passed(answer)),
        Err(error) => begun.failed(error),
    });
    let answered = answered.map_err(|error| Problem::from_call(app, &name, &error))?;
    let mut response = Response::new(axum::body::Body::new(answered.body));
    *response.status_mut() = answered.status;
    *response.headers_mut() = answered.headers;
    let headers = response.headers_mut();
    headers.remove(SET_COOKIE);
    headers.append(VIA, BY);
    headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    headers
        .entry(CONTENT_DISPOSITION)
        .or_insert(HeaderValue::from_static("attachment"));
    Ok(response)
}

/// The holder of an API key with the operator's role, or this process itself.
async fn caller(app: &App, parts: &http::request::Parts) -> Result<Caller, Problem> {
    let caller = match (parts.extensions.get::<InProcess>(), bearer(&parts.headers)?) {
        (Some(InProcess(actor)), _) => Caller {
            actor: actor.clone(),
            kind: Kind::Local,
        },
        (None, Some(token)) => {
            Caller::of_key(app, token, &parts.headers, &parts.extensions).await?
        }
        (None, None) => {
            return Err(
                Problem::new("unauthenticated", "the pass-through needs an API key").hint(
                    "send `Authorization: Bearer kw_…`; a browser's session is not enough here",
                ),
            );
        }
    };
    caller.at_least(Role::Operator, app, parts).await
}

/// `/proxy/{name}/{rest}` into the name and what is asked of the API, exactly as it was written.
fn split(target: &str) -> Result<(ConnectionName, &str), Problem> {
    let rest = target.strip_prefix("/proxy/").unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (name, target) = rest.split_at(end);
    let name = ConnectionName::parse(name).map_err(|_| Problem::not_found("connection", name))?;
    Ok((name, if target.is_empty() { "/" } else { target }))
}
