//! Refusals about what is asked and by whom: scopes, consent, codes and tokens, people; and
//! trouble on demand.

use jiff::Timestamp;

use super::Refusal;
use crate::guid::Guid;

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

// Device codes.

pub(crate) fn authorization_pending() -> Refusal {
    Refusal::new(
        70_016,
        400,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    )
}

pub(crate) fn authorization_declined() -> Refusal {
    Refusal::new(
        65_004,
        400,
        "authorization_declined",
        "User declined to consent to access the app.",
    )
}

pub(crate) fn device_code_unknown() -> Refusal {
    Refusal::new(
        70_018,
        400,
        "bad_verification_code",
        "Invalid verification code. The 'device_code' is not one of this app's.",
    )
}

pub(crate) fn device_code_expired() -> Refusal {
    Refusal::new(
        70_020,
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    )
}

/// As the page says it to whoever typed the code.
pub(crate) fn user_code_unknown() -> Refusal {
    Refusal::new(
        70_018,
        400,
        "bad_verification_code",
        "That code didn't work. Check the code and try again.",
    )
}

/// As the page says it to whoever typed the code.
pub(crate) fn user_code_expired() -> Refusal {
    Refusal::new(
        70_019,
        400,
        "expired_token",
        "The code you entered has expired. Ask the app for a new one.",
    )
}

// On-behalf-of.

pub(crate) fn assertion_signature() -> Refusal {
    Refusal::new(
        50_013,
        400,
        "invalid_grant",
        "Assertion failed signature validation. [Reason - The key was not found.]",
    )
}

pub(crate) fn user_assertion_time(now: Timestamp, from: Timestamp, until: Timestamp) -> Refusal {
    let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Refusal::new(
        500_133,
        400,
        "invalid_grant",
        format!(
            "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token. Current time: {}, assertion valid from {}, expiry time of assertion {}.",
            moment(now),
            moment(from),
            moment(until)
        ),
    )
}

pub(crate) fn assertion_for_another(audience: &str, app_id: Guid) -> Refusal {
    Refusal::new(
        500_131,
        400,
        "invalid_grant",
        format!(
            "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '{audience}' and the expected audience is '{app_id}' or one of the Application Uris of this application."
        ),
    )
}

pub(crate) fn assertion_without_user(app_id: Guid) -> Refusal {
    Refusal::new(
        7_000_114,
        400,
        "invalid_grant",
        format!("Application '{app_id}' is not allowed to make application on-behalf-of calls."),
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

pub(crate) fn refresh_token_reused() -> Refusal {
    Refusal::new(
        70_000,
        400,
        "invalid_grant",
        "Provided grant is invalid or malformed: the refresh token was used before, or another one of its family was used twice.",
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
