//! Refusals about who asks: client, tenant, parameters, redirect URIs.

use jiff::Timestamp;

use super::Refusal;
use crate::guid::Guid;

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

/// `why` says the reason, the thumbprint and, if there is one, the key that was found.
pub(crate) fn assertion_key(app_id: Guid, why: &str) -> Refusal {
    Refusal::new(
        700_027,
        401,
        "invalid_client",
        format!(
            "Client assertion contains an invalid signature. [{why}, Please visit the portal or use Graph to see configured keys for app Id '{app_id}'.]"
        ),
    )
}

pub(crate) fn assertion_malformed(words: &str) -> Refusal {
    Refusal::new(50_027, 400, "invalid_request", words)
}

pub(crate) fn assertion_of_another() -> Refusal {
    Refusal::new(
        700_021,
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    )
}

pub(crate) fn assertion_audience() -> Refusal {
    Refusal::new(
        700_023,
        401,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer.",
    )
}

pub(crate) fn assertion_time(now: Timestamp, from: Timestamp, until: Timestamp) -> Refusal {
    let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string();
    Refusal::new(
        700_024,
        401,
        "invalid_client",
        format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}.",
            moment(now),
            moment(from),
            moment(until)
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
