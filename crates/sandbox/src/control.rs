//! `/sandbox/*`: the controls, for holders of the control token.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::misbehave::{Active, Order};
use crate::rotation::Mode;
use crate::seal;
use crate::world::Shared;

/// The routes of the controls.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route(
            "/sandbox/faults",
            get(list_faults).post(add_fault).delete(clear_faults),
        )
        .route("/sandbox/clock", post(set_clock))
        .route("/sandbox/revoke", post(revoke))
        .route("/sandbox/lifetimes", post(set_lifetimes))
        .route("/sandbox/rotation", get(read_rotation).post(set_rotation))
        .route("/sandbox/log", get(read_log))
}

/// Lets only holders of the control token reach `/sandbox/*`.
pub(crate) async fn guard(State(world): State<Shared>, request: Request, next: Next) -> Response {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if token.is_some_and(|token| seal::equal(token, &world.keys.control_token)) {
        return next.run(request).await;
    }
    let body = problem("the control token of sandbox.json is missing or wrong");
    (
        StatusCode::UNAUTHORIZED,
        [(WWW_AUTHENTICATE, "Bearer")],
        body,
    )
        .into_response()
}

fn problem(text: &str) -> axum::Json<Value> {
    axum::Json(json!({"error": {"message": text}}))
}

fn refused(status: StatusCode, text: &str) -> Response {
    (status, problem(text)).into_response()
}

#[expect(clippy::result_large_err, reason = "the error is the response itself")]
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| {
        refused(
            StatusCode::BAD_REQUEST,
            &format!("the body is not right: {error}"),
        )
    })
}

async fn add_fault(State(world): State<Shared>, body: Bytes) -> Response {
    let order: Order = match parse(&body) {
        Ok(order) => order,
        Err(response) => return response,
    };
    match world.faults.add(order) {
        Ok(count) => axum::Json(json!({ "faults": count })).into_response(),
        Err(senseless) => refused(StatusCode::BAD_REQUEST, senseless.0),
    }
}

async fn list_faults(State(world): State<Shared>) -> Response {
    let fault =
        |fault: &Active| json!({"route": fault.route, "match": fault.matching, "left": fault.left});
    let faults: Vec<Value> = world.faults.list().iter().map(fault).collect();
    axum::Json(json!({ "faults": faults })).into_response()
}

async fn clear_faults(State(world): State<Shared>) -> Response {
    world.faults.clear();
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOrder {
    offset_seconds: i64,
}

async fn set_clock(State(world): State<Shared>, body: Bytes) -> Response {
    let order: ClockOrder = match parse(&body) {
        Ok(order) => order,
        Err(response) => return response,
    };
    if let Err(senseless) = world.clock.set_offset(order.offset_seconds) {
        return refused(StatusCode::BAD_REQUEST, senseless.0);
    }
    let now = world.clock.now().to_string();
    axum::Json(json!({"offset_seconds": order.offset_seconds, "now": now})).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeOrder {
    user: String,
}

async fn revoke(State(world): State<Shared>, body: Bytes) -> Response {
    let order: RevokeOrder = match parse(&body) {
        Ok(order) => order,
        Err(response) => return response,
    };
    let mut tenant = world.directory.write();
    let Some(user) = tenant.people.find_by_key(&order.user) else {
        let text = format!(
            "there is no user {:?}: give an id or a user principal name",
            order.user
        );
        return refused(StatusCode::NOT_FOUND, &text);
    };
    tenant.revoke_sessions(user.id, world.clock.wall());
    axum::Json(json!({"user": user.principal_name, "id": user.id})).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifetimesOrder {
    access_seconds: Option<i64>,
}

async fn set_lifetimes(State(world): State<Shared>, body: Bytes) -> Response {
    let order: LifetimesOrder = match parse(&body) {
        Ok(order) => order,
        Err(response) => return response,
    };
    if let Err(senseless) = world.lifetimes.set(order.access_seconds) {
        return refused(StatusCode::BAD_REQUEST, senseless.0);
    }
    axum::Json(json!({ "access_seconds": order.access_seconds })).into_response()
}

async fn set_rotation(State(world): State<Shared>, body: Bytes) -> Response {
    let mode: Mode = match parse(&body) {
        Ok(mode) => mode,
        Err(response) => return response,
    };
    world.rotation.set(mode);
    read_rotation(State(world)).await
}

async fn read_rotation(State(world): State<Shared>) -> Response {
    let (mode, revoked) = world.rotation.state();
    axum::Json(json!({ "rotation": mode, "families_revoked": revoked })).into_response()
}

#[derive(Deserialize)]
struct LogQuery {
    /// Only requests after this number.
    after: Option<usize>,
}

async fn read_log(State(world): State<Shared>, Query(query): Query<LogQuery>) -> Response {
    let from = query.after.map_or(1, |after| after.saturating_add(1));
    // What comes later than this moment is not part of the answer.
    let to = world.log.last();
    let chunks = futures_util::stream::unfold(from, move |next| {
        let world = Arc::clone(&world);
        async move {
            if next > to {
                return None;
            }
            let (text, next) = world.log.lines(next, to);
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), next))
        }
    });
    let kind = [(CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(chunks)).into_response()
}
