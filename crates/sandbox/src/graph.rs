//! A part of Microsoft Graph v1.0 (`entra-and-graph.md` §9 to §11): users, app registrations,
//! service principals, consents, groups, the organization and its licences, and batches of all
//! that. Delta and subscriptions are not here and say so (501).

mod access;
mod applications;
mod batch;
mod consents;
mod errors;
mod filter;
mod groups;
mod principals;
mod properties;
mod query;
mod search;
mod tenant;
mod user_changes;
mod users;

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::guid::Guid;
use crate::misbehave::{Answer, Route};
use crate::permissions::GRAPH;
use crate::server::Learned;
use crate::world::Shared;
use access::Caller;
use errors::GraphError;
use query::Query;

const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// The routes of Graph.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/v1.0", any(handle))
        .route("/v1.0/", any(handle))
        .route("/v1.0/{*path}", any(handle))
}

/// One request to Graph whose token is good.
pub(crate) struct Call {
    pub(crate) world: Shared,
    pub(crate) base: String,
    pub(crate) now: Timestamp,
    pub(crate) method: Method,
    pub(crate) caller: Caller,
    pub(crate) query: Query,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

/// What an operation answers.
pub(crate) enum Outcome {
    /// 200 with a body.
    Found(Value),
    /// 201 with a body.
    Created(Value),
    /// 204.
    Done,
    /// 200 with plain text.
    Text(String),
}

/// The result of an operation.
pub(crate) type Reply = Result<Outcome, GraphError>;

impl Call {
    /// `@odata.context` of what is answered.
    pub(crate) fn context(&self, what: &str) -> String {
        format!("{}/v1.0/$metadata#{what}", self.base)
    }

    /// The absolute URL of the request, without its query.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, GraphError> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) | Err(_) => Err(errors::bad_request(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
        }
    }
}

/// What an answer repeats of its request.
struct Ids {
    request_id: String,
    client_request_id: String,
    base: String,
    now: Timestamp,
    units: u8,
}

/// A request as it came: by itself, or as a part of a batch.
struct Received {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

async fn handle(
    State(world): State<Shared>,
    Extension(learned): Extension<Learned>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let base = world.base(&uri, &headers);
    let received = Received {
        method,
        uri,
        headers,
        body,
    };
    one(&world, &base, &learned, received).await
}

/// Answers one request, with the fault that was ordered for it.
async fn one(world: &Shared, base: &str, learned: &Learned, received: Received) -> Response {
    let Received {
        method,
        uri,
        headers,
        body,
    } = received;
    let now = world.clock.now();
    let request_id = learned.request_id.to_string();
    let ids = Ids {
        client_request_id: headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .map_or_else(|| request_id.clone(), str::to_owned),
        request_id,
        base: base.to_owned(),
        now,
        units: resource_units(&method, &uri),
    };
    let caller = Caller::of(world, base, &headers, now, learned);
    let known = learned.known();
    let described = format!(
        "{method} {} client_id={} grant_type= user={}",
        uri.path_and_query().map_or("", |both| both.as_str()),
        known.client_id.as_deref().unwrap_or_default(),
        known.user.as_deref().unwrap_or_default(),
    );
    let fault = world.faults.take(Route::Graph, &described);
    let fault = fault.unwrap_or_default();
    if let Some(delay) = fault.delay {
        tokio::time::sleep(delay).await;
    }
    if let Some(answer) = fault.answer {
        let app_id = known.client_id.as_deref().unwrap_or_default();
        return misbehave(&answer, &ids, app_id, world.tenant);
    }
    let reply = match caller {
        Err(error) => Err(error),
        Ok(_) if method == Method::POST && uri.path() == "/v1.0/$batch" => {
            // Boxed, since its parts come back here.
            Box::pin(batch::answer(world, base, &headers, &body)).await
        }
        Ok(caller) => {
            let eventual = headers
                .get("consistencylevel")
                .is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual"));
            Query::parse(uri.query().unwrap_or_default(), eventual).and_then(|query| {
                dispatch(&Call {
                    query,
                    path: uri.path().to_owned(),
                    world: world.clone(),
                    base: base.to_owned(),
                    now,
                    method,
                    caller,
                    body,
                })
            })
        }
    };
    if let Some(hold) = fault.hold {
        tokio::time::sleep(hold).await;
    }
    respond(reply, &ids)
}

/// What a request costs against the throttling budget.
fn resource_units(method: &Method, uri: &Uri) -> u8 {
    let path = uri.path().trim_start_matches("/v1.0/");
    let list = [
        "users",
        "applications",
        "oauth2PermissionGrants",
        "appRoleAssignments",
    ];
    let mut units: u8 = if method == Method::GET && list.contains(&path) {
        2
    } else {
        1
    };
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match name.strip_prefix('$').unwrap_or(&name) {
            "select" => units = units.saturating_sub(1),
            "expand" => units += 1,
            "top" if value.parse::<u16>().is_ok_and(|top| top < 20) => {
                units = units.saturating_sub(1);
            }
            _ => {}
        }
    }
    units.max(1)
}

/// The parts of a path, decoded; `users('x')` reads as `users/x`.
fn segments(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let path = path.trim_start_matches("/v1.0").trim_matches('/');
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
        match part.strip_suffix(')').and_then(|part| part.split_once('(')) {
            Some((name, key)) if !name.is_empty() && !key.is_empty() => {
                parts.push(name.to_owned());
                let key = key.strip_prefix("id=").unwrap_or(key);
                let quoted = key
                    .strip_prefix('\'')
                    .and_then(|key| key.strip_suffix('\''));
                parts.push(
                    quoted
                        .map_or(Cow::from(key), |key| key.replace("''", "'").into())
                        .into_owned(),
                );
            }
            _ => parts.push(part.into_owned()),
        }
    }
    parts
}

fn dispatch(call: &Call) -> Reply {
    let parts = segments(&call.path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["me", rest @ ..] | ["users", "me-token-to-replace", rest @ ..] => {
            let Some(user) = call.caller.user() else {
                return Err(errors::app_only_me());
            };
            users::one(call, &user.id.to_string(), rest)
        }
        ["users"] => users::all(call),
        ["users", "$count"] => users::count(call),
        // As a request of its own it is a POST; in a batch there is no other.
        ["$batch"] => Err(errors::wrong_method()),
        ["users" | "groups", "delta" | "delta()"]
        | [
            "devices" | "directoryObjects" | "directoryRoles" | "subscriptions" | "$metadata"
            | "directory" | "auditLogs" | "sites" | "teams",
            ..,
        ] => Err(errors::not_implemented()),
        ["users", key, rest @ ..] => users::one(call, key, rest),
        ["applications", rest @ ..] => applications::dispatch(call, rest),
        ["servicePrincipals", rest @ ..] => principals::dispatch(call, rest),
        ["oauth2PermissionGrants", rest @ ..] => consents::grants(call, rest),
        ["organization", rest @ ..] => tenant::organization(call, rest),
        ["domains"] => tenant::domains(call),
        ["groups", rest @ ..] => groups::dispatch(call, rest),
        ["subscribedSkus"] => tenant::licences(call),
        [] => Err(errors::unknown_segment("")),
        [other, ..] => Err(errors::unknown_segment(other)),
    }
}

/// A page of a collection, its members in the order of the wire.
pub(crate) fn collection(
    context: &str,
    count: Option<usize>,
    next_link: Option<String>,
    value: Vec<Value>,
) -> Outcome {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    if let Some(count) = count {
        body.insert("@odata.count".to_owned(), json!(count));
    }
    if let Some(next_link) = next_link {
        body.insert("@odata.nextLink".to_owned(), json!(next_link));
    }
    body.insert("value".to_owned(), Value::Array(value));
    Outcome::Found(Value::Object(body))
}

/// An object with its context in front.
pub(crate) fn entity(context: &str, object: Value) -> Value {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    if let Value::Object(object) = object {
        body.extend(object);
    }
    Value::Object(body)
}

fn respond(reply: Reply, ids: &Ids) -> Response {
    let mut response = match reply {
        Ok(Outcome::Found(body)) => json_response(StatusCode::OK, &body),
        Ok(Outcome::Created(body)) => json_response(StatusCode::CREATED, &body),
        Ok(Outcome::Done) => StatusCode::NO_CONTENT.into_response(),
        Ok(Outcome::Text(text)) => text.into_response(),
        Err(error) => return refuse(&error, ids),
    };
    add_headers(response.headers_mut(), ids);
    response
}

fn refuse(error: &GraphError, ids: &Ids) -> Response {
    let date = ids.now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let body = error.body(&date, &ids.request_id, &ids.client_request_id);
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(status, &body);
    if error.status == 401 {
        challenge(&mut response, ids, error.challenge.as_deref());
    }
    add_headers(response.headers_mut(), ids);
    response
}

/// Says where tokens come from, and which claims the next one must have, if that is why this one was refused.
fn challenge(response: &mut Response, ids: &Ids, demand: Option<&Value>) {
    let demand = demand.map_or_else(String::new, |demand| {
        let claims = STANDARD.encode(demand.to_string());
        format!(", error=\"insufficient_claims\", claims=\"{claims}\"")
    });
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", client_id=\"{GRAPH}\"{demand}",
        ids.base
    );
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

/// The headers of every answer.
fn add_headers(headers: &mut HeaderMap, ids: &Ids) {
    let fixed = [
        ("odata-version", "4.0"),
        ("strict-transport-security", "max-age=31536000"),
        (
            "x-ms-ags-diagnostic",
            r#"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"KEYWAY"}}"#,
        ),
    ];
    for (name, value) in fixed {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        HeaderName::from_static("x-ms-resource-unit"),
        HeaderValue::from(u16::from(ids.units)),
    );
    for (name, value) in [
        ("request-id", &ids.request_id),
        ("client-request-id", &ids.client_request_id),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The answer that a fault ordered.
fn misbehave(answer: &Answer, ids: &Ids, app_id: &str, tenant: Guid) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match &answer.body {
        None if status.is_success() => json_response(status, &json!({})),
        None => refuse(&errors::ordered(answer.status), ids),
        Some(Value::String(text)) => (status, text.clone()).into_response(),
        Some(body) => json_response(status, body),
    };
    add_headers(response.headers_mut(), ids);
    if answer.status == 429 {
        let scope = format!("Tenant_Application/ReadWrite/{app_id}/{tenant}");
        for (name, value) in [
            ("x-ms-throttle-scope", scope.as_str()),
            ("x-ms-throttle-information", "ResourceUnitLimitExceeded"),
            ("x-ms-throttle-limit-percentage", "1.2"),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
    }
    if let Some(demand) = &answer.challenge {
        challenge(&mut response, ids, Some(demand));
    }
    let retry_after = answer.retry_after.as_deref();
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_parentheses_are_segments() {
        let check = |path: &str| segments(path).join("|");
        assert_eq!(
            check("/v1.0/users/a%23b@contoso.example/manager"),
            "users|a#b@contoso.example|manager"
        );
        assert_eq!(check("/v1.0/users('o''x')"), "users|o'x");
        assert_eq!(
            check("/v1.0/applications(appId='7')/addPassword"),
            "applications|appId='7'|addPassword"
        );
        assert_eq!(check("/v1.0/"), "");
    }
}
