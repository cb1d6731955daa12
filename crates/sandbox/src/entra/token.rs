//! The token endpoint (`entra-and-graph.md` §4): reads the form, knows the client, and hands
//! on to the grant.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::errors::{self, Refusal};
use super::{Authority, Exchange, Form, assertion, find_application, grants};
use crate::activity::{SignIn, SignInKind};
use crate::directory::{Application, Tenant};
use crate::misbehave::{Answer, Route};

/// RFC 8628 §3.4.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// RFC 7523 §2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// `ANY /{tenant}/oauth2/v2.0/token`.
pub(crate) async fn token(
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    uri: Uri,
    mut exchange: Exchange,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    let credentials = Credentials::of(&exchange.headers, &form);
    if let Some(id) = form.get("client-request-id").and_then(|id| id.parse().ok()) {
        exchange.correlation_id = id;
    }
    let grant_type = form.get("grant_type").unwrap_or_default().to_owned();
    if let Some(client_id) = &credentials.client_id {
        exchange.note_client(client_id);
    }
    if !grant_type.is_empty() {
        exchange
            .learned
            .note(|note| note.grant_type = Some(grant_type.chars().take(64).collect()));
    }
    if let Some(claims) = form.get("claims") {
        let claims = claims.chars().take(512).collect();
        exchange.learned.note(|note| note.claims = Some(claims));
    }
    let described = format!(
        "{method} {}{}{} client_id={} grant_type={grant_type} user=",
        uri.path(),
        if query.is_some() { "?" } else { "" },
        query.unwrap_or_default(),
        credentials.client_id.as_deref().unwrap_or_default(),
    );
    let fault = exchange.world.faults.take(Route::Token, &described);
    let fault = fault.unwrap_or_default();
    if let Some(delay) = fault.delay {
        tokio::time::sleep(delay).await;
    }
    if let Some(answer) = fault.answer {
        return misbehave(&exchange, &answer);
    }
    let response = answered(&exchange, &tenant, &method, (&form, &credentials));
    if let Some(hold) = fault.hold {
        tokio::time::sleep(hold).await;
    }
    response
}

fn answered(
    exchange: &Exchange,
    tenant: &str,
    method: &Method,
    (form, credentials): (&Form, &Credentials),
) -> Response {
    if method != Method::POST {
        return errors::wrong_method(method).json(exchange);
    }
    match grant(exchange, tenant, form, credentials) {
        Ok(answer) => errors::json_response(exchange, 200, &answer),
        Err(refusal) => {
            exchange.world.activity.signed_in(SignIn {
                time: exchange.now,
                kind: SignInKind::TokenRequest,
                user: exchange.learned.known().user,
                client_id: Some(exchange.learned.known().client_id.unwrap_or_default()),
                failure: Some(refusal.failure()),
            });
            refusal.json(exchange)
        }
    }
}

fn grant(
    exchange: &Exchange,
    authority: &str,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let authority = Authority::parse(authority, exchange.world.tenant)?;
    let grant_type = form
        .get("grant_type")
        .ok_or_else(|| errors::parameter_missing("grant_type"))?;
    let known = [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        DEVICE_CODE,
        // as older clients write it
        "device_code",
        JWT_BEARER,
    ];
    if !known.contains(&grant_type) {
        return Err(errors::unsupported_grant(grant_type));
    }
    let client_id = credentials
        .client_id
        .as_deref()
        .ok_or_else(|| errors::parameter_missing("client_id"))?;
    if grant_type == "client_credentials" && authority == Authority::Any {
        return Err(errors::tenant_missing());
    }
    let app = {
        let tenant = exchange.world.directory.read();
        find_application(&tenant, client_id)?.clone()
    };
    match grant_type {
        "authorization_code" => grants::authorization_code(exchange, &app, form, credentials),
        "refresh_token" => grants::refresh_token(exchange, &app, form, credentials),
        "client_credentials" => grants::client_credentials(exchange, &app, form, credentials),
        JWT_BEARER => grants::on_behalf_of(exchange, &app, form, credentials),
        _ => grants::device_code(exchange, &app, form, credentials),
    }
}

/// What a client presented to be known by.
pub(crate) struct Credentials {
    client_id: Option<String>,
    /// The secret, in every way it can be read.
    secrets: Vec<String>,
    assertion: Option<Result<String, Refusal>>,
}

/// A client that proved to be this app.
#[derive(Clone, Copy)]
pub(crate) struct Proven<'a> {
    pub(crate) app: &'a Application,
    pub(crate) proof: Proof,
}

/// How a client proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Not at all: a public client.
    Nothing,
    Secret,
    Certificate,
}

impl Credentials {
    fn of(headers: &HeaderMap, form: &Form) -> Credentials {
        let basic = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|value| STANDARD.decode(value.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let mut secrets: Vec<String> = form
            .get("client_secret")
            .map(str::to_owned)
            .into_iter()
            .collect();
        let mut client_id = form.get("client_id").map(str::to_owned);
        if let Some((id, secret)) = basic.as_deref().and_then(|text| text.split_once(':')) {
            client_id = Some(form_decoded(id));
            if !secret.is_empty() {
                // RFC 6749 form-encodes; some clients send the secret raw.
                secrets.push(form_decoded(secret));
                secrets.push(secret.to_owned());
            }
        }
        Credentials {
            client_id,
            secrets,
            assertion: assertion::of(form),
        }
    }

    /// Whether the client presented nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.assertion.is_none()
    }

    /// Checks secret or assertion of a confidential client; `missing` is said when there is
    /// neither.
    pub(crate) fn prove<'a>(
        &self,
        exchange: &Exchange,
        app: &'a Application,
        missing: fn() -> Refusal,
    ) -> Result<Proven<'a>, Refusal> {
        let proof = match &self.assertion {
            Some(assertion) if self.secrets.is_empty() => {
                let text = assertion.as_ref().map_err(Refusal::clone)?;
                assertion::check(exchange, app, text)?;
                Proof::Certificate
            }
            None if self.secrets.is_empty() => return Err(missing()),
            _ => {
                self.check_secret(exchange, app)?;
                Proof::Secret
            }
        };
        Ok(Proven { app, proof })
    }

    fn check_secret(&self, exchange: &Exchange, app: &Application) -> Result<(), Refusal> {
        let matching = |now_valid: bool| {
            app.passwords
                .iter()
                .filter(|password| (exchange.now < password.end) == now_valid)
                .any(|password| self.secrets.iter().any(|secret| password.matches(secret)))
        };
        if matching(true) {
            Ok(())
        } else if matching(false) {
            Err(errors::expired_secret(app.app_id))
        } else {
            Err(errors::wrong_secret(app.app_id))
        }
    }

    /// Checks that a public client presented nothing.
    pub(crate) fn prove_public<'a>(&self, app: &'a Application) -> Result<Proven<'a>, Refusal> {
        if self.is_empty() {
            let proof = Proof::Nothing;
            Ok(Proven { app, proof })
        } else {
            Err(errors::public_client())
        }
    }
}

fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}

/// The answer that a fault ordered.
fn misbehave(exchange: &Exchange, answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match &answer.body {
        None if status.is_success() => {
            errors::json_response(exchange, answer.status, &serde_json::json!({}))
        }
        None => errors::ordered(answer.status).json(exchange),
        Some(Value::String(text)) => (status, text.clone()).into_response(),
        Some(body) => errors::json_response(exchange, answer.status, body),
    };
    let retry_after = answer.retry_after.as_deref();
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

/// The user of a grant, unless revoked, gone or disabled.
pub(crate) fn user_of(
    tenant: &Tenant,
    user: crate::guid::Guid,
    issued: jiff::Timestamp,
) -> Result<crate::users::User, Refusal> {
    let found = tenant
        .people
        .find(user)
        .ok_or_else(|| errors::unknown_user(&user.to_string(), tenant.id))?;
    if !found.account_enabled {
        return Err(errors::disabled_user());
    }
    match tenant.valid_from.get(&user) {
        Some(valid_from) if issued < *valid_from => Err(errors::grant_revoked(issued, *valid_from)),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read_both_ways() {
        let mut headers = HeaderMap::new();
        let text = STANDARD.encode("a%2Db:x%7Ey+z%25");
        headers.insert(AUTHORIZATION, format!("Basic {text}").parse().unwrap());
        let credentials = Credentials::of(&headers, &Form::default());
        assert_eq!(credentials.client_id.as_deref(), Some("a-b"));
        assert_eq!(credentials.secrets, ["x~y z%", "x%7Ey+z%25"]);
    }
}
