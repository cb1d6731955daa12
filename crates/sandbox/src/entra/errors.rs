//! Entra's refusals: code, HTTP status, RFC 6749 error, words; as JSON, as a page's text, or
//! as the parameters of a redirect. The list is `entra-and-graph.md` §8.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::Exchange;
use crate::guid::Guid;

/// One refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u32,
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) suberror: Option<&'static str>,
    pub(crate) message: String,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: Guid,
    correlation_id: Guid,
    error_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'a str>,
}

/// A moment as Entra writes it.
pub(crate) fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

impl Refusal {
    fn new(code: u32, status: u16, error: &'static str, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            status,
            error,
            suberror: None,
            message: message.into(),
        }
    }

    fn with_suberror(self, suberror: &'static str) -> Refusal {
        Refusal {
            suberror: Some(suberror),
            ..self
        }
    }

    /// `AADSTSnnn: …` with the ids, as `error_description` has it.
    pub(crate) fn description(&self, exchange: &Exchange) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code,
            self.message,
            exchange.trace_id,
            exchange.correlation_id,
            timestamp(exchange.now)
        )
    }

    /// Where more is told.
    pub(crate) fn uri(&self, exchange: &Exchange) -> String {
        format!("{}/error?code={}", exchange.base, self.code)
    }

    /// The answer of an endpoint that speaks JSON.
    pub(crate) fn json(&self, exchange: &Exchange) -> Response {
        let body = Body {
            error: self.error,
            error_description: self.description(exchange),
            error_codes: [self.code],
            timestamp: timestamp(exchange.now),
            trace_id: exchange.trace_id,
            correlation_id: exchange.correlation_id,
            error_uri: self.uri(exchange),
            suberror: self.suberror,
        };
        json_response(exchange, self.status, &body)
    }
}

/// A JSON answer of the token endpoint, never cached.
pub(crate) fn json_response(exchange: &Exchange, status: u16, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).expect("answers are plain structs");
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (CONTENT_TYPE, "application/json; charset=utf-8"),
        (CACHE_CONTROL, "no-store, no-cache"),
        (PRAGMA, "no-cache"),
        (EXPIRES, "-1"),
    ];
    let mut response = (status, headers, text).into_response();
    exchange.add_headers(response.headers_mut());
    response
}

// Client and tenant.

pub(crate) fn wrong_secret(app_id: Guid) -> Refusal {
    Refusal::new(
        7_000_215,
        401,
        "invalid_client",
        format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app_id}'."
        ),
    )
}

pub(crate) fn expired_secret(app_id: Guid) -> Refusal {
    Refusal::new(
        7_000_222,
        401,
        "invalid_client",
        format!(
            "The provided client secret keys for app '{app_id}' are expired. Create new keys for the app."
        ),
    )
}

pub(crate) fn secret_missing() -> Refusal {
    Refusal::new(
        7_000_218,
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}

pub(crate) fn secret_missing_for_client_credentials() -> Refusal {
    Refusal::new(
        7_000_216,
        401,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    )
}

pub(crate) fn public_client() -> Refusal {
    Refusal::new(
        700_025,
        401,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    )
}

pub(crate) fn assertion_key_unknown(app_id: Guid) -> Refusal {
    Refusal::new(
        700_027,
        401,
        "invalid_client",
        format!(
            "The certificate with which the assertion was signed is not registered on application '{app_id}'."
        ),
    )
}

pub(crate) fn unknown_application(client_id: &str, tenant: &str) -> Refusal {
    Refusal::new(
        700_016,
        400,
        "unauthorized_client",
        format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        ),
    )
}

pub(crate) fn principal_missing(app_id: Guid, tenant: Guid) -> Refusal {
    Refusal::new(
        7_000_229,
        401,
        "unauthorized_client",
        format!(
            "The client application '{app_id}' is missing service principal in the tenant '{tenant}'."
        ),
    )
}

pub(crate) fn unknown_tenant(tenant: &str) -> Refusal {
    Refusal::new(
        90_002,
        400,
        "invalid_request",
        format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
        ),
    )
}

pub(crate) fn malformed_tenant(tenant: &str) -> Refusal {
    Refusal::new(
        900_023,
        400,
        "invalid_request",
        format!(
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
        ),
    )
}

pub(crate) fn tenant_missing() -> Refusal {
    Refusal::new(
        50_059,
        400,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    )
}

pub(crate) fn single_tenant(app_id: Guid, name: &str) -> Refusal {
    Refusal::new(
        50_194,
        400,
        "invalid_request",
        format!(
            "Application '{app_id}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps. Use a tenant-specific endpoint or configure the application to be multi-tenant."
        ),
    )
}

pub(crate) fn unknown_instance() -> Refusal {
    Refusal::new(
        50_049,
        400,
        "invalid_instance",
        "Unknown or invalid instance.",
    )
}

// Parameters.

pub(crate) fn parameter_missing(name: &str) -> Refusal {
    Refusal::new(
        900_144,
        400,
        "invalid_request",
        format!("The request body must contain the following parameter: '{name}'."),
    )
}

pub(crate) fn field_missing(name: &str) -> Refusal {
    Refusal::new(
        90_014,
        400,
        "invalid_request",
        format!(
            "The required field '{name}' is missing from the credential. Ensure that you have all the necessary parameters for the login request."
        ),
    )
}

pub(crate) fn wrong_method(method: &http::Method) -> Refusal {
    Refusal::new(
        900_561,
        400,
        "invalid_request",
        format!("The endpoint only accepts POST requests. Received a {method} request."),
    )
}

pub(crate) fn unsupported_grant(grant_type: &str) -> Refusal {
    Refusal::new(
        70_003,
        400,
        "unsupported_grant_type",
        format!("The app requested an unsupported grant type '{grant_type}'."),
    )
}

pub(crate) fn unsupported_response_type(response_type: &str) -> Refusal {
    Refusal::new(
        70_005,
        400,
        "unsupported_response_type",
        format!("The app requested an unsupported response type '{response_type}'."),
    )
}

pub(crate) fn id_token_not_enabled() -> Refusal {
    Refusal::new(
        700_054,
        400,
        "unsupported_response_type",
        "response_type 'id_token' is not enabled for the application.",
    )
}

pub(crate) fn unsupported_response_mode(mode: &str) -> Refusal {
    Refusal::new(
        70_007,
        400,
        "invalid_request",
        format!("'{mode}' is not a supported value of 'response_mode' when requesting a code."),
    )
}

pub(crate) fn unsupported_prompt(prompt: &str) -> Refusal {
    Refusal::new(
        90_023,
        400,
        "invalid_request",
        format!("Unsupported 'prompt' value '{prompt}'."),
    )
}

pub(crate) fn challenge_size() -> Refusal {
    Refusal::new(
        50_147,
        400,
        "invalid_request",
        "Invalid size of Code_Challenge parameter.",
    )
}

pub(crate) fn challenge_method(method: &str) -> Refusal {
    Refusal::new(
        50_149,
        400,
        "invalid_request",
        format!("Invalid Code_Challenge_method parameter '{method}'."),
    )
}

pub(crate) fn verifier_size() -> Refusal {
    Refusal::new(
        501_491,
        400,
        "invalid_request",
        "Invalid size of Code_Verifier parameter.",
    )
}

// Redirect URIs.

pub(crate) fn redirect_mismatch(redirect_uri: &str, app_id: Guid) -> Refusal {
    Refusal::new(
        50_011,
        400,
        "invalid_request",
        format!(
            "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application '{app_id}'. Make sure the redirect URI sent in the request matches one added to your application."
        ),
    )
}

pub(crate) fn no_reply_address(app_id: Guid) -> Refusal {
    Refusal::new(
        500_113,
        400,
        "invalid_request",
        format!("No reply address is registered for the application '{app_id}'."),
    )
}

pub(crate) fn reply_address_differs(given: &str, expected: &str) -> Refusal {
    Refusal::new(
        500_112,
        400,
        "invalid_client",
        format!(
            "The reply address '{given}' does not match the reply address '{expected}' provided when requesting Authorization code."
        ),
    )
}

// Scopes.

pub(crate) fn named_scope_in_client_credentials(scope: &str) -> Refusal {
    Refusal::new(
        1_002_012,
        400,
        "invalid_scope",
        format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
        ),
    )
}

pub(crate) fn invalid_scope(scope: &str, why: &str) -> Refusal {
    Refusal::new(
        70_011,
        400,
        "invalid_scope",
        format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid. {why}"
        ),
    )
}

pub(crate) fn several_resources(scope: &str) -> Refusal {
    Refusal::new(
        28_000,
        400,
        "invalid_request",
        format!(
            "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid."
        ),
    )
}

pub(crate) fn scope_unknown(app_name: &str, scope: &str, resource: Guid) -> Refusal {
    Refusal::new(
        650_053,
        400,
        "invalid_client",
        format!(
            "The application '{app_name}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor."
        ),
    )
}

pub(crate) fn resource_not_listed(app_id: Guid, app_name: &str, resource: &str) -> Refusal {
    Refusal::new(
        650_057,
        400,
        "invalid_client",
        format!(
            "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: {app_id}({app_name}). Resource value from request: {resource}."
        ),
    )
}

pub(crate) fn resource_not_found(resource: &str, tenant: Guid) -> Refusal {
    Refusal::new(
        500_011,
        400,
        "invalid_resource",
        format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
        ),
    )
}

// Consent.

pub(crate) fn consent_missing(app_id: Guid, name: &str) -> Refusal {
    Refusal::new(
        65_001,
        400,
        "invalid_grant",
        format!(
            "The user or administrator has not consented to use the application with ID '{app_id}' named '{name}'. Send an interactive authorization request for this user and resource."
        ),
    )
    .with_suberror("consent_required")
}

/// 65001 as it is sent to a redirect URI with `prompt=none`.
pub(crate) fn consent_required(app_id: Guid, name: &str) -> Refusal {
    Refusal {
        error: "consent_required",
        suberror: None,
        ..consent_missing(app_id, name)
    }
}

pub(crate) fn consent_declined() -> Refusal {
    Refusal::new(
        65_004,
        400,
        "access_denied",
        "User declined to consent to access the app.",
    )
}

pub(crate) fn admin_approval_needed(name: &str) -> Refusal {
    Refusal::new(
        90_094,
        400,
        "access_denied",
        format!("An administrator of the tenant must grant '{name}' the permissions it asks for."),
    )
}

pub(crate) fn administrator_only() -> Refusal {
    Refusal::new(
        90_093,
        403,
        "access_denied",
        "This operation can only be performed by an administrator. Sign out and sign in as an administrator or contact one of your organization's administrators.",
    )
}

// Codes and tokens.

pub(crate) fn code_redeemed() -> Refusal {
    Refusal::new(
        54_005,
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    )
}

pub(crate) fn code_expired() -> Refusal {
    Refusal::new(
        70_008,
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    )
}

pub(crate) fn refresh_token_inactive() -> Refusal {
    Refusal::new(
        700_082,
        400,
        "invalid_grant",
        "The refresh token has expired due to inactivity. It was not used for 90 days.",
    )
    .with_suberror("bad_token")
}

pub(crate) fn malformed_grant() -> Refusal {
    Refusal::new(
        9_002_313,
        400,
        "invalid_grant",
        "Invalid request. Request is malformed or invalid.",
    )
}

pub(crate) fn foreign_grant() -> Refusal {
    Refusal::new(
        70_000,
        400,
        "invalid_grant",
        "Provided grant is invalid or malformed: it was issued to another client.",
    )
}

pub(crate) fn verifier_mismatch() -> Refusal {
    Refusal::new(
        501_481,
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    )
}

pub(crate) fn grant_revoked(issued: Timestamp, valid_from: Timestamp) -> Refusal {
    Refusal::new(
        50_173,
        400,
        "invalid_grant",
        format!(
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{valid_from}'."
        ),
    )
    .with_suberror("bad_token")
}

// People.

pub(crate) fn wrong_password() -> Refusal {
    Refusal::new(
        50_126,
        400,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
    )
}

pub(crate) fn unknown_user(name: &str, tenant: Guid) -> Refusal {
    Refusal::new(
        50_034,
        400,
        "invalid_grant",
        format!("The user account {name} does not exist in the {tenant} directory."),
    )
}

pub(crate) fn disabled_user() -> Refusal {
    Refusal::new(
        50_057,
        400,
        "invalid_grant",
        "The user account is disabled.",
    )
}

pub(crate) fn nobody_signed_in() -> Refusal {
    Refusal::new(
        50_058,
        400,
        "login_required",
        "Session information is not sufficient for single-sign-on.",
    )
}

pub(crate) fn form_expired() -> Refusal {
    Refusal::new(
        50_012,
        400,
        "invalid_request",
        "The page you came from is too old or was not made by this sandbox. Go back to the application and start again.",
    )
}

pub(crate) fn foreign_form() -> Refusal {
    Refusal::new(
        50_012,
        403,
        "invalid_request",
        "This form was sent by another site. Go back to the application and start again.",
    )
}

// Trouble on demand.

/// What the token endpoint says when it is told to answer with a status and nothing more.
pub(crate) fn ordered(status: u16) -> Refusal {
    match status {
        429 => Refusal::new(
            90_055,
            429,
            "temporarily_unavailable",
            "The request was rejected because too many requests were sent. Wait as long as Retry-After says.",
        ),
        401 => Refusal::new(
            7_000_215,
            401,
            "invalid_client",
            "Invalid client secret provided.",
        ),
        500 => Refusal::new(
            90_036,
            500,
            "server_error",
            "An unexpected, non-retryable error stemming from the directory service has occurred.",
        ),
        502.. => Refusal::new(
            90_033,
            status,
            "temporarily_unavailable",
            "A transient error has occurred. Please try again.",
        ),
        _ => Refusal::new(
            70_000,
            status,
            "invalid_grant",
            "Provided grant is invalid or malformed.",
        ),
    }
}
