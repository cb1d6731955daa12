//! Graph's refusals: code, status, words and the headers that go with them
//! (`entra-and-graph.md` §9).

use jiff::Timestamp;
use serde_json::{Value, json};

/// One refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Pairs of code and target.
    pub(crate) details: Vec<(&'static str, &'static str)>,
    /// Claims that a 401 demands.
    pub(crate) challenge: Option<Box<Value>>,
}

impl GraphError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> GraphError {
        GraphError {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
            challenge: None,
        }
    }

    /// The body of the answer.
    pub(crate) fn body(&self, date: &str, request_id: &str, client_request_id: &str) -> Value {
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": date,
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        });
        if !self.details.is_empty() {
            let details = self.details.iter();
            error["details"] = details
                .map(|(code, target)| json!({"code": code, "message": self.message, "target": target}))
                .collect();
        }
        json!({ "error": error })
    }
}

pub(crate) fn token_empty() -> GraphError {
    GraphError::new(401, "InvalidAuthenticationToken", "Access token is empty.")
}

pub(crate) fn token_malformed() -> GraphError {
    GraphError::new(
        401,
        "InvalidAuthenticationToken",
        "CompactToken parsing failed with error code: 80049217",
    )
}

pub(crate) fn token_invalid() -> GraphError {
    GraphError::new(
        401,
        "InvalidAuthenticationToken",
        "Access token validation failure.",
    )
}

pub(crate) fn token_expired() -> GraphError {
    GraphError::new(
        401,
        "InvalidAuthenticationToken",
        "Lifetime validation failed, the token is expired.",
    )
}

/// A token that is to be replaced by one issued after a revocation (continuous access evaluation).
pub(crate) fn token_revoked(valid_from: Timestamp) -> GraphError {
    let from = valid_from.as_second().to_string();
    let mut error = GraphError::new(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in claims challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
    );
    error.challenge = Some(Box::new(
        json!({"access_token": {"nbf": {"essential": true, "value": from}}}),
    ));
    error
}

pub(crate) fn wrong_audience() -> GraphError {
    GraphError::new(
        401,
        "InvalidAuthenticationToken",
        "Access token validation failure. Invalid audience.",
    )
}

pub(crate) fn denied() -> GraphError {
    GraphError::new(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
}

pub(crate) fn not_found(id: &str) -> GraphError {
    GraphError::new(
        404,
        "Request_ResourceNotFound",
        format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        ),
    )
}

pub(crate) fn app_only_me() -> GraphError {
    bad_request("/me request is only valid with delegated authentication flow.")
}

pub(crate) fn unknown_segment(segment: &str) -> GraphError {
    bad_request(format!("Resource not found for the segment '{segment}'."))
}

/// `BadRequest`: the request cannot be understood.
pub(crate) fn bad_request(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}

/// `Request_BadRequest`: a value is not possible.
pub(crate) fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "Request_BadRequest", message)
}

pub(crate) fn value_required(property: &str, resource: &str) -> GraphError {
    invalid(format!(
        "A value is required for property '{property}' of resource '{resource}'."
    ))
}

pub(crate) fn value_invalid(property: &str, resource: &str) -> GraphError {
    invalid(format!(
        "Invalid value specified for property '{property}' of resource '{resource}'."
    ))
}

pub(crate) fn name_taken() -> GraphError {
    GraphError {
        details: vec![("ObjectConflict", "userPrincipalName")],
        ..invalid(
            "Another object with the same value for property userPrincipalName already exists.",
        )
    }
}

pub(crate) fn object_conflict(message: impl Into<String>) -> GraphError {
    GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", message)
}

/// `Request_UnsupportedQuery`: a filter, sort or search that is not allowed.
pub(crate) fn unsupported_query(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "Request_UnsupportedQuery", message)
}

pub(crate) fn property_unknown(property: &str, resource: &str) -> GraphError {
    bad_request(format!(
        "Parsing OData Select and Expand failed: Could not find a property named '{property}' on type 'microsoft.graph.{resource}'."
    ))
}

pub(crate) fn page_token_expired() -> GraphError {
    GraphError::new(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    )
}

pub(crate) fn not_implemented() -> GraphError {
    GraphError::new(
        501,
        "NotImplemented",
        "This operation target is not yet supported.",
    )
}

pub(crate) fn wrong_method() -> GraphError {
    GraphError::new(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
    )
}

/// What Graph says when it is told to answer with a status and nothing more.
pub(crate) fn ordered(status: u16) -> GraphError {
    match status {
        401 => token_expired(),
        403 => denied(),
        404 => not_found("sandbox"),
        429 => GraphError::new(
            429,
            "TooManyRequests",
            "Too many requests. Wait as long as Retry-After says.",
        ),
        503 => GraphError::new(
            503,
            "serviceNotAvailable",
            "The service is temporarily unavailable.",
        ),
        504 => GraphError::new(
            504,
            "UnknownError",
            "The upstream service did not answer in time.",
        ),
        500.. => GraphError::new(
            status,
            "InternalServerError",
            "An internal server error occurred.",
        ),
        _ => GraphError {
            status,
            ..bad_request("The request was refused on demand.")
        },
    }
}
